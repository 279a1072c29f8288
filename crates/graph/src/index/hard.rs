//! What lines alone do not tell: the rules themselves, asked through a loader, for many contents at once.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};
use keizu_record::{Digest, Name, NodeId, RecordId, RunId};

use super::vertices::{Mark, NONE, Sort, Vertices, mark, mark_of};
use crate::linked::{Linked, bare, is_bare};
use crate::load::Loader;
use crate::vertex::{Link, LinkKind, Vertex, unique};
use crate::{Outline, node};

/// What was found of some contents or runs.
#[derive(Default)]
pub(super) struct Found {
    /// Links, from and to.
    pub links: Vec<(u32, u32)>,
    /// Links that are followed downwards only, where upwards a folder stands for its files: from a file to the folders that were read with it inside,
    /// and to those who read the very folder that it was written in.
    pub down_only: Vec<(u32, u32)>,
    /// The vertices whose links these are.
    pub vertices: Vec<u32>,
}

/// Numbers of nodes, asked for in one go.
pub(super) struct Numbers(HashMap<NodeId, u32>);

impl Numbers {
    pub fn ask<S: Outline>(source: &S, nodes: impl IntoIterator<Item = NodeId>) -> Result<Self, S::Error> {
        let nodes = unique(nodes);
        let numbers = source.numbers(&nodes)?;
        Ok(Self(nodes.into_iter().zip(numbers).filter_map(|(node, number)| Some((node, number?))).collect()))
    }

    fn of(&self, node: impl Into<NodeId>) -> Option<u32> {
        self.0.get(&node.into()).copied()
    }
}

/// The nodes whose numbers tell which vertices these are.
pub(super) fn nodes_of<'a>(linked: &Linked, vertices: impl IntoIterator<Item = &'a Vertex>) -> Vec<NodeId> {
    let mut nodes = Vec::new();
    for vertex in vertices {
        match vertex {
            Vertex::Run(run) => nodes.push((*run).into()),
            Vertex::Source { place, .. } => {
                nodes.push(Name::Path { project: place.project.clone(), path: place.path.clone() }.into());
                nodes.extend(linked.content(vertex).map(NodeId::from));
            }
            _ => nodes.extend(linked.content(vertex).map(NodeId::from)),
        }
    }
    nodes
}

/// The mark of an occurrence of a hard content: over its own bytes. One whose content was not seen has a mark over numbers, as long as its path is
/// relative.
fn mark_of_vertex(vertex: &Vertex, numbers: &Numbers) -> Option<Mark> {
    let mut bytes = Vec::new();
    match vertex {
        Vertex::Source { place, digest: None, .. } if !place.path.is_absolute() => {
            return Some(mark_of(numbers.of(Name::Path { project: place.project.clone(), path: place.path.clone() })?, NONE, &[]));
        }
        Vertex::Source { place, digest, origins } => {
            bytes.push(b's');
            for digest in [digest, origins] {
                bytes.push(u8::from(digest.is_some()));
                bytes.extend(digest.iter().flat_map(|digest| digest.as_bytes()));
            }
            bytes.extend((place.project.len() as u64).to_be_bytes());
            bytes.extend(place.project.as_bytes());
            bytes.extend(place.path.as_bytes());
        }
        Vertex::Member { write, path } => {
            bytes.push(b'm');
            bytes.extend(write.as_bytes());
            bytes.extend(path.as_bytes());
        }
        Vertex::Run(_) | Vertex::Write(_) => return None,
    }
    Some(mark(&bytes))
}

/// The mark that an occurrence has when its content is plain.
fn plain_mark(vertex: &Vertex, linked: &Linked, numbers: &Numbers) -> Option<Mark> {
    let Vertex::Source { place, digest: Some(digest), .. } = vertex else { return None };
    let place = numbers.of(Name::Path { project: place.project.clone(), path: place.path.clone() })?;
    let positions = linked.origins(vertex).iter().map(|(_, id)| u32::try_from(linked.facts.position(id)?).ok());
    let mut positions = positions.collect::<Option<Vec<u32>>>()?;
    positions.sort_unstable();
    Some(mark_of(place, numbers.of(*digest)?, &positions))
}

