//! The reader against arenas that are whole, half-written and broken.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;

use proptest::prelude::*;

use super::layout::{BUSY, CHUNK_BYTES, CHUNK_HEAD, CHUNKS_AT, RECORD_HEAD, kind};
use super::record::{NONE, Record, Seen};
use super::*;
use crate::event::{Stat, What};

fn arena(folder: &Path, chunks: u64) -> Arena {
    let arena = Arena::create(&folder.join("arena"), CHUNKS_AT as u64 + chunks * CHUNK_BYTES as u64).unwrap();
    arena.publish(b"/root");
    arena
}

fn opened(at: u64, text1: &[u8]) -> Record<'_> {
    Record { pid: 7, at, flags: 2, text1, ..Record::of(kind::OPEN) }
}

fn path(what: &What) -> PathBuf {
    match what {
        What::Open { path, .. } | What::Cut { path } => path.clone(),
        other => panic!("{other:?}"),
    }
}

/// Overwrites bytes of the file.
fn poke(arena: &Arena, at: usize, bytes: &[u8]) {
    assert!(at + bytes.len() <= arena.len);
    // SAFETY: inside the mapping.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), arena.base.as_ptr().add(at), bytes.len()) };
}

#[test]
fn what_is_written_is_read_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let arena = arena(folder.path(), 4);
    let stat = Seen { words: [1, 2, 3, 4, 5, 6, 7], folder: true };
    arena.write(&Record { before: Some(stat), ..opened(20, b"later") });
    arena.write(&Record { stat: Some(stat), ..opened(10, b"first") });
    let mut reader = Reader::default();
    let events = reader.drain(arena.bytes(), Until::Now);
    let expected = Stat { dev: 1, ino: 2, size: 3, mtime: 4_000_000_005, ctime: 6_000_000_007, folder: true };
    assert_eq!(
        events.iter().map(|e| (e.at, e.stat, e.before)).collect::<Vec<_>>(),
        [(10, Some(expected), None), (20, None, Some(expected))]
    );
    assert_eq!(events[0].what, What::Open { path: "first".into(), flags: 2 });
    assert!(reader.drain(arena.bytes(), Until::End).is_empty());
    assert_eq!(reader.broken(), 0);
}

#[test]
fn what_is_newer_than_the_look_waits_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let arena = arena(folder.path(), 4);
    arena.write(&opened(monotonic() + 3_600_000_000_000, b"future"));
    let mut reader = Reader::default();
    assert!(reader.drain(arena.bytes(), Until::Now).is_empty());
    assert_eq!(reader.drain(arena.bytes(), Until::Complete).len(), 1);
}

#[test]
fn arguments_come_with_their_record_or_it_waits() {
    let folder = tempfile::tempdir().unwrap();
    let arena = arena(folder.path(), 8);
    let at = monotonic();
    let piece = |a, text1| Record { a, pid: 7, at, text1, ..Record::of(kind::ARGS) };
    arena.write(&piece(0, b"one\0tw"));
    arena.write(&Record { pid: 7, at, flags: 2, text1: b"/bin/x", ..Record::of(kind::EXEC) });
    let mut reader = Reader::default();
    assert!(reader.drain(arena.bytes(), Until::Now).is_empty(), "a piece is missing");
    arena.write(&piece(1, b"o\0\0"));
    let events = reader.drain(arena.bytes(), Until::Now);
    let argv = vec![b"one".to_vec(), b"two".to_vec(), Vec::new()];
    assert_eq!(events[0].what, What::Exec { path: "/bin/x".into(), argv });
}

#[test]
fn a_record_that_was_never_finished_is_passed_over_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let arena = arena(folder.path(), 4);
    let held = AtomicU32::new(NONE);
    // SAFETY: the mapping lives through the test.
    let writer = unsafe { record::Arena::new(arena.base.as_ptr(), arena.len) }.unwrap();
    for (at, text) in [(1, b"a"), (2, b"b"), (3, b"c"), (4, b"d")] {
        writer.write(&held, &opened(at, text));
    }
    let len = RECORD_HEAD + 8;
    let place = |index: usize| CHUNKS_AT + CHUNK_HEAD + index * len;
    poke(&arena, place(1), &(len as u32 | BUSY).to_le_bytes());
    poke(&arena, place(2), &[0; 4]);
    let mut reader = Reader::default();
    let read = |reader: &mut Reader, until| reader.drain(arena.bytes(), until).iter().map(|e| path(&e.what)).collect::<Vec<_>>();
    assert_eq!(read(&mut reader, Until::Complete), [PathBuf::from("a")]);
    assert_eq!(read(&mut reader, Until::End), [PathBuf::from("d")]);
    assert_eq!(reader.broken(), 2);
}

