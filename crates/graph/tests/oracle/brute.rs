//! The definition of the graph, by brute force: every read against every write. Shares no code with the crate but its words.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keizu_graph::{Direction, LinkKind, Options, Place, Root, SAME_CONTENT_BYTES_MIN, Vertex};
use keizu_record::body::{Edge, Named, Role, RunBegan};
use keizu_record::{Authority, Digest, Entry, FilePath, Kind, Name, NodeId, RecordId, RunId, Time};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{EdgeRef, Reversed};

use crate::common::History;

/// A read or a write; a name is a read by nobody.
#[derive(Debug, Clone)]
struct Touch {
    id: RecordId,
    run: Option<RunId>,
    at: Time,
    project: String,
    names: Vec<FilePath>,
    content: Option<Digest>,
    size: Option<u64>,
    folder: bool,
    authority: Authority,
}

struct Parentage {
    child: Digest,
    parent: Digest,
    at: Time,
    authority: Authority,
}

#[derive(Debug, Clone)]
struct Weight {
    kind: LinkKind,
    authority: Authority,
    /// A file of a folder that nobody was seen to write: followed downwards only.
    raw: bool,
}

/// (place of a file in a folder, its content, its origins) that stands in a folder as it was read.
struct Raw {
    file: Vertex,
    origins: BTreeSet<(LinkKind, RecordId)>,
    folder: Vertex,
    content: Digest,
}

pub struct Oracle {
    reads: Vec<Touch>,
    writes: Vec<Touch>,
    parentages: Vec<Parentage>,
    manifests: BTreeMap<Digest, BTreeMap<FilePath, (Digest, u64)>>,
    project_roots: HashMap<RunId, FilePath>,
    named: BTreeSet<Digest>,
    raws: Vec<Raw>,
    /// Files of written folders, and the folders that were read with them inside.
    files: Vec<(Vertex, Vertex, LinkKind, Authority)>,
    graph: DiGraph<Vertex, Weight>,
    at: HashMap<Vertex, NodeIndex>,
}

fn alive(entries: &[Entry]) -> Vec<&Entry> {
    let mends = |by: &Entry| by.record.kind == Kind::Retracted || by.record.authority == Authority::Corrected;
    let killed = |entry: &Entry| {
        entries.iter().any(|by| mends(by) && by.record.cites.contains(&entry.id) && by.record.subject == entry.record.subject)
    };
    entries.iter().filter(|entry| !killed(entry)).collect()
}

fn touch(entry: &Entry) -> Option<Touch> {
    let edge = Edge::read(&entry.record)?;
    let folder = edge.members.is_some();
    (!matches!(edge.role, Role::Listing | Role::Absent | Role::Redirection)).then(|| Touch {
        id: entry.id,
        run: Some(edge.run),
        at: edge.at,
        project: edge.project,
        names: std::iter::once(edge.path).chain(edge.target).collect(),
        content: edge.content,
        size: edge.size,
        folder,
        authority: edge.authority,
    })
}

fn added(entry: &Entry) -> Option<Touch> {
    let named = Named::read(&entry.record)?;
    let Name::Path { project, path } = named.name else { return None };
    Some(Touch {
        id: entry.id,
        run: None,
        at: named.at,
        project,
        names: vec![path],
        content: named.content,
        size: named.size,
        folder: false,
        authority: named.authority,
    })
}

fn bare(content: Digest) -> Vertex {
    Vertex::Source { place: Place { project: String::new(), path: FilePath::default() }, digest: Some(content), origins: None }
}

fn seal(origins: &BTreeSet<(LinkKind, RecordId)>) -> Option<Digest> {
    let mut bytes = Vec::new();
    for (kind, id) in origins {
        bytes.push(*kind as u8);
        bytes.extend(id.as_bytes());
    }
    if bytes.is_empty() { None } else { Some(Digest::of(&bytes)) }
}

fn inside(folder: &FilePath, file: &FilePath) -> FilePath {
    let text = format!("{folder}/{file}").replace("//", "/");
    FilePath::from(text.as_str())
}

