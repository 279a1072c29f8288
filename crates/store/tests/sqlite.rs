//! What only the SQLite engine does.

use std::sync::Arc;

use keizu_record::{Digest, Kind, Record, RunId, Time};
use keizu_store::verify::{Against, Witness, verify};
use keizu_store::{Select, SqliteStore, Store, objects};

fn used(n: u64) -> Record {
    Record::new(Kind::Used, RunId::new([1; 16]), Time(n as i64), Time(n as i64 + 1)).with_object(Digest::of(&n.to_be_bytes()))
}

#[test]
fn what_is_appended_is_read_and_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::create(folder.path(), "laptop", Arc::new(objects::Memory::default())).unwrap();
    for n in 0..10 {
        store
            .append(&mut |read| {
                assert_eq!(read.select(&Select::default())?.len(), n as usize * 2);
                Ok(vec![used(n), used(n + 100)])
            })
            .unwrap();
    }
    let against = Against {
        witnesses: vec![Witness { held_by: ".keizu/checkpoint".into(), note: store.witness().unwrap().unwrap() }],
        keys: vec![store.own().unwrap()],
    };
    let report = verify(&store, &against, &mut |_| {}).unwrap();
    assert!(report.is_intact(), "{report:#?}");
    assert_eq!(report.logs[0].intact, 20);
    assert_eq!(report.logs[0].witnessed.len(), 1);
    assert!(store.check_index().unwrap());
}