/// The id of a vertex that is in the index.
pub(super) fn known(vertex: &Vertex, vertices: &Vertices, linked: &Linked, numbers: &Numbers) -> Option<u32> {
    match vertex {
        Vertex::Run(run) => vertices.run(numbers.of(*run)?),
        Vertex::Write(id) => vertices.write(position(linked, id)?),
        _ => {
            let marks = [mark_of_vertex(vertex, numbers), plain_mark(vertex, linked, numbers)];
            marks.into_iter().flatten().find_map(|mark| vertices.marked(mark))
        }
    }
}

fn position(linked: &Linked, id: &RecordId) -> Option<u32> {
    u32::try_from(linked.facts.position(id)?).ok()
}

/// Ids of vertices, made when they are new.
struct Ids<'a> {
    vertices: &'a mut Vertices,
    numbers: Numbers,
}

impl Ids<'_> {
    fn id(&mut self, vertex: &Vertex, linked: &Linked) -> Option<u32> {
        if let Some(id) = known(vertex, self.vertices, linked, &self.numbers) {
            return Some(id);
        }
        let mark = mark_of_vertex(vertex, &self.numbers)?;
        let content = linked.content(vertex).map_or(Some(NONE), |content| self.numbers.of(content));
        Some(match content {
            Some(content) if is_bare(vertex) => self.vertices.add_marked(Sort::Bare, mark, content, content),
            content => self.vertices.add_marked(Sort::Read, mark, content.unwrap_or(NONE - 1), NONE),
        })
    }

    /// Says which entry stands for a read, and what it is to people. When all its reads are known, the one that stood for it before may be none any more.
    fn stand(&mut self, id: u32, vertex: &Vertex, linked: &Linked, all: bool) {
        if self.vertices.sort(id) == Sort::Read {
            let first = linked.read_as(vertex).filter_map(|id| position(linked, &id)).min().unwrap_or(NONE);
            self.vertices.set_at(id, if all { first } else { first.min(self.vertices.at(id)) });
            self.vertices.set_kind(id, node::kind(linked, vertex));
        }
    }
}

/// Everything that touches these contents. `mended`: the only runs of which something is mended, when that is known.
pub(super) fn contents<S: Outline>(
    source: &S,
    vertices: &mut Vertices,
    contents: &[Digest],
    mended: Option<&HashSet<RunId>>,
) -> Result<Found, S::Error> {
    let mut loader = Loader::new(source);
    if let Some(mended) = mended {
        loader.linked.facts.only_mended(mended.clone());
    }
    loader.occurrences(contents)?;
    loader.parents_of(contents)?;
    loader.children_of(contents)?;
    let linked = &loader.linked;
    let readings: Vec<RecordId> = unique(contents.iter().flat_map(|content| linked.readings_of(content)));
    let mut all = BTreeSet::new();
    for content in contents {
        all.extend(linked.facts.made_of(content).map(|made| Vertex::Write(made.id)));
        all.extend(linked.facts.has_kin(content).then(|| bare(*content)));
    }
    all.extend(readings.iter().filter_map(|id| Some(linked.resolution(id)?.vertex.clone())));
    let all: Vec<Vertex> = all.into_iter().collect();
    let mut links = loader.up(&all)?;
    let down_only = folder_links(&mut loader, &all)?;
    let linked = &loader.linked;
    links.extend(used_links(linked, &readings));
    collect(source, vertices, linked, (&all, true), (&links, &down_only))
}

/// Reads that were recorded from a position on, of contents that nothing else was said of since: what was read before stays.
pub(super) fn readings<S: Outline>(source: &S, vertices: &mut Vertices, runs: &[RunId], from: u64) -> Result<Found, S::Error> {
    let mut loader = Loader::new(source);
    loader.runs(runs.iter().copied())?;
    let used =
        runs.iter().flat_map(|run| loader.linked.facts.used_by(run)).filter(|used| used.position >= from && used.edge.content.is_some());
    let readings: Vec<RecordId> = unique(used.map(|used| used.id));
    loader.resolve(readings.iter().copied())?;
    let read = readings.iter().filter_map(|id| Some(loader.linked.resolution(id)?.vertex.clone()));
    let all: Vec<Vertex> = unique(read.filter(|vertex| matches!(vertex, Vertex::Source { .. } | Vertex::Member { .. })));
    let mut links = loader.up(&all)?;
    let down_only = folder_links(&mut loader, &all)?;
    links.extend(used_links(&loader.linked, &readings));
    collect(source, vertices, &loader.linked, (&all, false), (&links, &down_only))
}

