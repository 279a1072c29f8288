//! The log, altered past Keizu: `verify` names the place.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{check, create, fill, open, raw, used};
use keizu_record::note::{Checkpoint, Key};
use keizu_record::{RefSecret, Time};
use keizu_store::verify::{Against, Fault, Problem, Witness, verify};
use keizu_store::{Error, SqliteStore, Store};
use rusqlite::{Connection, params};

const ENTRIES: u64 = 20;
/// Appends end at these sizes.
const ENDS: [u64; 11] = [0, 1, 3, 6, 7, 9, 12, 13, 15, 18, 19];

fn end_before(index: u64) -> u64 {
    ENDS.into_iter().rfind(|end| *end <= index).unwrap()
}

fn end_after(index: u64) -> u64 {
    ENDS.into_iter().find(|end| *end > index).unwrap_or(ENTRIES)
}

struct Case {
    folder: tempfile::TempDir,
    store: SqliteStore,
    raw: Connection,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = create(folder.path());
        fill(&mut store, ENTRIES);
        let raw = raw(folder.path());
        raw.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        Self { folder, store, raw }
    }

    fn run(&self, sql: &str) {
        self.raw.execute_batch(sql).unwrap();
    }

    fn blob(&self, column: &str, place: u64) -> Vec<u8> {
        self.raw.query_row(&format!("SELECT {column} FROM log WHERE place = $1"), [place as i64], |row| row.get(0)).unwrap()
    }

    fn set(&self, column: &str, place: u64, bytes: &[u8]) {
        self.raw.execute(&format!("UPDATE log SET {column} = $1 WHERE place = $2"), params![bytes, place as i64]).unwrap();
    }

    fn faults(&self) -> Vec<Fault> {
        let report = check(&self.store);
        assert_eq!(report.is_intact(), report.logs[0].faults.is_empty());
        report.logs.into_iter().next().unwrap().faults
    }

    /// The one fault that there is.
    fn fault(&self) -> Fault {
        let faults = self.faults();
        assert_eq!(faults.len(), 1, "{faults:#?}");
        faults.into_iter().next().unwrap()
    }
}

fn assert_altered(fault: &Fault, index: u64) {
    assert!(matches!(fault.problem, Problem::Altered { .. }), "{fault:?}");
    assert_eq!((fault.index, fault.intact), (index, index), "{fault:?}");
    let anchor = end_before(index);
    let recorded = anchor.checked_sub(1).map(|last| used(last).recorded);
    assert_eq!(fault.after.map(|anchor| (anchor.size, anchor.recorded)), recorded.map(|at| (anchor, at)));
}

#[test]
fn any_flipped_byte_is_named() {
    let case = Case::new();
    for index in 0..ENTRIES {
        for column in ["bytes", "id"] {
            let good = case.blob(column, index);
            // all bytes of three entries, some of the others
            let step = if [0, 7, ENTRIES - 1].contains(&index) { 1 } else { 29 };
            for at in (0..good.len()).skip(index as usize % step).step_by(step) {
                let mut bad = good.clone();
                bad[at] ^= 1 << (at % 8);
                case.set(column, index, &bad);
                assert_altered(&case.fault(), index);
            }
            case.set(column, index, &good);
        }
    }
    assert_eq!(case.faults(), []);
}

#[test]
fn what_an_altered_entry_says_now_is_told_when_it_can_be_read() {
    let case = Case::new();
    let mut bytes = case.blob("bytes", 8);
    let at = bytes.windows(10).position(|window| window == b"data/8.csv").unwrap();
    bytes[at + 5] = b'9';
    case.set("bytes", 8, &bytes);
    let fault = case.fault();
    assert_altered(&fault, 8);
    assert_eq!(fault.id.map(|id| id.as_bytes().to_vec()), Some(case.blob("id", 8)));
    let record = fault.record.unwrap();
    assert_eq!((record.text("path"), record.kind.word()), (Some("data/9.csv"), "used"));
    assert_eq!(fault.problem.to_string(), "does not match its hash (its bytes give another id)");
}

