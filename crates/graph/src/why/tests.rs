//! Small histories, told run by run, and what an alignment makes of them.

use keizu_record::body::{ArtifactKind, Edge, Role, RunBegan};
use keizu_record::manifest::{Manifest, Member as InManifest};
use keizu_record::{Authority, Digest, Entry, FilePath, Kind, Record, RecordId, RunId, Time};
use proptest::prelude::*;

use super::{Alignment, Comparer, Group, Reason, State};
use crate::{Entries, Root};

#[derive(Default)]
struct History {
    records: Vec<Record>,
    manifests: Vec<Manifest>,
    clock: i64,
    runs: u8,
}

/// What a run read or wrote: path, content, role, kind.
type Touched<'t> = (&'t str, &'t str, Role, ArtifactKind);

fn data<'t>(path: &'t str, content: &'t str) -> Touched<'t> {
    (path, content, Role::Input, ArtifactKind::Data)
}

fn code<'t>(path: &'t str, content: &'t str) -> Touched<'t> {
    (path, content, Role::Code, ArtifactKind::Code)
}

fn model<'t>(path: &'t str, content: &'t str) -> Touched<'t> {
    (path, content, Role::Input, ArtifactKind::Model)
}

impl History {
    fn run(&mut self, command: &str, used: &[Touched<'_>], made: &[Touched<'_>]) -> RunId {
        self.runs += 1;
        let run = RunId::new([self.runs; 16]);
        self.clock += 10;
        let began = RunBegan {
            run,
            at: Time(self.clock),
            project: "p".into(),
            root: "/p".into(),
            name: None,
            command: command.split(' ').map(|word| word.as_bytes().to_vec()).collect(),
            cwd: FilePath::default(),
            user: String::new(),
            host: String::new(),
            pid: 1,
            git: None,
            parent: None,
        };
        self.records.push(began.to_record(Time(self.clock)));
        for (at, (list, kind)) in [(used, Kind::Used), (made, Kind::Made)].into_iter().enumerate() {
            self.clock += 1;
            for touched in list {
                let edge = self.edge(run, touched, at == 1);
                self.records.push(edge.to_record(kind, Time(self.clock)));
            }
        }
        run
    }

    /// A content of several lines is a folder: a path and a content each.
    fn edge(&mut self, run: RunId, (path, content, role, kind): &Touched<'_>, made: bool) -> Edge {
        let long = |text: &str| format!("{text} and enough bytes to be told apart from chance").into_bytes();
        let (content, members) = if path.ends_with('/') {
            let members = content.lines().filter_map(|line| line.split_once(' '));
            let member = |text: &str| InManifest { size: long(text).len() as u64, digest: Digest::of(&long(text)) };
            let manifest = Manifest(members.map(|(name, text)| (FilePath::from(name), member(text))).collect());
            let (digest, count) = (manifest.digest(), manifest.0.len() as u64);
            self.manifests.push(manifest);
            (digest, Some(count))
        } else {
            (Digest::of(&long(content)), None)
        };
        Edge {
            run,
            at: Time(self.clock),
            authority: Authority::Observed,
            rule: None,
            project: "p".into(),
            path: FilePath::from(*path),
            target: None,
            content: Some(content),
            size: Some(60),
            members,
            kind: *kind,
            role: if made { Role::Output } else { *role },
            format: None,
            sha256: None,
            changed: None,
            unseen: None,
            unchanged: false,
            removed: false,
        }
    }

    fn index(&self) -> Entries {
        let entries = self.records.iter().enumerate().map(|(at, record)| Entry {
            position: at as u64 + 1,
            origin: "laptop".into(),
            index: at as u64,
            id: RecordId::new(*Digest::of(&at.to_be_bytes()).as_bytes()),
            record: record.clone(),
        });
        Entries::new(entries, &self.manifests)
    }

    /// The newest state of the model against the first.
    fn compare(&self, path: &str) -> Alignment {
        let index = self.index();
        let mut comparer = Comparer::new(&index);
        let states = states(&mut comparer, path);
        let Ok(found) = comparer.align(&states[states.len() - 1], &states[0], &|a, b| a.command[1] == b.command[1]);
        found
    }
}

fn states(comparer: &mut Comparer<'_, Entries>, path: &str) -> Vec<State> {
    let Ok(makings) = comparer.makings(&[Root::Place { project: "p".into(), path: FilePath::from(path) }]);
    let states = makings.iter().flat_map(|making| {
        let Ok(states) = comparer.states(making);
        states
    });
    states.collect()
}

