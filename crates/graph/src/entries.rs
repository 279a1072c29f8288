//! Entries in memory, as a source: for histories that are small, or not in a store.

use std::convert::Infallible;

use foldhash::HashMap;
use keizu_record::brief::{Brief, Line};
use keizu_record::manifest::{Manifest, Membership};
use keizu_record::{Digest, Entry, Kind, NodeId, Side};

use crate::{Outline, Source};

/// All entries of a history, and the manifests of its collections.
#[derive(Debug, Default, Clone)]
pub struct Entries {
    entries: Vec<Entry>,
    by: HashMap<(Side, NodeId), Vec<u32>>,
    nodes: Vec<NodeId>,
    numbers: HashMap<NodeId, u32>,
    projects: HashMap<String, u32>,
    members: HashMap<Digest, Vec<Membership>>,
    holders: HashMap<Digest, Vec<Membership>>,
}

impl Entries {
    /// These entries, in order of position, and these manifests.
    pub fn new<'m>(entries: impl IntoIterator<Item = Entry>, manifests: impl IntoIterator<Item = &'m Manifest>) -> Self {
        let mut all = Self::default();
        manifests.into_iter().for_each(|manifest| all.keep(manifest));
        entries.into_iter().for_each(|entry| all.push(entry));
        all
    }

    /// Adds one that comes after those there are.
    pub fn push(&mut self, entry: Entry) {
        let at = self.entries.len() as u32;
        let record = &entry.record;
        let ends = [
            Some((Side::Subject, record.subject.clone())),
            record.object.clone().map(|object| (Side::Object, object)),
            record.place().map(|place| (Side::Place, place)),
        ];
        for end in ends.into_iter().flatten() {
            let nodes = &mut self.nodes;
            self.numbers.entry(end.1.clone()).or_insert_with(|| {
                nodes.push(end.1.clone());
                nodes.len() as u32 - 1
            });
            self.by.entry(end).or_default().push(at);
        }
        if let Some(project) = record.text("project") {
            let next = self.projects.len() as u32;
            self.projects.entry(project.to_owned()).or_insert(next);
        }
        self.entries.push(entry);
    }

    /// Adds the manifest of a collection, once.
    pub fn keep(&mut self, manifest: &Manifest) {
        let collection = manifest.digest();
        if self.members.contains_key(&collection) {
            return;
        }
        let member = |(path, member): (&keizu_record::FilePath, &keizu_record::manifest::Member)| Membership {
            collection,
            path: path.clone(),
            member: member.digest,
            size: member.size,
        };
        let members: Vec<Membership> = manifest.0.iter().map(member).collect();
        for member in &members {
            self.holders.entry(member.member).or_default().push(member.clone());
        }
        self.members.insert(collection, members);
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn line(&self, entry: &Entry) -> Line {
        let record = &entry.record;
        let number = |node: NodeId| self.numbers.get(&node).copied();
        Line {
            position: entry.position,
            kind: record.kind,
            subject: number(record.subject.clone()).expect("invariant: every node has a number"),
            object: record.object.clone().and_then(number),
            place: record.place().and_then(number),
            project: record.text("project").and_then(|name| self.projects.get(name).copied()),
            happened: record.happened,
            brief: Brief::of(record),
        }
    }
}

impl Source for Entries {
    type Error = Infallible;

    fn select(&self, side: Side, nodes: &[NodeId], kinds: &[Kind]) -> Result<Vec<Entry>, Infallible> {
        let found = nodes.iter().filter_map(|node| self.by.get(&(side, node.clone()))).flatten();
        let mut found: Vec<u32> = found.copied().filter(|at| kinds.contains(&self.entries[*at as usize].record.kind)).collect();
        found.sort_unstable();
        found.dedup();
        Ok(found.into_iter().map(|at| self.entries[at as usize].clone()).collect())
    }

    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, Infallible> {
        Ok(members.iter().filter_map(|member| self.holders.get(member)).flatten().cloned().collect())
    }

    fn members_of(&self, collections: &[Digest]) -> Result<Vec<Membership>, Infallible> {
        Ok(collections.iter().filter_map(|collection| self.members.get(collection)).flatten().cloned().collect())
    }
}

impl Outline for Entries {
    fn lines(&self, from: u64, visit: &mut dyn FnMut(&Line)) -> Result<(), Infallible> {
        let first = self.entries.partition_point(|entry| entry.position < from);
        self.entries[first..].iter().for_each(|entry| visit(&self.line(entry)));
        Ok(())
    }

    fn held(&self, visit: &mut dyn FnMut(u32)) -> Result<(), Infallible> {
        self.holders.keys().filter_map(|member| self.numbers.get(&(*member).into())).for_each(|number| visit(*number));
        Ok(())
    }

    fn numbers(&self, nodes: &[NodeId]) -> Result<Vec<Option<u32>>, Infallible> {
        Ok(nodes.iter().map(|node| self.numbers.get(node).copied()).collect())
    }

    fn numbered(&self, numbers: &[u32]) -> Result<Vec<Option<NodeId>>, Infallible> {
        Ok(numbers.iter().map(|number| self.nodes.get(*number as usize).cloned()).collect())
    }

    fn at(&self, positions: &[u64]) -> Result<Vec<Entry>, Infallible> {
        let mut positions = positions.to_vec();
        positions.sort_unstable();
        positions.dedup();
        let at = |position: &u64| self.entries.binary_search_by_key(position, |entry| entry.position).ok();
        Ok(positions.iter().filter_map(at).map(|at| self.entries[at].clone()).collect())
    }
}
