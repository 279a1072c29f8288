//! The suite that every engine runs, on SQLite; and the one for contents.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::PathBuf;
use std::sync::Arc;

use keizu_store::conformance::{self, Subject, answers_are_those_of_the_model};
use keizu_store::objects::{Folder, Memory};
use keizu_store::{Objects, SqliteStore, Store};
use proptest::prelude::*;

struct Sqlite {
    folder: tempfile::TempDir,
    objects: Arc<dyn Objects>,
}

impl Subject for Sqlite {
    fn open(&self) -> Box<dyn Store> {
        Box::new(SqliteStore::create(self.folder.path(), "host", self.objects.clone()).unwrap())
    }

    fn objects(&self) -> Arc<dyn Objects> {
        self.objects.clone()
    }
}

fn in_memory() -> Sqlite {
    Sqlite { folder: tempfile::tempdir().unwrap(), objects: Arc::new(Memory::default()) }
}

#[test]
fn sqlite_conforms() {
    conformance::all(&|| Box::new(in_memory()));
}

#[test]
fn sqlite_with_contents_in_a_folder_conforms() {
    let new = || {
        let folder = tempfile::tempdir().unwrap();
        let objects: Arc<dyn Objects> = Arc::new(Folder::new(folder.path().join("objects")));
        Box::new(Sqlite { folder, objects }) as Box<dyn Subject>
    };
    for check in
        [conformance::collections_open, conformance::a_manifest_that_comes_late_is_found, conformance::folding_again_changes_no_answer]
    {
        check(&*new());
    }
}

#[test]
fn contents_in_memory_conform() {
    conformance::objects::all(&|| {
        let objects: Arc<dyn Objects> = Arc::new(Memory::default());
        (objects.clone(), objects)
    });
}

#[test]
fn contents_in_a_folder_conform() {
    let root = tempfile::tempdir().unwrap();
    let counter = std::sync::atomic::AtomicUsize::new(0);
    conformance::objects::all(&|| {
        let path: PathBuf = root.path().join(counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string());
        (Arc::new(Folder::new(&path)), Arc::new(Folder::new(&path)))
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_answers_like_the_model(seeds in prop::collection::vec(any::<u64>(), 0..6)) {
        answers_are_those_of_the_model(&in_memory(), &seeds);
    }
}