#[test]
fn a_long_path_is_marked_as_cut() {
    let folder = tempfile::tempdir().unwrap();
    let arena = arena(folder.path(), 4);
    arena.write(&opened(1, &[b'x'; 4000]));
    let events = Reader::default().drain(arena.bytes(), Until::Complete);
    assert!(matches!(&events[0].what, What::Cut { path } if path.as_os_str().len() == layout::TEXT_MAX));
}

#[test]
fn chunks_are_handed_on_and_a_full_arena_counts() {
    let folder = tempfile::tempdir().unwrap();
    let arena = arena(folder.path(), 2);
    // each of these is a process of its own, which gives its chunk to the next
    for at in 0..200 {
        arena.write(&opened(at, b"/some/path"));
    }
    assert_eq!(arena.header().head.load(Ordering::Relaxed), 2);
    for at in 200..1000 {
        arena.write(&opened(at, b"/some/path"));
    }
    let dropped = arena.header().dropped.load(Ordering::Relaxed);
    let read = Reader::default().drain(arena.bytes(), Until::End).len() as u64;
    assert!(dropped > 0 && read > 200, "{read} + {dropped}");
    assert_eq!(read + dropped, 1000);
}

#[test]
fn many_writers_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let arena = arena(folder.path(), 400);
    let mut reader = Reader::default();
    let mut read = 0;
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|pid| {
                let arena = &arena;
                scope.spawn(move || (0..2000).for_each(|_| arena.write(&Record { pid, ..opened(monotonic(), b"/a/path/of/some/length") })))
            })
            .collect();
        let mut last = [0; 4];
        while writers.iter().any(|writer| !writer.is_finished()) {
            for event in reader.drain(arena.bytes(), Until::Now) {
                assert!(event.at >= last[event.pid as usize], "each writer's own order holds");
                last[event.pid as usize] = event.at;
                read += 1;
            }
        }
    });
    read += reader.drain(arena.bytes(), Until::End).len();
    assert_eq!((read, reader.broken()), (8000, 0));
    assert_eq!(arena.header().dropped.load(Ordering::Relaxed), 0);
}

#[test]
fn the_summary_is_cut_at_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let arena = arena(folder.path(), 1);
    arena.set_summary(&"a line of text\n".repeat(200));
    let len = arena.header().summary_len.load(Ordering::Relaxed) as usize;
    assert!(len <= SUMMARY_MAX && len.is_multiple_of(15) && len > SUMMARY_MAX - 15);
}

#[test]
fn what_is_no_arena_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("arena");
    std::fs::write(&file, b"short").unwrap();
    assert!(Arena::open(&file).is_err());
    std::fs::write(&file, vec![0; CHUNKS_AT + CHUNK_BYTES]).unwrap();
    assert!(Arena::open(&file).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn broken_bytes_never_panic_and_never_invent_many(
        pokes in proptest::collection::vec((0_usize..3 * CHUNK_BYTES, any::<[u8; 4]>()), 0..40),
        header in proptest::collection::vec((0_usize..120, any::<[u8; 4]>()), 0..3),
        ends in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let arena = arena(folder.path(), 3);
        for at in 0..100 {
            arena.write(&Record { stat: Some(Seen::default()), ..opened(at, b"/some/path") });
        }
        for (at, bytes) in pokes {
            poke(&arena, CHUNKS_AT + at.min(3 * CHUNK_BYTES - 4), &bytes);
        }
        for (at, bytes) in header {
            poke(&arena, at, &bytes);
        }
        let mut reader = Reader::default();
        let mut count = reader.drain(arena.bytes(), Until::Now).len();
        count += reader.drain(arena.bytes(), if ends { Until::End } else { Until::Complete }).len();
        prop_assert!(count <= 3 * CHUNK_BYTES / RECORD_HEAD);
    }
}
