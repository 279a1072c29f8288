//! Random histories of a few names and two processes, against a naive model of what became of each name.

use std::collections::{BTreeMap, BTreeSet};

use keizu_record::Digest;
use proptest::prelude::*;

use super::script::{Files, OTHER, PID, Script, content};

/// Names of files: some in folders that are renamed as a whole.
const FILES: [&str; 6] = ["a", "b", "d/a", "d/b", "e/a", "e/b"];
const FOLDERS: [&str; 2] = ["d", "e"];

#[derive(Debug, Clone)]
enum Step {
    Write(u32, usize, u8),
    Append(usize, u8),
    Read(u32, usize),
    Rename(u32, usize, usize),
    Link(usize, usize),
    Unlink(u32, usize),
    Mkdir(usize),
    RenameFolder(usize, usize),
    Work,
    Finish,
}

fn step() -> impl Strategy<Value = Step> {
    let pid = prop_oneof![Just(PID), Just(OTHER)];
    let file = 0..FILES.len();
    let folder = 0..FOLDERS.len();
    prop_oneof![
        4 => (pid.clone(), file.clone(), 0_u8..4).prop_map(|(p, f, c)| Step::Write(p, f, c)),
        1 => (file.clone(), 0_u8..4).prop_map(|(f, c)| Step::Append(f, c)),
        3 => (pid.clone(), file.clone()).prop_map(|(p, f)| Step::Read(p, f)),
        3 => (pid.clone(), file.clone(), file.clone()).prop_map(|(p, a, b)| Step::Rename(p, a, b)),
        1 => (file.clone(), file.clone()).prop_map(|(a, b)| Step::Link(a, b)),
        2 => (pid, file).prop_map(|(p, f)| Step::Unlink(p, f)),
        2 => folder.clone().prop_map(Step::Mkdir),
        2 => (folder.clone(), folder).prop_map(|(a, b)| Step::RenameFolder(a, b)),
        1 => Just(Step::Work),
        1 => Just(Step::Finish),
    ]
}

/// A file of the model, whatever its names.
#[derive(Debug, Clone)]
struct Inode {
    text: String,
    /// What it held before the run; `None` when the run made it.
    before: Option<String>,
    /// The run wrote into it.
    written: bool,
    /// The run read it before it wrote to it.
    read: bool,
}

/// The world as a list would keep it.
#[derive(Default)]
struct Model {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    /// The names before the run.
    first: BTreeMap<String, usize>,
    folders: BTreeSet<String>,
}

impl Model {
    fn has_room(&self, path: &str) -> bool {
        path.split_once('/').is_none_or(|(folder, _)| self.folders.contains(folder))
    }

    fn below(&self, folder: &str) -> Vec<String> {
        self.names.keys().filter(|name| name.starts_with(&format!("{folder}/"))).cloned().collect()
    }
}

