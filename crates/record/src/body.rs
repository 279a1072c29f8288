//! The fixed vocabulary of each kind: typed bodies that turn into records and back.
//!
//! A body reads only what it knows and never fails on what it does not: a record of a later Keizu, with more entries, still reads.

mod judged;

use std::collections::BTreeMap;

use crate::digest::{Digest, RecordId, RunId, Sha256};
use crate::node::{Name, NodeId};
use crate::path::FilePath;
use crate::record::{Authority, Group, Kind, Record};
use crate::time::Time;
use crate::value::Value;

pub use judged::Judged;

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in the record and on the screen.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The one with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

vocabulary! {
    /// What an artifact is to people.
    ArtifactKind {
        /// Data.
        Data = "data";
        /// A program's source.
        Code = "code";
        /// A trained model.
        Model = "model";
        /// The machine and its software.
        Environment = "environment";
        /// Numbers that measure a model.
        Evaluation = "evaluation";
        /// Settings.
        Config = "config";
        /// Text for people, plots, logs.
        Document = "document";
        /// Anything else.
        Other = "other";
    }
}

vocabulary! {
    /// What part an artifact played in a run.
    Role {
        /// Read by the run.
        Input = "input";
        /// Left behind by the run.
        Output = "output";
        /// Made and removed within the run, or made for the run's own later steps.
        Intermediate = "intermediate";
        /// Executed or imported.
        Code = "code";
        /// Settings that were read.
        Config = "config";
        /// The environment (one node), or a file of it when opened.
        Environment = "environment";
        /// The names in a folder.
        Listing = "listing";
        /// Files that were looked for and not there.
        Absent = "absent";
        /// Data on which a model was measured.
        EvaluationData = "evaluation data";
        /// A model that was read to go on from.
        ParentModel = "parent model";
        /// A stream that the shell redirected to a file: what the command said.
        Redirection = "redirection";
    }
}

vocabulary! {
    /// How a run ended.
    Status {
        /// It has not.
        Running = "running";
        /// Exit code 0.
        Finished = "finished";
        /// Another exit code.
        Failed = "failed";
        /// A signal.
        Killed = "killed";
        /// Nobody saw how.
        Lost = "lost";
    }
}

/// The fact `by` of a listing that Python's import made of a folder from which it imports: not the program's own question.
pub const IMPORT: &str = "import path";

/// `run began`. Subject: the run. Happened: its start.
#[derive(Debug, Clone, PartialEq)]
pub struct RunBegan {
    /// The run.
    pub run: RunId,
    /// Start.
    pub at: Time,
    /// The project's name.
    pub project: String,
    /// The project's root, absolute.
    pub root: FilePath,
    /// `--name`.
    pub name: Option<String>,
    /// The command, as typed.
    pub command: Vec<Vec<u8>>,
    /// Where, relative to the project's root (empty: the root itself), or absolute.
    pub cwd: FilePath,
    /// Who ran it.
    pub user: String,
    /// On which host.
    pub host: String,
    /// Process id of the root process.
    pub pid: u32,
    /// Code version.
    pub git: Option<GitState>,
    /// The run that started this one.
    pub parent: Option<RunId>,
}

/// The code version of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitState {
    /// HEAD; empty before the first commit.
    pub commit: String,
    /// Branch; empty when detached.
    pub branch: String,
    /// Digest of the uncommitted difference (kept as an object); none when clean.
    pub diff: Option<Digest>,
    /// Lines added and removed, by path: `path` → `+3 −1` as two numbers.
    pub changed: BTreeMap<String, (u64, u64)>,
}

/// `run ended`. Subject: the run. Happened: its end.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnded {
    /// The run.
    pub run: RunId,
    /// End.
    pub at: Time,
    /// How.
    pub status: Status,
    /// Exit code, when there was one.
    pub exit_code: Option<i64>,
    /// Signal, when there was one.
    pub signal: Option<i64>,
    /// Digest of the account document (canonical JSON, kept as an object): processes, children, circumstances.
    pub account: Option<Digest>,
    /// Share of what happened that was seen, 0 to 1.
    pub coverage: f64,
    /// What was not seen: (kind, detail).
    pub blind: Vec<(String, String)>,
}

