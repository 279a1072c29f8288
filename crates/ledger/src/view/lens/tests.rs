//! Answers as of a moment are those of a record that never got further.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use keizu_graph::{Direction, Options};
use keizu_record::body::{ArtifactKind, Edge, Named, Role, RunBegan, RunEnded, Status, corrected};
use keizu_record::manifest::{Manifest, Member};
use keizu_record::{Authority, Digest, Entry, FilePath, Group, Kind, Name, NodeId, Record, RecordId, RunId, Side, Time};
use keizu_store::conformance::{Model, Random};
use keizu_store::{Read, Select};
use proptest::prelude::*;

use super::Lens;
use crate::as_of::AsOf;
use crate::thing::Thing;
use crate::{Home, Ledger, View};

const FILES: &[&str] = &["raw.csv", "daily/1.csv", "features.csv", "delay.bin", "eval.json"];

fn run(n: u64) -> RunId {
    RunId::new([n as u8 + 1; 16])
}

fn content(n: u64) -> Digest {
    Digest::of(&[n as u8])
}

fn folder(n: u64) -> Manifest {
    let member = |path: &str, n| (FilePath::from(path), Member { size: 40, digest: content(n) });
    Manifest([member("1.csv", n), member("2.csv", n + 1)].into())
}

/// What one step of a history says; times are few, so that they meet.
fn statement(random: &mut Random, recorded: i64) -> Record {
    let (at, recorded) = (Time(random.below(20) as i64), Time(recorded));
    let run_of = run(random.below(3));
    match random.below(9) {
        0 => RunBegan {
            run: run_of,
            at,
            project: "flights".into(),
            root: FilePath::from("/flights"),
            name: (random.below(2) == 0).then(|| "nightly".to_owned()),
            command: vec![b"train".to_vec()],
            cwd: FilePath::default(),
            user: "aki".into(),
            host: "lab".into(),
            pid: 1,
            git: None,
            parent: None,
        }
        .to_record(recorded),
        1 => RunEnded {
            run: run_of,
            at,
            status: Status::Finished,
            exit_code: Some(0),
            signal: None,
            account: None,
            coverage: 1.0,
            blind: Vec::new(),
        }
        .to_record(recorded),
        2..6 => edge(random, run_of, at).to_record(if random.below(2) == 0 { Kind::Used } else { Kind::Made }, recorded),
        6 => named(random, run_of, at).to_record(recorded),
        7 => Record::new(Kind::Described, run_of, at, recorded).with(Group::Param, "depth", random.below(5) as i64),
        _ => Record::new(Kind::Described, content(random.below(4)), at, recorded).with(Group::Metric, "auc", random.below(5) as f64),
    }
}

fn edge(random: &mut Random, run: RunId, at: Time) -> Edge {
    let whole = random.below(4) == 0;
    let n = random.below(4);
    let path = if whole { "daily/" } else { FILES[random.below(FILES.len() as u64) as usize] };
    Edge {
        run,
        at,
        authority: Authority::Observed,
        rule: None,
        project: "flights".into(),
        path: FilePath::from(path),
        target: None,
        content: Some(if whole { folder(n).digest() } else { content(n) }),
        size: Some(80),
        members: whole.then_some(2),
        kind: if path.ends_with(".bin") { ArtifactKind::Model } else { ArtifactKind::Data },
        role: Role::Output,
        format: None,
        sha256: None,
        changed: None,
        unseen: None,
        unchanged: false,
        removed: false,
    }
}

fn named(random: &mut Random, run: RunId, at: Time) -> Named {
    let n = random.below(3);
    let (name, taken_back) = match random.below(3) {
        0 => (Name::Alias { model: "delay".into(), alias: "champion".into() }, random.below(3) == 0),
        1 => (Name::Data("days".into()), false),
        _ => (Name::Model("delay".into()), false),
    };
    Named {
        name,
        at,
        authority: Authority::Declared,
        rule: None,
        content: (!taken_back).then(|| content(n)),
        version: (!taken_back).then_some(n + 1),
        run: Some(run),
        project: "flights".into(),
        path: Some(FilePath::from("delay.bin")),
        kind: ArtifactKind::Model,
        size: Some(80),
        members: None,
        note: None,
    }
}

