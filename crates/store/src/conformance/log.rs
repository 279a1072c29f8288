//! The log: appending, order, checkpoints, proofs.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use keizu_record::merkle::{consistency_proof, inclusion_proof, leaf, root, verify_consistency, verify_inclusion};
use keizu_record::seal::FIELD_BYTES_MAX;
use keizu_record::{Group, Hash, Kind, Record, RunId, Sealed, Time};

use super::model::{Random, artifact};
use super::{Model, Subject};
use crate::verify::{Against, verify};
use crate::{Error, Origin, RawEntry, Receipt, Select, Store};

/// The own log.
pub(super) fn own(store: &dyn Store) -> Origin {
    let mut own = store.origins().expect("origins").into_iter().filter(|origin| origin.own);
    let first = own.next().expect("a store has a log of its own");
    assert_eq!(own.next(), None, "and only one");
    first
}

/// Appends these records, which do not depend on anything.
pub(super) fn put(store: &mut dyn Store, records: &[Record]) -> Receipt {
    store.append(&mut |_| Ok(records.to_vec())).expect("append")
}

/// A small record with a number in it.
pub(super) fn numbered(n: u64) -> Record {
    Record::new(Kind::Used, RunId::new([1; 16]), Time(n as i64), Time(n as i64)).with_object(artifact(n)).with(Group::Param, "n", n as i64)
}

pub(super) fn everything(store: &dyn Store) -> Vec<keizu_record::Entry> {
    store.select(&Select::default()).expect("select")
}

fn raw(store: &dyn Store, from: u64) -> Vec<RawEntry> {
    let mut all = Vec::new();
    let visit = &mut |entry| {
        all.push(entry);
        ControlFlow::Continue(())
    };
    store.log(&own(store).name, from, visit).expect("log");
    all
}

/// Before the first append.
pub fn an_empty_store_has_an_empty_log(subject: &dyn Subject) {
    let store = subject.open();
    assert_eq!(own(&*store).size, 0);
    assert_eq!(everything(&*store), []);
    assert_eq!(raw(&*store, 0), []);
    assert!(store.checkpoints(&own(&*store).name).expect("checkpoints").is_empty());
    assert!(verify(&*store, &Against::default(), &mut |_| {}).expect("verify").is_intact());
}

/// Records come back as they were, with their ids and places, and in order.
pub fn what_is_appended_is_read(subject: &dyn Subject) {
    let mut store = subject.open();
    let (mut model, mut random) = (Model::default(), Random(1));
    let origin = own(&*store).name;
    for count in [1, 3, 10, 1, 40] {
        let records: Vec<Record> = (0..count).map(|_| random.record()).collect();
        let receipt = put(&mut *store, &records);
        model.append(&origin, &records, &receipt);
        assert_eq!(everything(&*store), model.entries);
    }
    let ids: BTreeSet<_> = model.entries.iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), model.entries.len(), "ids differ, even of equal records");
    let twice = put(&mut *store, &[numbered(1), numbered(1)]);
    assert_ne!(twice.ids[0], twice.ids[1], "each record has a secret of its own");
    assert_eq!(own(&*store).size, 57);
}

/// Each append leaves a signed checkpoint over the whole log, to which proofs lead.
pub fn every_append_is_checkpointed_and_proved(subject: &dyn Subject) {
    let mut store = subject.open();
    let mut random = Random(2);
    let mut notes = Vec::new();
    for count in [1, 1, 2, 5, 8, 3] {
        let records: Vec<Record> = (0..count).map(|_| random.record()).collect();
        notes.push(put(&mut *store, &records).checkpoint);
    }
    let log = own(&*store);
    assert_eq!(store.checkpoints(&log.name).expect("checkpoints"), notes);
    let leaves: Vec<Hash> = raw(&*store, 0).iter().map(|entry| leaf(&entry.id)).collect();
    let whole = root(&leaves);
    let mut sizes = Vec::new();
    for note in &notes {
        let checkpoint = log.key.open(note).expect("a signed note");
        let old = checkpoint.size as usize;
        assert_eq!((&*checkpoint.origin, checkpoint.root), (&*log.name, root(&leaves[..old])));
        let proof = consistency_proof(&leaves, old);
        assert!(verify_consistency(checkpoint.size, &checkpoint.root, 20, &whole, &proof));
        sizes.push(old);
    }
    assert_eq!(sizes, [1, 2, 4, 9, 17, 20]);
    for (index, hash) in leaves.iter().enumerate() {
        assert!(verify_inclusion(hash, index as u64, 20, &inclusion_proof(&leaves, index), &whole));
    }
    for (entry, indexed) in raw(&*store, 0).iter().zip(everything(&*store)) {
        let sealed = Sealed::decode(&entry.bytes).expect("its bytes");
        assert_eq!((sealed.id, sealed.id, &sealed.record), (entry.id, indexed.id, &indexed.record));
    }
    let report = verify(&*store, &Against { keys: vec![log.key], ..Against::default() }, &mut |_| {}).expect("verify");
    assert!(report.is_intact(), "{report:?}");
    assert_eq!(report.logs[0].intact, 20);
}