/// `used` or `made`. Subject: the run; object: the artifact, when its content is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// The run.
    pub run: RunId,
    /// Read: when first opened. Made: when the content was last changed.
    pub at: Time,
    /// Who says so.
    pub authority: Authority,
    /// The rule, when inferred.
    pub rule: Option<String>,
    /// The project's name.
    pub project: String,
    /// Relative to the project's root, or absolute. A collection's ends in `/`.
    pub path: FilePath,
    /// Where the path leads through symbolic links.
    pub target: Option<FilePath>,
    /// Content; none when it was not seen (see `unseen`).
    pub content: Option<Digest>,
    /// Bytes; of a collection: of all its members.
    pub size: Option<u64>,
    /// Number of members of a collection or listing.
    pub members: Option<u64>,
    /// What the artifact is.
    pub kind: ArtifactKind,
    /// What part it played.
    pub role: Role,
    /// Format of a model, as recognised by content.
    pub format: Option<String>,
    /// SHA-256 beside the BLAKE3 digest, for what leaves the house.
    pub sha256: Option<Sha256>,
    /// Used: why this is not a clean edge ("changed during the run").
    pub changed: Option<String>,
    /// Why the content is not known.
    pub unseen: Option<String>,
    /// Made: the content is what was there before.
    pub unchanged: bool,
    /// Made: gone again before the run ended.
    pub removed: bool,
}

/// `named`. Subject: the name; object: the artifact.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The name.
    pub name: Name,
    /// When.
    pub at: Time,
    /// Who says so.
    pub authority: Authority,
    /// The rule, when inferred.
    pub rule: Option<String>,
    /// What it points at now; none when the name was taken back.
    pub content: Option<Digest>,
    /// Version under a model or dataset name, from 1; for an alias the version it points at.
    pub version: Option<u64>,
    /// The run that made the content, when one did.
    pub run: Option<RunId>,
    /// The project and path under which the content was seen.
    pub project: String,
    /// See `project`.
    pub path: Option<FilePath>,
    /// What the artifact is.
    pub kind: ArtifactKind,
    /// Bytes.
    pub size: Option<u64>,
    /// Members of a collection.
    pub members: Option<u64>,
    /// Why, in the person's words.
    pub note: Option<String>,
}

/// The earlier record that a correction mends.
pub fn corrected(mut record: Record, cites: impl IntoIterator<Item = RecordId>) -> Record {
    record.authority = Authority::Corrected;
    record.cites.extend(cites);
    record
}

struct Facts(Record);

impl Facts {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.set(Group::Fact, key, value);
    }

    fn maybe<T: Into<Value>>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn path(&mut self, key: &str, path: &FilePath) {
        self.0.entries.insert((Group::Fact, key.to_owned()), Value::name(path.as_bytes()));
    }

    fn bytes(&mut self, key: &str, bytes: Option<&[u8]>) {
        if let Some(bytes) = bytes {
            self.put(key, Value::Bytes(bytes.to_vec()));
        }
    }

    fn flag(&mut self, key: &str, flag: bool) {
        if flag {
            self.put(key, true);
        }
    }
}

fn number(value: u64) -> Value {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

fn unsigned(record: &Record, key: &str) -> Option<u64> {
    record.int(key).and_then(|int| u64::try_from(int).ok())
}

fn owned(record: &Record, key: &str) -> String {
    record.text(key).unwrap_or_default().to_owned()
}

impl RunBegan {
    /// As a record.
    pub fn to_record(&self, recorded: Time) -> Record {
        let mut facts = Facts(Record::new(Kind::RunBegan, self.run, self.at, recorded));
        facts.put("project", self.project.as_str());
        facts.path("root", &self.root);
        facts.maybe("name", self.name.as_deref());
        facts.put("command", Value::List(self.command.iter().map(|arg| Value::name(arg)).collect()));
        facts.path("cwd", &self.cwd);
        facts.put("user", self.user.as_str());
        facts.put("host", self.host.as_str());
        facts.put("pid", i64::from(self.pid));
        if let Some(git) = &self.git {
            git.write(&mut facts);
        }
        facts.bytes("parent", self.parent.as_ref().map(|run| run.as_bytes().as_slice()));
        facts.0
    }

    /// From a record of this kind.
    pub fn read(record: &Record) -> Option<Self> {
        let run = record.run().filter(|_| record.kind == Kind::RunBegan)?;
        let command = match record.fact("command") {
            Some(Value::List(list)) => list.iter().filter_map(|arg| Some(arg.as_name()?.to_vec())).collect(),
            _ => Vec::new(),
        };
        Some(Self {
            run,
            at: record.happened,
            project: owned(record, "project"),
            root: record.path("root").unwrap_or_default(),
            name: record.text("name").map(str::to_owned),
            command,
            cwd: record.path("cwd").unwrap_or_default(),
            user: owned(record, "user"),
            host: owned(record, "host"),
            pid: unsigned(record, "pid").and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0),
            git: GitState::read(record),
            parent: record.bytes("parent").and_then(RunId::from_slice),
        })
    }
}

