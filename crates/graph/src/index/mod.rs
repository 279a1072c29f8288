//! The graph in memory: closures in the time it takes to visit them, over ten million vertices in a few hundred megabytes.
//!
//! ```text
//! lines ──plain──► vertices in columns, links ──► rows both ways          (closures: u32 ids, nothing else is touched)
//!   └────hard────► Loader: the rules themselves ──► links ──┘
//! a tail: what hangs together with it goes the hard way again; its rows are patches over the rows
//! ids ──► the entries that stand for them, asked of the source ──► vertices, nodes      (a page, when somebody looks)
//! ```
//!
//! The index holds no path, no digest and no name. It answers *which* and *how many*; what they are, the source tells of those that are shown.

mod adjacency;
mod hard;
mod plain;
mod tail;
mod vertices;

use std::collections::BTreeMap;

use foldhash::HashMap;
use keizu_record::body::ArtifactKind;
use keizu_record::{Digest, Name, NodeId, RecordId, RunId};

use crate::linked::bare;
use crate::load::Loader;
use crate::node::{Node, describe};
use crate::root::{self, Root};
use crate::vertex::Vertex;
use crate::walk::Direction;
use crate::{Outline, node};

use adjacency::Adjacency;
use hard::Numbers;
use plain::Plain;
use vertices::{Bits, NONE, Sort, Vertices};

/// Reads and writes that are joined in one pass: a bound on the memory that building takes.
const TOUCHES_MAX: usize = 8_000_000;
/// Contents that go the hard way together.
const CONTENTS_MAX: usize = 256;

/// The graph of all entries of a source.
#[derive(Debug, Default)]
pub struct Index {
    vertices: Vertices,
    up: Adjacency,
    down: Adjacency,
    next: u64,
}

/// What a closure reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Closure {
    /// The vertices, the nearest to the root first. [`Index::vertices`] tells what they are.
    pub ids: Vec<u32>,
    /// Occurrences that were asked for and have no vertex of their own: files that were only read as one of a folder's.
    pub apart: Vec<Vertex>,
    /// How many of all are runs.
    pub runs: usize,
    /// How many are artifacts, by kind.
    pub artifacts: BTreeMap<ArtifactKind, usize>,
}

/// Where a question starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// The occurrences asked for; for those apart what they lead to.
    pub ids: Vec<u32>,
    /// See [`Closure::apart`], with what they are to people.
    pub apart: Vec<(Vertex, ArtifactKind)>,
}

impl Index {
    /// The index of all entries of a source.
    ///
    /// # Errors
    /// When the source fails.
    pub fn build<S: Outline>(source: &S) -> Result<Self, S::Error> {
        Self::build_with(source, TOUCHES_MAX)
    }

    /// The same, with a bound on the reads and writes that are held at once.
    ///
    /// # Errors
    /// When the source fails.
    pub fn build_with<S: Outline>(source: &S, touches_max: usize) -> Result<Self, S::Error> {
        let mut plain = Plain::scan(source)?;
        plain.join(source, touches_max)?;
        let Plain { mut vertices, mut links, hard, odd_runs, next, mended, .. } = plain;
        let mended: Vec<u32> = mended.iter().collect();
        let mended = source.numbered(&mended)?.iter().flatten().filter_map(NodeId::run).collect();
        let mut down_only = Vec::new();
        vertices.settle();
        let numbers: Vec<u32> = hard.iter().collect();
        for chunk in numbers.chunks(CONTENTS_MAX) {
            let nodes = source.numbered(chunk)?;
            let contents: Vec<Digest> = nodes.iter().flatten().filter_map(NodeId::artifact).collect();
            let found = hard::contents(source, &mut vertices, &contents, Some(&mended))?;
            links.extend(found.links);
            down_only.extend(found.down_only);
        }
        let numbers: Vec<u32> = odd_runs.iter().collect();
        for chunk in numbers.chunks(CONTENTS_MAX) {
            let nodes = source.numbered(chunk)?;
            let runs: Vec<RunId> = nodes.iter().flatten().filter_map(NodeId::run).collect();
            links.extend(hard::unseen(source, &mut vertices, &runs)?.links);
        }
        vertices.settle();
        links.shrink_to_fit();
        let up = Adjacency::new(vertices.len(), || links.iter().map(|(from, to)| (*to, *from)));
        let down = Adjacency::new(vertices.len(), || links.iter().chain(&down_only).copied());
        Ok(Self { vertices, up, down, next })
    }