#[test]
fn several_altered_entries_are_all_named_and_the_rest_is_confirmed() {
    let case = Case::new();
    for index in [4, 5, 16] {
        let mut bytes = case.blob("bytes", index);
        bytes[2] ^= 1;
        case.set("bytes", index, &bytes);
    }
    let report = check(&case.store);
    let log = &report.logs[0];
    assert_eq!(log.faults.iter().map(|fault| (fault.index, fault.intact)).collect::<Vec<_>>(), [(4, 4), (5, 4), (16, 4)]);
    assert_eq!((log.intact, log.head.as_ref().map(|head| head.size)), (4, Some(ENTRIES)));
}

#[test]
fn a_dropped_entry_is_named() {
    for index in [0, 1, 7, ENTRIES - 2] {
        let case = Case::new();
        case.run(&format!("DELETE FROM log WHERE place = {index}"));
        let fault = case.fault();
        assert_eq!((fault.problem, fault.index, fault.intact), (Problem::Missing { count: 1 }, index, end_before(index)));
    }
    let case = Case::new();
    case.run("DELETE FROM log WHERE place BETWEEN 4 AND 6");
    assert_eq!((case.fault().problem, case.fault().index), (Problem::Missing { count: 3 }, 4));
}

#[test]
fn a_dropped_entry_whose_place_was_closed_is_found_by_the_root() {
    for index in [0, 4, 5, 14] {
        let case = Case::new();
        case.run(&format!("DELETE FROM log WHERE place = {index}; UPDATE log SET place = place + 1000 WHERE place > {index}"));
        case.run("UPDATE log SET place = place - 1001 WHERE place > 1000");
        let fault = case.fault();
        let (first, end) = (end_before(index), end_after(index));
        assert_eq!(fault.problem, Problem::Rewritten { last: end - 1, held_by: format!("checkpoint {end}") });
        assert_eq!((fault.index, fault.intact), (first, first));
    }
}

#[test]
fn exchanged_entries_are_found() {
    // within one append, in neighbouring ones, far apart
    for (one, other) in [(4, 5), (6, 7), (2, 17)] {
        let case = Case::new();
        for column in ["bytes", "id"] {
            let (a, b) = (case.blob(column, one), case.blob(column, other));
            case.set(column, one, &b);
            case.set(column, other, &a);
        }
        let fault = case.fault();
        assert!(matches!(fault.problem, Problem::Rewritten { last, .. } if last == end_after(one) - 1), "{fault:?}");
        assert_eq!((fault.index, fault.intact), (end_before(one), end_before(one)));
    }
}

#[test]
fn exchanged_places_are_found_exactly() {
    let case = Case::new();
    case.run("UPDATE log SET place = 1000 WHERE place = 4; UPDATE log SET place = 4 WHERE place = 9; UPDATE log SET place = 9 WHERE place = 1000");
    let fault = case.fault();
    assert_eq!(fault.index, 5, "the first that arrived before its predecessor");
    assert!(fault.problem.to_string().contains("arrived before"), "{}", fault.problem);
}

#[test]
fn exchanged_bytes_alone_are_two_altered_entries() {
    let case = Case::new();
    let (a, b) = (case.blob("bytes", 4), case.blob("bytes", 10));
    case.set("bytes", 4, &b);
    case.set("bytes", 10, &a);
    assert_eq!(case.faults().iter().map(|fault| fault.index).collect::<Vec<_>>(), [4, 10]);
}