/// Leaves, as `group path reason`, with members as `group path: names`.
fn leaves(found: &Alignment) -> Vec<String> {
    let mut said: Vec<String> = found
        .leaves
        .iter()
        .map(|leaf| {
            let group = if leaf.group == Group::Measure { "measure" } else { "model" };
            let file = leaf.a.as_ref().or(leaf.b.as_ref()).expect("a side");
            let members: Vec<String> = leaf.members.iter().map(|member| member.path.to_string()).collect();
            let members = if members.is_empty() { String::new() } else { format!("[{}]", members.join(" ")) };
            let via: Vec<String> = leaf.via.iter().map(ToString::to_string).collect();
            let via = if via.is_empty() { String::new() } else { format!(" via {}", via.join(", ")) };
            format!("{group} {}{members} {:?}{via}", file.place.path, leaf.reason)
        })
        .collect();
    said.sort();
    said
}

/// Features, training, evaluation, each from these contents.
fn pipeline(history: &mut History, days: &str, trainer: &str, holdout: &str, model_content: &str) {
    let train = format!("train of {days}");
    history.run("python features.py", &[("daily/", days, Role::Input, ArtifactKind::Data)], &[data("train.csv", &train)]);
    history.run("python train.py", &[data("train.csv", &train), code("train.py", trainer)], &[model("m.bin", model_content)]);
    let evaluation = format!("eval of {model_content} on {holdout}");
    history.run(
        "python evaluate.py",
        &[model("m.bin", model_content), ("holdout.csv", holdout, Role::EvaluationData, ArtifactKind::Data), code("evaluate.py", "e")],
        &[("eval.json", &evaluation, Role::Output, ArtifactKind::Evaluation)],
    );
}

#[test]
fn a_measure_that_changed_is_told_from_a_model_that_did() {
    let mut history = History::default();
    pipeline(&mut history, "1 x\n2 y", "t", "h", "m1");
    pipeline(&mut history, "1 x\n2 y", "t", "other h", "m1");
    assert_eq!(leaves(&history.compare("m.bin")), ["measure holdout.csv Raw"]);
    pipeline(&mut history, "1 x\n2 z", "u", "h", "m2");
    assert_eq!(leaves(&history.compare("m.bin")), ["model daily/[2] Raw via train.csv", "model train.py Raw"]);
}

#[test]
fn a_retraining_to_equal_bytes_is_a_state_of_its_own() {
    let mut history = History::default();
    pipeline(&mut history, "1 x", "t", "h", "m1");
    pipeline(&mut history, "1 x", "t", "other h", "m1");
    let index = history.index();
    let mut comparer = Comparer::new(&index);
    let states = states(&mut comparer, "m.bin");
    assert_eq!(states.len(), 2);
    assert_eq!(states[0].making.as_ref().map(|making| making.content), states[1].making.as_ref().map(|making| making.content));
    assert!(states[1].differs(&states[0]));
    assert_ne!(states[0].measuring.as_ref().map(|by| by.run), states[1].measuring.as_ref().map(|by| by.run));
}

#[test]
fn a_source_that_feeds_both_sides_is_in_both_groups() {
    let mut history = History::default();
    for raw in ["x", "y"] {
        let (train, holdout) = (format!("train {raw}"), format!("holdout {raw}"));
        history.run("python split.py", &[data("raw.csv", raw)], &[data("train.csv", &train), data("holdout.csv", &holdout)]);
        history.run("python train.py", &[data("train.csv", &train)], &[model("m.bin", raw)]);
        let used = [model("m.bin", raw), ("holdout.csv", &holdout, Role::EvaluationData, ArtifactKind::Data)];
        history.run("python evaluate.py", &used, &[("eval.json", raw, Role::Output, ArtifactKind::Evaluation)]);
    }
    assert_eq!(leaves(&history.compare("m.bin")), ["measure raw.csv Raw via holdout.csv", "model raw.csv Raw via train.csv"]);
}

#[test]
fn one_run_that_trains_and_measures_is_split_by_role() {
    let mut history = History::default();
    for (train, test) in [("a", "b"), ("c", "d")] {
        let used = [data("train.csv", train), ("test.csv", test, Role::EvaluationData, ArtifactKind::Data), code("all.py", "s")];
        history.run("python all.py", &used, &[model("m.bin", train), ("eval.json", test, Role::Output, ArtifactKind::Evaluation)]);
    }
    assert_eq!(leaves(&history.compare("m.bin")), ["measure test.csv Raw", "model train.csv Raw"]);
}

#[test]
fn a_parent_model_is_a_boundary_with_causes_of_its_own() {
    let mut history = History::default();
    for base in ["x", "y"] {
        history.run("python pretrain.py", &[data("base.csv", base)], &[model("base.bin", &format!("base {base}"))]);
        let used = [("base.bin", &*format!("base {base}"), Role::ParentModel, ArtifactKind::Model)];
        history.run("python train.py", &used, &[model("m.bin", base)]);
    }
    let found = history.compare("m.bin");
    assert_eq!(leaves(&found), ["model base.bin Parent"]);
    assert_eq!(leaves(found.leaves[0].inner.as_ref().expect("its own")), ["model base.csv Raw"]);
}

