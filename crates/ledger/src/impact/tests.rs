use std::cell::Cell;
use std::sync::Arc;

use keizu_record::body::{Edge, Named, Role, RunBegan};
use keizu_record::manifest::{Manifest, Member, Membership};
use keizu_record::{Entry, Group, Kind, Name, NodeId, Record, RecordId, RunId, Time};
use keizu_store::conformance::Model;
use keizu_store::{Read, Select};

use super::*;
use crate::{Home, Ledger};

const DEPLOYMENT: NodeId = NodeId::Deployment([7; 16]);

/// A record in memory, of which some entries can't be read.
#[derive(Default)]
struct Story {
    model: Model,
    broken: Cell<Option<u64>>,
}

impl Read for Story {
    fn select(&self, select: &Select) -> Result<Vec<Entry>, keizu_store::Error> {
        let found = self.model.select(select)?;
        match found.iter().find(|entry| Some(entry.position) == self.broken.get()) {
            Some(entry) => {
                Err(keizu_store::Error::Damaged { origin: entry.origin.to_string(), index: entry.index, what: "a bit is flipped".into() })
            }
            None => Ok(found),
        }
    }

    fn nodes(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<NodeId>, keizu_store::Error> {
        self.model.nodes(from, to, limit)
    }

    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, keizu_store::Error> {
        self.model.collections_of(members)
    }
}

fn content(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn run(number: u8) -> RunId {
    RunId::new([number; 16])
}

impl Story {
    fn say(&mut self, record: Record) -> u64 {
        let position = self.model.entries.len() as u64 + 1;
        let id = RecordId::new(*Digest::of(&position.to_be_bytes()).as_bytes());
        self.model.entries.push(Entry { position, origin: Arc::from("laptop"), index: position - 1, id, record });
        position
    }

    fn began(&mut self, number: u8, at: i64) {
        let began = RunBegan {
            run: run(number),
            at: Time(at),
            project: "flights".into(),
            root: FilePath::from("/nowhere/flights"),
            name: None,
            command: vec![b"python".to_vec(), b"step.py".to_vec()],
            cwd: FilePath::default(),
            user: "aki".into(),
            host: "lab".into(),
            pid: 1,
            git: None,
            parent: None,
        };
        self.say(began.to_record(Time(at)));
    }

    fn edge(&mut self, kind: Kind, number: u8, at: i64, path: &str, content: Option<Digest>) -> u64 {
        let edge = Edge {
            run: run(number),
            at: Time(at),
            authority: Authority::Observed,
            rule: None,
            project: "flights".into(),
            path: FilePath::from(path),
            target: None,
            content,
            size: Some(80),
            members: path.ends_with('/').then_some(2),
            kind: if path.ends_with(".bin") { ArtifactKind::Model } else { ArtifactKind::Data },
            role: Role::Output,
            format: None,
            sha256: None,
            changed: None,
            unseen: content.is_none().then(|| "too large".to_owned()),
            unchanged: false,
            removed: path.starts_with("tmp"),
        };
        self.say(edge.to_record(kind, Time(at)))
    }

    fn named(&mut self, name: Name, at: i64, version: u64, text: &str) {
        let named = Named {
            name,
            at: Time(at),
            authority: Authority::Declared,
            rule: None,
            content: Some(content(text)),
            version: Some(version),
            run: Some(run(2)),
            project: "flights".into(),
            path: Some(FilePath::from("delay.bin")),
            kind: ArtifactKind::Model,
            size: Some(80),
            members: None,
            note: None,
        };
        self.say(named.to_record(Time(at)));
    }
}

/// `daily/` → features.csv → delay.bin, with a temporary file and something that was not seen on the way.
fn story(ledger: &Ledger) -> Story {
    let mut story = Story::default();
    let member = |path: &str| (FilePath::from(path), Member { size: 80, digest: content(path) });
    let daily = Manifest([member("1.csv"), member("2.csv")].into());
    ledger.objects().put_bytes(&daily.encode()).unwrap();
    story.model.manifests.insert(daily.digest(), daily.clone());
    story.began(1, 1);
    story.edge(Kind::Used, 1, 2, "daily/", Some(daily.digest()));
    story.edge(Kind::Made, 1, 3, "features.csv", Some(content("features")));
    story.edge(Kind::Made, 1, 3, "tmp.csv", Some(content("tmp")));
    story.edge(Kind::Made, 1, 3, "tmp.db-journal", None);
    story.edge(Kind::Made, 1, 3, "huge.csv", None);
    story.began(2, 5);
    story.edge(Kind::Used, 2, 6, "features.csv", Some(content("features")));
    story.edge(Kind::Made, 2, 7, "delay.bin", Some(content("delay")));
    story.named(Name::Model("delay".into()), 7, 3, "delay");
    story.named(Name::Alias { model: "delay".into(), alias: "champion".into() }, 8, 3, "delay");
    story
}

fn ledger() -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keizu.toml"), "project = \"flights\"\n").unwrap();
    let ledger = Ledger::create(&Home::proposed(folder.path()).unwrap(), "test").unwrap();
    (folder, ledger)
}

