//! What several tests need.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test helper")]

use std::path::Path;
use std::sync::Arc;

use keizu_record::{Digest, FilePath, Group, Kind, Record, RunId, Time, Value};
use keizu_store::verify::{Against, Report, Witness, verify};
use keizu_store::{SqliteStore, Store, objects};
use rusqlite::Connection;

/// A run that read something.
pub fn used(n: u64) -> Record {
    let mut record = Record::new(Kind::Used, RunId::new([1; 16]), Time(n as i64), Time(n as i64 + 1_000));
    record = record.with_object(Digest::of(&n.to_be_bytes())).with(Group::Fact, "project", "flights");
    record.set(Group::Fact, "path", Value::name(FilePath::new(format!("data/{n}.csv")).as_bytes()));
    record
}

/// A store with contents in memory.
pub fn create(folder: &Path) -> SqliteStore {
    SqliteStore::create(folder, "laptop", Arc::new(objects::Memory::default())).unwrap()
}

/// The same, opened again.
pub fn open(folder: &Path) -> Result<SqliteStore, keizu_store::Error> {
    SqliteStore::open(folder, Arc::new(objects::Memory::default()))
}

/// Appends of 1, 2, 3, 1, 2, 3, … records; the entry's number is in the record.
pub fn fill(store: &mut SqliteStore, records: u64) -> Vec<String> {
    let mut notes = Vec::new();
    let (mut next, mut count) = (0, 0);
    while next < records {
        count = count % 3 + 1;
        let draft: Vec<Record> = (next..records.min(next + count)).map(used).collect();
        next += draft.len() as u64;
        notes.push(store.append(&mut |_| Ok(draft.clone())).unwrap().checkpoint);
    }
    notes
}

/// The database, past Keizu.
pub fn raw(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join("keizu.db")).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection
}

/// Verified against the note beside the database and the own key.
pub fn check(store: &SqliteStore) -> Report {
    let witness = store.witness().unwrap().map(|note| Witness { held_by: ".keizu/checkpoint".into(), note });
    let against = Against { witnesses: witness.into_iter().collect(), keys: store.own().into_iter().collect() };
    verify(store, &against, &mut |_| {}).unwrap()
}
