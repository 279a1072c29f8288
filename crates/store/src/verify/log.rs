//! One log, read from its first entry to its last.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use keizu_record::merkle::{Frontier, leaf};
use keizu_record::note::Checkpoint;
use keizu_record::{Hash, Record, RecordId, Sealed, Time};

use super::{Against, Anchor, Fault, LISTED_FAULTS_MAX, LogReport, Problem, Progress};
use crate::{Error, Origin, RawEntry, Store};

/// Progress is told after so many entries.
const PROGRESS_ENTRIES: u64 = 1024;

/// A checkpoint to be met while reading the log.
struct Mark {
    root: Hash,
    held_by: String,
    witness: bool,
}

/// The check of one log under way.
pub(super) struct Check<'a> {
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
    pub(super) fn new(store: &'a dyn Store, origin: Origin, against: &Against) -> Result<Self, Error> {
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

    pub(super) fn run(mut self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<LogReport, Error> {
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
