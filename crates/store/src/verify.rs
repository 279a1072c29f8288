//! Whether the record is what was signed.
//!
//! Every entry of every log is read again: its bytes give its id, the ids give the roots of the signed checkpoints. What is damaged is named
//! by its place; what precedes it, and is covered by a checkpoint that holds, is intact. A log proves only that it has not changed since a
//! checkpoint that *someone else* holds: those are given as witnesses, and the report says which were looked at.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::ops::ControlFlow;

use keizu_record::merkle::{Frontier, leaf};
use keizu_record::note::{Checkpoint, PublicKey};
use keizu_record::{Digest, Hash, Record, RecordId, Sealed, Time};

use crate::{Error, Objects, Origin, RawEntry, Store};

/// How many faults of one log are listed.
pub const LISTED_FAULTS_MAX: usize = 100;
/// Progress is told after so many entries.
const PROGRESS_ENTRIES: u64 = 1024;

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
        report.logs.push(Check::new(store, origin.clone(), against)?.run(progress)?);
    }
    Ok(report)
}

/// A checkpoint to be met while reading the log.
struct Mark {
    root: Hash,
    held_by: String,
    witness: bool,
}

/// The check of one log under way.
struct Check<'a> {
    store: &'a dyn Store,
    report: LogReport,
    /// By size; met and removed in order.
    marks: BTreeMap<u64, Vec<Mark>>,
    /// Checkpoints up to this size have been taken from the store.
    signed: u64,
    tree: Frontier,
    /// The tree with the ids that the bytes give, where they differ from those stored since the last checkpoint.
    other: Option<Frontier>,
    /// Of the last entry read.
    recorded: Time,
    anchor: Option<Anchor>,
    /// The tree does not match a checkpoint, or has a hole: what follows proves nothing.
    lost: bool,
}

impl<'a> Check<'a> {
    fn new(store: &'a dyn Store, origin: Origin, against: &Against) -> Result<Self, Error> {
        let report = LogReport { origin, intact: 0, head: None, last: None, witnessed: Vec::new(), faults: Vec::new() };
        let (marks, tree) = (BTreeMap::new(), Frontier::default());
        let mut check = Self { store, report, marks, signed: 0, tree, other: None, recorded: Time(0), anchor: None, lost: false };
        let key = check.report.origin.key.clone();
        if against.keys.iter().any(|known| known.name == key.name && *known != key) {
            check.fault(Problem::Key, 0, None, None);
        }
        for witness in &against.witnesses {
            if witness.note.lines().next() == Some(&key.name) {
                check.mark(&witness.note, &witness.held_by, true);
            }
        }
        Ok(check)
    }

