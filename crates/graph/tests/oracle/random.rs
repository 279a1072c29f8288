//! Random histories: few runs, paths and contents, so that they meet often.

use keizu_record::body::{ArtifactKind, Edge, Role, corrected};
use keizu_record::{Authority, FilePath, Kind, Name, RecordId, Time};
use proptest::prelude::*;

use crate::common::{History, PROJECT, content, edge, run};

/// Runs are numbered from 1; the last has no `began`, and the one before it lives in another project.
pub const RUNS: u8 = 5;
pub const CONTENTS: [&str; 4] = ["a", "b", "c", "small"];
const PATHS: [&str; 6] = ["x", "y", "d/x", "d/y", "/home/aki/flights/x", "/home/aki/flights/d/y"];
const FOLDERS: [&str; 2] = ["d/", "/home/aki/flights/d"];

#[derive(Debug, Clone)]
pub enum Step {
    File { made: bool, run: u8, at: i64, path: usize, content: usize, target: Option<usize>, declared: bool, listing: bool },
    Folder { made: bool, run: u8, at: i64, path: usize, files: Vec<(bool, usize)>, kept: bool },
    Added { at: i64, path: usize, content: usize },
    Derived { at: i64, child: usize, parent: usize },
    Retracted { which: prop::sample::Index, stranger: bool },
    Corrected { which: prop::sample::Index, content: usize, path: usize },
}

fn any_step() -> impl Strategy<Value = Step> {
    let (run, at, content) = (1..=RUNS, 0..8_i64, 0..CONTENTS.len());
    let path = 0..PATHS.len();
    let target = prop::option::weighted(0.15, 0..PATHS.len());
    let rare = || prop::bool::weighted(0.1);
    let file = (any::<bool>(), run.clone(), at.clone(), path.clone(), content.clone(), target, rare(), rare());
    let file = file.prop_map(|(made, run, at, path, content, target, declared, listing)| Step::File {
        made,
        run,
        at,
        path,
        content,
        target,
        declared,
        listing: listing && !made,
    });
    let files = prop::collection::vec((any::<bool>(), content.clone()), 1..3);
    let folder = (any::<bool>(), run, at.clone(), 0..FOLDERS.len(), files, prop::bool::weighted(0.9));
    let folder = folder.prop_map(|(made, run, at, path, files, kept)| Step::Folder { made, run, at, path, files, kept });
    let added = (at.clone(), path.clone(), content.clone()).prop_map(|(at, path, content)| Step::Added { at, path, content });
    let derived = (at, content.clone(), content.clone()).prop_map(|(at, child, parent)| Step::Derived { at, child, parent });
    let retracted =
        (any::<prop::sample::Index>(), prop::bool::weighted(0.3)).prop_map(|(which, stranger)| Step::Retracted { which, stranger });
    let mended = (any::<prop::sample::Index>(), content, path);
    let mended = mended.prop_map(|(which, content, path)| Step::Corrected { which, content, path });
    prop_oneof![12 => file, 6 => folder, 1 => added, 1 => derived, 1 => retracted, 2 => mended]
}

/// Reads and writes of files by relative paths; a quarter of the histories has one step of another sort.
fn plain_steps(steps_max: usize) -> impl Strategy<Value = Vec<Step>> {
    let plain = (any::<bool>(), 1..RUNS - 1, 0..30_i64, 0..4_usize, 0..CONTENTS.len()).prop_map(|(made, run, at, path, content)| {
        Step::File { made, run, at, path, content, target: None, declared: false, listing: false }
    });
    (prop::collection::vec(plain, 1..steps_max), prop::option::weighted(0.25, any_step())).prop_map(|(mut steps, other)| {
        steps.extend(other);
        steps
    })
}

pub fn mostly_plain_history(steps_max: usize) -> impl Strategy<Value = History> {
    (plain_steps(steps_max), any::<u64>()).prop_map(|(steps, seed)| history(steps, seed))
}

