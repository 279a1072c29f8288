//! The graph in memory: the same answers as the walk, and closures in the time it takes to visit them.
//!
//! ```text
//! entries ──► by subject, object, place        (a Source: what the walk asks)
//!     └─────► Facts ──► Linked ──► u32 ids, adjacency both ways      (closures)
//! a tail: reads whose candidates changed are joined again; vertices around them get new links; the rest stays
//! ```

mod adjacency;
mod dirt;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::convert::Infallible;

use keizu_record::body::ArtifactKind;
use keizu_record::manifest::{Manifest, Membership};
use keizu_record::{Digest, Entry, Kind, NodeId, RecordId, RunId, Side};

use crate::linked::Linked;
use crate::load::Loader;
use crate::root::{self, Root};
use crate::vertex::Vertex;
use crate::walk::Direction;
use crate::{Source, node};

use adjacency::Adjacency;
use dirt::Dirt;

/// All entries of a store, and the graph that they make.
#[derive(Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    by: HashMap<(Side, NodeId), Vec<u32>>,
    linked: Linked,
    vertices: Vec<Vertex>,
    ids: HashMap<Vertex, u32>,
    /// Kind of each vertex; none for runs.
    kinds: Vec<Option<ArtifactKind>>,
    up: Adjacency,
    down: Adjacency,
}

/// What a closure reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Closure {
    /// The vertices, the root among them, sorted.
    pub vertices: Vec<Vertex>,
    /// How many of them are runs.
    pub runs: usize,
    /// How many are artifacts, by kind.
    pub artifacts: BTreeMap<ArtifactKind, usize>,
}

