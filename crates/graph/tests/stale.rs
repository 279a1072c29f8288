//! Staleness: exactly the descendants of what changed, and none of the traps.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;

use keizu_graph::stale::{Judgement, Now, Options, Papers, Plan, Present, State, What, World};
use keizu_record::body::{ArtifactKind, Edge, Role, RunBegan, RunEnded, Status};
use keizu_record::manifest::{Manifest, Member, Names};
use keizu_record::{Authority, Digest, Entry, FilePath, Kind, Record, RecordId, RunId, Time};
use proptest::prelude::*;

/// A project: what was recorded, and what is there.
#[derive(Default, Clone)]
struct Project {
    entries: Vec<Entry>,
    files: BTreeMap<FilePath, Digest>,
    manifests: HashMap<Digest, Manifest>,
    names: HashMap<Digest, Names>,
    clock: i64,
    runs: u8,
}

impl Papers for Project {
    type Error = Infallible;

    fn manifest(&self, digest: &Digest) -> Result<Option<Manifest>, Infallible> {
        Ok(self.manifests.get(digest).cloned())
    }

    fn names(&self, digest: &Digest) -> Result<Option<Names>, Infallible> {
        Ok(self.names.get(digest).cloned())
    }
}

impl Present for Project {
    fn content(&self, path: &FilePath) -> Now {
        self.files.get(path).map_or(Now::Missing, |digest| Now::File(*digest))
    }

    fn names(&self, folder: &FilePath) -> Option<Vec<FilePath>> {
        let inside = self.files.keys().filter_map(|path| path.as_bytes().strip_prefix(folder.as_bytes()));
        let names = inside.map(|rest| match rest.iter().position(|byte| *byte == b'/') {
            Some(at) => FilePath::new(&rest[..=at]),
            None => FilePath::new(rest),
        });
        Some(names.collect::<BTreeSet<_>>().into_iter().collect())
    }

    fn exists(&self, path: &FilePath) -> bool {
        self.files.contains_key(path)
    }
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

impl Project {
    fn put(&mut self, path: &str, text: &str) {
        self.files.insert(path.into(), digest(text));
    }

    fn tick(&mut self) -> Time {
        self.clock += 10;
        Time(self.clock)
    }

    fn push(&mut self, record: Record) {
        let position = self.entries.len() as u64 + 1;
        let id = RecordId::new(*digest(&position.to_string()).as_bytes());
        self.entries.push(Entry { position, origin: "laptop".into(), index: position, id, record });
    }

    fn edge(&mut self, run: RunId, path: &str, content: Option<Digest>, role: Role) -> Edge {
        Edge {
            run,
            at: self.tick(),
            authority: Authority::Observed,
            rule: None,
            project: "p".into(),
            path: path.into(),
            target: None,
            content,
            size: None,
            members: None,
            kind: ArtifactKind::Data,
            role,
            format: None,
            sha256: None,
            changed: None,
            unseen: None,
            unchanged: false,
            removed: false,
        }
    }

    /// A run that reads what is there and writes these files. A folder that it reads (`daily/`) is listed and read whole.
    fn run(&mut self, command: &str, reads: &[&str], writes: &[(&str, &str)]) -> RunId {
        self.run_as(Status::Finished, command, reads, writes)
    }

    fn run_as(&mut self, status: Status, command: &str, reads: &[&str], writes: &[(&str, &str)]) -> RunId {
        self.runs += 1;
        let run = RunId::new([self.runs; 16]);
        let at = self.tick();
        let began = RunBegan {
            run,
            at,
            project: "p".into(),
            root: "/p".into(),
            name: None,
            command: vec![command.as_bytes().to_vec()],
            cwd: FilePath::default(),
            user: "aki".into(),
            host: "laptop".into(),
            pid: 1,
            git: None,
            parent: None,
        };
        self.push(began.to_record(at));
        for path in reads {
            self.read(run, path);
        }
        for (path, text) in writes {
            let edge = self.edge(run, path, Some(digest(text)), Role::Output);
            self.push(edge.to_record(Kind::Made, edge.at));
            self.put(path, text);
        }
        let at = self.tick();
        let exit_code = Some(i64::from(status == Status::Failed));
        let ended = RunEnded { run, at, status, exit_code, signal: None, account: None, coverage: 1.0, blind: Vec::new() };
        self.push(ended.to_record(at));
        run
    }