impl Oracle {
    pub fn new(history: &History) -> Self {
        let alive = alive(&history.entries);
        let of = |kind: Kind| alive.iter().filter(move |entry| entry.record.kind == kind);
        let mut oracle = Self {
            reads: of(Kind::Used).filter_map(|entry| touch(entry)).chain(of(Kind::Named).filter_map(|entry| added(entry))).collect(),
            writes: of(Kind::Made).filter_map(|entry| touch(entry)).collect(),
            parentages: of(Kind::Described)
                .filter_map(|entry| match (&entry.record.subject, entry.record.artifact()) {
                    (NodeId::Artifact(child), Some(parent)) => {
                        Some(Parentage { child: *child, parent, at: entry.record.happened, authority: entry.record.authority })
                    }
                    _ => None,
                })
                .collect(),
            manifests: BTreeMap::new(),
            project_roots: of(Kind::RunBegan)
                .filter_map(|entry| RunBegan::read(&entry.record))
                .map(|began| (began.run, began.root))
                .collect(),
            named: of(Kind::Named).filter_map(|entry| entry.record.artifact()).collect(),
            raws: Vec::new(),
            files: Vec::new(),
            graph: DiGraph::new(),
            at: HashMap::new(),
        };
        for (digest, manifest) in &history.manifests {
            oracle
                .manifests
                .insert(*digest, manifest.0.iter().map(|(path, member)| (path.clone(), (member.digest, member.size))).collect());
        }
        oracle.build();
        oracle
    }

    /// All spellings of a place: in its project, and from the root of the file system.
    fn spellings(&self, touch: &Touch, file: Option<&FilePath>) -> BTreeSet<(String, FilePath)> {
        let mut all = BTreeSet::new();
        for name in &touch.names {
            let name = file.map_or_else(|| name.clone(), |file| inside(name, file));
            if name.is_absolute() {
                all.insert((String::new(), name));
                continue;
            }
            if let Some(root) = touch.run.and_then(|run| self.project_roots.get(&run)) {
                all.insert((String::new(), inside(root, &name)));
            }
            all.insert((touch.project.clone(), name));
        }
        all
    }

    /// Every write of a content up to a moment: (write, file in it, whether it was at the place).
    fn candidates(&self, content: Digest, read: &Touch, file: Option<&FilePath>) -> Vec<(&Touch, Option<&FilePath>, bool)> {
        let here = self.spellings(read, file);
        let mut found = Vec::new();
        for write in self.writes.iter().filter(|write| write.at <= read.at) {
            let same = |file: Option<&FilePath>| !self.spellings(write, file).is_disjoint(&here);
            if write.content == Some(content) {
                found.push((write, None, same(None)));
            }
            let Some(files) = write.content.filter(|_| write.folder).and_then(|folder| self.manifests.get(&folder)) else { continue };
            for path in files.iter().filter(|(_, member)| member.0 == content).map(|(path, _)| path) {
                found.push((write, Some(path), same(Some(path))));
            }
        }
        found
    }

    fn place(read: &Touch, file: Option<&FilePath>) -> Place {
        let path = file.map_or_else(|| read.names[0].clone(), |file| inside(&read.names[0], file));
        Place { project: if path.is_absolute() { String::new() } else { read.project.clone() }, path }
    }

    /// One file: `Err(())` when the run wrote it itself; the write; or equal contents elsewhere.
    #[allow(clippy::type_complexity)] // an oracle is read once
    fn one(
        &self,
        read: &Touch,
        file: Option<&FilePath>,
        content: Digest,
        size: Option<u64>,
    ) -> Result<Result<(&Touch, Option<&FilePath>), BTreeSet<(LinkKind, RecordId)>>, ()> {
        let candidates = self.candidates(content, read, file);
        let mut here: Vec<_> = candidates.iter().filter(|(_, _, here)| *here).collect();
        here.sort_by_key(|(write, _, _)| (write.at, write.id));
        match here.last() {
            Some((write, _, _)) if write.run == read.run => Err(()),
            Some((write, member, _)) => Ok(Ok((write, *member))),
            None if size.unwrap_or(u64::MAX) < SAME_CONTENT_BYTES_MIN => Ok(Err(BTreeSet::new())),
            None => {
                let others = candidates.iter().filter(|(write, _, _)| write.run != read.run);
                Ok(Err(others.map(|(write, _, _)| (LinkKind::SameContent, write.id)).collect()))
            }
        }
    }

