//! Brings from a source what the links of many vertices need, in a few calls however many they are.

use std::collections::BTreeSet;
use std::hash::Hash;

use foldhash::HashSet;
use keizu_record::{Digest, Kind, Name, NodeId, RecordId, RunId, Side};

use crate::Source;
use crate::link::Reading;
use crate::linked::Linked;
use crate::vertex::{Link, LinkKind, Vertex, unique};

/// What tells whether a run's writes hold, and where: all that is asked of a writer whose own reads are beyond the question.
const WRITER_KINDS: &[Kind] = &[Kind::RunBegan, Kind::Made, Kind::Retracted];
/// The rest of what a run says.
const RUN_KINDS: &[Kind] = &[Kind::RunEnded, Kind::Used, Kind::Described];

/// What was asked of the source already.
#[derive(Debug, Default)]
struct Asked {
    writers: HashSet<RunId>,
    runs: HashSet<RunId>,
    writes: HashSet<Digest>,
    reads: HashSet<Digest>,
    named: HashSet<Digest>,
    parents: HashSet<Digest>,
    children: HashSet<Digest>,
    holders: HashSet<Digest>,
    members: HashSet<Digest>,
    names: HashSet<Name>,
}

/// Those not asked for before.
fn fresh<T: Hash + Eq + Ord + Clone>(asked: &mut HashSet<T>, wanted: impl IntoIterator<Item = T>) -> Vec<T> {
    unique(wanted.into_iter().filter(|item| asked.insert(item.clone())))
}

fn nodes<T: Into<NodeId>>(items: Vec<T>) -> Vec<NodeId> {
    items.into_iter().map(Into::into).collect()
}

/// Facts that grow as they are asked for.
pub(crate) struct Loader<'s, S: Source> {
    source: &'s S,
    asked: Asked,
    /// Of runs only what they wrote is asked for: what else they read is beyond the question.
    writes_only: bool,
    pub linked: Linked,
}

impl<'s, S: Source> Loader<'s, S> {
    pub fn new(source: &'s S) -> Self {
        Self { source, asked: Asked::default(), writes_only: false, linked: Linked::default() }
    }

    /// For who read what, where it does not matter what the readers and the makers read besides.
    pub fn of_writes(source: &'s S) -> Self {
        Self { writes_only: true, ..Self::new(source) }
    }

    pub fn select(&mut self, side: Side, nodes: &[NodeId], kinds: &[Kind]) -> Result<(), S::Error> {
        if !nodes.is_empty() {
            for entry in self.source.select(side, nodes, kinds)? {
                self.linked.facts.add(&entry);
            }
        }
        Ok(())
    }

    /// All of what runs say, or of their writes.
    pub fn runs(&mut self, runs: impl IntoIterator<Item = RunId>) -> Result<(), S::Error> {
        if self.writes_only {
            return self.writers(runs);
        }
        let fresh = fresh(&mut self.asked.runs, runs);
        self.writers(fresh.iter().copied())?;
        self.select(Side::Subject, &nodes(fresh), RUN_KINDS)
    }

    /// What runs say of their writes.
    fn writers(&mut self, runs: impl IntoIterator<Item = RunId>) -> Result<(), S::Error> {
        let fresh = fresh(&mut self.asked.writers, runs);
        self.select(Side::Subject, &nodes(fresh), WRITER_KINDS)
    }

    /// Writes of these contents.
    fn writes(&mut self, contents: impl IntoIterator<Item = Digest>) -> Result<(), S::Error> {
        let fresh = fresh(&mut self.asked.writes, contents);
        self.select(Side::Object, &nodes(fresh), &[Kind::Made])
    }

    /// Reads of these contents.
    fn reads(&mut self, contents: impl IntoIterator<Item = Digest>) -> Result<(), S::Error> {
        let fresh = fresh(&mut self.asked.reads, contents);
        self.select(Side::Object, &nodes(fresh.clone()), &[Kind::Used])?;
        self.named(fresh)
    }

    /// Names of these contents.
    pub fn named(&mut self, contents: impl IntoIterator<Item = Digest>) -> Result<(), S::Error> {
        let fresh = fresh(&mut self.asked.named, contents);
        self.select(Side::Object, &nodes(fresh.clone()), &[Kind::Named])?;
        let names = fresh.iter().flat_map(|content| self.linked.facts.named_of(content)).map(|naming| naming.named.name.clone());
        let names: Vec<Name> = names.collect();
        self.names(names)
    }