impl GitState {
    /// From a record that says it: `run began`, or what a run was described by later.
    pub fn read(record: &Record) -> Option<Self> {
        record.run()?;
        Some(Self {
            commit: record.text("git commit")?.to_owned(),
            branch: owned(record, "git branch"),
            diff: record.bytes("git diff").and_then(Digest::from_slice),
            changed: match record.fact("git changed") {
                Some(Value::List(list)) => list.iter().filter_map(changed_file).collect(),
                _ => BTreeMap::new(),
            },
        })
    }

    fn write(&self, facts: &mut Facts) {
        facts.put("git commit", self.commit.as_str());
        facts.put("git branch", self.branch.as_str());
        facts.bytes("git diff", self.diff.as_ref().map(|digest| digest.as_bytes().as_slice()));
        let changed = self
            .changed
            .iter()
            .map(|(path, (added, removed))| Value::List(vec![Value::Text(path.clone()), number(*added), number(*removed)]));
        facts.put("git changed", Value::List(changed.collect()));
    }

    /// As a record of kind `described`: it is known only after the run began.
    pub fn to_record(&self, run: RunId, at: Time, recorded: Time) -> Record {
        let mut facts = Facts(Record::new(Kind::Described, run, at, recorded));
        self.write(&mut facts);
        facts.0
    }
}

fn changed_file(value: &Value) -> Option<(String, (u64, u64))> {
    match value {
        Value::List(parts) => match parts.as_slice() {
            [Value::Text(path), Value::Int(added), Value::Int(removed)] => {
                Some((path.clone(), (u64::try_from(*added).ok()?, u64::try_from(*removed).ok()?)))
            }
            _ => None,
        },
        _ => None,
    }
}

impl RunEnded {
    /// As a record.
    pub fn to_record(&self, recorded: Time) -> Record {
        let mut facts = Facts(Record::new(Kind::RunEnded, self.run, self.at, recorded));
        facts.put("status", self.status.word());
        facts.maybe("exit code", self.exit_code);
        facts.maybe("signal", self.signal);
        facts.bytes("account", self.account.as_ref().map(|digest| digest.as_bytes().as_slice()));
        facts.put("coverage", self.coverage);
        for (at, (kind, detail)) in self.blind.iter().enumerate() {
            facts.0.set(Group::Blind, format!("{at:06} {kind}"), detail.as_str());
        }
        facts.0
    }

    /// From a record of this kind.
    pub fn read(record: &Record) -> Option<Self> {
        let run = record.run().filter(|_| record.kind == Kind::RunEnded)?;
        let blind = record.group(Group::Blind).filter_map(|(key, value)| match value {
            Value::Text(detail) => Some((key.split_once(' ')?.1.to_owned(), detail.clone())),
            _ => None,
        });
        Some(Self {
            run,
            at: record.happened,
            status: record.text("status").and_then(Status::from_word).unwrap_or(Status::Lost),
            exit_code: record.int("exit code"),
            signal: record.int("signal"),
            account: record.bytes("account").and_then(Digest::from_slice),
            coverage: match record.fact("coverage") {
                Some(Value::Float(coverage)) => *coverage,
                _ => 0.0,
            },
            blind: blind.collect(),
        })
    }
}

impl Edge {
    /// As a record of kind `used` or `made`.
    pub fn to_record(&self, kind: Kind, recorded: Time) -> Record {
        let mut record = Record::new(kind, self.run, self.at, recorded).by(self.authority, self.rule.as_deref());
        record.object = self.content.map(NodeId::Artifact);
        let mut facts = Facts(record);
        facts.put("project", self.project.as_str());
        facts.path("path", &self.path);
        if let Some(target) = &self.target {
            facts.path("target", target);
        }
        facts.maybe("size", self.size.map(number));
        facts.maybe("members", self.members.map(number));
        facts.put("kind", self.kind.word());
        facts.put("role", self.role.word());
        facts.maybe("format", self.format.as_deref());
        facts.bytes("sha256", self.sha256.as_ref().map(|hash| hash.as_bytes().as_slice()));
        facts.maybe("changed", self.changed.as_deref());
        facts.maybe("unseen", self.unseen.as_deref());
        facts.flag("unchanged", self.unchanged);
        facts.flag("removed", self.removed);
        facts.0
    }