impl Index {
    /// The index of these entries and manifests.
    pub fn build<'m>(entries: impl IntoIterator<Item = Entry>, manifests: impl IntoIterator<Item = &'m Manifest>) -> Self {
        let mut index = Self::default();
        index.extend(entries, manifests);
        index
    }

    /// Adds what was appended since: entries in order of position, and manifests (each may come before or after the entries that name
    /// it, and more than once).
    pub fn extend<'m>(&mut self, entries: impl IntoIterator<Item = Entry>, manifests: impl IntoIterator<Item = &'m Manifest>) {
        let mut dirt = Dirt::default();
        for manifest in manifests {
            self.add_manifest(manifest, &mut dirt);
        }
        for entry in entries {
            if self.linked.facts.add(&entry) {
                dirt.entry(&self.linked.facts, &entry);
                self.keep(entry);
            }
        }
        self.clean(dirt);
    }

    fn add_manifest(&mut self, manifest: &Manifest, dirt: &mut Dirt) {
        let collection = manifest.digest();
        if !self.linked.facts.members(&collection).is_empty() {
            return;
        }
        let members: Vec<Membership> = manifest
            .0
            .iter()
            .map(|(path, member)| Membership { collection, path: path.clone(), member: member.digest, size: member.size })
            .collect();
        dirt.manifest(collection, &members);
        self.linked.facts.add_holders(members.iter().cloned());
        self.linked.facts.add_members(members);
    }

    fn keep(&mut self, entry: Entry) {
        let at = self.entries.len() as u32;
        let record = &entry.record;
        let ends = [
            Some((Side::Subject, record.subject.clone())),
            record.object.clone().map(|object| (Side::Object, object)),
            record.place().map(|place| (Side::Place, place)),
        ];
        for end in ends.into_iter().flatten() {
            self.by.entry(end).or_default().push(at);
        }
        self.entries.push(entry);
    }

    /// Joins again what changed, and links what stands around it.
    fn clean(&mut self, dirt: Dirt) {
        let mut around: HashSet<Vertex> = dirt.writes.iter().map(|id| Vertex::Write(*id)).collect();
        around.extend(dirt.runs.iter().map(|run| Vertex::Run(*run)));
        let mut contents = dirt.kin.clone();
        for id in dirt.readings(&self.linked) {
            let (run, content) = dirt::ends(&self.linked.facts, &id);
            around.extend(run.map(Vertex::Run));
            contents.extend(content);
            let before = self.linked.unsettle(&id);
            let (after, _) = self.linked.attempt(&id);
            around.extend(before.into_iter().chain(after.clone()).map(|resolution| resolution.vertex));
            self.linked.settle(id, after);
        }
        around.extend(dirt::families(&self.linked, &contents));
        let mut open: Vec<u32> = around.into_iter().map(|vertex| self.id(vertex)).collect();
        open.sort_unstable();
        while let Some(at) = open.pop() {
            let known = self.vertices.len();
            self.link(at);
            open.extend(known as u32..self.vertices.len() as u32);
        }
        self.up.settle(self.vertices.len());
        self.down.settle(self.vertices.len());
    }

    fn id(&mut self, vertex: Vertex) -> u32 {
        if let Some(id) = self.ids.get(&vertex) {
            return *id;
        }
        let id = self.vertices.len() as u32;
        self.ids.insert(vertex.clone(), id);
        self.vertices.push(vertex);
        self.kinds.push(None);
        id
    }

    /// Gives a vertex the links that arrive at it now.
    fn link(&mut self, at: u32) {
        let vertex = self.vertices[at as usize].clone();
        let links = if self.stands(&vertex) { self.linked.up(&vertex) } else { Vec::new() };
        let mut from: Vec<u32> = links.into_iter().map(|link| self.id(link.from)).collect();
        from.sort_unstable();
        from.dedup();
        let before = self.up.of(at).to_vec();
        for gone in before.iter().filter(|old| from.binary_search(old).is_err()) {
            self.down.remove(*gone, at);
        }
        for new in from.iter().filter(|new| before.binary_search(new).is_err()) {
            self.down.insert(*new, at);
        }
        if from != before {
            self.up.set(at, from);
        }
        self.kinds[at as usize] = vertex.run().is_none().then(|| node::kind(&self.linked, &vertex));
    }

    /// Whether a vertex is still one: a write while its record holds, a source or a file of a folder only while somebody reads it.
    fn stands(&self, vertex: &Vertex) -> bool {
        match vertex {
            Vertex::Run(_) => true,
            Vertex::Write(id) => self.linked.facts.holds(id),
            Vertex::Source { .. } if crate::linked::is_bare(vertex) => true,
            Vertex::Source { .. } | Vertex::Member { .. } => self.linked.read_as(vertex).next().is_some(),
        }
    }

    /// All that made the root, or all that it touches.
    pub fn closure(&self, root: &Root, direction: Direction) -> Closure {
        let mut loader = Loader::new(self);
        let Ok(roots) = root::find(&mut loader, root);
        let mut seen = vec![false; self.vertices.len()];
        let mut open: Vec<u32> = Vec::new();
        let mut closure = Closure::default();
        for root in roots {
            if let Some(id) = self.ids.get(&root).filter(|_| self.stands(&root)) {
                open.push(*id);
                continue;
            }
            // a file that was only read as one of a folder's has no place among the vertices
            let found = match direction {
                Direction::Up => loader.up(std::slice::from_ref(&root)),
                Direction::Down => loader.down(std::slice::from_ref(&root)),
            };
            let Ok(links) = found;
            let ends = links.into_iter().map(|link| if direction == Direction::Up { link.from } else { link.to });
            open.extend(ends.filter_map(|end| self.ids.get(&end).copied()));
            closure.count(node::kind(&loader.linked, &root));
            closure.vertices.push(root);
        }
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut seen[at as usize], true) {
                continue;
            }
            match direction {
                Direction::Up => open.extend(self.up.of(at)),
                Direction::Down => {
                    open.extend(self.down.of(at));
                    open.extend(self.folders(at));
                }
            }
        }
        for at in (0..self.vertices.len()).filter(|at| seen[*at]) {
            match self.kinds[at] {
                Some(kind) => closure.count(kind),
                None => closure.runs += 1,
            }
            closure.vertices.push(self.vertices[at].clone());
        }
        closure.vertices.sort();
        closure
    }

    /// Links that are followed downwards only, where upwards a folder stands for its files: from a file to the folders that were read with it inside,
    /// and to those who read the very folder that it was written in.
    fn folders(&self, at: u32) -> Vec<u32> {
        let vertex = &self.vertices[at as usize];
        let links = match vertex {
            Vertex::Source { .. } | Vertex::Member { .. } => self.linked.down(vertex),
            Vertex::Run(_) | Vertex::Write(_) => Vec::new(),
        };
        links.into_iter().filter_map(|link| self.ids.get(&link.to).copied()).collect()
    }

    /// How many entries it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Closure {
    fn count(&mut self, kind: ArtifactKind) {
        *self.artifacts.entry(kind).or_default() += 1;
    }
}

impl Source for Index {
    type Error = Infallible;

    fn select(&self, side: Side, nodes: &[NodeId], kinds: &[Kind]) -> Result<Vec<Entry>, Infallible> {
        let found = nodes.iter().filter_map(|node| self.by.get(&(side, node.clone()))).flatten();
        let mut found: Vec<u32> = found.copied().filter(|at| kinds.contains(&self.entries[*at as usize].record.kind)).collect();
        found.sort_unstable_by_key(|at| self.entries[*at as usize].position);
        found.dedup();
        Ok(found.into_iter().map(|at| self.entries[at as usize].clone()).collect())
    }

    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, Infallible> {
        Ok(members.iter().flat_map(|member| self.linked.facts.holders(member)).cloned().collect())
    }

    fn members_of(&self, collections: &[Digest]) -> Result<Vec<Membership>, Infallible> {
        Ok(collections.iter().flat_map(|collection| self.linked.facts.members(collection)).cloned().collect())
    }
}

/// The run of a read, and its content.
type Ends = (Option<RunId>, Option<Digest>);
/// Reads by their records.
type Readings = HashSet<RecordId>;