#[test]
fn a_cut_tail_is_named_by_whatever_remembers_it() {
    // the log alone: its checkpoints remember
    let case = Case::new();
    case.run("DELETE FROM log WHERE place >= 10");
    let fault = case.fault();
    assert_eq!(fault.problem, Problem::Cut { size: ENTRIES, held_by: format!("checkpoint {ENTRIES}") });
    assert_eq!((fault.index, fault.intact), (10, 9));
    // with its checkpoints: the note beside the database remembers
    case.run("DELETE FROM log_checkpoint WHERE size > 9; DELETE FROM log WHERE place >= 9");
    let fault = case.fault();
    assert_eq!(fault.problem, Problem::Cut { size: ENTRIES, held_by: ".keizu/checkpoint".into() });
    assert_eq!((fault.index, fault.intact), (9, 9));
    // with that as well: only a witness elsewhere can tell
    let remembered = case.store.witness().unwrap().unwrap();
    std::fs::remove_file(case.folder.path().join("checkpoint")).unwrap();
    let report = check(&case.store);
    assert!(report.is_intact() && report.logs[0].witnessed.is_empty(), "and the report says that nobody was asked");
    let elsewhere = Witness { held_by: "the lab".into(), note: remembered };
    let report = verify(&case.store, &Against { witnesses: vec![elsewhere], keys: vec![] }, &mut |_| {}).unwrap();
    assert_eq!(report.logs[0].faults[0].problem, Problem::Cut { size: ENTRIES, held_by: "the lab".into() });
}

#[test]
fn everything_gone_is_a_cut_at_the_first_entry() {
    let case = Case::new();
    case.run("DELETE FROM log; DELETE FROM log_checkpoint");
    let fault = case.fault();
    assert_eq!((fault.index, fault.intact, fault.after), (0, 0, None));
    case.run("DELETE FROM log_origin");
    assert!(check(&case.store).absent.iter().any(|(_, held_by)| held_by == ".keizu/checkpoint"));
    let again = open(case.folder.path()).unwrap();
    assert!(!check(&again).is_intact(), "opening does not heal it");
}

#[test]
fn an_entry_that_nobody_signed_is_named() {
    let case = Case::new();
    let forged = used(99).seal(&RefSecret([1; 32]), [2; 32]).unwrap();
    let insert = "INSERT INTO log (position, origin, place, id, bytes) VALUES (21, 1, 20, $1, $2)";
    case.raw.execute(insert, params![forged.id.as_bytes(), forged.encode()]).unwrap();
    let fault = case.fault();
    assert_eq!((fault.problem, fault.index, fault.intact), (Problem::Unsigned, ENTRIES, ENTRIES));
    assert_eq!(*fault.record.unwrap(), used(99));
}

#[test]
fn a_record_exchanged_with_its_id_is_found_by_the_root() {
    let case = Case::new();
    let forged = used(99).seal(&RefSecret([1; 32]), [2; 32]).unwrap();
    case.set("id", 8, forged.id.as_bytes());
    case.set("bytes", 8, &forged.encode());
    let fault = case.fault();
    assert_eq!(fault.problem, Problem::Rewritten { last: 8, held_by: "checkpoint 9".into() });
    assert_eq!((fault.index, fault.intact, fault.after.map(|anchor| anchor.recorded)), (7, 7, Some(Time(1_006))));
}

#[test]
fn a_record_of_another_shape_is_named() {
    for sql in [
        "UPDATE log SET id = x'00' WHERE place = 8",
        "UPDATE log SET id = 'text' WHERE place = 8",
        "UPDATE log SET bytes = 7 WHERE place = 8",
        "UPDATE log SET bytes = x'' WHERE place = 8",
    ] {
        let case = Case::new();
        case.run(sql);
        let fault = case.fault();
        assert_eq!(fault.index, 8, "{sql}: {fault:?}");
        assert!(matches!(fault.problem, Problem::Altered { .. }), "{sql}");
    }
}

#[test]
fn an_altered_checkpoint_is_named() {
    let case = Case::new();
    let note: String = case.raw.query_row("SELECT note FROM log_checkpoint WHERE size = 9", [], |row| row.get(0)).unwrap();
    for at in (0..note.len()).filter(|at| note.is_char_boundary(*at) && note.is_char_boundary(at + 1)) {
        let mut bytes = note.clone().into_bytes();
        bytes[at] ^= 1;
        let bad = String::from_utf8(bytes).unwrap();
        case.raw.execute("UPDATE log_checkpoint SET note = $1 WHERE size = 9", [&bad]).unwrap();
        let fault = case.fault();
        assert!(matches!(fault.problem, Problem::Checkpoint { .. }), "byte {at}: {fault:?}");
    }
}

