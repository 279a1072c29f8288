//! The digest cache: right, or empty.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;

use keizu_record::Digest;
use keizu_store::Cache;
use keizu_store::cache::FileState;
use rusqlite::Connection;

fn state(n: u64) -> FileState {
    FileState { dev: u64::MAX, ino: n, size: n * 3, mtime: -(n as i64), ctime: n as i64 }
}

fn digest(n: u64) -> Digest {
    Digest::of(&n.to_be_bytes())
}

fn filled(path: &Path) -> Cache {
    let mut cache = Cache::open(path);
    for n in 0..10_000 {
        cache.put(state(n), digest(n));
    }
    cache.flush();
    cache
}

#[test]
fn what_was_put_is_got_now_and_later_by_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let mut cache = Cache::open(&path);
    assert_eq!(cache.get(&state(1)), None);
    cache.put(state(1), digest(1));
    assert_eq!(cache.get(&state(1)), Some(digest(1)), "before it is written");
    drop(cache);
    assert_eq!(Cache::open(&path).get(&state(1)), Some(digest(1)), "a dropped cache is written");
    let cache = filled(&path);
    let other = Cache::open(&path);
    assert!((0..10_000).all(|n| cache.get(&state(n)) == Some(digest(n)) && other.get(&state(n)) == Some(digest(n))));
}

#[test]
fn many_at_once_are_got_as_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let mut cache = filled(&path);
    Connection::open(&path).unwrap().execute("UPDATE digest SET digest = $1 WHERE ino = 7", [digest(8).as_bytes()]).unwrap();
    cache.put(FileState { mtime: 5, ..state(3) }, digest(4));
    cache.put(state(20_000), digest(1));
    let mut asked: Vec<FileState> = (0..3_000).map(state).collect();
    asked.extend([state(20_000), state(30_000), FileState { size: 1, ..state(9) }, state(12), FileState { mtime: 5, ..state(3) }]);
    let one_by_one: Vec<_> = asked.iter().map(|state| cache.get(state)).collect();
    assert_eq!(cache.get_all(&asked), one_by_one);
    assert_eq!(cache.get_all(&asked[..50]), one_by_one[..50]);
    assert_eq!(one_by_one.iter().filter(|digest| digest.is_none()).count(), 4);
}

#[test]
fn the_same_many_are_answered_again_and_follow_what_is_put() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let mut cache = filled(&path);
    let packs = || Connection::open(&path).unwrap().query_row("SELECT count(*) FROM pack", [], |row| row.get::<_, i64>(0)).unwrap();
    let asked: Vec<FileState> = (0..3_000).map(state).collect();
    let all: Vec<_> = (0..3_000).map(|n| Some(digest(n))).collect();
    assert_eq!((cache.get_all(&asked), packs()), (all.clone(), 1));
    assert_eq!(Cache::open(&path).get_all(&asked), all, "from the pack");
    // the pack alone answers: its rows are gone
    Connection::open(&path).unwrap().execute("DELETE FROM digest WHERE ino < 3000", []).unwrap();
    assert_eq!(cache.get_all(&asked), all);
    let changed: Vec<FileState> =
        asked.iter().map(|state| FileState { ctime: state.ctime + i64::from(state.ino == 5), ..*state }).collect();
    assert_eq!(cache.get_all(&changed), vec![None; 3_000], "another question");
    Connection::open(&path).unwrap().execute("UPDATE pack SET digests = $1", [vec![7; 3_000 * 32]]).unwrap();
    assert_eq!(cache.get_all(&asked), vec![None; 3_000], "a damaged pack is not believed");
    for n in 0..3_000 {
        cache.put(state(n), digest(n));
    }
    cache.flush();
    assert_eq!((packs(), cache.get_all(&asked), packs()), (0, all.clone(), 1));
    cache.put(state(7), digest(8));
    let mut other = all;
    other[7] = Some(digest(8));
    assert_eq!(cache.get_all(&asked), other, "what is not written yet");
    cache.flush();
    assert_eq!(cache.get_all(&asked), other);
    for shift in 1..20 {
        assert!(cache.get_all(&asked[shift..]).iter().all(Option::is_some));
    }
    assert_eq!(packs(), 8);
}

#[test]
fn any_change_of_the_file_is_another_state() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = Cache::open(&folder.path().join("cache.db"));
    let was = state(5);
    let changed = [
        FileState { dev: 1, ..was },
        FileState { ino: 6, ..was },
        FileState { size: 16, ..was },
        FileState { mtime: 0, ..was },
        FileState { ctime: 6, ..was },
    ];
    for flush in [false, true] {
        cache.put(was, digest(5));
        if flush {
            cache.flush();
        }
        assert!(changed.iter().all(|state| cache.get(state).is_none()));
        assert_eq!(cache.get(&was), Some(digest(5)));
    }
    cache.put(changed[3], digest(6));
    cache.flush();
    assert_eq!((cache.get(&changed[3]), cache.get(&was)), (Some(digest(6)), None), "one state a file");
}

#[test]
fn a_row_that_was_damaged_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let cache = filled(&path);
    let raw = Connection::open(&path).unwrap();
    raw.execute("UPDATE digest SET digest = $1 WHERE ino = 7", [digest(8).as_bytes()]).unwrap();
    raw.execute("UPDATE digest SET digest = x'00' WHERE ino = 9", []).unwrap();
    raw.execute("UPDATE digest SET size = size + 1 WHERE ino = 10", []).unwrap();
    assert_eq!(cache.get(&state(7)), None);
    assert_eq!(cache.get(&state(9)), None);
    assert_eq!(cache.get(&FileState { size: 31, ..state(10) }), None);
    assert_eq!(cache.get(&state(8)), Some(digest(8)));
}

#[test]
fn a_cache_that_cannot_be_used_is_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    drop(filled(&path));
    fs::write(&path, "not a database at all, but long enough to look like one ".repeat(50)).unwrap();
    let _ = fs::remove_file(folder.path().join("cache.db-wal"));
    let mut cache = Cache::open(&path);
    assert_eq!(cache.get(&state(1)), None);
    cache.put(state(1), digest(1));
    cache.flush();
    assert_eq!(Cache::open(&path).get(&state(1)), Some(digest(1)), "begun again");
    // no folder, a folder in its place, another layout
    fs::create_dir(folder.path().join("taken")).unwrap();
    let odd = folder.path().join("odd.db");
    Connection::open(&odd).unwrap().execute_batch("CREATE TABLE digest (x INTEGER)").unwrap();
    for path in [folder.path().join("no/such/cache.db"), folder.path().join("taken"), odd] {
        let mut cache = Cache::open(&path);
        cache.put(state(1), digest(1));
        assert_eq!(cache.get(&state(1)), Some(digest(1)));
        cache.flush();
        assert_eq!(cache.get(&state(1)), None);
    }
}

#[test]
fn a_cache_that_others_lock_does_not_wait_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let mut cache = filled(&path);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    cache.put(state(20_000), digest(1));
    cache.flush();
    assert_eq!(cache.get(&state(20_000)), None, "forgotten, not waited for");
    assert_eq!(cache.get(&state(1)), Some(digest(1)), "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    cache.put(state(20_000), digest(1));
    cache.flush();
    assert_eq!(cache.get(&state(20_000)), Some(digest(1)));
}

#[test]
fn a_cache_that_is_deleted_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let mut cache = filled(&path);
    for file in fs::read_dir(folder.path()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    cache.put(state(20_000), digest(1));
    drop(cache);
    assert_eq!(Cache::open(&path).get(&state(1)), None);
}
