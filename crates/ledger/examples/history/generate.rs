//! A synthetic history, the same for the same shape: teams of many sizes, each with a chain of runs that read what was made before them in the team,
//! files that everybody reads, and folders that are read whole.
//!
//! ```text
//! raw ─► run ─► outputs ─► run ─► outputs ─► …        a team: each run goes on from the one before it, and reads recent outputs
//!          ▲                 ▲
//!        hubs (read everywhere)   folder of the first outputs of many runs ─► every so many runs reads it whole
//! ```

use std::collections::VecDeque;

use keizu_record::body::{ArtifactKind, Edge, Named, Role, RunBegan, RunEnded, Status};
use keizu_record::manifest::{Manifest, Member};
use keizu_record::{Authority, Digest, FilePath, Kind, Name, Record, RunId, Time};

/// What a history looks like.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// About so many vertices: runs, files that they wrote, and files that came from outside.
    pub nodes: u64,
    /// Links of a run: reads and writes.
    pub edges_per_run: u64,
    /// Of so many reads one is of a file that everybody reads.
    pub hub_every: u64,
    /// So many files are read by everybody.
    pub hubs: u64,
    /// Every so many runs of a team, one reads the folder of what was made before.
    pub folder_every: u64,
    /// Files of such a folder at most.
    pub folder_files: usize,
    /// Decides everything else.
    pub seed: u64,
}

/// Files that each run writes.
const OUTPUTS: u64 = 8;
/// Vertices that a run adds: itself, its files, one file from outside.
const NODES_PER_RUN: u64 = OUTPUTS + 2;
/// The teams whose sizes are known: an answer of more than 10,000 nodes, and one of more than 300,000.
pub const TEAMS: [u64; 2] = [11_500, 345_000];
/// How many runs back a run reads.
const WINDOW: usize = 48;
/// When the first run began.
pub const START: i64 = 1_700_000_000_000_000;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below the limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

#[derive(Clone, Copy)]
struct File {
    run: u64,
    output: u64,
    content: Digest,
}

#[derive(Default)]
struct Team {
    runs: u64,
    done: u64,
    recent: VecDeque<[File; OUTPUTS as usize]>,
    firsts: VecDeque<File>,
}

/// Makes the records of one run after the other.
pub struct Generator {
    shape: Shape,
    random: Random,
    teams: Vec<Team>,
    schedule: Vec<u32>,
    next: usize,
}

/// The records of one run, and manifests of folders that it read.
pub struct Step {
    /// In the order in which they are recorded.
    pub records: Vec<Record>,
    /// To be kept before the records are.
    pub manifests: Vec<Manifest>,
}

/// A content that stands for bytes nobody has.
pub fn content(kind: u8, a: u64, b: u64) -> Digest {
    let mut bytes = [0; 17];
    bytes[0] = kind;
    bytes[1..9].copy_from_slice(&a.to_be_bytes());
    bytes[9..].copy_from_slice(&b.to_be_bytes());
    Digest::of(&bytes)
}

/// The first file from outside of a team: what its first run read.
pub fn raw(team: u64, number: u64) -> Digest {
    content(b'r', team, number)
}

/// A file that a run of a team wrote.
pub fn output(team: u64, run: u64, output: u64) -> Digest {
    content(b'o', team << 3 | output, run)
}

/// A file that everybody reads.
pub fn hub(number: u64) -> Digest {
    content(b'h', number, 0)
}

/// The run of a team.
pub fn run_id(team: u64, number: u64) -> RunId {
    let digest = content(b'x', team, number);
    RunId::from_slice(&digest.as_bytes()[..16]).expect("invariant: 16 bytes")
}

impl Generator {
    /// Of a shape.
    pub fn new(shape: Shape) -> Self {
        let mut random = Random(shape.seed);
        let mut teams = Vec::new();
        let (mut left, mut wanted) = (shape.nodes / NODES_PER_RUN, TEAMS.iter().map(|nodes| nodes / NODES_PER_RUN));
        while left > 0 {
            // sizes spread evenly over the powers of two between 100 nodes and 200,000
            let drawn = 10 << random.below(11);
            let runs = wanted.next().unwrap_or(drawn + random.below(drawn)).min(left);
            teams.push(Team { runs, ..Team::default() });
            left -= runs;
        }
        let mut schedule: Vec<u32> =
            teams.iter().enumerate().flat_map(|(at, team)| std::iter::repeat_n(at as u32, team.runs as usize)).collect();
        for at in (1..schedule.len()).rev() {
            schedule.swap(at, random.below(at as u64 + 1) as usize);
        }
        Self { shape, random, teams, schedule, next: 0 }
    }

    /// The records of a run that comes after all: it reads what the last runs of the first team wrote.
    pub fn one_more(mut self, number: u64) -> Step {
        let made = |own: u64| std::array::from_fn(|at| File { run: own, output: at as u64, content: output(0, own, at as u64) });
        let team = &mut self.teams[0];
        team.recent = (team.runs.saturating_sub(WINDOW as u64)..team.runs).map(made).collect();
        team.done = team.runs + number;
        self.step(self.schedule.len() as u64 + number, 0)
    }

    /// How many runs there will be.
    pub fn runs(&self) -> usize {
        self.schedule.len()
    }

    /// Runs of a team.
    pub fn team(&self, team: usize) -> Option<u64> {
        self.teams.get(team).map(|team| team.runs)
    }