#[test]
fn a_log_rewritten_with_another_key_is_not_the_known_one() {
    let case = Case::new();
    let own = case.store.own().unwrap();
    let thief = Key::from_seed(&own.name, [9; 32]).unwrap();
    let sizes: Vec<(i64, String)> = {
        let mut query = case.raw.prepare("SELECT size, note FROM log_checkpoint").unwrap();
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
    };
    for (size, note) in sizes {
        let checkpoint: Checkpoint = own.open(&note).unwrap();
        case.raw.execute("UPDATE log_checkpoint SET note = $1 WHERE size = $2", params![thief.sign(&checkpoint), size]).unwrap();
    }
    case.raw.execute("UPDATE log_origin SET key = $1", [thief.public().bytes]).unwrap();
    let faults = case.faults();
    assert!(faults.iter().any(|fault| fault.problem == Problem::Key));
    assert!(faults.iter().any(|fault| matches!(&fault.problem, Problem::Checkpoint { held_by, .. } if held_by == ".keizu/checkpoint")));
    let unknown = verify(&case.store, &Against::default(), &mut |_| {}).unwrap();
    assert!(unknown.is_intact(), "without a witness or a key nobody can tell: {unknown:?}");
}

#[test]
fn a_witness_may_be_older_but_not_newer_nor_different() {
    let case = Case::new();
    let log = &case.store.origins().unwrap()[0];
    let notes = case.store.checkpoints(&log.name).unwrap();
    for (note, size) in notes.iter().zip(&ENDS[1..]) {
        let against = Against { witnesses: vec![Witness { held_by: "w".into(), note: note.clone() }], keys: vec![] };
        let report = verify(&case.store, &against, &mut |_| {}).unwrap();
        assert!(report.is_intact());
        assert_eq!(report.logs[0].witnessed, [("w".to_owned(), *size)]);
    }
    for (note, what) in [("", "empty"), ("garbage", "garbage"), (&notes[3][..notes[3].len() - 3], "cut")] {
        std::fs::write(case.folder.path().join("checkpoint"), note).unwrap();
        assert!(!check(&case.store).is_intact(), "{what}");
    }
}

#[test]
fn nothing_is_signed_on_top_of_a_log_that_was_altered() {
    let mut case = Case::new();
    case.run("DELETE FROM log WHERE place = 19");
    for reopen in [false, true] {
        if reopen {
            case.store = open(case.folder.path()).unwrap();
        }
        match case.store.append(&mut |_| Ok(vec![used(50)])) {
            Err(error @ Error::Head { .. }) => assert!(error.hint().unwrap().contains("verify"), "{error}"),
            other => panic!("{other:?}"),
        }
    }
    // an index that is made from altered entries does not become the truth either
    let mut case = Case::new();
    let forged = used(99).seal(&RefSecret([1; 32]), [2; 32]).unwrap();
    case.set("id", 8, forged.id.as_bytes());
    case.set("bytes", 8, &forged.encode());
    case.store.refold().unwrap();
    assert!(matches!(case.store.append(&mut |_| Ok(vec![used(50)])), Err(Error::Head { .. })));
}

#[test]
fn a_log_too_damaged_to_be_folded_can_still_be_verified() {
    let case = Case::new();
    case.set("bytes", 8, b"no record");
    case.run("DROP TABLE fold_entry");
    let store = open(case.folder.path()).unwrap();
    assert_altered(&check(&store).logs[0].faults[0], 8);
    let error = keizu_store::Read::select(&store, &Default::default()).unwrap_err();
    assert!(error.to_string().starts_with("entry 9 of log laptop-"), "{error}");
}