fn hits(view: &View<'_>, thing: &Thing, wanted: &Wanted) -> (BTreeMap<String, Hit>, Impact) {
    let mut found = BTreeMap::new();
    let told = view
        .impact(thing, wanted, &mut |hit| {
            assert!(found.insert(hit.name.clone(), hit).is_none());
            ControlFlow::Continue(())
        })
        .unwrap();
    (found, told)
}

fn one_day() -> Thing {
    Thing::Artifact(content("1.csv"))
}

#[test]
fn one_file_of_a_folder_reaches_what_was_made_from_the_folder() {
    let (_folder, ledger) = ledger();
    let story = story(&ledger);
    let view = View::over(&ledger, &story, None);
    let (found, told) = hits(&view, &one_day(), &Wanted { ways: true, ..Wanted::default() });
    let model = &found["model:delay@v3"];
    assert_eq!((model.runs, model.kind, model.aliases.as_slice()), (2, "model", ["champion".to_owned()].as_slice()));
    let (first, second) = (run(1).to_string(), run(2).to_string());
    assert_eq!(model.way.as_deref().unwrap(), ["daily/1.csv", "daily/", &first, "features.csv", &second, "model:delay@v3"]);
    assert_eq!(told.kinds, BTreeMap::from([("data", 5), ("model", 1), ("run", 2)]));
    assert_eq!(told.count, 8);
    let (near, _) = hits(&view, &one_day(), &Wanted { depth: Some(1), ..Wanted::default() });
    assert!(near.contains_key("features.csv") && !near.contains_key("model:delay@v3"));
}

#[test]
fn every_hit_is_in_one_of_four_buckets() {
    let (folder, ledger) = ledger();
    let story = story(&ledger);
    std::fs::write(folder.path().join("features.csv"), [0; 80]).unwrap();
    std::fs::create_dir(folder.path().join("daily")).unwrap();
    let view = View::over(&ledger, &story, None);
    let (found, told) = hits(&view, &one_day(), &Wanted::default());
    let bucket = |name: &str| found[name].bucket;
    assert_eq!(bucket("features.csv"), Bucket::Accessible);
    assert_eq!(bucket("daily/"), Bucket::Accessible);
    assert_eq!(bucket("tmp.csv"), Bucket::Deleted);
    assert_eq!(bucket("tmp.db-journal"), Bucket::Deleted, "whatever it was");
    assert_eq!(bucket("huge.csv"), Bucket::Faulty);
    assert_eq!(bucket("model:delay@v3"), Bucket::Deleted, "neither kept nor there");
    assert_eq!(told.buckets, BTreeMap::from([("accessible", 4), ("deleted", 3), ("faulty", 1), ("hidden", 0)]));
    std::fs::write(folder.path().join("delay.bin"), [0; 79]).unwrap();
    assert_eq!(hits(&view, &one_day(), &Wanted::default()).0["model:delay@v3"].bucket, Bucket::Deleted, "of another size");
    std::fs::write(folder.path().join("delay.bin"), [0; 80]).unwrap();
    assert_eq!(hits(&view, &one_day(), &Wanted::default()).0["model:delay@v3"].bucket, Bucket::Accessible);
}

