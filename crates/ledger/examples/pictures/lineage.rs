//! Lineage that never was: generations of files, each made by runs from files of the generation before.

use keizu_graph::picture::Kin;
use keizu_graph::{ArtifactNode, Detail, Link, LinkKind, Node, RunNode, Vertex};
use keizu_record::body::{ArtifactKind, Role, Status};
use keizu_record::{Authority, Digest, FilePath, RecordId, RunId, Time};

/// Generations of files: 25 layers.
const GENERATIONS: usize = 13;
const DAY: i64 = 86_400_000_000;
const FIRST: i64 = 1_767_225_600_000_000;

/// The same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count.max(1)
    }
}

/// About so many things, all of which made one model.
pub fn lineage(size: usize) -> Kin {
    let mut dice = Dice(7);
    let mut kin = Kin::default();
    let mut above = vec![artifact(&mut kin, ArtifactKind::Model, "models/delay.joblib", FIRST + GENERATIONS as i64 * DAY, 14_200_000)];
    kin.roots = vec![0];
    let mut generation = 1;
    while kin.nodes.len() < size {
        let width = (size * 6 / 10 / GENERATIONS).max(2).min(4_usize.saturating_pow(generation)).min(size - kin.nodes.len());
        let at = FIRST + (GENERATIONS as i64 - i64::from(generation).min(GENERATIONS as i64)) * DAY;
        let files: Vec<usize> = (0..width)
            .map(|number| {
                let (kind, name) = match dice.below(12) {
                    0 => (ArtifactKind::Config, format!("conf/{generation}/{number}.yaml")),
                    1 => (ArtifactKind::Code, format!("src/step{generation}_{number}.py")),
                    _ => (ArtifactKind::Data, format!("stage{generation}/part-{number:05}.parquet")),
                };
                let size = 1_000 + dice.below(40_000_000) as u64;
                artifact(&mut kin, kind, &name, at + number as i64, size)
            })
            .collect();
        let mut fed = vec![false; files.len()];
        let mut made = 0;
        while made < above.len() {
            // not all of them were made by a run that was seen
            let outputs = (1 + dice.below(2)).min(above.len() - made);
            let seen = generation == 1 || dice.below(10) > 0;
            if seen {
                let run = run(&mut kin, generation, made, at + DAY / 2 + made as i64);
                above[made..made + outputs].iter().for_each(|output| link(&mut kin, run, *output, true));
                let middle = made * files.len() / above.len();
                for _ in 0..1 + dice.below(3) {
                    let near = (middle + dice.below(7)).min(files.len() - 1);
                    if !std::mem::replace(&mut fed[near], true) || dice.below(3) == 0 {
                        link(&mut kin, files[near], run, false);
                    }
                }
                let rest =
                    (middle..((made + outputs) * files.len() / above.len()).max(middle + 1).min(files.len())).filter(|file| !fed[*file]);
                rest.collect::<Vec<_>>().into_iter().for_each(|file| {
                    fed[file] = true;
                    link(&mut kin, files[file], run, false);
                });
            }
            made += outputs;
        }
        above = files;
        generation += 1;
    }
    kin.edges.sort();
    kin.edges.dedup();
    kin
}

/// One more: a run that reads the model.
pub fn grow(kin: &mut Kin) {
    let run = run(kin, 0, kin.nodes.len(), FIRST + (GENERATIONS as i64 + 1) * DAY);
    link(kin, 0, run, false);
    kin.edges.sort();
}

fn artifact(kin: &mut Kin, kind: ArtifactKind, path: &str, at: i64, size: u64) -> usize {
    let digest = Digest::of(path.as_bytes());
    let vertex = Vertex::Write(RecordId::new(*digest.as_bytes()));
    let found = ArtifactNode {
        kind,
        role: Some(Role::Output),
        digest: Some(digest),
        sha256: None,
        project: "made-up".into(),
        path: Some(FilePath::from(path)),
        size: Some(size),
        members: None,
        format: None,
        package: None,
        unseen: None,
        unchanged: false,
        removed: false,
        versions: if kind == ArtifactKind::Model { vec!["model:delay@v12".into()] } else { Vec::new() },
        aliases: Vec::new(),
        authority: Some(Authority::Observed),
    };
    push(kin, vertex, path, at, Detail::Artifact(Box::new(found)))
}

fn run(kin: &mut Kin, generation: u32, number: usize, at: i64) -> usize {
    let id = Digest::of(format!("{generation} {number}").as_bytes());
    let run = RunId::new(id.as_bytes()[..16].try_into().expect("invariant: a digest has 32 bytes"));
    let command = format!("python step{generation}.py --part {number}");
    let found = RunNode {
        command: command.split(' ').map(|word| word.as_bytes().to_vec()).collect(),
        status: Some(Status::Finished),
        exit_code: Some(0),
        began: Some(Time(at)),
        ended: Some(Time(at + 42_000_000)),
        ..RunNode::default()
    };
    push(kin, Vertex::Run(run), &run.to_string(), at, Detail::Run(Box::new(found)))
}

fn push(kin: &mut Kin, vertex: Vertex, name: &str, at: i64, detail: Detail) -> usize {
    kin.nodes.push(Node { id: vertex.to_string(), vertex, name: name.to_owned(), at: Some(Time(at)), hidden: false, detail });
    kin.nodes.len() - 1
}

fn link(kin: &mut Kin, from: usize, to: usize, made: bool) {
    let artifact = if made { to } else { from };
    let kind = kin.nodes[artifact].artifact().map(|artifact| artifact.kind);
    let role = match kind {
        _ if made => Role::Output,
        Some(ArtifactKind::Code) => Role::Code,
        Some(ArtifactKind::Config) => Role::Config,
        _ => Role::Input,
    };
    let authority = if (from + to).is_multiple_of(97) { Authority::Declared } else { Authority::Observed };
    let kind_of = if made { LinkKind::Made } else { LinkKind::Used };
    kin.edges.push(Link {
        from,
        to,
        kind: kind_of,
        role: Some(role),
        artifact: kind,
        authority,
        rule: None,
        relation: None,
        changed: None,
    });
}
