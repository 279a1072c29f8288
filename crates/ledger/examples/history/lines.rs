//! The index of a history alone, fed with lines as a store would feed it, without a store: for sizes that would take a disk.
//!
//! The shape is that of the generator, but for its folders: one run after the other in each team, hubs, recent outputs.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::Instant;

use keizu_graph::{Direction, Index, Outline, Source};
use keizu_record::body::{ArtifactKind, Role};
use keizu_record::brief::{Brief, Line};
use keizu_record::manifest::Membership;
use keizu_record::{Authority, Digest, Entry, Kind, NodeId, Side, Time};
use serde_json::json;

use crate::generate::{Random, Shape, TEAMS};
use crate::measure::{memory, timed};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const OUTPUTS: u64 = 8;
const NODES_PER_RUN: u64 = OUTPUTS + 2;
/// Numbers of a run: itself, a file from outside and its place, outputs and their places.
const NUMBERS_PER_RUN: u64 = 3 + 2 * OUTPUTS;
const WINDOW: u64 = 48;

/// Lines made as they are asked for: nothing is held.
struct Lines {
    shape: Shape,
    /// Teams: the first run, and how many.
    teams: Vec<(u64, u64)>,
    runs: u64,
}

impl Lines {
    fn new(shape: Shape) -> Self {
        let runs = shape.nodes / NODES_PER_RUN;
        let (mut random, mut teams, mut first) = (Random(shape.seed), Vec::new(), 0);
        let mut wanted = TEAMS.iter().map(|nodes| nodes / NODES_PER_RUN);
        while first < runs {
            let drawn = 10 << random.below(11);
            let count = wanted.next().unwrap_or(drawn + random.below(drawn)).min(runs - first);
            teams.push((first, count));
            first += count;
        }
        Self { shape, teams, runs }
    }

    /// Links of a run, as lines from a position on; gives the next position.
    fn run(&self, team: usize, own: u64, position: u64, visit: &mut dyn FnMut(&Line)) -> u64 {
        let (first, _) = self.teams[team];
        let base = |own: u64| (first + own) * NUMBERS_PER_RUN;
        let at = (first + own) as i64 * 60_000_000;
        let mut next = position;
        let mut line = |kind: Kind, object: Option<u64>, place: Option<u64>, offset: i64| {
            let number = |number: u64| u32::try_from(number).expect("invariant: fewer than 2^32 nodes");
            let (subject, project) = (number(base(own)), object.map(|_| team as u32));
            let brief = Brief { content: object.is_some(), edge: object.is_some(), ..BRIEF };
            let happened = Time(at + offset);
            visit(&Line { position: next, kind, subject, object: object.map(number), place: place.map(number), project, happened, brief });
            next += 1;
        };
        line(Kind::RunBegan, None, None, 0);
        line(Kind::Used, Some(base(own) + 1), Some(base(own) + 2), 1);
        let mut random = Random(self.shape.seed ^ (first + own).wrapping_mul(0x9e37_79b9));
        let reads = self.shape.edges_per_run.saturating_sub(OUTPUTS).max(1);
        let hubs = self.runs * NUMBERS_PER_RUN;
        for read in 1..reads {
            let (object, place) = if own == 0 || random.below(self.shape.hub_every) == 0 {
                let hub = random.below(self.shape.hubs);
                (hubs + hub, hubs + self.shape.hubs * (1 + team as u64) + hub)
            } else {
                let back = if read == 1 { 1 } else { 1 + random.below(own.min(WINDOW)) };
                let output = if read == 1 { 0 } else { random.below(OUTPUTS) };
                (base(own - back) + 3 + output, base(own - back) + 3 + OUTPUTS + output)
            };
            line(Kind::Used, Some(object), Some(place), 1 + read as i64);
        }
        for output in 0..OUTPUTS {
            line(Kind::Made, Some(base(own) + 3 + output), Some(base(own) + 3 + OUTPUTS + output), 40_000_000 + output as i64);
        }
        line(Kind::RunEnded, None, None, 45_000_000);
        next
    }