    /// What a read is a read of, where that may come from, and the files of it that nobody was seen to write.
    #[allow(clippy::type_complexity)] // see above
    fn resolve(
        &self,
        read: &Touch,
    ) -> Option<(Vertex, BTreeSet<(LinkKind, RecordId)>, Vec<(FilePath, Digest, BTreeSet<(LinkKind, RecordId)>)>)> {
        let source = |digest, origins: &BTreeSet<_>| Vertex::Source { place: Self::place(read, None), digest, origins: seal(origins) };
        let content = read.content?;
        let Some(files) = self.manifests.get(&content).filter(|_| read.folder) else {
            return match self.one(read, None, content, read.size) {
                Err(()) => None,
                Ok(Ok((write, None))) => Some((Vertex::Write(write.id), BTreeSet::new(), Vec::new())),
                Ok(Ok((write, Some(path)))) => Some((Vertex::Member { write: write.id, path: path.clone() }, BTreeSet::new(), Vec::new())),
                Ok(Err(origins)) => Some((source(Some(content), &origins), origins, Vec::new())),
            };
        };
        let each: Vec<_> =
            files.iter().map(|(path, (digest, size))| (path, digest, self.one(read, Some(path), *digest, Some(*size)))).collect();
        if each.iter().all(|(_, _, found)| found.is_err()) {
            return None;
        }
        let whole: BTreeSet<Option<RecordId>> = each
            .iter()
            .map(|(path, _, found)| match found {
                Ok(Ok((write, Some(member)))) if write.content == Some(content) && member == path => Some(write.id),
                _ => None,
            })
            .collect();
        if let (1, Some(Some(write))) = (whole.len(), whole.first()) {
            return Some((Vertex::Write(*write), BTreeSet::new(), Vec::new()));
        }
        let (mut origins, mut raw) = (BTreeSet::new(), Vec::new());
        for (path, digest, found) in each {
            match found {
                Err(()) => {}
                Ok(Ok((write, _))) => {
                    origins.insert((LinkKind::Member, write.id));
                }
                Ok(Err(own)) => {
                    origins.extend(own.iter().copied());
                    raw.push((path.clone(), *digest, own));
                }
            }
        }
        Some((source(Some(content), &origins), origins, raw))
    }

    /// Files, written as files of folders, that a read of a folder read.
    fn files_read(&self, read: &Touch) -> BTreeSet<Vertex> {
        let Some(files) = read.content.filter(|_| read.folder).and_then(|content| self.manifests.get(&content)) else {
            return BTreeSet::new();
        };
        let found = files.iter().map(|(path, (digest, size))| self.one(read, Some(path), *digest, Some(*size)));
        let member = |found| match found {
            Ok(Ok((write, Some(path)))) => {
                let (write, path): (&Touch, &FilePath) = (write, path);
                Some(Vertex::Member { write: write.id, path: path.clone() })
            }
            _ => None,
        };
        found.filter_map(member).collect()
    }

    fn vertex(&mut self, vertex: Vertex) -> NodeIndex {
        if let Some(at) = self.at.get(&vertex) {
            return *at;
        }
        let at = self.graph.add_node(vertex.clone());
        self.at.insert(vertex, at);
        at
    }

    fn link(&mut self, from: Vertex, to: Vertex, kind: LinkKind, authority: Authority, raw: bool) {
        let (from, to) = (self.vertex(from), self.vertex(to));
        self.graph.add_edge(from, to, Weight { kind, authority, raw });
    }

    fn link_origins(&mut self, origins: &BTreeSet<(LinkKind, RecordId)>, to: &Vertex) {
        for (kind, id) in origins {
            let made = self.writes.iter().find(|write| write.id == *id).expect("a write that holds").authority;
            let authority = if *kind == LinkKind::Member { made } else { Authority::Inferred };
            self.link(Vertex::Write(*id), to.clone(), *kind, authority, false);
        }
    }