    fn step(&mut self, number: u64, team: u64) -> Step {
        let at = START + number as i64 * 60_000_000;
        let project = format!("team-{team}");
        let own = self.teams[team as usize].done;
        let run = run_id(team, own);
        let recorded = Time(at + 50_000_000);
        let mut step = Step { records: vec![began(run, &project, own, at).to_record(recorded)], manifests: Vec::new() };
        let edge = |path: FilePath, digest: Digest, offset: i64| edge(run, &project, path, digest, at + offset);
        let reads = self.shape.edges_per_run.saturating_sub(OUTPUTS).max(1);
        for (count, (path, digest)) in self.reads(team, own, reads).into_iter().enumerate() {
            step.records.push(edge(path, digest, 1_000 + count as i64).to_record(Kind::Used, recorded));
        }
        if let Some(manifest) = self.folder(team, own) {
            let folder = Edge {
                members: Some(manifest.0.len() as u64),
                size: Some(manifest.size()),
                ..edge("first/".into(), manifest.digest(), 900)
            };
            step.records.push(folder.to_record(Kind::Used, recorded));
            step.manifests.push(manifest);
        }
        let made = std::array::from_fn(|output| {
            let again = output == 7 && own > 0 && number.is_multiple_of(50);
            let written = if again { own - 1 } else { own };
            File { run: own, output: output as u64, content: self::output(team, written, output as u64) }
        });
        for file in &made {
            let kind = if file.output == 1 { ArtifactKind::Model } else { ArtifactKind::Data };
            let made = Edge { kind, role: Role::Output, ..edge(path(file), file.content, 40_000_000 + file.output as i64) };
            step.records.push(made.to_record(Kind::Made, recorded));
        }
        if own.is_multiple_of(16) {
            step.records.push(named(&project, run, own / 16 + 1, made[1].content, path(&made[1]), at).to_record(recorded));
        }
        step.records.push(ended(run, at).to_record(recorded));
        let team = &mut self.teams[team as usize];
        team.done += 1;
        team.firsts.push_back(made[0]);
        team.recent.push_back(made);
        if team.recent.len() > WINDOW {
            team.recent.pop_front();
        }
        if team.firsts.len() > self.shape.folder_files {
            team.firsts.pop_front();
        }
        step
    }

    /// The run before it, one file from outside, hubs, and recent outputs.
    fn reads(&mut self, team: u64, own: u64, count: u64) -> Vec<(FilePath, Digest)> {
        let (random, recent) = (&mut self.random, &self.teams[team as usize].recent);
        let mut reads = vec![(FilePath::from(format!("raw/{own}.csv").as_str()), raw(team, own))];
        if let Some(last) = recent.back() {
            reads.push((path(&last[0]), last[0].content));
        }
        while (reads.len() as u64) < count {
            if random.below(self.shape.hub_every) == 0 || recent.is_empty() {
                let number = random.below(self.shape.hubs);
                reads.push((FilePath::from(format!("shared/{number}.csv").as_str()), hub(number)));
            } else {
                let file = recent[random.below(recent.len() as u64) as usize][random.below(OUTPUTS) as usize];
                reads.push((path(&file), file.content));
            }
        }
        // nobody reads the same file twice
        reads.sort();
        reads.dedup();
        reads
    }

    fn folder(&self, team: u64, own: u64) -> Option<Manifest> {
        let due = own > 0 && own.is_multiple_of(self.shape.folder_every);
        let member = |file: &File| (FilePath::from(format!("{}.csv", file.run).as_str()), Member { size: 4_096, digest: file.content });
        due.then(|| Manifest(self.teams[team as usize].firsts.iter().map(member).collect()))
    }
}

impl Iterator for Generator {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let team = *self.schedule.get(self.next)?;
        self.next += 1;
        Some(self.step(self.next as u64 - 1, u64::from(team)))
    }
}

/// The first output of a run lies in the folder that is read whole.
fn path(file: &File) -> FilePath {
    match file.output {
        0 => FilePath::from(format!("first/{}.csv", file.run).as_str()),
        1 => FilePath::from(format!("models/{}.joblib", file.run).as_str()),
        output => FilePath::from(format!("out/{}/{output}.csv", file.run).as_str()),
    }
}

/// A read of a file, seen.
pub fn edge(run: RunId, project: &str, path: FilePath, digest: Digest, at: i64) -> Edge {
    Edge {
        run,
        at: Time(at),
        authority: Authority::Observed,
        rule: None,
        project: project.to_owned(),
        path,
        target: None,
        content: Some(digest),
        size: Some(4_096),
        members: None,
        kind: ArtifactKind::Data,
        role: Role::Input,
        format: None,
        sha256: None,
        changed: None,
        unseen: None,
        unchanged: false,
        removed: false,
    }
}

/// The beginning of a run.
pub fn began(run: RunId, project: &str, number: u64, at: i64) -> RunBegan {
    RunBegan {
        run,
        at: Time(at),
        project: project.to_owned(),
        root: FilePath::from(format!("/srv/{project}").as_str()),
        name: None,
        command: vec![b"python".to_vec(), b"step.py".to_vec(), number.to_string().into_bytes()],
        cwd: FilePath::default(),
        user: "aki".into(),
        host: "node-1".into(),
        pid: 4_242,
        git: None,
        parent: None,
    }
}

/// Its end.
pub fn ended(run: RunId, at: i64) -> RunEnded {
    RunEnded {
        run,
        at: Time(at + 45_000_000),
        status: Status::Finished,
        exit_code: Some(0),
        signal: None,
        account: None,
        coverage: 1.0,
        blind: Vec::new(),
    }
}

/// A version of the project's model.
pub fn named(project: &str, run: RunId, version: u64, content: Digest, path: FilePath, at: i64) -> Named {
    Named {
        name: Name::Model(project.to_owned()),
        at: Time(at + 41_000_000),
        authority: Authority::Declared,
        rule: None,
        content: Some(content),
        version: Some(version),
        run: Some(run),
        project: project.to_owned(),
        path: Some(path),
        kind: ArtifactKind::Model,
        size: Some(4_096),
        members: None,
        note: None,
    }
}
