//! A wide and shallow history: what one training stands on, in few generations of many files. Its model's tree holds nearly all of it,
//! so it is what a page has to draw that shows everything.
//!
//! ```text
//! raw ─► run ─► outputs ─► run ─► … ─► outputs ─► one training, which reads all that is left ─► model
//!  └──────────────────────► (some reads reach back two or three generations)   code: one file a generation, read by all its runs
//! ```

use keizu_record::body::{ArtifactKind, Edge, Role};
use keizu_record::{FilePath, Kind, Record, Time};

use crate::generate::{Random, START, Step, began, content, edge, ended, named, run_id};

/// The project, and the name of the model.
pub const NAME: &str = "wide";
/// Generations of runs before the training.
const GENERATIONS: u64 = 11;
/// A run reads what lies near its own place: so many places away at most.
const NEAR: u64 = 6;
/// One in so many reads is doubled by one of a generation further back.
const BACK_EVERY: u64 = 6;

/// The steps of a history of about so many nodes.
pub fn steps(nodes: u64, seed: u64) -> impl Iterator<Item = Step> {
    // a generation: `files` files, half as many runs, its code
    let files = ((nodes - GENERATIONS) * 2 / (3 * GENERATIONS + 2)).max(2);
    let runs = files.div_ceil(2);
    let mut random = Random(seed);
    let (mut number, mut all) = (0, Vec::new());
    for generation in 1..=GENERATIONS {
        let mut reads: Vec<Vec<(u64, u64)>> = vec![Vec::new(); runs as usize];
        for file in 0..files {
            let place = (file / 2 + random.below(2 * NEAR + 1)).saturating_sub(NEAR).min(runs - 1);
            reads[place as usize].push((generation - 1, file));
            if random.below(BACK_EVERY) == 0 && generation > 2 {
                reads[place as usize].push((generation - 2 - random.below(2).min(generation - 3), file));
            }
        }
        for (own, mut read) in reads.into_iter().enumerate() {
            let own = own as u64;
            if read.is_empty() {
                read.push((generation - 1, (own * 2).min(files - 1)));
            }
            let written = (own * 2..(own * 2 + 2).min(files)).map(|file| (generation, file)).collect();
            all.push((number, generation, read, written));
            number += 1;
        }
    }
    let last = (0..files).map(|file| (GENERATIONS, file)).collect();
    all.push((number, GENERATIONS + 1, last, Vec::new()));
    all.into_iter().map(|(number, generation, reads, writes)| step(number, generation, &reads, &writes))
}

fn path((generation, file): (u64, u64)) -> FilePath {
    FilePath::from(format!("{}/{file}.parquet", if generation == 0 { "raw".to_owned() } else { format!("g{generation}") }).as_str())
}

fn step(number: u64, generation: u64, reads: &[(u64, u64)], writes: &[(u64, u64)]) -> Step {
    let at = START + number as i64 * 60_000_000;
    let run = run_id(u64::MAX, number);
    let recorded = Time(at + 50_000_000);
    let mut records: Vec<Record> = vec![began(run, NAME, number, at).to_record(recorded)];
    let one = |path, digest, offset: i64| edge(run, NAME, path, digest, at + offset);
    let code = one(format!("step{generation}.py").as_str().into(), content(b'c', generation, 0), 900);
    records.push(Edge { kind: ArtifactKind::Code, role: Role::Code, ..code }.to_record(Kind::Used, recorded));
    let mut reads = reads.to_vec();
    reads.sort_unstable();
    reads.dedup();
    for (count, read) in reads.iter().enumerate() {
        records.push(one(path(*read), content(b'w', read.0, read.1), 1_000 + count as i64).to_record(Kind::Used, recorded));
    }
    for (count, file) in writes.iter().enumerate() {
        let made = one(path(*file), content(b'w', file.0, file.1), 40_000_000 + count as i64);
        records.push(Edge { role: Role::Output, ..made }.to_record(Kind::Made, recorded));
    }
    if writes.is_empty() {
        let (path, digest) = (FilePath::from("model.joblib"), content(b'm', 0, 0));
        let made = one(path.clone(), digest, 40_000_000);
        let model = Edge { kind: ArtifactKind::Model, role: Role::Output, ..made };
        records.push(model.to_record(Kind::Made, recorded));
        records.push(named(NAME, run, 1, digest, path, at).to_record(recorded));
    }
    records.push(ended(run, at).to_record(recorded));
    Step { records, manifests: Vec::new() }
}
