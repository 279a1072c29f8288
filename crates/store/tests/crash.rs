//! The store survives what kills its process, and a disk that takes no more.
//!
//! The writer is this test binary itself, started again with `KEIZU_TEST_WRITER` set to the folder.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use common::{check, used};
use keizu_record::manifest::{Manifest, Member};
use keizu_record::{Digest, Group, RecordId};
use keizu_store::conformance::Random;
use keizu_store::objects::Folder;
use keizu_store::verify::verify_objects;
use keizu_store::{Objects, Read as _, Select, SqliteStore, Store};

const WRITER: &str = "KEIZU_TEST_WRITER";
const SEED: &str = "KEIZU_TEST_SEED";
const APPENDS: &str = "KEIZU_TEST_APPENDS";

fn store(folder: &Path) -> Result<(SqliteStore, Arc<dyn Objects>), keizu_store::Error> {
    let objects: Arc<dyn Objects> = Arc::new(Folder::new(folder.join("objects")));
    Ok((SqliteStore::create(folder, "crash", objects.clone())?, objects))
}

/// Appends until it is killed or fails, or as often as it is told. After each append that returned, its ids are written down.
#[test]
fn writer() {
    let Some(folder) = std::env::var_os(WRITER) else { return };
    let folder = Path::new(&folder);
    let mut random = Random(std::env::var(SEED).unwrap().parse().unwrap());
    let mut reported = OpenOptions::new().append(true).create(true).open(folder.with_extension("reported")).unwrap();
    let (mut store, objects) = store(folder).unwrap_or_else(|error| fail(folder, &error));
    let appends = std::env::var(APPENDS).map_or(usize::MAX, |text| text.parse().unwrap());
    for _ in 0..appends {
        let count = 1 + random.below(60);
        let mut records: Vec<_> = (0..count).map(|_| used(random.below(1 << 40))).collect();
        let member = Member { size: 1, digest: Digest::of(&random.number().to_be_bytes()) };
        let manifest = Manifest([("a".into(), member)].into());
        match objects.put_bytes(&manifest.encode()) {
            Ok(digest) => records.push(used(0).with_object(digest).with(Group::Fact, "members", 1)),
            Err(error) => fail(folder, &error),
        }
        match store.append(&mut |_| Ok(records.clone())) {
            Ok(receipt) => {
                let ids: Vec<u8> = receipt.ids.iter().flat_map(|id| *id.as_bytes()).collect();
                reported.write_all(&ids).unwrap();
            }
            Err(error) => fail(folder, &error),
        }
    }
}

fn fail(folder: &Path, error: &keizu_store::Error) -> ! {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let _ = fs::write(folder.with_extension("failed"), format!("{error}: {cause}"));
    std::process::exit(7);
}

fn start(mut command: Command, folder: &Path, seed: u64) -> Child {
    command.env(WRITER, folder).env(SEED, seed.to_string());
    command.args(["--exact", "writer", "--nocapture", "--test-threads=1"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn reported(folder: &Path) -> Vec<RecordId> {
    let bytes = fs::read(folder.with_extension("reported")).unwrap_or_default();
    bytes.chunks_exact(32).map(|id| RecordId::from_slice(id).unwrap()).collect()
}

/// All that was reported is there, nothing is half there; the number of entries.
fn assert_whole(folder: &Path) -> usize {
    let (mut store, objects) = store(folder).unwrap();
    let report = check(&store);
    assert!(report.is_intact(), "{report:#?}");
    let entries = store.select(&Select::default()).unwrap();
    assert_eq!(report.logs[0].intact, entries.len() as u64);
    let here: HashSet<RecordId> = entries.iter().map(|entry| entry.id).collect();
    assert!(reported(folder).iter().all(|id| here.contains(id)), "what was reported is there");
    for entry in entries.iter().filter(|entry| entry.record.fact("members").is_some()) {
        assert!(objects.has(&entry.record.artifact().unwrap()).unwrap(), "a manifest is durable before its record");
    }
    let contents = verify_objects(&*objects, &mut |_, _| {}).unwrap();
    assert_eq!(contents.faults, []);
    assert!(store.check_index().unwrap(), "the index is that of the log");
    entries.len()
}

/// `KEIZU_CRASH_ROUNDS=200` for the long run.
#[test]
fn kill_9_at_any_moment_loses_nothing_that_was_reported() {
    let rounds: u64 = std::env::var("KEIZU_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(50);
    let root = tempfile::tempdir().unwrap();
    let seed = u64::from_ne_bytes(std::array::from_fn(|_| RandomByte::next()));
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut sizes = BTreeSet::new();
    for round in 0..rounds {
        // a fresh folder now and then: the first steps of a store can be interrupted as well
        let folder = root.path().join((round / 5).to_string());
        let writers = 1 + random.below(2);
        let mut children: Vec<Child> =
            (0..writers).map(|n| start(Command::new(std::env::current_exe().unwrap()), &folder, seed ^ (round * 2 + n))).collect();
        let longest = if round % 5 == 0 { 40 } else { 250 };
        std::thread::sleep(Duration::from_micros(random.below(longest * 1000)));
        for child in &mut children {
            child.kill().unwrap();
        }
        for mut child in children {
            child.wait().unwrap();
        }
        assert!(!folder.with_extension("failed").exists(), "{}", fs::read_to_string(folder.with_extension("failed")).unwrap());
        sizes.insert(assert_whole(&folder));
    }
    assert!(sizes.len() > rounds as usize / 10, "the writers were killed at different moments: {sizes:?}");
}

#[test]
fn ten_processes_at_once_lose_nothing() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("k");
    let children: Vec<Child> = (0..10)
        .map(|n| {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.env(APPENDS, "8");
            start(command, &folder, n)
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success(), "{:?}", fs::read_to_string(folder.with_extension("failed")));
    }
    let ids = reported(&folder);
    assert_eq!(assert_whole(&folder), ids.len());
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    let (store, _) = store(&folder).unwrap();
    let log = &store.origins().unwrap()[0];
    assert_eq!(store.checkpoints(&log.name).unwrap().len(), 80);
}

/// A byte that differs from run to run, without a dependency.
struct RandomByte;

impl RandomByte {
    fn next() -> u8 {
        use std::hash::{BuildHasher as _, RandomState};
        RandomState::new().hash_one(0) as u8
    }
}

/// A limit on the size of files stands for a disk that is full: writes fail in the middle.
#[test]
fn a_disk_that_takes_no_more_leaves_the_record_whole() {
    let root = tempfile::tempdir().unwrap();
    let mut sizes = BTreeSet::new();
    for (round, blocks) in [8, 64, 100, 140, 230, 400, 900].into_iter().enumerate() {
        let folder = root.path().join(round.to_string());
        // a store that works, first, so that there is something to lose
        let (mut before, _) = store(&folder).unwrap();
        before.append(&mut |_| Ok(vec![used(1)])).unwrap();
        drop(before);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"]).arg(std::env::current_exe().unwrap());
        let status = start(command, &folder, round as u64).wait().unwrap();
        assert_eq!(status.code(), Some(7), "it fails, and is not killed");
        let said = fs::read_to_string(folder.with_extension("failed")).unwrap_or_default();
        assert!(said.contains(folder.to_str().unwrap()), "the failure names the file: {said}");
        sizes.insert(assert_whole(&folder));
    }
    assert!(sizes.len() > 2, "the limits were met at different moments: {sizes:?}");
}
