//! What a tail of entries changes: which reads must be joined again, and which vertices get other links.

use std::collections::HashSet;

use keizu_record::manifest::Membership;
use keizu_record::{Authority, Digest, Entry, Kind, RecordId, RunId};

use super::{Ends, Readings};
use crate::facts::Facts;
use crate::link::Reading;
use crate::linked::{Linked, bare};
use crate::vertex::Vertex;

/// What was touched.
#[derive(Default)]
pub(super) struct Dirt {
    /// Writes that came or went.
    pub writes: HashSet<RecordId>,
    /// Runs that were told of.
    pub runs: HashSet<RunId>,
    /// Contents whose writes changed: who reads them may have read another.
    written: HashSet<Digest>,
    readings: Readings,
    /// Contents whose parents or children changed.
    pub kin: HashSet<Digest>,
}

impl Dirt {
    /// After the facts have the entry.
    pub fn entry(&mut self, facts: &Facts, entry: &Entry) {
        self.record(facts, &entry.id);
        if entry.record.kind == Kind::RunBegan {
            // the root of its project tells where its files are
            if let Some(run) = entry.record.run() {
                self.run(facts, run);
            }
        }
        if entry.record.authority == Authority::Corrected || entry.record.kind == Kind::Retracted {
            for cited in &entry.record.cites {
                self.record(facts, cited);
                if let Some(run) = entry.record.run() {
                    self.run(facts, run);
                }
            }
        }
    }

    fn run(&mut self, facts: &Facts, run: RunId) {
        self.runs.insert(run);
        let touched: Vec<RecordId> = facts.made_by(&run).chain(facts.used_by(&run)).map(|touch| touch.id).collect();
        touched.iter().for_each(|id| self.record(facts, id));
    }

    fn record(&mut self, facts: &Facts, id: &RecordId) {
        if let Some(touch) = facts.by_id(id) {
            self.runs.insert(touch.edge.run);
            if touch.made {
                self.writes.insert(*id);
                self.written.extend(touch.edge.content);
                self.kin.extend(touch.edge.content);
                let members = touch.edge.content.map(|content| facts.members(&content)).unwrap_or_default();
                self.written.extend(members.iter().map(|member| member.member));
            } else {
                self.readings.insert(*id);
            }
        } else if facts.naming(id).is_some() {
            self.readings.insert(*id);
        } else if let Some(parentage) = facts.parentage(id) {
            self.kin.extend([parentage.child, parentage.parent]);
        }
    }

    /// Before or after the facts have the members.
    pub fn manifest(&mut self, collection: Digest, members: &[Membership]) {
        self.written.insert(collection);
        self.written.extend(members.iter().map(|member| member.member));
    }

    /// Reads to be joined again: of the contents that were written, and of folders that hold them.
    pub fn readings(&self, linked: &Linked) -> Readings {
        let mut readings = self.readings.clone();
        let folders = self.written.iter().flat_map(|content| linked.facts.holders(content)).map(|holder| holder.collection);
        let read: HashSet<Digest> = folders.chain(self.written.iter().copied()).collect();
        readings.extend(read.iter().flat_map(|content| linked.readings_of(content)));
        readings
    }
}

/// The run and the content of a read, whether it holds or not.
pub(super) fn ends(facts: &Facts, id: &RecordId) -> Ends {
    match (facts.by_id(id), facts.naming(id)) {
        (Some(used), _) => (Some(used.edge.run), used.edge.content),
        (None, Some(naming)) => (None, Reading::of_naming(naming).and_then(|reading| reading.content)),
        (None, None) => (None, None),
    }
}

/// Occurrences of these contents, when they are somebody's children, and of their children.
pub(super) fn families(linked: &Linked, contents: &HashSet<Digest>) -> HashSet<Vertex> {
    let facts = &linked.facts;
    let children = contents.iter().flat_map(|content| facts.children_of(content)).map(|told| told.child);
    let family: HashSet<Digest> = children.chain(contents.iter().copied()).filter(|content| facts.has_kin(content)).collect();
    family.iter().flat_map(|content| linked.occurrences(content).into_iter().chain([bare(*content)])).collect()
}