    /// Where a question about a root starts; empty when nothing is known of it.
    ///
    /// # Errors
    /// When the source fails.
    pub fn start<S: Outline>(&self, source: &S, root: &Root, direction: Direction) -> Result<Start, S::Error> {
        let mut loader = Loader::new(source);
        let roots = root::find(&mut loader, root)?;
        let mut start = Start::default();
        let mut apart = Vec::new();
        let numbers = Numbers::ask(source, hard::nodes_of(&loader.linked, &roots))?;
        for root in roots {
            match hard::known(&root, &self.vertices, &loader.linked, &numbers) {
                Some(id) => start.ids.push(id),
                None => apart.push(root),
            }
        }
        if apart.is_empty() {
            return Ok(start);
        }
        let links = match direction {
            Direction::Up => loader.up(&apart)?,
            Direction::Down => loader.down(&apart)?,
        };
        let ends: Vec<Vertex> = links.into_iter().map(|link| if direction == Direction::Up { link.from } else { link.to }).collect();
        let linked = &loader.linked;
        let numbers = Numbers::ask(source, hard::nodes_of(linked, &ends))?;
        start.ids.extend(ends.iter().filter_map(|end| hard::known(end, &self.vertices, linked, &numbers)));
        start.apart = apart.into_iter().map(|root| (root.clone(), node::kind(linked, &root))).collect();
        Ok(start)
    }

