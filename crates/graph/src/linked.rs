//! The links of one vertex, both ways: a pure function of facts and of what its reads were joined to.

use std::collections::BTreeSet;

use foldhash::HashMap;
use keizu_record::{Authority, Digest, RecordId, RunId, Time};

use crate::facts::{Facts, Parentage, Touch};
use crate::link::{Reading, Resolution, member_path, read_in_folder, resolve};
use crate::vertex::{Link, LinkKind, Vertex, unique};

/// The rule of links between equal contents.
const SAME_CONTENT: &str = "same content";

/// Facts, and reads that were joined for good.
#[derive(Debug, Default)]
pub(crate) struct Linked {
    pub facts: Facts,
    resolved: HashMap<RecordId, Option<Resolution>>,
    /// Sorted.
    read_as: HashMap<Vertex, Vec<RecordId>>,
    sources: HashMap<Vertex, Vec<(LinkKind, RecordId)>>,
}

impl Linked {
    pub fn reading(&self, id: &RecordId) -> Option<Reading<'_>> {
        if !self.facts.holds(id) {
            return None;
        }
        match self.facts.by_id(id) {
            Some(touch) => Some(Reading::from(touch)),
            None => Reading::of_naming(self.facts.naming(id)?),
        }
    }

    /// Tries to join a read; says of which runs more must be known to be sure.
    pub fn attempt(&self, id: &RecordId) -> (Option<Resolution>, BTreeSet<RunId>) {
        let mut needs = BTreeSet::new();
        let resolution = self.reading(id).and_then(|reading| resolve(&self.facts, &reading, &mut needs));
        (resolution, needs)
    }

    /// Joins a read for good.
    pub fn settle(&mut self, id: RecordId, resolution: Option<Resolution>) {
        if let Some(resolution) = &resolution {
            let read = self.read_as.entry(resolution.vertex.clone()).or_default();
            if let Err(place) = read.binary_search(&id) {
                read.insert(place, id);
            }
            self.know_source(resolution);
        }
        self.resolved.insert(id, resolution);
    }

    /// Keeps where a source may have come from.
    pub fn know_source(&mut self, resolution: &Resolution) {
        if !resolution.origins.is_empty() {
            self.sources.entry(resolution.vertex.clone()).or_insert_with(|| resolution.origins.clone());
        }
    }

    /// The writes that a source may have come from.
    pub fn origins(&self, vertex: &Vertex) -> &[(LinkKind, RecordId)] {
        self.sources.get(vertex).map_or(&[], Vec::as_slice)
    }

    /// Reads that were joined to this vertex.
    pub fn read_as(&self, vertex: &Vertex) -> impl Iterator<Item = RecordId> {
        self.read_as.get(vertex).into_iter().flatten().copied()
    }

    pub fn is_settled(&self, id: &RecordId) -> bool {
        self.resolved.contains_key(id)
    }

    pub fn resolution(&self, id: &RecordId) -> Option<&Resolution> {
        self.resolved.get(id)?.as_ref()
    }

    fn written(&self, id: &RecordId) -> Option<&Touch> {
        self.facts.by_id(id).filter(|made| self.facts.holds(&made.id))
    }

    /// The content of an artifact.
    pub fn content(&self, vertex: &Vertex) -> Option<Digest> {
        match vertex {
            Vertex::Run(_) => None,
            Vertex::Write(id) => self.facts.by_id(id)?.edge.content,
            Vertex::Member { write, path } => {
                let collection = self.facts.by_id(write)?.edge.content?;
                Some(self.facts.member(&collection, path)?.member)
            }
            Vertex::Source { digest, .. } => *digest,
        }
    }

    /// The collection that a run wrote, when the vertex is one.
    pub fn collection(&self, vertex: &Vertex) -> Option<Digest> {
        match vertex {
            Vertex::Write(id) => self.facts.by_id(id).filter(|write| write.edge.is_collection())?.edge.content,
            _ => None,
        }
    }

    pub fn maker(&self, vertex: &Vertex) -> Option<RunId> {
        match vertex {
            Vertex::Write(id) | Vertex::Member { write: id, .. } => Some(self.facts.by_id(id)?.edge.run),
            _ => None,
        }
    }

    /// Links that arrive at a vertex.
    pub fn up(&self, vertex: &Vertex) -> Vec<Link> {
        let mut links: Vec<Link> = match vertex {
            Vertex::Run(run) => self.facts.used_by(run).filter_map(|used| self.used_link(used)).collect(),
            Vertex::Write(id) => self.written(id).map(made_link).into_iter().collect(),
            Vertex::Member { write, .. } => self.written(write).map(|made| member_link(made, vertex.clone())).into_iter().collect(),
            Vertex::Source { .. } => {
                self.sources.get(vertex).into_iter().flatten().filter_map(|origin| self.origin_link(origin, vertex)).collect()
            }
        };
        links.extend(self.parent_links(vertex));
        unique(links)
    }

    fn used_link(&self, used: &Touch) -> Option<Link> {
        let from = self.resolution(&used.id)?.vertex.clone();
        Some(Link {
            from,
            to: Vertex::Run(used.edge.run),
            kind: LinkKind::Used,
            role: Some(used.edge.role),
            artifact: Some(used.edge.kind),
            authority: used.edge.authority,
            rule: used.edge.rule.clone(),
            relation: None,
            changed: used.edge.changed.clone(),
        })
    }

    fn origin_link(&self, (kind, write): &(LinkKind, RecordId), to: &Vertex) -> Option<Link> {
        let made = self.facts.by_id(write)?;
        Some(match kind {
            LinkKind::Member => member_link(made, to.clone()),
            kind => {
                let rule = Some(SAME_CONTENT.to_owned());
                Link::between(Vertex::Write(*write), to.clone(), *kind, Authority::Inferred, rule)
            }
        })
    }

    /// Links that leave a vertex.
    pub fn down(&self, vertex: &Vertex) -> Vec<Link> {
        if let Vertex::Run(run) = vertex {
            return unique(self.facts.made_by(run).map(made_link));
        }
        let mut links = Vec::new();
        for id in self.readers(vertex) {
            let Some(resolution) = self.resolution(&id) else { continue };
            if resolution.vertex == *vertex {
                links.extend(self.facts.by_id(&id).and_then(|used| self.used_link(used)));
            }
            links.extend(self.passing_links(vertex, resolution));
            links.extend(self.folder_link(vertex, &id, resolution));
        }
        for parentage in self.content(vertex).iter().flat_map(|content| self.facts.children_of(content)) {
            let children = self.occurrences(&parentage.child);
            links.extend(children.iter().flat_map(|child| self.parent_links(child)).filter(|link| link.from == *vertex));
        }
        unique(links)
    }

    /// The link from a file of a folder that was written to whoever read the folder with this file in it: to the folder as it was read, and where
    /// that is the very write, to the run. Followed downwards only: upwards, what was read leads to the writes of its files.
    fn folder_link(&self, vertex: &Vertex, id: &RecordId, resolution: &Resolution) -> Option<Link> {
        let reading = self.reading(id).filter(|_| resolution.vertex != *vertex)?;
        if !read_in_folder(&self.facts, &reading, vertex) {
            return None;
        }
        match &resolution.vertex {
            Vertex::Write(_) => Some(Link { from: vertex.clone(), ..self.facts.by_id(id).and_then(|used| self.used_link(used))? }),
            read => Some(Link::between(vertex.clone(), read.clone(), LinkKind::Member, Authority::Observed, None)),
        }
    }

    /// Links from an artifact to the artifact that somebody read.
    fn passing_links(&self, vertex: &Vertex, resolution: &Resolution) -> Vec<Link> {
        let read = &resolution.vertex;
        match vertex {
            Vertex::Write(id) => {
                let origins = [LinkKind::SameContent, LinkKind::Member].map(|kind| (kind, *id));
                let origins = origins.iter().filter(|origin| resolution.origins.binary_search(origin).is_ok());
                let mut links: Vec<Link> = origins.filter_map(|origin| self.origin_link(origin, read)).collect();
                if matches!(read, Vertex::Member { write, .. } if write == id) {
                    links.extend(self.facts.by_id(id).map(|made| member_link(made, read.clone())));
                }
                links
            }
            Vertex::Source { place, digest: Some(content), origins } => {
                let Vertex::Source { place: folder, digest: Some(collection), .. } = read else { return Vec::new() };
                let raw = member_path(folder, &place.path).is_some_and(|path| {
                    let holds = self.facts.member(collection, &path).is_some_and(|member| member.member == *content);
                    let found = resolution.raw.binary_search_by(|(raw, _)| raw.cmp(&path));
                    holds && folder.project == place.project && found.is_ok_and(|at| resolution.raw[at].1 == *origins)
                });
                let link = || Link::between(vertex.clone(), read.clone(), LinkKind::Member, Authority::Observed, None);
                raw.then(link).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Contents whose readers may have read this artifact.
    pub fn contents(&self, vertex: &Vertex) -> Vec<Digest> {
        let members = self.collection(vertex).map(|collection| self.facts.members(&collection)).unwrap_or_default();
        unique(self.content(vertex).into_iter().chain(members.iter().map(|member| member.member)))
    }

    /// Reads that may be reads of this artifact: of its contents, and of folders that hold them.
    pub fn readers(&self, vertex: &Vertex) -> Vec<RecordId> {
        let contents = self.contents(vertex);
        let folders = contents.iter().flat_map(|content| self.facts.holders(content)).map(|holder| holder.collection);
        let all = unique(contents.iter().copied().chain(folders));
        unique(all.iter().flat_map(|content| self.readings_of(content)))
    }

    /// Reads of one content.
    pub fn readings_of(&self, content: &Digest) -> impl Iterator<Item = RecordId> {
        let used = self.facts.used_of(content).map(|used| used.id);
        used.chain(self.facts.named_of(content).filter(|naming| Reading::of_naming(naming).is_some()).map(|naming| naming.id))
    }

    /// Every occurrence of a content by itself; the bare content when there is none.
    pub fn occurrences(&self, content: &Digest) -> Vec<Vertex> {
        let writes = self.facts.made_of(content).map(|made| Vertex::Write(made.id));
        let read = self.readings_of(content).filter_map(|id| Some(self.resolution(&id)?.vertex.clone()));
        let found = unique(writes.chain(read));
        if found.is_empty() { vec![bare(*content)] } else { found }
    }

    /// *Derived from*: models from which this one came.
    fn parent_links(&self, vertex: &Vertex) -> Vec<Link> {
        let (Vertex::Write(_) | Vertex::Source { .. }, Some(content)) = (vertex, self.content(vertex)) else { return Vec::new() };
        if is_bare(vertex) && self.occurrences(&content) != [bare(content)] {
            return Vec::new();
        }
        let told = self.facts.parents_of(&content).filter(|parentage| parentage.parent != content);
        told.flat_map(|parentage| {
            let link = |from| Link {
                relation: Some(parentage.relation.clone()),
                ..Link::between(from, vertex.clone(), LinkKind::Derived, parentage.authority, parentage.rule.clone())
            };
            self.parents(vertex, parentage).into_iter().map(link).collect::<Vec<_>>()
        })
        .collect()
    }

    /// The parent that the making run read; else its last write before; else where it was read or added; else the bare content.
    fn parents(&self, child: &Vertex, parentage: &Parentage) -> Vec<Vertex> {
        let maker = self.maker(child);
        let used = maker.iter().flat_map(|run| self.facts.used_by(run)).filter(|used| used.edge.content == Some(parentage.parent));
        let read = unique(used.filter_map(|used| Some(self.resolution(&used.id)?.vertex.clone())));
        if !read.is_empty() {
            return read;
        }
        let at = match child {
            Vertex::Write(id) => self.facts.by_id(id).map_or(parentage.at, |made| made.edge.at),
            _ => parentage.at,
        };
        vec![self.parent_before(&parentage.parent, at, maker)]
    }

    fn parent_before(&self, content: &Digest, at: Time, maker: Option<RunId>) -> Vertex {
        let written = self.facts.made_of(content).filter(|made| made.edge.at <= at && Some(made.edge.run) != maker);
        if let Some(last) = written.max_by_key(|made| made.order()) {
            return Vertex::Write(last.id);
        }
        let mut seen: Vec<(Time, RecordId)> =
            self.readings_of(content).filter_map(|id| Some((self.reading(&id)?.at, id))).filter(|(read, _)| *read <= at).collect();
        seen.sort();
        let sources = seen.iter().rev().filter_map(|(_, id)| self.resolution(id)).map(|resolution| &resolution.vertex);
        let mut sources = sources.filter(|vertex| matches!(vertex, Vertex::Source { .. } | Vertex::Member { .. }));
        sources.next().cloned().unwrap_or_else(|| bare(*content))
    }
}

/// A content of which nothing is known but its name.
pub(crate) fn bare(content: Digest) -> Vertex {
    Vertex::Source { place: crate::Place::new("", Default::default()), digest: Some(content), origins: None }
}

pub(crate) fn is_bare(vertex: &Vertex) -> bool {
    matches!(vertex, Vertex::Source { place, .. } if place.project.is_empty() && place.path.as_bytes().is_empty())
}

fn made_link(made: &Touch) -> Link {
    Link {
        from: Vertex::Run(made.edge.run),
        to: Vertex::Write(made.id),
        kind: LinkKind::Made,
        role: Some(made.edge.role),
        artifact: Some(made.edge.kind),
        authority: made.edge.authority,
        rule: made.edge.rule.clone(),
        relation: None,
        changed: None,
    }
}

/// A file came with the folder, or the folder holds the file: as true as the write itself.
fn member_link(made: &Touch, to: Vertex) -> Link {
    Link::between(Vertex::Write(made.id), to, LinkKind::Member, made.edge.authority, made.edge.rule.clone())
}
