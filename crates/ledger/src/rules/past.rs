//! The part that needs the past: versions of names, and what a correction mends.

use std::collections::{BTreeMap, BTreeSet};

use keizu_record::body::{Named, corrected};
use keizu_record::{Authority, FilePath, Group, Kind, Name, NodeId, Record, RecordId, Side, Time};
use keizu_store::{Read, Select};

use super::Prepared;

/// What the rules must know of the record so far.
pub trait Past {
    /// Why it can't be read.
    type Error;
    /// All that a name pointed at, oldest first, each with its record.
    fn named(&self, name: &Name) -> Result<Vec<(RecordId, Named)>, Self::Error>;
    /// All records that speak of a node, oldest first.
    fn of(&self, subject: NodeId) -> Result<Vec<(RecordId, Record)>, Self::Error>;
}

impl Past for dyn Read + '_ {
    type Error = keizu_store::Error;

    fn named(&self, name: &Name) -> Result<Vec<(RecordId, Named)>, Self::Error> {
        let all = self.of(name.clone().into())?;
        Ok(all.into_iter().filter_map(|(id, record)| Some((id, Named::read(&record)?))).collect())
    }

    fn of(&self, subject: NodeId) -> Result<Vec<(RecordId, Record)>, Self::Error> {
        let select = Select { nodes: Some((Side::Subject, vec![subject])), ..Select::default() };
        Ok(self.select(&select)?.into_iter().map(|entry| (entry.id, entry.record)).collect())
    }
}

/// All records of a prepared run: names get their versions here. A version is a new content under a name: the content to which the name
/// points already makes none.
///
/// # Errors
/// When the past can't be read.
pub fn draft<P: Past + ?Sized>(prepared: &Prepared, past: &P, recorded: Time) -> Result<Vec<Record>, P::Error> {
    let mut records: Vec<Record> = prepared.records.iter().map(|record| Record { recorded, ..record.clone() }).collect();
    let end = records.pop();
    for naming in &prepared.namings {
        let named = &naming.0;
        let before = past.named(&named.name)?;
        let newest = before.iter().rev().map(|(_, named)| named).find(|named| named.version.is_some());
        if newest.is_some_and(|newest| newest.content == named.content) {
            continue;
        }
        let version = newest.and_then(|newest| newest.version).unwrap_or(0) + 1;
        records.push(Named { version: Some(version), ..named.clone() }.to_record(recorded));
    }
    records.extend(end);
    Ok(records)
}

/// What tells which statement a record is, whatever it says.
type Key = (Kind, NodeId, Option<FilePath>, Option<String>, Option<NodeId>, Option<String>);

fn key(record: &Record) -> Key {
    let place = record.path("path");
    let other = if record.kind == Kind::Described { record.object.clone() } else { None };
    let role = record.text("role").map(str::to_owned);
    let rule = if record.kind == Kind::Described { record.rule.clone() } else { None };
    (record.kind, record.subject.clone(), place, role, other, rule)
}

/// What must be mended when the account changed after the run was sealed: records that say it anew cite those that they mend, and those that
/// hold no longer are retracted.
///
/// # Errors
/// When the past can't be read.
pub fn corrections<P: Past + ?Sized>(before: &Prepared, after: &Prepared, past: &P, recorded: Time) -> Result<Vec<Record>, P::Error> {
    let old: BTreeMap<Key, &Record> = before.records.iter().map(|record| (key(record), record)).collect();
    let new: BTreeSet<Key> = after.records.iter().map(key).collect();
    let mut ids = Recorded { past, by_subject: BTreeMap::new() };
    let mut records = Vec::new();
    let mut end = None;
    for record in &after.records {
        let key = key(record);
        match old.get(&key) {
            Some(old) if says_the_same(old, record) => {}
            _ if record.kind == Kind::RunEnded => end = Some((key, record)),
            _ => {
                let cites = ids.of(&key)?;
                records.push(corrected(Record { recorded, ..record.clone() }, cites));
            }
        }
    }
    for (key, record) in old.iter().filter(|(key, _)| !new.contains(*key)) {
        let cites = ids.of(key)?;
        if !cites.is_empty() {
            records.push(corrected(Record::new(Kind::Retracted, record.subject.clone(), record.happened, recorded), cites));
        }
    }
    records.extend(names_anew(before, after, past, recorded)?);
    if let Some((key, record)) = end
        && (!records.is_empty() || old.get(&key).is_none_or(|old| !ends_the_same(old, record)))
    {
        let cites = ids.of(&key)?;
        records.push(corrected(Record { recorded, ..record.clone() }, cites));
    }
    Ok(records)
}