    fn build(&mut self) {
        for write in self.writes.clone() {
            self.link(Vertex::Run(write.run.expect("a write has a run")), Vertex::Write(write.id), LinkKind::Made, write.authority, false);
        }
        for read in self.reads.clone() {
            let Some((vertex, origins, raw)) = self.resolve(&read) else { continue };
            self.vertex(vertex.clone());
            self.link_origins(&origins, &vertex);
            if let Vertex::Member { write, .. } = &vertex {
                let authority = self.writes.iter().find(|made| made.id == *write).expect("a write that holds").authority;
                self.link(Vertex::Write(*write), vertex.clone(), LinkKind::Member, authority, false);
            }
            for (path, content, origins) in raw {
                let file = Vertex::Source { place: Self::place(&read, Some(&path)), digest: Some(content), origins: seal(&origins) };
                self.raws.push(Raw { file, origins, folder: vertex.clone(), content });
            }
            let files = self.files_read(&read).into_iter().filter(|file| *file != vertex);
            let whole = matches!(vertex, Vertex::Write(_));
            let reader = match (whole, read.run) {
                (false, _) => Some((vertex.clone(), LinkKind::Member, Authority::Observed)),
                (true, Some(run)) => Some((Vertex::Run(run), LinkKind::Used, read.authority)),
                (true, None) => None,
            };
            let pairs: Vec<_> =
                files.filter_map(|file| reader.clone().map(|(reader, kind, authority)| (file, reader, kind, authority))).collect();
            self.files.extend(pairs);
            if let Some(run) = read.run {
                self.link(vertex, Vertex::Run(run), LinkKind::Used, read.authority, false);
            }
        }
        self.build_parentages();
        let known: Vec<(Vertex, Vertex)> =
            self.raws.iter().filter(|raw| self.at.contains_key(&raw.file)).map(|raw| (raw.file.clone(), raw.folder.clone())).collect();
        let written: Vec<_> = self.files.iter().filter(|(file, ..)| self.at.contains_key(file)).cloned().collect();
        for (file, reader, kind, authority) in written {
            self.link(file, reader, kind, authority, true);
        }
        for (file, folder) in known {
            self.link(file, folder, LinkKind::Member, Authority::Observed, true);
        }
    }

    /// Every occurrence of a content by itself.
    fn occurrences(&self, content: Digest) -> BTreeSet<Vertex> {
        let writes = self.writes.iter().filter(|write| write.content == Some(content)).map(|write| Vertex::Write(write.id));
        let reads = self.reads.iter().filter(|read| read.content == Some(content)).filter_map(|read| Some(self.resolve(read)?.0));
        writes.chain(reads).collect()
    }

    fn build_parentages(&mut self) {
        let mut links = Vec::new();
        for told in self.parentages.iter().filter(|told| told.child != told.parent) {
            let mut children = self.occurrences(told.child);
            if children.is_empty() {
                children.insert(bare(told.child));
            }
            for child in children.into_iter().filter(|child| !matches!(child, Vertex::Member { .. })) {
                let write = self.writes.iter().find(|write| child == Vertex::Write(write.id));
                let (maker, at) = (write.and_then(|write| write.run), write.map_or(told.at, |write| write.at));
                for parent in self.parents(told.parent, maker, at) {
                    links.push((parent, child.clone(), told.authority));
                }
            }
        }
        for (parent, child, authority) in links {
            self.link(parent, child, LinkKind::Derived, authority, false);
        }
    }

    fn parents(&self, parent: Digest, maker: Option<RunId>, at: Time) -> BTreeSet<Vertex> {
        let of = |read: &&Touch| read.content == Some(parent);
        let own = self.reads.iter().filter(of).filter(|read| maker.is_some() && read.run == maker);
        let own: BTreeSet<Vertex> = own.filter_map(|read| Some(self.resolve(read)?.0)).collect();
        if !own.is_empty() {
            return own;
        }
        let writes =
            self.writes.iter().filter(|write| write.content == Some(parent) && write.at <= at && (maker.is_none() || write.run != maker));
        if let Some(last) = writes.max_by_key(|write| (write.at, write.id)) {
            return [Vertex::Write(last.id)].into();
        }
        let mut seen: Vec<&Touch> = self.reads.iter().filter(of).filter(|read| read.at <= at).collect();
        seen.sort_by_key(|read| (read.at, read.id));
        let read = seen.into_iter().filter_map(|read| Some(self.resolve(read)?.0)).filter(|vertex| !matches!(vertex, Vertex::Write(_)));
        [read.reduce(|_, last| last).unwrap_or_else(|| bare(parent))].into()
    }

    /// The occurrences that a root means.
    pub fn roots(&self, root: &Root) -> BTreeSet<Vertex> {
        let content = match root {
            Root::Run(run) => {
                let known =
                    self.project_roots.contains_key(run) || self.reads.iter().chain(&self.writes).any(|touch| touch.run == Some(*run));
                return known.then_some(Vertex::Run(*run)).into_iter().collect();
            }
            Root::Content(content) => *content,
            _ => unreachable!("not asked"),
        };
        let mut found = self.occurrences(content);
        for write in self.writes.iter().filter(|write| write.folder) {
            let files = write.content.and_then(|folder| self.manifests.get(&folder)).into_iter().flatten();
            let files = files.filter(|(_, (digest, _))| *digest == content);
            found.extend(files.map(|(path, _)| Vertex::Member { write: write.id, path: path.clone() }));
        }
        found.extend(self.raws.iter().filter(|raw| raw.content == content).map(|raw| raw.file.clone()));
        let told = self.parentages.iter().any(|told| told.child == content || told.parent == content);
        if found.is_empty() && (told || self.named.contains(&content)) {
            found.insert(bare(content));
        }
        found
    }