    fn read(&mut self, run: RunId, path: &str) {
        if !path.ends_with('/') {
            let content = self.files.get(&FilePath::from(path)).copied();
            let edge = self.edge(run, path, content, if content.is_some() { Role::Input } else { Role::Absent });
            if content.is_some() {
                self.push(edge.to_record(Kind::Used, edge.at));
            } else {
                let names = Names([FilePath::from(path)].into());
                let edge = Edge { content: Some(names.digest()), members: Some(1), path: "(absent)".into(), ..edge };
                self.names.insert(names.digest(), names);
                self.push(edge.to_record(Kind::Used, edge.at));
            }
            return;
        }
        let folder = FilePath::from(path);
        let inside = |file: &FilePath| file.as_bytes().strip_prefix(folder.as_bytes()).map(FilePath::new);
        let members = self.files.iter().filter_map(|(file, digest)| Some((inside(file)?, Member { size: 9, digest: *digest })));
        let manifest = Manifest(members.collect());
        let names = Names(manifest.0.keys().cloned().collect());
        for (content, role) in [(manifest.digest(), Role::Input), (names.digest(), Role::Listing)] {
            let edge = Edge { members: Some(names.0.len() as u64), ..self.edge(run, path, Some(content), role) };
            self.push(edge.to_record(Kind::Used, edge.at));
        }
        self.names.insert(names.digest(), names);
        self.manifests.insert(manifest.digest(), manifest);
    }

    fn world(&self) -> World {
        let Ok(world) = World::build(&self.entries, self, &|_| true);
        world
    }

    fn judge(&self) -> Judgement {
        Judgement::of(&self.world(), self, &Options::default())
    }

    fn in_state(&self, state: State) -> BTreeSet<String> {
        let judgement = self.judge();
        let products = judgement.products.iter().filter(|product| product.current && product.verdict.state == state);
        products.map(|product| product.path.to_string()).collect()
    }

    fn stale(&self) -> BTreeSet<String> {
        self.in_state(State::Stale)
    }

    fn cause(&self, path: &str) -> (String, What) {
        let judgement = self.judge();
        let at = judgement.products.iter().position(|product| product.current && product.path == path.into()).unwrap();
        let cause = judgement.way(at).1.unwrap().clone();
        (cause.thing.to_string(), cause.what)
    }

