//! Whether the record is what was signed.
//!
//! Every entry of every log is read again: its bytes give its id, the ids give the roots of the signed checkpoints. What is damaged is named
//! by its place; what precedes it, and is covered by a checkpoint that holds, is intact. A log proves only that it has not changed since a
//! checkpoint that *someone else* holds: those are given as witnesses, and the report says which were looked at.

mod log;
mod objects;

use std::fmt;

use keizu_record::note::{Checkpoint, PublicKey};
use keizu_record::{Record, RecordId, Time};

pub use self::objects::{ObjectReport, verify_objects};
use crate::{Error, Origin, Store};

/// How many faults of one log are listed.
pub const LISTED_FAULTS_MAX: usize = 100;

/// A signed checkpoint that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Who, or which file.
    pub held_by: String,
    /// The signed note.
    pub note: String,
}

/// What the logs are held against.
#[derive(Debug, Clone, Default)]
pub struct Against {
    /// Checkpoints that were read before the store is.
    pub witnesses: Vec<Witness>,
    /// Keys that are known to belong to the logs of their names.
    pub keys: Vec<PublicKey>,
}

/// How far a verification has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Which log.
    pub origin: &'a str,
    /// Entries read.
    pub done: u64,
    /// Entries there are.
    pub total: u64,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Log by log.
    pub logs: Vec<LogReport>,
    /// Witnesses and keys of logs that are not here: (log, held by).
    pub absent: Vec<(String, String)>,
}

/// What was found in one log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogReport {
    /// Which log.
    pub origin: Origin,
    /// Entries, from the first on, that hash to what a signed checkpoint says.
    pub intact: u64,
    /// The checkpoint that covers them.
    pub head: Option<Checkpoint>,
    /// When the last of them was recorded.
    pub last: Option<Time>,
    /// Witnesses that agree: (held by, size).
    pub witnessed: Vec<(String, u64)>,
    /// What is wrong, the first place first; at most [`LISTED_FAULTS_MAX`].
    pub faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What.
    pub problem: Problem,
    /// The first entry concerned, from 0.
    pub index: u64,
    /// Its id, as stored.
    pub id: Option<RecordId>,
    /// What it says now, when it can still be read.
    pub record: Option<Box<Record>>,
    /// The last checkpoint before it that holds; none when it lies before the first.
    pub after: Option<Anchor>,
    /// Entries before it that are intact.
    pub intact: u64,
}

/// A checkpoint that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Its size.
    pub size: u64,
    /// When the last record under it was recorded.
    pub recorded: Time,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The entry's bytes do not give its id.
    Altered {
        /// Why not.
        what: String,
    },
    /// Entries are not there though later ones are.
    Missing {
        /// How many.
        count: u64,
    },
    /// One of the entries from the place to `last` was altered, exchanged, put in or taken out, and its id with it: together they do not give
    /// the root that was signed.
    Rewritten {
        /// The last one concerned, from 0.
        last: u64,
        /// Who holds the checkpoint.
        held_by: String,
    },
    /// The log ends before a checkpoint that was signed.
    Cut {
        /// Its size.
        size: u64,
        /// Who holds the checkpoint.
        held_by: String,
    },
    /// No checkpoint covers the entries from the place on.
    Unsigned,
    /// A checkpoint does not hold by itself.
    Checkpoint {
        /// Who holds it.
        held_by: String,
        /// Why not.
        what: String,
    },
    /// The log's key is not the one that is known.
    Key,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered { what } => write!(f, "does not match its hash ({what})"),
            Self::Missing { count: 1 } => f.write_str("is missing"),
            Self::Missing { count } => write!(f, "and {} after it are missing", count - 1),
            Self::Rewritten { last, held_by } => write!(f, "to {} do not give the root of {held_by}", last + 1),
            Self::Cut { size, held_by } => write!(f, "is missing, and all up to {size}, which {held_by} covers"),
            Self::Unsigned => f.write_str("is not covered by any checkpoint"),
            Self::Checkpoint { held_by, what } => write!(f, "cannot be checked: {held_by} does not hold: {what}"),
            Self::Key => f.write_str("is signed with a key that is not the known one"),
        }
    }
}

impl Fault {
    fn is_altered(&self) -> bool {
        matches!(self.problem, Problem::Altered { .. })
    }
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_intact(&self) -> bool {
        self.absent.is_empty() && self.logs.iter().all(|log| log.faults.is_empty())
    }
}

/// Checks every log of a store.
///
/// # Errors
/// Only when the store cannot be read at all; what is wrong with the record is in the report.
pub fn verify(store: &dyn Store, against: &Against, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Report, Error> {
    let origins = store.origins()?;
    let mut report = Report::default();
    let here = |name: &str| origins.iter().any(|origin| &*origin.name == name);
    for witness in &against.witnesses {
        let name = witness.note.lines().next().unwrap_or_default();
        if !here(name) {
            report.absent.push((name.to_owned(), witness.held_by.clone()));
        }
    }
    for key in against.keys.iter().filter(|key| !here(&key.name)) {
        report.absent.push((key.name.clone(), "its key".into()));
    }
    for origin in &origins {
        report.logs.push(log::Check::new(store, origin.clone(), against)?.run(progress)?);
    }
    Ok(report)
}