    /// All of what names were pointed at, and what was taken back.
    pub fn names(&mut self, names: impl IntoIterator<Item = Name>) -> Result<(), S::Error> {
        let fresh = fresh(&mut self.asked.names, names);
        self.select(Side::Subject, &nodes(fresh), &[Kind::Named, Kind::Retracted])
    }

    /// Collections that hold these contents.
    pub fn holders(&mut self, contents: impl IntoIterator<Item = Digest>) -> Result<(), S::Error> {
        let fresh = fresh(&mut self.asked.holders, contents);
        if !fresh.is_empty() {
            let holders = self.source.collections_of(&fresh)?;
            self.linked.facts.add_holders(holders);
        }
        Ok(())
    }

    pub fn members(&mut self, collections: impl IntoIterator<Item = Digest>) -> Result<(), S::Error> {
        let fresh = fresh(&mut self.asked.members, collections);
        if !fresh.is_empty() {
            let members = self.source.members_of(&fresh)?;
            self.linked.facts.add_members(members);
        }
        Ok(())
    }

    /// Every write of these contents, by itself or in a folder.
    fn candidates(&mut self, contents: &[Digest]) -> Result<(), S::Error> {
        self.holders(contents.iter().copied())?;
        let folders = contents.iter().flat_map(|content| self.linked.facts.holders(content)).map(|holder| holder.collection);
        let all: Vec<Digest> = folders.chain(contents.iter().copied()).collect();
        self.writes(all)
    }

    /// Joins reads for good.
    pub fn resolve(&mut self, readings: impl IntoIterator<Item = RecordId>) -> Result<(), S::Error> {
        let open: Vec<RecordId> = unique(readings.into_iter().filter(|id| !self.linked.is_settled(id)));
        let read: Vec<Reading<'_>> = open.iter().filter_map(|id| self.linked.reading(id)).collect();
        let folders: Vec<Digest> = read.iter().filter(|reading| reading.folder).filter_map(|reading| reading.content).collect();
        let mut contents: BTreeSet<Digest> = read.iter().filter_map(|reading| reading.content).collect();
        let readers: Vec<RunId> = read.iter().filter_map(|reading| reading.run).collect();
        self.members(folders.iter().copied())?;
        contents.extend(folders.iter().flat_map(|folder| self.linked.facts.members(folder)).map(|member| member.member));
        self.candidates(&contents.into_iter().collect::<Vec<_>>())?;
        self.runs(readers)?;
        // a second round only where a mended write stands aside for another
        let mut open = open;
        while !open.is_empty() {
            let (mut unsure, mut needs) = (Vec::new(), Vec::new());
            for id in open {
                let (resolution, runs) = self.linked.attempt(&id);
                let missing: Vec<RunId> = runs.into_iter().filter(|run| !self.asked.writers.contains(run)).collect();
                if missing.is_empty() {
                    self.linked.settle(id, resolution);
                } else {
                    needs.extend(missing);
                    unsure.push(id);
                }
            }
            self.writers(needs)?;
            open = unsure;
        }
        Ok(())
    }

    /// All links that arrive at these vertices.
    pub fn up(&mut self, vertices: &[Vertex]) -> Result<Vec<Link>, S::Error> {
        let runs = vertices.iter().filter_map(|vertex| vertex.run().or_else(|| self.linked.maker(vertex)));
        let runs: Vec<RunId> = runs.collect();
        self.runs(runs)?;
        self.open_members(vertices)?;
        let contents = unique(vertices.iter().filter_map(|vertex| self.linked.content(vertex)));
        self.parents_of(&contents)?;
        let used =
            vertices.iter().filter_map(Vertex::run).flat_map(|run| self.linked.facts.used_by(&run).map(|used| used.id).collect::<Vec<_>>());
        let used: Vec<RecordId> = used.collect();
        self.resolve(used)?;
        Ok(vertices.iter().flat_map(|vertex| self.linked.up(vertex)).collect())
    }

    /// All links that leave these vertices.
    pub fn down(&mut self, vertices: &[Vertex]) -> Result<Vec<Link>, S::Error> {
        self.reads_of(vertices)?;
        let own = unique(vertices.iter().filter_map(|vertex| self.linked.content(vertex)));
        self.children_of(&own)?;
        Ok(vertices.iter().flat_map(|vertex| self.linked.down(vertex)).collect())
    }