/// Whether two records state the same. When it happened may be known a little better the second time; that alone mends nothing.
fn says_the_same(old: &Record, new: &Record) -> bool {
    let by = old.authority == Authority::Corrected || (old.authority == new.authority && old.rule == new.rule);
    by && old.object == new.object && old.entries == new.entries
}

/// Whether two ends differ only in what the process itself added: the run was sealed at the entry of its exit, and ended a moment later.
fn ends_the_same(old: &Record, new: &Record) -> bool {
    let said = |record: &Record| {
        let mut entries = record.entries.clone();
        entries.remove(&(Group::Fact, "account".to_owned()));
        entries
    };
    said(old) == said(new)
}

/// The same when the account that was sealed is not at hand: what it said is read from the record. Only edges and the end are held against
/// each other; the rest was said at the start.
///
/// # Errors
/// When the past can't be read.
pub fn corrections_of_recorded<P: Past + ?Sized>(after: &Prepared, past: &P, recorded: Time) -> Result<Vec<Record>, P::Error> {
    let compared = |record: &Record| matches!(record.kind, Kind::Used | Kind::Made | Kind::RunEnded);
    let all = past.of(after.run.into())?;
    let retracted: BTreeSet<RecordId> =
        all.iter().filter(|(_, record)| record.kind == Kind::Retracted).flat_map(|(_, record)| record.cites.iter().copied()).collect();
    let stood: Vec<Record> =
        all.into_iter().filter(|(id, record)| compared(record) && !retracted.contains(id)).map(|(_, record)| record).collect();
    let unrecorded = |record: Record| Record { recorded: Time(0), ..record };
    let before = Prepared { records: stood.into_iter().map(unrecorded).collect(), namings: after.namings.clone(), ..after.clone() };
    let after = Prepared { records: after.records.iter().filter(|record| compared(record)).cloned().collect(), ..after.clone() };
    corrections(&before, &after, past, recorded)
}

/// A name that this run moved to a content that then changed: the same version, mended.
fn names_anew<P: Past + ?Sized>(before: &Prepared, after: &Prepared, past: &P, recorded: Time) -> Result<Vec<Record>, P::Error> {
    let mut records = Vec::new();
    for naming in &after.namings {
        let named = &naming.0;
        if before.namings.iter().any(|old| old.0.name == named.name && old.0.content == named.content) {
            continue;
        }
        let all = past.named(&named.name)?;
        let ours = |old: &&(RecordId, Named)| old.1.run == Some(after.run) && old.1.version.is_some();
        let newest = all.iter().rev().map(|(_, named)| named).find(|named| named.version.is_some());
        match all.iter().rev().find(ours) {
            Some((id, old)) => {
                let record = Named { version: old.version, ..named.clone() }.to_record(recorded);
                records.push(corrected(record, [*id]));
            }
            None if newest.is_some_and(|newest| newest.content == named.content) => {}
            None => {
                let version = newest.and_then(|newest| newest.version).unwrap_or(0) + 1;
                records.push(Named { version: Some(version), ..named.clone() }.to_record(recorded));
            }
        }
    }
    Ok(records)
}

/// Ids of what stands in the record, by what it states.
struct Recorded<'a, P: ?Sized> {
    past: &'a P,
    by_subject: BTreeMap<NodeId, BTreeMap<Key, Vec<RecordId>>>,
}

impl<P: Past + ?Sized> Recorded<'_, P> {
    fn of(&mut self, wanted: &Key) -> Result<Vec<RecordId>, P::Error> {
        if !self.by_subject.contains_key(&wanted.1) {
            let mut known: BTreeMap<Key, Vec<RecordId>> = BTreeMap::new();
            for (id, record) in self.past.of(wanted.1.clone())? {
                known.entry(key(&record)).or_default().push(id);
            }
            self.by_subject.insert(wanted.1.clone(), known);
        }
        Ok(self.by_subject.get(&wanted.1).and_then(|known| known.get(wanted)).cloned().unwrap_or_default())
    }
}