#[test]
fn what_is_live_and_who_answers_for_it() {
    let (_folder, ledger) = ledger();
    let mut story = story(&ledger);
    let deployed = |at: i64| Record::new(Kind::Deployed, DEPLOYMENT, Time(at), Time(at)).with(Group::Fact, "name", "api");
    let model = NodeId::from(Name::Model("delay".into()));
    story.say(deployed(10).with_object(model.clone()).with(Group::Fact, "version", 3));
    story.say(Record::new(Kind::Owned, model.clone(), Time(10), Time(10)).with_object(NodeId::Party("lab".into())));
    story.say(Record::new(Kind::Owned, DEPLOYMENT, Time(10), Time(10)).with_object(NodeId::Party("operations".into())));
    let of = |story: &Story| {
        let view = View::over(&ledger, story, None);
        let hit = hits(&view, &one_day(), &Wanted::default()).0.remove("model:delay@v3").unwrap();
        (hit.deployments, hit.owners)
    };
    let (deployments, owners) = of(&story);
    assert_eq!(owners, ["party:lab"]);
    assert_eq!(deployments.len(), 1);
    assert!(deployments[0].live && deployments[0].name.as_deref() == Some("api"));
    assert_eq!(deployments[0].owners, ["party:operations"]);
    // it goes over to another version, and this one is live no longer
    story.say(deployed(11).with_object(model).with(Group::Fact, "version", 4));
    assert!(of(&story).0.iter().all(|deployment| !deployment.live));
    // by its content; then it ends
    story.say(deployed(12).with_object(content("delay")));
    assert!(of(&story).0.iter().any(|deployment| deployment.live));
    story.say(deployed(13));
    assert!(of(&story).0.iter().all(|deployment| !deployment.live));
}

#[test]
fn a_record_that_cannot_be_read_is_counted_and_the_rest_is_found() {
    let (_folder, ledger) = ledger();
    let mut story = story(&ledger);
    let beside = story.edge(Kind::Made, 1, 4, "beside.csv", Some(content("beside")));
    story.broken.set(Some(beside));
    let view = View::over(&ledger, &story, None);
    let (found, told) = hits(&view, &one_day(), &Wanted::default());
    assert!(found.contains_key("model:delay@v3") && !found.contains_key("beside.csv"));
    assert_eq!(told.unreadable.len(), 1);
    assert!(told.unreadable[0].contains("a bit is flipped"), "{:?}", told.unreadable);
}

#[test]
fn what_was_deduced_is_said_of_all_that_lies_behind_it() {
    let (_folder, ledger) = ledger();
    let mut story = story(&ledger);
    story.began(3, 20);
    story.edge(Kind::Used, 3, 21, "elsewhere/copy.csv", Some(content("features")));
    story.edge(Kind::Made, 3, 22, "report.csv", Some(content("report")));
    let view = View::over(&ledger, &story, None);
    let (found, _) = hits(&view, &one_day(), &Wanted::default());
    for name in ["elsewhere/copy.csv", "report.csv"] {
        assert_eq!((found[name].authority, found[name].rule.as_deref()), (Some("inferred"), Some("same content")), "{name}");
    }
    assert_eq!(found["model:delay@v3"].authority, None);
    let observed = Wanted { authorities: vec![Authority::Observed], ..Wanted::default() };
    assert!(!hits(&view, &one_day(), &observed).0.contains_key("report.csv"));
}

#[test]
fn whoever_listens_may_break_off() {
    let (_folder, ledger) = ledger();
    let story = story(&ledger);
    let view = View::over(&ledger, &story, None);
    let mut heard = 0;
    let told = view.impact(&one_day(), &Wanted::default(), &mut |_| {
        heard += 1;
        if heard == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(told.is_ok());
    assert_eq!(heard, 3);
}