    /// Joins everything that may have read these vertices.
    fn reads_of(&mut self, vertices: &[Vertex]) -> Result<(), S::Error> {
        self.runs(vertices.iter().filter_map(Vertex::run))?;
        self.open_members(vertices)?;
        let folders: Vec<Digest> = vertices.iter().filter_map(|vertex| self.linked.collection(vertex)).collect();
        self.members(folders)?;
        let contents = unique(vertices.iter().flat_map(|vertex| self.linked.contents(vertex)));
        self.holders(contents.iter().copied())?;
        let holders = contents.iter().flat_map(|content| self.linked.facts.holders(content)).map(|holder| holder.collection);
        let read: Vec<Digest> = holders.chain(contents.iter().copied()).collect();
        self.reads(read)?;
        let readers = unique(vertices.iter().flat_map(|vertex| self.linked.readers(vertex)));
        self.resolve(readers)
    }

    /// *Used*: the runs that read each of these vertices.
    pub fn users(&mut self, vertices: &[Vertex]) -> Result<Vec<(Vertex, RunId)>, S::Error> {
        self.reads_of(vertices)?;
        let links = vertices.iter().flat_map(|vertex| self.linked.down(vertex)).filter(|link| link.kind == LinkKind::Used);
        Ok(links.filter_map(|link| Some((link.from, link.to.run()?))).collect())
    }

    fn open_members(&mut self, vertices: &[Vertex]) -> Result<(), S::Error> {
        let folders = vertices.iter().filter_map(|vertex| match vertex {
            Vertex::Member { write, .. } => self.linked.facts.by_id(write)?.edge.content,
            _ => None,
        });
        let folders: Vec<Digest> = folders.collect();
        self.members(folders)
    }

    /// What is told of these, and what was taken back of it.
    pub fn told_of(&mut self, nodes: Vec<NodeId>) -> Result<(), S::Error> {
        self.select(Side::Subject, &nodes, &[Kind::Described, Kind::Retracted])
    }

    /// What is told of the parents of these models.
    pub fn parents_of(&mut self, children: &[Digest]) -> Result<(), S::Error> {
        let fresh = fresh(&mut self.asked.parents, children.iter().copied());
        self.select(Side::Subject, &nodes(fresh), &[Kind::Described, Kind::Retracted])?;
        let told = children.iter().flat_map(|child| self.linked.facts.parents_of(child)).flat_map(|told| [told.child, told.parent]);
        let told: Vec<Digest> = told.collect();
        self.occurrences(&told)
    }

    /// What is told of the children of these models.
    pub fn children_of(&mut self, parents: &[Digest]) -> Result<(), S::Error> {
        let fresh = fresh(&mut self.asked.children, parents.iter().copied());
        self.select(Side::Object, &nodes(fresh), &[Kind::Described])?;
        let children = parents.iter().flat_map(|parent| self.linked.facts.children_of(parent)).map(|told| told.child);
        let children: Vec<Digest> = children.collect();
        self.parents_of(&children)
    }

    /// Every occurrence of these contents: for the few that somebody told something of, or that were asked for.
    pub fn occurrences(&mut self, contents: &[Digest]) -> Result<(), S::Error> {
        self.reads(contents.iter().copied())?;
        self.candidates(contents)?;
        let folders = contents.iter().flat_map(|content| self.linked.facts.holders(content)).map(|holder| holder.collection);
        let all = unique(folders.chain(contents.iter().copied()));
        let makers: Vec<RunId> = all.iter().flat_map(|content| self.linked.facts.made_of(content)).map(|made| made.edge.run).collect();
        self.runs(makers.iter().copied())?;
        let told: HashSet<Digest> = contents.iter().copied().collect();
        let read = makers
            .iter()
            .flat_map(|run| self.linked.facts.used_by(run))
            .filter(|used| used.edge.content.is_some_and(|content| told.contains(&content)));
        let read: Vec<RecordId> = read.map(|used| used.id).collect();
        let readings = contents.iter().flat_map(|content| self.linked.readings_of(content));
        let readings: Vec<RecordId> = readings.chain(read).collect();
        self.resolve(readings)
    }
}