    /// Visits all that is reached, the nearest first, each with the vertex that it was reached from (of those that it starts from: itself). Stops
    /// when the visitor says so.
    pub fn reach(&self, from: &[u32], direction: Direction, visit: &mut dyn FnMut(u32, u32) -> std::ops::ControlFlow<()>) {
        let rows = match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        };
        let mut seen = Bits::with(self.vertices.len());
        let mut level: Vec<u32> = Vec::new();
        for id in from {
            if seen.add(*id) {
                if visit(*id, *id).is_break() {
                    return;
                }
                level.push(*id);
            }
        }
        while !level.is_empty() {
            let mut next = Vec::new();
            for via in level {
                for id in rows.of(via) {
                    if seen.add(*id) {
                        if visit(*id, via).is_break() {
                            return;
                        }
                        next.push(*id);
                    }
                }
            }
            level = next;
        }
    }

    /// All that made the root, or all that it touches.
    ///
    /// # Errors
    /// When the source fails.
    pub fn closure<S: Outline>(&self, source: &S, root: &Root, direction: Direction) -> Result<Closure, S::Error> {
        let start = self.start(source, root, direction)?;
        let mut closure = Closure::default();
        let mut counts = [0_usize; ArtifactKind::ALL.len()];
        self.reach(&start.ids, direction, &mut |id, _| {
            closure.ids.push(id);
            match self.vertices.kind(id) {
                Some(kind) => counts[kind as usize] += 1,
                None => closure.runs += 1,
            }
            std::ops::ControlFlow::Continue(())
        });
        for (vertex, kind) in start.apart {
            counts[kind as usize] += 1;
            closure.apart.push(vertex);
        }
        let counted = ArtifactKind::ALL.iter().zip(counts).filter(|(_, count)| *count > 0);
        closure.artifacts = counted.map(|(kind, count)| (*kind, count)).collect();
        Ok(closure)
    }

    /// What vertices are, in their order: asked of the source.
    ///
    /// # Errors
    /// When the source fails.
    pub fn vertices<S: Outline>(&self, source: &S, ids: &[u32]) -> Result<Vec<Vertex>, S::Error> {
        Ok(self.load(&mut Loader::new(source), source, ids)?.into_iter().flatten().collect())
    }

    /// Vertices with what people want to know of them, in their order.
    ///
    /// # Errors
    /// When the source fails.
    pub fn describe<S: Outline>(&self, source: &S, ids: &[u32]) -> Result<Vec<Node>, S::Error> {
        let mut loader = Loader::new(source);
        let vertices: Vec<Vertex> = self.load(&mut loader, source, ids)?.into_iter().flatten().collect();
        describe(&mut loader, &vertices)
    }

    fn load<S: Outline>(&self, loader: &mut Loader<'_, S>, source: &S, ids: &[u32]) -> Result<Vec<Option<Vertex>>, S::Error> {
        let (bares, others): (Vec<u32>, Vec<u32>) = ids.iter().partition(|id| self.vertices.sort(**id) == Sort::Bare);
        let numbers: Vec<u32> = bares.iter().map(|id| self.vertices.at(*id)).collect();
        let mut found: HashMap<u32, Vertex> = HashMap::with_capacity_and_hasher(ids.len(), Default::default());
        for (id, node) in bares.iter().zip(source.numbered(&numbers)?) {
            found.extend(node.and_then(|node| node.artifact()).map(|content| (*id, bare(content))));
        }
        let positions: Vec<u64> = others.iter().map(|id| self.vertices.at(*id)).filter(|at| *at != NONE).map(u64::from).collect();
        let entries: HashMap<u64, keizu_record::Entry> = source.at(&positions)?.into_iter().map(|entry| (entry.position, entry)).collect();
        let entry = |id: &u32| entries.get(&u64::from(self.vertices.at(*id)));
        let reads: Vec<(u32, RecordId)> =
            others.iter().filter(|id| self.vertices.sort(**id) == Sort::Read).filter_map(|id| Some((*id, entry(id)?.id))).collect();
        for (id, _) in &reads {
            loader.linked.facts.add(&entries[&u64::from(self.vertices.at(*id))]);
        }
        let names: Vec<Name> = reads.iter().filter_map(|(_, id)| Some(loader.linked.facts.naming(id)?.named.name.clone())).collect();
        loader.names(names)?;
        loader.resolve(reads.iter().map(|(_, record)| *record))?;
        for (id, record) in reads {
            found.extend(loader.linked.resolution(&record).map(|resolution| (id, resolution.vertex.clone())));
        }
        for id in others {
            let vertex = match (self.vertices.sort(id), entry(&id)) {
                (Sort::Run, Some(entry)) => entry.record.run().map(Vertex::Run),
                (Sort::Write, Some(entry)) => {
                    loader.linked.facts.add(entry);
                    Some(Vertex::Write(entry.id))
                }
                _ => None,
            };
            found.extend(vertex.map(|vertex| (id, vertex)));
        }
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    /// The file that the entry at this position wrote; none when it is not of one.
    pub fn write(&self, position: u64) -> Option<u32> {
        self.vertices.write(u32::try_from(position).ok()?)
    }

    /// What a vertex is to people; none for a run.
    pub fn kind(&self, id: u32) -> Option<ArtifactKind> {
        self.vertices.kind(id)
    }

    /// The neighbours of a vertex.
    pub fn neighbours(&self, id: u32, direction: Direction) -> &[u32] {
        match direction {
            Direction::Up => self.up.of(id),
            Direction::Down => self.down.of(id),
        }
    }

    /// The position after the last entry that it knows.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// How many vertices it has or ever had.
    pub fn len(&self) -> usize {
        self.vertices.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.vertices.len() == 0
    }

    /// How many links it has.
    pub fn links(&self) -> usize {
        self.up.len()
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.vertices.bytes() + self.up.bytes() + self.down.bytes()
    }
}