#[test]
fn what_other_programs_wrote_is_not_paired() {
    let mut history = History::default();
    for (writer, content) in [("features.py", "x"), ("relabel.py", "y")] {
        history.run(&format!("python {writer}"), &[data("raw.csv", content)], &[data("train.csv", content)]);
        history.run("python train.py", &[data("train.csv", content)], &[model("m.bin", content)]);
    }
    assert_eq!(leaves(&history.compare("m.bin")), ["model train.csv OtherProgram"]);
}

#[test]
fn an_update_in_place_is_told_as_one() {
    let mut history = History::default();
    history.run("python features.py", &[data("raw.csv", "r")], &[data("train.csv", "one")]);
    history.run("python train.py", &[data("train.csv", "one")], &[model("m.bin", "one")]);
    for (before, after) in [("one", "two"), ("two", "three")] {
        history.run("python append.py", &[data("train.csv", before)], &[data("train.csv", after)]);
    }
    history.run("python train.py", &[data("train.csv", "three")], &[model("m.bin", "three")]);
    assert_eq!(leaves(&history.compare("m.bin")), ["model train.csv Updated"]);
}

#[test]
fn an_update_in_place_is_entered_for_what_else_differs() {
    let mut history = History::default();
    history.run("python first.py", &[data("raw.csv", "r")], &[data("x.db", "zero")]);
    for (before, after, script) in [("zero", "one", "s"), ("one", "two", "t")] {
        history.run("python load.py", &[data("x.db", before), code("load.py", script)], &[data("x.db", after)]);
        history.run("python train.py", &[data("x.db", after)], &[model("m.bin", after)]);
    }
    assert_eq!(leaves(&history.compare("m.bin")), ["model load.py Raw via x.db", "model x.db Updated"]);
}

#[test]
fn files_that_moved_are_paired_by_name_or_as_the_only_ones() {
    let mut history = History::default();
    history.run("python train.py", &[data("old/train.csv", "x"), code("train_a.py", "s")], &[model("m.bin", "x")]);
    history.run("python train.py", &[data("new/train.csv", "x"), code("train_b.py", "t")], &[model("m.bin", "y")]);
    let found = history.compare("m.bin");
    assert_eq!(leaves(&found), ["model train_b.py Raw"]);
    assert!(found.leaves[0].b.is_some());
}

#[test]
fn a_folder_answers_files_that_were_read_one_by_one() {
    let mut history = History::default();
    history.run("python train.py", &[data("daily/1", "x"), data("daily/2", "y")], &[model("m.bin", "x")]);
    history.run("python train.py", &[("daily/", "1 x\n2 z\n3 n", Role::Input, ArtifactKind::Data)], &[model("m.bin", "y")]);
    assert_eq!(leaves(&history.compare("m.bin")), ["model daily/[2 3] Raw"]);
}

#[test]
fn equal_trees_have_no_leaves_and_no_run_is_visited_twice() {
    let mut history = History::default();
    pipeline(&mut history, "1 x", "t", "h", "m1");
    pipeline(&mut history, "1 x", "t", "h", "m2");
    let found = history.compare("m.bin");
    assert_eq!(leaves(&found), Vec::<String>::new());
    assert_eq!(found.pairs.len(), 2);
    assert!(found.pairs.iter().all(|pair| pair.alike && !pair.followed));
}

proptest! {
    /// Whatever was changed in a pipeline, and nothing else, is found, and comparing the other way round finds the same.
    #[test]
    fn exactly_what_changed_is_found(days in prop::collection::btree_map(0u8..6, any::<bool>(), 1..6), trainer in any::<bool>(), holdout in any::<bool>()) {
        let mut history = History::default();
        let text = |after: bool| days.iter().map(|(day, changed)| format!("{day} {}", if after && *changed { "new" } else { "old" })).collect::<Vec<_>>().join("\n");
        let of = |after: bool, changed: bool| if after && changed { "new" } else { "old" };
        pipeline(&mut history, &text(false), "old", "old", "m1");
        pipeline(&mut history, &text(true), of(true, trainer), of(true, holdout), "m2");
        let changed: Vec<String> = days.iter().filter(|(_, changed)| **changed).map(|(day, _)| day.to_string()).collect();
        let mut expected = Vec::new();
        if holdout {
            expected.push("measure holdout.csv Raw".to_owned());
        }
        if !changed.is_empty() {
            expected.push(format!("model daily/[{}] Raw via train.csv", changed.join(" ")));
        }
        if trainer {
            expected.push("model train.py Raw".to_owned());
        }
        prop_assert_eq!(leaves(&history.compare("m.bin")), expected.clone());
        let index = history.index();
        let mut comparer = Comparer::new(&index);
        let states = states(&mut comparer, "m.bin");
        let Ok(back) = comparer.align(&states[0], &states[states.len() - 1], &|a, b| a.command[1] == b.command[1]);
        prop_assert_eq!(leaves(&back), expected);
        prop_assert!(back.leaves.iter().all(|leaf| leaf.reason == Reason::Raw));
    }
}