    /// From a record of kind `used` or `made`.
    pub fn read(record: &Record) -> Option<Self> {
        let run = record.run().filter(|_| matches!(record.kind, Kind::Used | Kind::Made))?;
        Some(Self {
            run,
            at: record.happened,
            authority: record.authority,
            rule: record.rule.clone(),
            project: owned(record, "project"),
            path: record.path("path")?,
            target: record.path("target"),
            content: record.artifact(),
            size: unsigned(record, "size"),
            members: unsigned(record, "members"),
            kind: record.text("kind").and_then(ArtifactKind::from_word).unwrap_or(ArtifactKind::Other),
            role: record.text("role").and_then(Role::from_word).unwrap_or(Role::Input),
            format: record.text("format").map(str::to_owned),
            sha256: record.bytes("sha256").and_then(Sha256::from_slice),
            changed: record.text("changed").map(str::to_owned),
            unseen: record.text("unseen").map(str::to_owned),
            unchanged: record.flag("unchanged"),
            removed: record.flag("removed"),
        })
    }

    /// Whether it stands for many files.
    pub fn is_collection(&self) -> bool {
        self.members.is_some() && !matches!(self.role, Role::Listing | Role::Absent)
    }
}

impl Named {
    /// As a record.
    pub fn to_record(&self, recorded: Time) -> Record {
        let mut record = Record::new(Kind::Named, self.name.clone(), self.at, recorded).by(self.authority, self.rule.as_deref());
        record.object = self.content.map(NodeId::Artifact);
        let mut facts = Facts(record);
        facts.maybe("version", self.version.map(number));
        facts.bytes("run", self.run.as_ref().map(|run| run.as_bytes().as_slice()));
        facts.put("project", self.project.as_str());
        if let Some(path) = &self.path {
            facts.path("path", path);
        }
        facts.put("kind", self.kind.word());
        facts.maybe("size", self.size.map(number));
        facts.maybe("members", self.members.map(number));
        facts.maybe("note", self.note.as_deref());
        facts.0
    }

    /// From a record of this kind.
    pub fn read(record: &Record) -> Option<Self> {
        let NodeId::Name(name) = &record.subject else { return None };
        (record.kind == Kind::Named).then(|| Self {
            name: name.clone(),
            at: record.happened,
            authority: record.authority,
            rule: record.rule.clone(),
            content: record.artifact(),
            version: unsigned(record, "version"),
            run: record.bytes("run").and_then(RunId::from_slice),
            project: owned(record, "project"),
            path: record.path("path"),
            kind: record.text("kind").and_then(ArtifactKind::from_word).unwrap_or(ArtifactKind::Other),
            size: unsigned(record, "size"),
            members: unsigned(record, "members"),
            note: record.text("note").map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_round_trip() {
        let run = RunId::new([1; 16]);
        let began = RunBegan {
            run,
            at: Time(5),
            project: "flights".into(),
            root: "/home/aki/flights".into(),
            name: Some("train".into()),
            command: vec![b"python".to_vec(), b"caf\xe9.py".to_vec()],
            cwd: FilePath::default(),
            user: "aki".into(),
            host: "laptop".into(),
            pid: 42,
            git: Some(GitState {
                commit: "4c1f2e7".into(),
                branch: "main".into(),
                diff: Some(Digest::of(b"diff")),
                changed: [("train.py".to_owned(), (3, 1))].into(),
            }),
            parent: Some(RunId::new([2; 16])),
        };
        assert_eq!(RunBegan::read(&began.to_record(Time(6))), Some(began));
        let ended = RunEnded {
            run,
            at: Time(7),
            status: Status::Killed,
            exit_code: None,
            signal: Some(9),
            account: Some(Digest::of(b"{}")),
            coverage: 0.5,
            blind: vec![("static".into(), "b".into()), ("static".into(), "a".into())],
        };
        assert_eq!(RunEnded::read(&ended.to_record(Time(8))), Some(ended));
        let edge = Edge {
            run,
            at: Time(6),
            authority: Authority::Inferred,
            rule: Some("same content".into()),
            project: "flights".into(),
            path: FilePath::new(*b"caf\xe9/"),
            target: None,
            content: Some(Digest::of(b"x")),
            size: Some(1),
            members: Some(365),
            kind: ArtifactKind::Data,
            role: Role::EvaluationData,
            format: None,
            sha256: Some(Sha256::new([4; 32])),
            changed: Some("changed during the run".into()),
            unseen: None,
            unchanged: false,
            removed: true,
        };
        assert_eq!(Edge::read(&edge.to_record(Kind::Used, Time(8))), Some(edge));
        let named = Named {
            name: Name::Model("delay".into()),
            at: Time(9),
            authority: Authority::Declared,
            rule: None,
            content: Some(Digest::of(b"x")),
            version: Some(3),
            run: Some(run),
            project: "flights".into(),
            path: Some("models/delay.joblib".into()),
            kind: ArtifactKind::Model,
            size: Some(1),
            members: None,
            note: Some("first good one".into()),
        };
        assert_eq!(Named::read(&named.to_record(Time(9))), Some(named));
    }
}
