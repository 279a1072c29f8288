//! The façade as its callers use it: add, name, ask, and ask again after everything folded was thrown away.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]
use std::path::PathBuf;

use keizu_ledger::{Error, Got, Home, Ledger, Thing};
use keizu_record::Name;

struct Project {
    folder: tempfile::TempDir,
    ledger: Ledger,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("keizu.toml"), "project = \"flights\"\n").unwrap();
        let home = Home::proposed(folder.path()).unwrap();
        let ledger = Ledger::create(&home, "test").unwrap();
        Self { folder, ledger }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    fn add(&mut self, name: &str) -> keizu_ledger::Added {
        let path = self.path(name);
        self.ledger.add(&[path], &mut |_| {}).unwrap().remove(0)
    }

    fn thing(&self, text: &str) -> Result<Thing, Error> {
        self.ledger.view().resolve(text, self.folder.path())
    }
}

fn unknown(result: Result<Thing, Error>) -> (String, Vec<String>) {
    match result {
        Err(Error::Unknown { what, nearest }) => (what, nearest),
        other => panic!("expected an unknown thing, got {other:?}"),
    }
}

#[test]
fn a_content_is_added_once_and_again_only_when_it_changed() {
    let mut project = Project::new();
    project.write("data/train.csv", "label,x\n1,2\n");
    assert!(!project.add("data/train.csv").known);
    assert!(project.add("data/train.csv").known);
    let first = project.add("data");
    assert_eq!((first.path.to_string().as_str(), first.members), ("data/", Some(1)));
    project.write("data/train.csv", "label,x\n0,2\n");
    let changed = project.add("data");
    assert!(!changed.known && changed.digest != first.digest);
    // the same length, and one bit of one label apart: never the same thing
    assert_eq!(changed.size, first.size);
}

#[test]
fn versions_count_contents_and_aliases_move() {
    let mut project = Project::new();
    let name = Name::Model("delay".into());
    for (content, version) in [("one", 1), ("one", 1), ("two", 2), ("one", 3)] {
        project.write("model.bin", content);
        project.add("model.bin");
        let thing = project.thing("model.bin").unwrap();
        assert_eq!(project.ledger.name(name.clone(), &thing, None).unwrap().version, version, "{content}");
    }
    project.ledger.alias("delay", "champion", 2, Some("the best so far".into())).unwrap();
    let at = |project: &Project, text: &str| match project.thing(text).unwrap() {
        Thing::Version(named) => named.version.unwrap(),
        other => panic!("{text} is {other:?}"),
    };
    assert_eq!((at(&project, "model:delay"), at(&project, "model:delay@v1"), at(&project, "model:delay@champion")), (3, 1, 2));
    project.ledger.alias("delay", "champion", 3, None).unwrap();
    assert_eq!(at(&project, "model:delay@champion"), 3);
    project.ledger.unalias("delay", "champion", None).unwrap();
    assert_eq!(unknown(project.thing("model:delay@champion")).0, "model:delay has no alias \"champion\"");
    let (what, nearest) = unknown(project.thing("model:dealy"));
    assert_eq!((what.as_str(), nearest), ("no model is called \"dealy\"", vec!["model:delay (3 versions)".to_owned()]));
}

#[test]
fn what_was_kept_comes_back_byte_for_byte() {
    let mut project = Project::new();
    project.write("conf/a.yaml", "depth: 6\n");
    project.write("conf/b.yaml", "rate: 0.1\n");
    project.add("conf");
    let Got::Folder { members, .. } = project.ledger.get(&project.thing("conf").unwrap()).unwrap() else { panic!("a folder was added") };
    let mut texts = Vec::new();
    for (path, digest, _) in members {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut project.ledger.content(&digest).unwrap().unwrap(), &mut text).unwrap();
        texts.push((path.to_string(), text));
    }
    assert_eq!(texts, [("a.yaml".to_owned(), "depth: 6\n".to_owned()), ("b.yaml".to_owned(), "rate: 0.1\n".to_owned())]);
}

#[test]
fn a_file_of_a_folder_is_found_by_its_path_and_its_content() {
    let mut project = Project::new();
    project.write("daily/2013-01-01.csv", "a,b\n1,2\n");
    project.write("daily/2013-01-02.csv", "a,b\n3,4\n");
    project.add("daily");
    let thing = project.thing("daily/2013-01-02.csv").unwrap();
    let Thing::Artifact(digest) = thing else { panic!("met only inside the folder, got {thing:?}") };
    let detail = project.ledger.view().artifact(&digest).unwrap();
    assert_eq!(detail.occurrences.len(), 1);
    assert!(matches!(project.thing(&digest.to_string()), Ok(Thing::Artifact(found)) if found == digest));
}

#[test]
fn answers_are_the_same_after_everything_folded_was_thrown_away() {
    let mut project = Project::new();
    project.write("data/a.csv", "a\n");
    project.write("model.bin", "weights");
    project.add("data");
    project.add("model.bin");
    let thing = project.thing("model.bin").unwrap();
    project.ledger.name(Name::Model("delay".into()), &thing, None).unwrap();
    let answers = |project: &Project| {
        let view = project.ledger.view();
        let place = |path: &str| view.place("flights", &path.into()).unwrap();
        format!("{:?} {:?} {:?} {:?}", view.names().unwrap(), place("data/"), place("model.bin"), project.thing("data/a.csv").unwrap())
    };
    let before = answers(&project);
    project.ledger.refold().unwrap();
    assert_eq!(answers(&project), before);
    let report = project.ledger.verify(Vec::new(), &mut |_| {}).unwrap();
    assert!(report.logs.iter().all(|log| log.faults.is_empty()));
}