/// A history in which some records mend or take back earlier ones.
fn history(seed: u64, count: u64) -> Model {
    let mut random = Random(seed);
    let mut model = Model::default();
    for n in 0..8 {
        model.manifests.insert(folder(n).digest(), folder(n));
    }
    let origin: Arc<str> = "laptop".into();
    let mut clock = 0;
    for index in 0..count {
        // other logs may arrive late: the clock runs, mostly
        clock += random.below(4) as i64 - i64::from(random.below(5) == 0) * 3;
        let mut record = statement(&mut random, clock);
        if index > 0 && random.below(4) == 0 {
            let earlier: &Entry = &model.entries[random.below(index) as usize];
            record = match random.below(2) {
                0 => corrected(
                    Record { happened: Time(random.below(20) as i64), recorded: Time(clock), ..earlier.record.clone() },
                    [earlier.id],
                ),
                _ => corrected(Record::new(Kind::Retracted, earlier.record.subject.clone(), Time(clock), Time(clock)), [earlier.id]),
            };
        }
        let id = RecordId::new(*Digest::of(&index.to_be_bytes()).as_bytes());
        model.entries.push(Entry { position: index + 1, origin: origin.clone(), index, id, record });
    }
    model
}

/// The history, as far as it satisfies a test.
fn only(model: &Model, mut test: impl FnMut(&Entry) -> bool) -> Model {
    Model { entries: model.entries.iter().filter(|entry| test(entry)).cloned().collect(), manifests: model.manifests.clone() }
}

/// What had happened by a time, as far as is known today: by looking at everything.
fn happened(model: &Model, time: Time) -> Model {
    let mends = |by: &&Entry| by.record.kind == Kind::Retracted || by.record.authority == Authority::Corrected;
    let gone: HashSet<(RecordId, NodeId)> =
        model.entries.iter().filter(mends).flat_map(|by| by.record.cites.iter().map(|cited| (*cited, by.record.subject.clone()))).collect();
    only(model, |entry| {
        let taken_back = gone.contains(&(entry.id, entry.record.subject.clone()));
        entry.record.happened <= time && !taken_back && entry.record.kind != Kind::Retracted
    })
}

fn ledger() -> (tempfile::TempDir, Ledger) {
    let folder_ = tempfile::tempdir().unwrap();
    std::fs::write(folder_.path().join("keizu.toml"), "project = \"flights\"\n").unwrap();
    let ledger = Ledger::create(&Home::proposed(folder_.path()).unwrap(), "test").unwrap();
    for n in 0..8 {
        ledger.objects().put_bytes(&folder(n).encode()).unwrap();
    }
    (folder_, ledger)
}