/// From the middle, and not to the end.
pub fn a_log_is_read_from_any_place(subject: &dyn Subject) {
    let mut store = subject.open();
    put(&mut *store, &(0..9).map(numbered).collect::<Vec<_>>());
    let all = raw(&*store, 0);
    assert_eq!(all.iter().map(|entry| entry.index).collect::<Vec<_>>(), (0..9).collect::<Vec<_>>());
    for from in 0..11 {
        assert_eq!(raw(&*store, from), all[all.len().min(from as usize)..]);
    }
    let mut seen = 0;
    let visit = &mut |_| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    store.log(&own(&*store).name, 2, visit).expect("log");
    assert_eq!(seen, 3);
    assert!(raw(&*store, u64::MAX).is_empty());
    store.log("no such log", 0, &mut |_| panic!("an entry of no log")).expect("an unknown log is empty");
}

/// A draft reads the state that it will follow.
pub fn a_draft_sees_what_it_is_appended_to(subject: &dyn Subject) {
    let mut store = subject.open();
    for n in 0..5u64 {
        let receipt = store.append(&mut |read| {
            let newest = read.select(&Select { newest_first: true, limit: Some(1), ..Select::default() })?;
            let next = newest.first().map_or(0, |entry| entry.position);
            assert_eq!(read.nodes(&[1], &[2], 100)?.len() as u64, n);
            Ok(vec![numbered(next)])
        });
        assert_eq!(receipt.expect("append").size, n + 1);
    }
    let numbers: Vec<_> = everything(&*store).into_iter().map(|entry| entry.record).collect();
    assert_eq!(numbers, (0..5).map(numbered).collect::<Vec<_>>());
}

/// All or nothing, and the failure comes back.
pub fn a_failed_draft_leaves_nothing(subject: &dyn Subject) {
    let mut store = subject.open();
    put(&mut *store, &[numbered(0)]);
    let before = everything(&*store);
    let error = store.append(&mut |_| Err(Error::draft("the rules say no"))).expect_err("the draft failed");
    assert_eq!(error.to_string(), "the rules say no");
    let handle = subject.open();
    for store in [&*store, &*handle] {
        assert_eq!(everything(store), before);
        assert_eq!(store.checkpoints(&own(store).name).expect("checkpoints").len(), 1);
    }
    assert_eq!(put(&mut *store, &[numbered(1)]).size, 2);
}

/// Nothing to say is not an error, and no checkpoint.
pub fn an_empty_draft_writes_nothing(subject: &dyn Subject) {
    let mut store = subject.open();
    let empty = put(&mut *store, &[]);
    assert_eq!((empty.size, empty.ids.len()), (0, 0));
    let full = put(&mut *store, &[numbered(0)]);
    let again = put(&mut *store, &[]);
    assert_eq!((again.size, again.checkpoint), (1, full.checkpoint));
    assert_eq!(store.checkpoints(&own(&*store).name).expect("checkpoints").len(), 1);
}

/// The last of three records is too long: none is kept.
pub fn what_cannot_be_sealed_leaves_nothing(subject: &dyn Subject) {
    let mut store = subject.open();
    let long = numbered(2).with(Group::Tag, "note", "x".repeat(FIELD_BYTES_MAX));
    let error = store.append(&mut |_| Ok(vec![numbered(0), numbered(1), long.clone()])).expect_err("too long");
    assert!(error.to_string().contains("note"), "{error}");
    assert_eq!(everything(&*store), []);
    assert!(store.nodes(&[], &[255], 10).expect("nodes").is_empty());
    assert_eq!(put(&mut *store, &[numbered(0)]).size, 1);
}

/// What one handle appends, the other reads.
pub fn handles_see_each_other(subject: &dyn Subject) {
    let (mut one, mut other) = (subject.open(), subject.open());
    for n in 0..6 {
        put(&mut *one, &[numbered(n)]);
        std::mem::swap(&mut one, &mut other);
        assert_eq!(everything(&*one), everything(&*other));
    }
    assert_eq!(everything(&*one).len(), 6);
}

/// Ten writers and a reader.
pub fn appends_at_once_lose_nothing(subject: &dyn Subject) {
    const WRITERS: u64 = 10;
    const EACH: u64 = 12;
    let ids: Vec<_> = std::thread::scope(|scope| {
        let write = |writer: u64| {
            let mut store = subject.open();
            let mut ids = Vec::new();
            for n in 0..EACH {
                ids.extend(put(&mut *store, &[numbered(writer * 1000 + n), numbered(writer * 1000 + n + 500)]).ids);
            }
            ids
        };
        let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
        let reader = scope.spawn(|| {
            let store = subject.open();
            let mut last = 0;
            while last < (WRITERS * EACH * 2) as usize {
                let entries = everything(&*store);
                assert!(entries.len() >= last && entries.len().is_multiple_of(2), "a reader sees whole appends, and none go");
                assert!(verify(&*store, &Against::default(), &mut |_| {}).expect("verify").is_intact(), "at any moment");
                last = entries.len();
            }
        });
        let ids = writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect();
        reader.join().expect("the reader");
        ids
    });
    let store = subject.open();
    let entries = everything(&*store);
    assert_eq!(entries.iter().map(|entry| entry.index).collect::<Vec<_>>(), (0..WRITERS * EACH * 2).collect::<Vec<_>>());
    assert_eq!(entries.iter().map(|entry| entry.id).collect::<BTreeSet<_>>(), ids.into_iter().collect());
    assert_eq!(store.checkpoints(&own(&*store).name).expect("checkpoints").len() as u64, WRITERS * EACH);
    assert!(verify(&*store, &Against::default(), &mut |_| {}).expect("verify").is_intact());
}