pub fn any_history(steps_max: usize) -> impl Strategy<Value = History> {
    (prop::collection::vec(any_step(), 1..steps_max), any::<u64>()).prop_map(|(steps, seed)| history(steps, seed))
}

fn history(steps: Vec<Step>, seed: u64) -> History {
    let mut history = History::default();
    for number in 1..RUNS - 1 {
        history.began(number, 0, "step");
    }
    history.began_in(RUNS - 1, 0, "step", "other", "/srv/other");
    for step in steps {
        apply(&mut history, step);
    }
    shuffle(&mut history.entries, seed);
    history
}

/// Entries arrive in any order: runs are sealed when they end, and logs are merged.
pub fn shuffle(entries: &mut [keizu_record::Entry], seed: u64) {
    let mut state = seed | 1;
    for at in (1..entries.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        entries.swap(at, (state >> 33) as usize % (at + 1));
    }
    for (position, entry) in entries.iter_mut().enumerate() {
        entry.position = position as u64;
    }
}

fn body(number: u8, at: i64, path: &str, name: &str) -> Edge {
    let project = if number == RUNS - 1 { "other" } else { PROJECT };
    let size = if name == "small" { 2 } else { 1_000 };
    Edge { project: project.into(), size: Some(size), ..edge(run(number), at, path, content(name)) }
}

fn kind(made: bool) -> Kind {
    if made { Kind::Made } else { Kind::Used }
}

fn apply(history: &mut History, step: Step) {
    match step {
        Step::File { made, run, at, path, content, target, declared, listing } => {
            let authority = if declared { Authority::Declared } else { Authority::Observed };
            let target = target.map(|target| FilePath::from(PATHS[target]));
            let role = if listing { Role::Listing } else { Role::Input };
            let edge = Edge { target, authority, role, ..body(run, at, PATHS[path], CONTENTS[content]) };
            history.push_edge(kind(made), edge);
        }
        Step::Folder { made, run, at, path, files, kept } => {
            let named: Vec<(&str, &str)> =
                files.iter().map(|(first, content)| (if *first { "x" } else { "y" }, CONTENTS[*content])).collect();
            let digest = history.folder(&named);
            let folder = history.folder_edge(crate::common::run(run), at, FOLDERS[path], digest);
            let project = body(run, at, "", "a").project;
            history.push_edge(kind(made), Edge { project, ..folder });
            if !kept {
                history.manifests.remove(&digest);
            }
        }
        Step::Added { at, path, content: name } => {
            let name_of_path = Name::Path { project: PROJECT.into(), path: PATHS[path].into() };
            history.named(name_of_path, at, None, None, Some(PATHS[path]), content(CONTENTS[name]));
        }
        Step::Derived { at, child, parent } => {
            history.derived(at, content(CONTENTS[child]), "derived from", content(CONTENTS[parent]));
        }
        Step::Retracted { which, stranger } => {
            let entry = &history.entries[which.index(history.entries.len())];
            let (own, id) = (entry.record.subject.clone(), entry.id);
            // who speaks of another subject mends nothing
            let subject = if stranger { run(1).into() } else { own };
            let mut record = keizu_record::Record::new(Kind::Retracted, subject, Time(9), Time(9));
            record.cites.insert(id);
            history.push(record);
        }
        Step::Corrected { which, content: name, path } => correct(history, which.index(history.entries.len()), CONTENTS[name], PATHS[path]),
    }
}

fn correct(history: &mut History, which: usize, name: &str, path: &str) {
    let entry = &history.entries[which];
    let (id, kind): (RecordId, Kind) = (entry.id, entry.record.kind);
    let Some(old) = Edge::read(&entry.record) else { return };
    let new = Edge { content: Some(content(name)), path: path.into(), members: None, kind: ArtifactKind::Data, size: Some(1_000), ..old };
    let at = new.at;
    history.push(corrected(new.to_record(kind, at), [id]));
}