    fn plan(&self) -> Vec<RunId> {
        let (world, judgement) = (self.world(), self.judge());
        let stale = |at: &usize| judgement.products[*at].current && judgement.products[*at].verdict.state == State::Stale;
        let wanted: Vec<usize> = (0..judgement.products.len()).filter(stale).collect();
        Plan::of(&world, &judgement, &wanted).steps.iter().map(|step| step.run).collect()
    }
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

fn flights() -> (Project, [RunId; 3]) {
    let mut project = Project::default();
    for day in 1..5 {
        project.put(&format!("daily/{day}.csv"), &day.to_string());
    }
    project.put("train.py", "code");
    let features = project.run("features", &["daily/"], &[("features.csv", "f")]);
    let train = project.run("train", &["features.csv", "train.py", "override.yaml"], &[("model.bin", "m")]);
    let evaluate = project.run("evaluate", &["model.bin"], &[("eval.json", "e")]);
    (project, [features, train, evaluate])
}

#[test]
fn what_was_just_made_is_fresh() {
    let (project, _) = flights();
    assert_eq!(project.stale(), set(&[]));
    assert_eq!(project.in_state(State::Fresh), set(&["features.csv", "model.bin", "eval.json"]));
    assert!(project.plan().is_empty());
}

#[test]
fn names_that_appear() {
    let (mut project, [features, train, evaluate]) = flights();
    project.put("daily/5.csv", "5");
    assert_eq!(project.cause("eval.json"), ("daily/5.csv".into(), What::New));
    assert_eq!(project.plan(), [features, train, evaluate]);
    project.files.remove(&FilePath::from("daily/5.csv"));
    project.put("override.yaml", "x");
    assert_eq!(project.cause("eval.json"), ("override.yaml".into(), What::Appeared));
    assert_eq!(project.stale(), set(&["model.bin", "eval.json"]));
    assert_eq!(project.plan(), [train, evaluate]);
}

#[test]
fn an_upstream_that_came_out_equal_is_no_cause() {
    let (mut project, [_, train, _]) = flights();
    project.run("features", &["daily/"], &[("features.csv", "f")]);
    assert_eq!(project.stale(), set(&[]));
    let again = project.run("features", &["daily/"], &[("features.csv", "other")]);
    assert_eq!(project.cause("model.bin"), ("features.csv".into(), What::Remade(again)));
    assert_eq!(project.plan()[0], train);
}

#[test]
fn a_failed_run_counts_only_while_its_half_lies_there() {
    let (mut project, _) = flights();
    project.run_as(Status::Failed, "train", &["features.csv"], &[("model.bin", "half")]);
    assert_eq!(project.cause("model.bin").1, What::Failed(Some(1), None));
    project.put("model.bin", "m");
    assert_eq!(project.stale(), set(&[]));
}

#[test]
fn a_lost_run_leaves_doubt_and_doubt_flows_down() {
    let (mut project, _) = flights();
    project.run_as(Status::Lost, "train", &["features.csv", "train.py"], &[("model.bin", "m2")]);
    project.run("evaluate", &["model.bin"], &[("eval.json", "e")]);
    assert_eq!(project.in_state(State::Unknown), set(&["model.bin", "eval.json"]));
    assert_eq!(project.stale(), set(&[]));
}

#[test]
fn a_file_that_is_updated_in_place() {
    let mut project = Project::default();
    project.put("raw", "r");
    let create = project.run("create", &["raw"], &[("db", "1")]);
    let update = project.run("update", &["db"], &[("db", "2")]);
    assert_eq!(project.stale(), set(&[]));
    project.put("raw", "r2");
    assert_eq!(project.stale(), set(&["db"]));
    assert_eq!(project.plan(), [create, update]);
    project.run("create", &["raw"], &[("db", "3")]);
    assert_eq!(project.in_state(State::Fresh), set(&["db"]), "made anew, the update is not asked for any more");
}

#[test]
fn a_log_to_which_several_append() {
    let mut project = Project::default();
    project.put("data", "d");
    project.put("log", "0");
    project.run("fit 4", &["data", "log"], &[("model-4", "a"), ("log", "1")]);
    project.run("fit 6", &["data", "log"], &[("model-6", "b"), ("log", "2")]);
    assert_eq!(project.stale(), set(&[]));
    project.put("data", "other");
    assert_eq!(project.stale(), set(&["model-4", "model-6", "log"]));
    project.run("fit 4", &["data", "log"], &[("model-4", "c"), ("log", "3")]);
    project.run("fit 6", &["data", "log"], &[("model-6", "d"), ("log", "4")]);
    assert_eq!(project.stale(), set(&[]));
}

#[test]
fn a_loop_does_not_wait_for_its_end() {
    let mut project = Project::default();
    project.put("state", "0");
    project.run("propose", &["state"], &[("move", "m")]);
    project.run("apply", &["move"], &[("state", "1")]);
    assert_eq!(project.stale(), set(&[]));
}

#[test]
fn what_a_later_run_of_the_command_no_longer_makes_is_left_over() {
    let mut project = Project::default();
    project.put("data", "d");
    project.run("train", &["data"], &[("model-monday", "a")]);
    project.put("data", "e");
    project.run("train", &["data"], &[("model-tuesday", "b")]);
    assert_eq!(project.in_state(State::Fresh), set(&["model-tuesday"]));
    assert_eq!(project.stale(), set(&[]));
}

#[test]
fn only_readers_of_an_edited_file_of_a_folder_are_touched() {
    let mut project = Project::default();
    project.put("raw", "r");
    let run = project.run("split", &["raw"], &[]);
    let files = ["a", "b"].map(|name| (FilePath::from(name), Member { size: 1, digest: digest(name) }));
    let manifest = Manifest(files.into_iter().collect());
    let edge = Edge { members: Some(2), ..project.edge(run, "parts/", Some(manifest.digest()), Role::Output) };
    project.push(edge.to_record(Kind::Made, edge.at));
    project.manifests.insert(manifest.digest(), manifest);
    project.put("parts/a", "a");
    project.put("parts/b", "b");
    project.run("left", &["parts/a"], &[("left", "l")]);
    project.run("right", &["parts/b"], &[("right", "r")]);
    assert_eq!(project.stale(), set(&[]));
    project.put("parts/a", "edited");
    assert_eq!(project.stale(), set(&["parts/", "left"]));
    project.put("raw", "r2");
    assert_eq!(project.stale(), set(&["parts/", "left", "right"]));
}

/// Steps `0..n`, each reading some of the sources and of the steps before it.
fn any_pipeline() -> impl Strategy<Value = (usize, Vec<Vec<usize>>)> {
    (1usize..5, 1usize..9).prop_flat_map(|(sources, steps)| {
        let reads = (0..steps).map(|step| prop::collection::btree_set(0..sources + step, 1..4).prop_map(|set| set.into_iter().collect()));
        (Just(sources), reads.collect::<Vec<_>>())
    })
}

fn file(at: usize, sources: usize) -> String {
    if at < sources { format!("source-{at}") } else { format!("made-{at}") }
}

fn record(sources: usize, steps: &[Vec<usize>]) -> Project {
    let mut project = Project::default();
    for at in 0..sources {
        project.put(&file(at, sources), &format!("content {at}"));
    }
    for (step, reads) in steps.iter().enumerate() {
        let reads: Vec<String> = reads.iter().map(|at| file(*at, sources)).collect();
        let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
        let out = file(sources + step, sources);
        project.run(&format!("step {step}"), &reads, &[(&out, &format!("product {step}"))]);
    }
    project
}

fn descendants(changed: usize, sources: usize, steps: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([changed]);
    for (step, reads) in steps.iter().enumerate() {
        if reads.iter().any(|at| found.contains(at)) {
            found.insert(sources + step);
        }
    }
    found.into_iter().filter(|at| *at >= sources).collect()
}

proptest! {
    #[test]
    fn exactly_the_descendants_of_what_changed((sources, steps) in any_pipeline(), pick in any::<prop::sample::Index>()) {
        let mut project = record(sources, &steps);
        prop_assert_eq!(project.stale(), BTreeSet::new());
        let changed = pick.index(sources + steps.len());
        project.put(&file(changed, sources), "something else");
        let expected: BTreeSet<String> = descendants(changed, sources, &steps).into_iter().map(|at| file(at, sources)).collect();
        prop_assert_eq!(project.stale(), expected);
    }

    #[test]
    fn a_plan_has_each_stale_step_once_after_what_it_needs((sources, steps) in any_pipeline(), pick in any::<prop::sample::Index>()) {
        let mut project = record(sources, &steps);
        let changed = pick.index(sources);
        project.put(&file(changed, sources), "something else");
        let expected = descendants(changed, sources, &steps);
        let planned: Vec<usize> = project.plan().iter().map(|run| sources + usize::from(run.as_bytes()[0]) - 1).collect();
        prop_assert_eq!(planned.iter().copied().collect::<BTreeSet<_>>(), expected.clone());
        prop_assert_eq!(planned.len(), expected.len());
        for (place, at) in planned.iter().enumerate() {
            for read in steps[at - sources].iter().filter(|read| expected.contains(read)) {
                prop_assert!(planned[..place].contains(read), "{read} before {at}");
            }
        }
        // made again with other contents, in that order, everything is fresh
        for at in planned {
            let step = at - sources;
            let reads: Vec<String> = steps[step].iter().map(|read| file(*read, sources)).collect();
            let reads: Vec<&str> = reads.iter().map(String::as_str).collect();
            project.run(&format!("step {step}"), &reads, &[(&file(at, sources), &format!("product {step} again"))]);
        }
        prop_assert_eq!(project.stale(), BTreeSet::new());
    }
}
