//! Corrections: what changed after the seal is said anew, citing what it mends.

use keizu_capture::account::Ending;
use keizu_ledger::rules;
use keizu_record::body::{Edge, Named, RunEnded};
use keizu_record::{Authority, Kind, Time};

use crate::kit::*;

#[test]
fn an_account_that_did_not_change_needs_no_correction() {
    let (book, scene) =
        (Book::default(), Scene::of("python t.py").read("a.csv", b"1").wrote("m.joblib", None, &fixture("models/forest.joblib")));
    book.seal(&scene);
    assert_eq!(rules::corrections(&scene.prepare(), &scene.prepare(), &book, Time(9)).unwrap(), []);
}

#[test]
fn what_was_flushed_after_the_seal_is_mended() {
    let (old, new) = (fixture("models/forest.joblib"), fixture("models/boosted.joblib"));
    let scene = |model: &[u8]| Scene::of("python t.py").read("a.csv", b"1").wrote("m.joblib", None, model);
    let book = Book::default();
    let sealed = book.seal(&scene(&old));
    let later = scene(&new).wrote("late.csv", None, b"2");
    let mended = rules::corrections(&scene(&old).prepare(), &later.prepare(), &book, Time(60_000_000)).unwrap();
    assert!(mended.iter().all(|record| record.recorded == Time(60_000_000)));
    let of = |path: &str| mended.iter().find(|record| record.kind == Kind::Made && record.path("path") == Some(path.into())).unwrap();
    assert_eq!((of("m.joblib").authority, of("m.joblib").cites.len()), (Authority::Corrected, 1));
    assert_eq!(Edge::read(of("m.joblib")).unwrap().content, Some(content(&new).digest));
    assert_eq!(of("late.csv").cites.len(), 0, "it mends nothing: it was not there");
    let named = mended.iter().find(|record| record.kind == Kind::Named).unwrap();
    assert_eq!(Named::read(named).unwrap().version, Some(1), "no version was made in between");
    assert_eq!((named.authority, named.cites.len()), (Authority::Corrected, 1));
    assert!(!mended.iter().any(|record| record.path("path") == Some("a.csv".into())));
    assert!(sealed.iter().any(|record| record.kind == Kind::RunEnded));
    book.append(mended);
    assert_eq!(book.versions("m").last(), Some(&(1, content(&new).digest)));
}

#[test]
fn what_no_longer_holds_is_retracted() {
    let book = Book::default();
    let before = Scene::of("python t.py").wrote("a.csv", None, b"1").wrote("b.csv", None, b"2");
    book.seal(&before);
    let after = Scene::of("python t.py").wrote("a.csv", None, b"1").change(|account| account.lost = 100);
    let mended = rules::corrections(&before.prepare(), &after.prepare(), &book, Time(9)).unwrap();
    let retracted: Vec<_> = mended.iter().filter(|record| record.kind == Kind::Retracted).collect();
    assert_eq!((retracted.len(), retracted[0].cites.len()), (1, 1));
    let ended = mended.iter().find_map(RunEnded::read).unwrap();
    assert_eq!(ended.coverage, 0.5);
}

#[test]
fn an_end_that_came_a_moment_later_mends_nothing() {
    let book = Book::default();
    let scene = |later: i64| {
        Scene::of("python t.py").wrote("a.csv", None, b"1").change(|account| {
            account.ended = Some(Time(42_000_000 + later));
            account.processes[0].ended = account.ended;
            account.files[0].write.as_mut().unwrap().at = Time(41_000_000 + later);
        })
    };
    book.seal(&scene(0));
    assert_eq!(rules::corrections(&scene(0).prepare(), &scene(9).prepare(), &book, Time(9)).unwrap(), []);
    let killed = scene(9).change(|account| account.ending = Ending::Signaled(9));
    let mended = rules::corrections(&scene(0).prepare(), &killed.prepare(), &book, Time(9)).unwrap();
    assert_eq!(mended.iter().filter_map(RunEnded::read).map(|ended| ended.signal).collect::<Vec<_>>(), [Some(9)]);
}

#[test]
fn a_correction_from_the_record_alone_is_said_once() {
    let book = Book::default();
    let before = Scene::of("python t.py").wrote("a.csv", None, b"1").wrote("b.csv", None, b"2");
    book.seal(&before);
    let after = Scene::of("python t.py").wrote("a.csv", None, b"3").prepare();
    let mended = rules::corrections_of_recorded(&after, &book, Time(9)).unwrap();
    let kinds: Vec<Kind> = mended.iter().map(|record| record.kind).collect();
    assert_eq!(kinds, [Kind::Made, Kind::Retracted]);
    book.append(mended);
    assert_eq!(rules::corrections_of_recorded(&after, &book, Time(10)).unwrap(), []);
}