/// Does a step in both worlds, if it can be done.
fn act(step: &Step, model: &mut Model, run: &mut Script) {
    match *step {
        Step::Write(pid, file, text) => {
            let (path, text) = (FILES[file], format!("text {text}"));
            if !model.has_room(path) {
                return;
            }
            run.write_by(pid, path, &text);
            let next = model.inodes.len();
            let inode = *model.names.entry(path.into()).or_insert(next);
            if inode == next {
                model.inodes.push(Inode { text: String::new(), before: None, written: true, read: false });
            }
            model.inodes[inode].text = text;
            model.inodes[inode].written = true;
        }
        Step::Append(file, text) => {
            let path = FILES[file];
            let Some(&inode) = model.names.get(path) else { return };
            run.append(path, &format!("+{text}"));
            let inode = &mut model.inodes[inode];
            inode.read |= inode.before.is_some() && !inode.written;
            inode.text.push_str(&format!("+{text}"));
            inode.written = true;
        }
        Step::Read(pid, file) => {
            let path = FILES[file];
            let Some(&inode) = model.names.get(path) else { return run.try_open_if_free(path) };
            assert_eq!(run.read_by(pid, path), model.inodes[inode].text.as_bytes());
            let inode = &mut model.inodes[inode];
            inode.read |= inode.before.is_some() && !inode.written;
        }
        Step::Rename(pid, from, to) => {
            let (from, to) = (FILES[from], FILES[to]);
            if from == to || !model.has_room(to) || !model.names.contains_key(from) {
                return;
            }
            run.rename_by(pid, from, to);
            if model.names.get(from) != model.names.get(to) {
                let inode = model.names.remove(from).unwrap();
                model.names.insert(to.into(), inode);
            }
        }
        Step::Link(from, to) => {
            let (from, to) = (FILES[from], FILES[to]);
            if !model.has_room(to) || model.names.contains_key(to) {
                return;
            }
            let Some(&inode) = model.names.get(from) else { return };
            run.link(from, to);
            model.names.insert(to.into(), inode);
        }
        Step::Unlink(pid, file) => {
            if model.names.remove(FILES[file]).is_some() {
                run.unlink_by(pid, FILES[file]);
            }
        }
        Step::Mkdir(folder) => {
            if model.folders.insert(FOLDERS[folder].into()) {
                run.mkdir(FOLDERS[folder]);
            }
        }
        Step::RenameFolder(from, to) => {
            let (from, to) = (FOLDERS[from], FOLDERS[to]);
            if from == to || !model.folders.contains(from) || !model.below(to).is_empty() {
                return;
            }
            run.rename(from, to);
            model.folders.remove(from);
            model.folders.insert(to.into());
            for name in model.below(from) {
                let inode = model.names.remove(&name).unwrap();
                model.names.insert(name.replacen(from, to, 1), inode);
            }
        }
        Step::Work => run.work(),
        Step::Finish => check(model, &run.files()),
    }
}

fn check(model: &Model, files: &Files) {
    for (name, inode) in &model.names {
        let (inode, first) = (&model.inodes[*inode], model.first.get(name));
        let moved = first != Some(&model.names[name]);
        if !inode.written && !moved {
            assert!(files.find(name).is_none_or(|file| file.write.is_none()), "{name} was never written");
            continue;
        }
        let write = files.write(name);
        assert_eq!(write.content, content(&inode.text), "{name}");
        assert_eq!(write.created, first.is_none(), "{name}");
        assert!(!write.removed, "{name}");
        if let Some(before) = write.before {
            let first = &model.inodes[*first.unwrap()];
            assert_eq!(before.digest, Digest::of(first.before.as_ref().unwrap().as_bytes()), "{name}");
        }
    }
    for (name, inode) in &model.first {
        let inode = &model.inodes[*inode];
        if inode.read {
            let read = files.read(name);
            assert!(read.content.is_none() || read.content == content(inode.before.as_ref().unwrap()), "{name}");
            assert_eq!(read.changed, None, "{name}: nobody else was there");
        }
    }
    for file in &files.account.files {
        let name = file.path.strip_prefix(&files.account.root).unwrap().to_str().unwrap();
        let gone = !model.names.contains_key(name);
        assert!(FILES.contains(&name) || name.starts_with("old/"), "{name}");
        if let Some(write) = &file.write {
            assert_eq!(write.removed, gone, "{name}");
        }
        assert!(file.read.is_none() || model.first.contains_key(name), "{name} was not there before the run");
    }
    assert_eq!(files.blind("changed"), [""; 0]);
}

/// Runs a history, the events told one by one or in bursts.
fn play(steps: &[Step], burst: usize) {
    let there = [("a", "first a"), ("d/a", "first d/a"), ("d/b", "first d/b")];
    let mut run = Script::with(&there);
    let mut model = Model { folders: BTreeSet::from(["d".into()]), ..Model::default() };
    for (index, (name, text)) in there.iter().enumerate() {
        model.inodes.push(Inode { text: (*text).into(), before: Some((*text).into()), written: false, read: false });
        model.names.insert((*name).into(), index);
    }
    model.first = model.names.clone();
    for (index, step) in steps.iter().enumerate() {
        run.lagging = true;
        if index % burst == 0 || matches!(step, Step::Finish) {
            run.catch_up();
        }
        act(step, &mut model, &mut run);
    }
    run.catch_up();
    check(&model, &run.files());
    check(&model, &run.files());
}

proptest! {
    #[test]
    fn every_history_is_told_as_it_was(steps in prop::collection::vec(step(), 1..40), burst in 1_usize..6) {
        play(&steps, burst);
    }
}