    fn lines_per_run(&self) -> u64 {
        2 + self.shape.edges_per_run.saturating_sub(OUTPUTS).max(1) + OUTPUTS
    }

    /// The position of the last output 0 of a team.
    fn last_output(&self, team: usize) -> u64 {
        let (first, runs) = self.teams[team];
        1 + (first + runs) * self.lines_per_run() - 1 - OUTPUTS
    }

    /// The position of the first output 0 of a team.
    fn first_output(&self, team: usize) -> u64 {
        let (first, _) = self.teams[team];
        1 + (first + 1) * self.lines_per_run() - 1 - OUTPUTS
    }
}

const BRIEF: Brief = Brief {
    role: Some(Role::Input),
    artifact: ArtifactKind::Data,
    authority: Authority::Observed,
    size_bits: 13,
    absolute: false,
    target: false,
    collection: false,
    edge: false,
    reading: false,
    mends: false,
    kin: false,
    content: false,
};

impl Source for Lines {
    type Error = Infallible;

    fn select(&self, _: Side, _: &[NodeId], _: &[Kind]) -> Result<Vec<Entry>, Infallible> {
        Ok(Vec::new())
    }

    fn collections_of(&self, _: &[Digest]) -> Result<Vec<Membership>, Infallible> {
        Ok(Vec::new())
    }

    fn members_of(&self, _: &[Digest]) -> Result<Vec<Membership>, Infallible> {
        Ok(Vec::new())
    }
}

impl Outline for Lines {
    fn lines(&self, _: u64, visit: &mut dyn FnMut(&Line)) -> Result<(), Infallible> {
        let mut position = 1;
        for (team, (_, runs)) in self.teams.iter().enumerate() {
            for own in 0..*runs {
                position = self.run(team, own, position, visit);
            }
        }
        Ok(())
    }

    fn held(&self, _: &mut dyn FnMut(u32)) -> Result<(), Infallible> {
        Ok(())
    }

    fn numbers(&self, nodes: &[NodeId]) -> Result<Vec<Option<u32>>, Infallible> {
        Ok(vec![None; nodes.len()])
    }

    fn numbered(&self, numbers: &[u32]) -> Result<Vec<Option<NodeId>>, Infallible> {
        Ok(vec![None; numbers.len()])
    }

    fn at(&self, _: &[u64]) -> Result<Vec<Entry>, Infallible> {
        Ok(Vec::new())
    }
}

/// Builds, asks, and prints one JSON object.
pub fn measure(shape: Shape) -> Outcome<()> {
    let lines = Lines::new(shape);
    let scan = Instant::now();
    let mut count = 0_u64;
    let Ok(()) = lines.lines(1, &mut |_| count += 1);
    let scan = scan.elapsed().as_secs_f64();
    let before = memory("VmRSS:");
    let clock = Instant::now();
    let Ok(index) = Index::build(&lines);
    let built = clock.elapsed().as_secs_f64();
    let ask = |position: u64, direction: Direction| -> Outcome<serde_json::Value> {
        let from = [index.write(position).ok_or("there is no such vertex")?];
        let mut hits = Vec::new();
        let (reach, ()) = timed(|| {
            hits.clear();
            index.reach(&from, direction, &mut |id, _| {
                hits.push(id);
                ControlFlow::Continue(())
            });
        });
        Ok(json!({ "hits": hits.len(), "reach_ms": reach }))
    };
    let out = json!({
        "entries": count,
        "vertices": index.len(),
        "links": index.links(),
        "lines_s": scan,
        "build_s": built,
        "index_bytes": index.bytes(),
        "resident_before": before,
        "resident_peak": memory("VmHWM:"),
        "resident_after": memory("VmRSS:"),
        "closure": ask(lines.last_output(0), Direction::Up)?,
        "impact": ask(lines.first_output(1.min(lines.teams.len() - 1)), Direction::Down)?,
    });
    println!("{}", serde_json::to_string_pretty(&out)?);
    Ok(())
}