/// Every question there is, and its answer.
fn answers(view: &View<'_>, cwd: &std::path::Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut say = |question: String, answer: String| drop(all.insert(question, answer));
    for limit in [None, Some(1), Some(2)] {
        say(format!("log {limit:?}"), format!("{:?}", view.runs(limit)));
    }
    say("names".into(), format!("{:?}", view.names()));
    let typed = ["model:delay", "model:delay@v1", "model:delay@v2", "model:delay@champion", "data:days", "run:nightly", "run:01", "run:0"];
    let typed = typed.iter().map(|text| (*text).to_owned()).chain(FILES.iter().map(|path| (*path).to_owned()));
    let typed = typed.chain(["daily".into(), "daily/2.csv".into()]).chain((0..5).map(|n| content(n).to_string()));
    for text in typed {
        let thing = view.resolve(&text, cwd);
        say(text.clone(), format!("{thing:?}"));
        let Ok(thing) = thing else { continue };
        match &thing {
            Thing::Run(run) => say(format!("show {text}"), format!("{:?}", view.run(*run, true))),
            Thing::Artifact(digest) => say(format!("show {text}"), format!("{:?}", view.artifact(digest))),
            Thing::Place { project, path } => say(format!("show {text}"), format!("{:?}", view.place(project, path))),
            Thing::Version(named) => say(format!("show {text}"), format!("{:?}", view.name(&named.name))),
            Thing::Party(_) => {}
        }
        for direction in [Direction::Up, Direction::Down] {
            let options = Options { direction, ..Options::default() };
            say(format!("trace {text} {direction:?}"), format!("{:?}", view.trace(&thing, &options)));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_first_entries_answer_as_if_there_were_no_others(seed: u64, count in 1u64..40) {
        let (cwd, ledger) = ledger();
        let model = history(seed, count);
        for n in [0, count / 3, count / 2, count] {
            let short = only(&model, |entry| entry.position <= n);
            let expected = answers(&View::over(&ledger, &short, None), cwd.path());
            prop_assert_eq!(answers(&View::over(&ledger, &model, Some(AsOf::Entries(n))), cwd.path()), expected);
        }
    }

    #[test]
    fn what_the_record_said_is_what_was_recorded(seed: u64, count in 1u64..40, time in 0i64..40) {
        let (cwd, ledger) = ledger();
        let model = history(seed, count);
        let then = only(&model, |entry| entry.record.recorded <= Time(time));
        let expected = answers(&View::over(&ledger, &then, None), cwd.path());
        prop_assert_eq!(answers(&View::over(&ledger, &model, Some(AsOf::Recorded(Time(time)))), cwd.path()), expected);
    }

    #[test]
    fn what_had_happened_is_told_as_it_is_known_today(seed: u64, count in 1u64..40, time in 0i64..20) {
        let (_cwd, ledger) = ledger();
        let model = history(seed, count);
        let then = happened(&model, Time(time));
        let (past, brute) = (View::over(&ledger, &model, Some(AsOf::Happened(Time(time)))), View::over(&ledger, &then, None));
        for run in (0..3).map(run) {
            let of = |view: &View<'_>| view.entries(Side::Subject, vec![run.into()], &[]).unwrap();
            prop_assert_eq!(of(&past), of(&brute));
            for direction in [Direction::Up, Direction::Down] {
                let options = Options { direction, ..Options::default() };
                let trace = |view: &View<'_>| view.trace(&Thing::Run(run), &options).unwrap();
                prop_assert_eq!(trace(&past), trace(&brute));
            }
        }
        for digest in (0..5).map(content) {
            let options = Options { direction: Direction::Down, ..Options::default() };
            let trace = |view: &View<'_>| view.trace(&Thing::Artifact(digest), &options).unwrap();
            prop_assert_eq!(trace(&past), trace(&brute));
            let of = |view: &View<'_>| view.entries(Side::Object, vec![digest.into()], &[]).unwrap();
            prop_assert_eq!(of(&past), of(&brute));
        }
        prop_assert_eq!(past.names().unwrap(), brute.names().unwrap());
    }

    #[test]
    fn questions_to_the_store_are_answered_as_of_then(seed: u64, count in 1u64..60, time in 0i64..60) {
        let model = history(seed, count);
        let mut random = Random(seed ^ 1);
        for as_of in [AsOf::Entries(count / 2), AsOf::Recorded(Time(time))] {
            let then = only(&model, |entry| super::seen(entry.clone(), as_of, false).is_some());
            let lens = Lens::new(&model, Some(as_of));
            let nodes = then.nodes(&[], &[0xff], usize::MAX).unwrap();
            for limit in [0, 1, 3, usize::MAX] {
                prop_assert_eq!(lens.nodes(&[], &[0xff], limit).unwrap(), then.nodes(&[], &[0xff], limit).unwrap());
            }
            for _ in 0..20 {
                let mut select = random.select(count);
                if let Some((_, asked)) = &mut select.nodes && random.below(3) > 0 {
                    asked.extend(nodes.iter().filter(|_| random.below(3) == 0).cloned());
                }
                prop_assert_eq!(lens.select(&select).unwrap(), then.select(&select).unwrap());
            }
            let members: Vec<Digest> = (0..5).map(content).collect();
            prop_assert_eq!(lens.collections_of(&members).unwrap(), then.collections_of(&members).unwrap());
        }
    }
}

#[test]
fn a_limit_is_filled_from_further_back() {
    let mut model = history(7, 1);
    let first = model.entries[0].clone();
    for index in 1..5_000_u32 {
        let record = Record { recorded: Time(i64::from(index % 1_000 != 0)), ..first.record.clone() };
        let (position, id) = (u64::from(index) + 1, RecordId::new(*Digest::of(&index.to_be_bytes()).as_bytes()));
        model.entries.push(Entry { position, index: u64::from(index), id, record, ..first.clone() });
    }
    let lens = Lens::new(&model, Some(AsOf::Recorded(Time(0))));
    let positions = |select: &Select| lens.select(select).unwrap().iter().map(|entry| entry.position).collect::<Vec<_>>();
    let newest = Select { limit: Some(3), newest_first: true, ..Select::default() };
    assert_eq!(positions(&newest), [4001, 3001, 2001]);
    assert_eq!(positions(&Select { after: Some(1500), newest_first: false, ..newest }), [2001, 3001, 4001]);
}