    /// What can be reached from the roots, and the links between.
    pub fn reach(&self, roots: &BTreeSet<Vertex>, options: &Options) -> (BTreeSet<Vertex>, BTreeSet<(Vertex, Vertex, LinkKind)>) {
        let up = options.direction == Direction::Up;
        let mut graph = self.graph.clone();
        let mut at = self.at.clone();
        self.add_roots(roots, up, &mut graph, &mut at);
        graph.retain_edges(|graph, edge| {
            let weight = &graph[edge];
            let said = options.authorities.is_empty() || options.authorities.contains(&weight.authority);
            said && !(up && weight.raw)
        });
        let is_run = |node: NodeIndex| matches!(graph[node], Vertex::Run(_));
        let mut distance: HashMap<NodeIndex, u32> = HashMap::new();
        for root in roots {
            let start = at[root];
            let first = u32::from(is_run(start));
            let found = if up {
                petgraph::algo::dijkstra(Reversed(&graph), start, None, |edge| u32::from(is_run(edge.target())))
            } else {
                petgraph::algo::dijkstra(&graph, start, None, |edge| u32::from(is_run(edge.target())))
            };
            for (node, cost) in found {
                let best = distance.entry(node).or_insert(u32::MAX);
                // a run as root is as far as its own files: nothing hangs on it at depth 0
                let cost = if node == start { 0 } else { cost + first };
                *best = (*best).min(cost);
            }
        }
        let depth = options.depth.unwrap_or(u32::MAX);
        let inside = |node: NodeIndex| distance.get(&node).is_some_and(|cost| *cost <= depth);
        let nodes = graph.node_indices().filter(|node| inside(*node)).map(|node| graph[node].clone()).collect();
        let links = graph.edge_references().filter(|edge| inside(edge.source()) && inside(edge.target()));
        (nodes, links.map(|edge| (graph[edge.source()].clone(), graph[edge.target()].clone(), edge.weight().kind)).collect())
    }

    /// Files of folders become vertices when somebody asks for them.
    fn add_roots(&self, roots: &BTreeSet<Vertex>, up: bool, graph: &mut DiGraph<Vertex, Weight>, at: &mut HashMap<Vertex, NodeIndex>) {
        for root in roots.iter().filter(|root| !self.at.contains_key(root)) {
            let node = graph.add_node(root.clone());
            at.insert(root.clone(), node);
            if let (Vertex::Member { write, .. }, true) = (root, up) {
                let authority = self.writes.iter().find(|made| made.id == *write).expect("a write that holds").authority;
                graph.add_edge(at[&Vertex::Write(*write)], node, Weight { kind: LinkKind::Member, authority, raw: false });
            }
            let content = match root {
                Vertex::Source { digest, .. } if up => *digest,
                _ => None,
            };
            for told in self.parentages.iter().filter(|told| Some(told.child) == content && told.parent != told.child) {
                for parent in self.parents(told.parent, None, told.at) {
                    let parent = *at.entry(parent.clone()).or_insert_with(|| graph.add_node(parent));
                    graph.add_edge(parent, node, Weight { kind: LinkKind::Derived, authority: told.authority, raw: false });
                }
            }
            for (_, reader, kind, authority) in self.files.iter().filter(|(file, ..)| file == root) {
                graph.add_edge(node, at[reader], Weight { kind: *kind, authority: *authority, raw: true });
            }
            for raw in self.raws.iter().filter(|raw| raw.file == *root) {
                graph.add_edge(node, at[&raw.folder], Weight { kind: LinkKind::Member, authority: Authority::Observed, raw: true });
                for (kind, id) in raw.origins.iter().filter(|_| up) {
                    graph.add_edge(at[&Vertex::Write(*id)], node, Weight { kind: *kind, authority: Authority::Inferred, raw: false });
                }
            }
        }
    }
}
