//! What only the SQLite engine does: opening, sharing, layouts, and the index that is folded again.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use common::{check, create, fill, open, raw, used};
use keizu_store::{Error, Read as _, Select, SqliteStore, Store, objects};

fn all(store: &SqliteStore) -> Vec<keizu_record::Entry> {
    store.select(&Select::default()).unwrap()
}

#[test]
fn a_store_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(open(folder.path()), Err(Error::Missing { path }) if path == folder.path()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "and nothing was made");
}

#[test]
fn ten_at_once_make_one_store() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").join(".keizu");
        std::thread::scope(|scope| {
            for n in 0..10 {
                let path = &path;
                scope.spawn(move || create(path).append(&mut |_| Ok(vec![used(n)])).unwrap());
            }
        });
        let store = open(&path).unwrap();
        assert_eq!(all(&store).len(), 10);
        assert_eq!(store.origins().unwrap().len(), 1);
        assert!(check(&store).is_intact());
    }
}

#[test]
fn the_log_is_named_after_the_host_and_its_key_stays() {
    let folder = tempfile::tempdir().unwrap();
    let own = create(folder.path()).own().unwrap();
    assert!(own.name.starts_with("laptop-") && keizu_record::note::is_name(&own.name));
    let again = SqliteStore::create(folder.path(), "another", Arc::new(objects::Memory::default())).unwrap();
    assert_eq!(again.own(), Some(own));
}

#[test]
fn without_its_key_a_log_is_read_and_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    fill(&mut create(folder.path()), 3);
    let key = folder.path().join("keys/own");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let mut store = open(folder.path()).unwrap();
    assert_eq!(all(&store).len(), 3);
    assert!(check(&store).is_intact() && !store.origins().unwrap()[0].own);
    let error = store.append(&mut |_| Ok(vec![used(1)])).unwrap_err();
    assert!(matches!(error, Error::Key { .. }) && error.hint().is_some(), "{error}");
    fs::write(&key, kept).unwrap();
    assert_eq!(fill(&mut open(folder.path()).unwrap(), 1).len(), 1);
}

#[test]
fn the_index_is_folded_again_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    fill(&mut create(folder.path()), 40);
    let (before, mut tables) = dump(folder.path());
    let names = tables.clone();
    tables.push(names.join(", "));
    for dropped in tables {
        let raw = raw(folder.path());
        for table in dropped.split(", ") {
            raw.execute_batch(&format!("DROP TABLE {table}")).unwrap();
        }
        let store = open(folder.path()).unwrap();
        assert_eq!(all(&store).len(), 40);
        assert_eq!(dump(folder.path()).0, before, "without {dropped}");
    }
    // emptied, or behind, instead of dropped
    for sql in
        ["DELETE FROM fold_entry", "DELETE FROM fold_state", "DELETE FROM fold_node WHERE number > 7", "UPDATE fold_state SET position = 3"]
    {
        raw(folder.path()).execute_batch(sql).unwrap();
        open(folder.path()).unwrap();
        assert_eq!(dump(folder.path()).0, before, "after {sql}");
    }
}

/// Every row of every table of the index, and the tables' names.
fn dump(folder: &Path) -> (String, Vec<String>) {
    let raw = raw(folder);
    let mut query = raw.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'fold%' ORDER BY name").unwrap();
    let tables: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(tables.len(), 7);
    let mut text = String::new();
    for table in &tables {
        let mut query = raw.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let columns = query.column_count();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                text += &format!("{:?} ", row.get_ref(column).unwrap());
            }
            text += "\n";
        }
    }
    (text, tables)
}

#[test]
fn an_index_that_was_altered_is_found_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = create(folder.path());
    fill(&mut store, 10);
    assert!(store.check_index().unwrap());
    raw(folder.path()).execute_batch("UPDATE fold_entry SET object = 2 WHERE position = 5").unwrap();
    assert!(check(&store).is_intact(), "the log is untouched");
    assert!(!store.check_index().unwrap());
    assert!(store.check_index().unwrap());
}

#[test]
fn tables_dropped_under_an_open_store_are_folded_by_the_next_append() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = create(folder.path());
    fill(&mut store, 5);
    raw(folder.path()).execute_batch("DROP TABLE fold_node; DROP TABLE fold_frontier").unwrap();
    fill(&mut store, 1);
    assert_eq!(all(&store).len(), 6);
    assert!(check(&store).is_intact());
}

#[test]
fn a_newer_format_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    fill(&mut create(folder.path()), 2);
    raw(folder.path())
        .execute_batch("INSERT INTO log_format (version, name, sum) VALUES (3, 'later', x'00'); PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let before = fs::read(folder.path().join("keizu.db")).unwrap();
    for error in
        [open(folder.path()).err().unwrap(), SqliteStore::create(folder.path(), "h", Arc::new(objects::Memory::default())).err().unwrap()]
    {
        let expected = format!("the record in {} was written by a newer Keizu (format 3; this one reads up to 1)", folder.path().display());
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().unwrap().starts_with("nothing was changed"));
    }
    assert_eq!(fs::read(folder.path().join("keizu.db")).unwrap(), before);
}

#[test]
fn a_layout_that_is_not_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path());
    raw(folder.path()).execute_batch("UPDATE log_format SET sum = x'00'").unwrap();
    let error = open(folder.path()).err().unwrap();
    assert!(error.to_string().contains("layout step \"0001 log\""), "{error}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("keizu.db"), "this is no database, whatever its name says; ".repeat(99)).unwrap();
    let error = open(folder.path()).err().unwrap();
    assert!(error.to_string().contains("keizu.db: cannot open it"), "{error}");
}

#[test]
fn a_store_that_is_deleted_under_an_append_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".keizu");
    let mut store = create(&path);
    fill(&mut store, 1);
    let result = store.append(&mut |_| {
        fs::remove_dir_all(&path).unwrap();
        Ok(vec![used(2)])
    });
    // SQLite may notice first; what matters is that nobody is told that the record is kept
    assert!(matches!(result, Err(Error::Gone { .. } | Error::Database { .. })), "{result:?}");
    assert!(matches!(store.append(&mut |_| Ok(vec![used(2)])), Err(Error::Gone { .. })));
    let mut again = create(&path);
    assert_eq!(fill(&mut again, 1).len(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".keizu");
    let mut store = create(&path);
    fill(&mut store, 4);
    drop(store);
    let files: Vec<_> = fs::read_dir(&path).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file()).collect();
    let set = |mode: u32, folder_mode: u32| {
        for file in &files {
            fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(folder_mode)).unwrap();
    };
    set(0o444, 0o555);
    let writable = fs::write(path.join("probe"), "").is_ok();
    let (store, error) = match open(&path) {
        Ok(mut store) => (all(&store).len(), store.append(&mut |_| Ok(vec![used(9)])).err()),
        Err(error) => panic!("{error}"),
    };
    set(0o644, 0o755);
    assert_eq!(store, 4);
    // permissions do not bind root
    if !writable {
        assert!(matches!(error, Some(Error::ReadOnly { .. })), "{error:?}");
    }
}