/// Links from files that may lie in a folder that somebody read.
fn folder_links<S: Outline>(loader: &mut Loader<'_, S>, vertices: &[Vertex]) -> Result<Vec<Link>, S::Error> {
    let read: Vec<&Vertex> =
        vertices.iter().filter(|vertex| matches!(vertex, Vertex::Source { .. } | Vertex::Member { .. }) && !is_bare(vertex)).collect();
    let contents = unique(read.iter().filter_map(|vertex| loader.linked.content(vertex)));
    loader.holders(contents)?;
    let facts = &loader.linked.facts;
    let is_held = |vertex: &Vertex| loader.linked.content(vertex).is_some_and(|content| !facts.holders(&content).is_empty());
    let held: Vec<Vertex> = read.into_iter().filter(|vertex| is_held(vertex)).cloned().collect();
    if held.is_empty() { Ok(Vec::new()) } else { loader.down(&held) }
}

/// From what was read to who read it.
fn used_links<'a>(linked: &'a Linked, readings: &'a [RecordId]) -> impl Iterator<Item = Link> + 'a {
    readings.iter().filter_map(|id| {
        let (used, resolution) = (linked.facts.by_id(id)?, linked.resolution(id)?);
        let (from, to) = (resolution.vertex.clone(), Vertex::Run(used.edge.run));
        Some(Link::between(from, to, LinkKind::Used, used.edge.authority, None))
    })
}

/// Ids for vertices and links. `complete`: whether all reads of these vertices are known.
fn collect<S: Outline>(
    source: &S,
    vertices: &mut Vertices,
    linked: &Linked,
    (all, complete): (&[Vertex], bool),
    (links, down_only): (&[Link], &[Link]),
) -> Result<Found, S::Error> {
    let ends = links.iter().chain(down_only).flat_map(|link| [&link.from, &link.to]).chain(all);
    let numbers = Numbers::ask(source, nodes_of(linked, ends))?;
    let mut ids = Ids { vertices, numbers };
    let mut found = Found::default();
    for vertex in all {
        if let Some(id) = ids.id(vertex, linked) {
            ids.stand(id, vertex, linked, complete);
            found.vertices.push(id);
        }
    }
    let mut pairs = |links: &[Link]| -> Vec<(u32, u32)> {
        links.iter().filter_map(|link| Some((ids.id(&link.from, linked)?, ids.id(&link.to, linked)?))).collect()
    };
    found.links = pairs(links);
    found.down_only = pairs(down_only);
    Ok(found)
}

/// What these runs read and wrote without its content being seen.
pub(super) fn unseen<S: Outline>(source: &S, vertices: &mut Vertices, runs: &[RunId]) -> Result<Found, S::Error> {
    let mut loader = Loader::new(source);
    loader.runs(runs.iter().copied())?;
    let facts = &loader.linked.facts;
    let touched = runs.iter().flat_map(|run| facts.ever_touched_by(run)).filter(|touch| touch.edge.content.is_none());
    let (made, used): (Vec<_>, Vec<_>) = touched.map(|touch| (touch.id, touch.edge.run, touch.made)).partition(|(.., made)| *made);
    loader.resolve(used.iter().map(|(id, ..)| *id))?;
    let linked = &loader.linked;
    let read = |id: &RecordId| linked.resolution(id).map(|resolution| resolution.vertex.clone());
    let reads: Vec<(Vertex, Vertex)> = used.iter().filter_map(|(id, run, _)| Some((read(id)?, Vertex::Run(*run)))).collect();
    let writes = made.iter().filter(|(id, ..)| linked.facts.holds(id)).map(|(id, run, _)| (Vertex::Run(*run), Vertex::Write(*id)));
    let links: Vec<(Vertex, Vertex)> = writes.chain(reads.iter().cloned()).collect();
    let numbers = Numbers::ask(source, nodes_of(linked, links.iter().flat_map(|(from, to)| [from, to])))?;
    let mut ids = Ids { vertices, numbers };
    let mut found = Found::default();
    for (vertex, _) in &reads {
        if let Some(id) = ids.id(vertex, linked) {
            ids.stand(id, vertex, linked, false);
        }
    }
    found.links = links.iter().filter_map(|(from, to)| Some((ids.id(from, linked)?, ids.id(to, linked)?))).collect();
    found.vertices = made.iter().filter_map(|(id, ..)| ids.vertices.write(position(linked, id)?)).collect();
    Ok(found)
}