    fn run(mut self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<LogReport, Error> {
        let name = self.report.origin.name.clone();
        self.take_checkpoints()?;
        while !self.lost {
            let total = self.report.origin.size.max(self.signed);
            self.read(&mut |done| progress(Progress { origin: &name, done, total: total.max(done) }))?;
            if self.lost {
                break;
            }
            let Some(more) = self.peek()? else {
                self.cut();
                break;
            };
            // others may be appending: an entry that was seen has a checkpoint when one is looked for afterwards
            if !self.take_checkpoints()? {
                let record = Sealed::decode(&more.bytes).ok().map(|sealed| sealed.record);
                self.fault(Problem::Unsigned, more.index, None, record);
                break;
            }
        }
        self.report.faults.sort_by_key(|fault| fault.index);
        self.report.faults.truncate(LISTED_FAULTS_MAX);
        Ok(self.report)
    }

    /// Takes the checkpoints that are new; whether there were any.
    fn take_checkpoints(&mut self) -> Result<bool, Error> {
        let before = self.signed;
        for note in self.store.checkpoints(&self.report.origin.name)? {
            let size = size_of(&note);
            if size.is_none_or(|size| size > before) {
                let held_by = size.map_or_else(|| "a checkpoint".to_owned(), |size| format!("checkpoint {size}"));
                self.mark(&note, &held_by, false);
                self.signed = self.signed.max(size.unwrap_or(0));
            }
        }
        Ok(self.signed > before)
    }

    fn mark(&mut self, note: &str, held_by: &str, witness: bool) {
        match self.report.origin.key.open(note) {
            Ok(checkpoint) if *checkpoint.origin == *self.report.origin.name => {
                let mark = Mark { root: checkpoint.root, held_by: held_by.to_owned(), witness };
                self.marks.entry(checkpoint.size).or_default().push(mark);
            }
            Ok(checkpoint) => self.bad_note(held_by, format!("it is of the log {}", checkpoint.origin), checkpoint.size),
            Err(error) => self.bad_note(held_by, error.to_string(), size_of(note).unwrap_or(0)),
        }
    }

    fn bad_note(&mut self, held_by: &str, what: String, size: u64) {
        let problem = Problem::Checkpoint { held_by: held_by.to_owned(), what };
        // the same note is read again when others append meanwhile
        if !self.report.faults.iter().any(|fault| fault.problem == problem) {
            self.fault(problem, size.saturating_sub(1), None, None);
        }
    }

    /// Reads the entries up to the last checkpoint that is known.
    fn read(&mut self, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
        let (store, name) = (self.store, self.report.origin.name.clone());
        self.meet();
        let end = self.marks.keys().next_back().copied().unwrap_or(0);
        let read = store.log(&name, self.tree.size(), &mut |entry| {
            if self.tree.size() >= end {
                return ControlFlow::Break(());
            }
            self.entry(&entry);
            self.meet();
            if self.tree.size().is_multiple_of(PROGRESS_ENTRIES) || self.tree.size() == end {
                progress(self.tree.size());
            }
            if self.lost { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match read {
            // its bytes cannot even be handed over
            Err(Error::Damaged { index, what, .. }) => {
                let expected = self.tree.size();
                match index.checked_sub(expected) {
                    Some(count) if count > 0 => self.fault(Problem::Missing { count }, expected, None, None),
                    _ => self.fault(Problem::Altered { what }, index, None, None),
                }
                self.lost = true;
                Ok(())
            }
            other => other,
        }
    }

    fn entry(&mut self, entry: &RawEntry) {
        let expected = self.tree.size();
        if entry.index != expected {
            self.fault(Problem::Missing { count: entry.index.saturating_sub(expected) }, expected, None, None);
            self.lost = true;
            return;
        }
        let opened = Sealed::decode(&entry.bytes);
        let given = opened.as_ref().ok().map(|sealed| sealed.id);
        let what = match &opened {
            Ok(sealed) if sealed.id == entry.id => None,
            Ok(_) => Some("its bytes give another id".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(what) = what {
            let record = opened.as_ref().ok().map(|sealed| sealed.record.clone());
            self.fault(Problem::Altered { what }, expected, Some(entry.id), record);
            // the id or the bytes may be the damaged half; the next checkpoint tells which
            self.other.get_or_insert_with(|| self.tree.clone());
        }
        if let Ok(sealed) = &opened {
            self.recorded = sealed.record.recorded;
        }
        self.tree.push(leaf(&entry.id));
        if let Some(other) = &mut self.other {
            other.push(leaf(&given.unwrap_or(entry.id)));
        }
    }

    /// Compares the tree with the checkpoints of its size.
    fn meet(&mut self) {
        let size = self.tree.size();
        let Some(marks) = self.marks.remove(&size) else { return };
        for mark in marks {
            if mark.root != self.tree.root()
                && let Some(other) = self.other.take_if(|other| other.root() == mark.root)
            {
                self.tree = other;
            }
            if mark.root != self.tree.root() {
                self.rewritten(size, mark.held_by);
                return;
            }
            if mark.witness {
                self.report.witnessed.push((mark.held_by, size));
            } else {
                self.report.head = Some(Checkpoint { origin: self.report.origin.name.to_string(), size, root: mark.root });
            }
        }
        self.other = None;
        self.anchor = (size > 0).then_some(Anchor { size, recorded: self.recorded });
        let first_bad = self.report.faults.iter().filter(|fault| fault.is_altered()).map(|fault| fault.index).min();
        // ids that were confirmed by this root confirm the entries before a damaged one as well
        for fault in &mut self.report.faults {
            if fault.is_altered() {
                fault.intact = first_bad.unwrap_or(fault.index);
            }
        }
        self.report.intact = first_bad.unwrap_or(size);
        if first_bad.is_none() {
            self.report.last = self.anchor.map(|anchor| anchor.recorded);
        }
    }

    fn rewritten(&mut self, size: u64, held_by: String) {
        self.lost = true;
        let first = self.anchor.map_or(0, |anchor| anchor.size);
        // a damaged entry among them explains it
        if self.report.faults.iter().any(|fault| fault.is_altered() && fault.index >= first) {
            return;
        }
        if size == 0 {
            let what = "the root is not that of the empty log".to_owned();
            return self.fault(Problem::Checkpoint { held_by, what }, 0, None, None);
        }
        self.fault(Problem::Rewritten { last: size - 1, held_by }, first, None, None);
    }

    /// The entry that follows those that were read.
    fn peek(&self) -> Result<Option<RawEntry>, Error> {
        let mut next = None;
        self.store.log(&self.report.origin.name, self.tree.size(), &mut |entry| {
            next = Some(entry);
            ControlFlow::Break(())
        })?;
        Ok(next)
    }

    /// Checkpoints beyond the end of the log.
    fn cut(&mut self) {
        let beyond = self.marks.iter().next_back().and_then(|(size, marks)| {
            // the store's own checkpoint speaks before a witness
            let mark = marks.iter().min_by_key(|mark| mark.witness)?;
            Some((*size, mark.held_by.clone()))
        });
        if let Some((size, held_by)) = beyond {
            self.fault(Problem::Cut { size, held_by }, self.tree.size(), None, None);
        }
    }

    fn fault(&mut self, problem: Problem, index: u64, id: Option<RecordId>, record: Option<Record>) {
        if self.report.faults.len() < LISTED_FAULTS_MAX {
            let intact = self.anchor.map_or(0, |anchor| anchor.size).min(index);
            let record = record.map(Box::new);
            self.report.faults.push(Fault { problem, index, id, record, after: self.anchor, intact });
        }
    }
}

fn size_of(note: &str) -> Option<u64> {
    note.lines().nth(1)?.parse().ok()
}

/// What was found among the contents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectReport {
    /// Contents that are what their names say.
    pub intact: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Contents that are not: what they were kept as, and why not.
    pub faults: Vec<(Digest, String)>,
}

/// Reads every kept content again and compares it with its name. `progress` is told contents and bytes done.
///
/// # Errors
/// Only when the contents cannot be listed.
pub fn verify_objects(objects: &dyn Objects, progress: &mut dyn FnMut(u64, u64)) -> Result<ObjectReport, Error> {
    let mut report = ObjectReport::default();
    let mut buffer = vec![0; 1 << 16];
    objects.list(&mut |digest, _| {
        match rehash(objects, &digest, &mut buffer) {
            Ok((found, size)) if found == digest => {
                report.intact += 1;
                report.bytes += size;
            }
            Ok((found, _)) => report.faults.push((digest, format!("its bytes are those of {found}"))),
            Err(error) => report.faults.push((digest, error.to_string())),
        }
        progress(report.intact, report.bytes);
        ControlFlow::Continue(())
    })?;
    Ok(report)
}

fn rehash(objects: &dyn Objects, digest: &Digest, buffer: &mut [u8]) -> Result<(Digest, u64), Error> {
    let mut content = objects.open(digest)?.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))?;
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    loop {
        match content.read(buffer)? {
            0 => return Ok((Digest::new(*hasher.finalize().as_bytes()), size)),
            count => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
        }
    }
}
