//! Which write was read: the rules that join reads to writes. Decided when asked, from the entries there are, so that a reader that was
//! sealed before its writer is joined as well.

use std::borrow::Cow;
use std::collections::BTreeSet;

use keizu_record::manifest::Membership;
use keizu_record::{Digest, FilePath, RecordId, RunId, Time};

use crate::facts::{Facts, Naming, Touch, place_of};
use crate::vertex::{LinkKind, Place, Vertex};

/// Contents smaller than this are too often equal by chance (`{}`, `0`, a date): that they are says nothing of where they came from.
pub const SAME_CONTENT_BYTES_MIN: u64 = 32;

/// A read, as the rules see it. Naming a file is a read by nobody.
#[derive(Debug, Clone)]
pub(crate) struct Reading<'a> {
    pub run: Option<RunId>,
    pub at: Time,
    pub project: &'a str,
    pub path: &'a FilePath,
    pub target: Option<&'a FilePath>,
    pub content: Option<Digest>,
    pub size: Option<u64>,
    pub folder: bool,
}

/// What a read was joined to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolution {
    /// The occurrence that was read.
    pub vertex: Vertex,
    /// Of a source: the writes that it may have come from. Sorted, each once.
    pub origins: Vec<(LinkKind, RecordId)>,
    /// Of a folder: files whose write was not seen, each with the digest over its own origins.
    pub raw: Vec<(FilePath, Option<Digest>)>,
}

impl<'a> From<&'a Touch> for Reading<'a> {
    fn from(touch: &'a Touch) -> Self {
        let edge = &touch.edge;
        Self {
            run: Some(edge.run),
            at: edge.at,
            project: &edge.project,
            path: &edge.path,
            target: edge.target.as_ref(),
            content: edge.content,
            size: edge.size,
            folder: edge.is_collection(),
        }
    }
}

impl<'a> Reading<'a> {
    /// The reading that a `named` record stands for: one that tells where the content was seen, and not which run wrote it.
    pub fn of_naming(naming: &'a Naming) -> Option<Self> {
        let named = &naming.named;
        let (project, path) = match (&named.name, &named.path) {
            (keizu_record::Name::Path { project, path }, _) => (project.as_str(), path),
            (_, Some(path)) => (named.project.as_str(), path),
            _ => return None,
        };
        let (None, Some(content)) = (named.run, named.content) else { return None };
        debug_assert!(place_of(named).is_some(), "invariant: a path makes a place");
        Some(Self {
            run: None,
            at: named.at,
            project,
            path,
            target: None,
            content: Some(content),
            size: named.size,
            folder: named.members.is_some(),
        })
    }

    pub fn place(&self) -> Place {
        Place::new(self.project, self.path.clone())
    }

    fn spot(&self) -> Spot<'a> {
        Spot { run: self.run, project: self.project, names: self.names().collect() }
    }

    fn spot_of(&self, member: &FilePath) -> Spot<'a> {
        let names = self.names().map(|name| Cow::Owned(FilePath::new(name.as_ref()).join(member).as_bytes().to_vec())).collect();
        Spot { run: self.run, project: self.project, names }
    }

    fn names(&self) -> impl Iterator<Item = Cow<'a, [u8]>> + use<'a> {
        std::iter::once(self.path).chain(self.target).map(|path| Cow::Borrowed(path.as_bytes()))
    }
}

/// The path of a file inside a folder, when it is there.
pub(crate) fn member_path(folder: &Place, path: &FilePath) -> Option<FilePath> {
    let bytes = path.as_bytes();
    let rest = match folder.path.as_bytes() {
        b"" | b"./" => (!path.is_absolute()).then_some(bytes)?,
        folder => bytes.strip_prefix(folder.strip_suffix(b"/").unwrap_or(folder))?.strip_prefix(b"/")?,
    };
    let member = FilePath::new(rest.strip_suffix(b"/").unwrap_or(rest));
    (!member.as_bytes().is_empty()).then_some(member)
}

/// All names of one place.
struct Spot<'a> {
    run: Option<RunId>,
    project: &'a str,
    names: Vec<Cow<'a, [u8]>>,
}

impl Spot<'_> {
    /// The names from the root of the file system; those in a project only when the project's root is known.
    fn absolute(&self, facts: &Facts, needs: &mut BTreeSet<RunId>) -> Vec<Vec<u8>> {
        let root = self.run.and_then(|run| {
            let began = facts.began(&run);
            if began.is_none() {
                needs.insert(run);
            }
            began.map(|began| &began.root)
        });
        let names = self.names.iter().filter_map(|name| match root {
            _ if is_absolute(name) => Some(name.to_vec()),
            Some(root) => Some(root.join(&FilePath::new(name.as_ref())).as_bytes().to_vec()),
            None => None,
        });
        names.collect()
    }
}

fn is_absolute(name: &[u8]) -> bool {
    name.first() == Some(&b'/')
}

fn last_part(name: &[u8]) -> &[u8] {
    name.rsplit(|byte| *byte == b'/').find(|part| !part.is_empty()).unwrap_or(name)
}

/// *Same place*: the same path in the same project, or the same path from the root of the file system; where a symbolic link leads
/// counts as a name of the place. A project's root is looked up only where the last part of the names agrees.
fn same_place(facts: &Facts, a: &Spot<'_>, b: &Spot<'_>, needs: &mut BTreeSet<RunId>) -> bool {
    let pairs = || a.names.iter().flat_map(|a| b.names.iter().map(move |b| (a, b)));
    if pairs().any(|(x, y)| x == y && (a.project == b.project || is_absolute(x))) {
        return true;
    }
    let absolute = a.names.iter().chain(&b.names).any(|name| is_absolute(name));
    if (a.project == b.project && !absolute) || !pairs().any(|(x, y)| last_part(x) == last_part(y)) {
        return false;
    }
    let (a, b) = (a.absolute(facts, needs), b.absolute(facts, needs));
    a.iter().any(|name| b.contains(name))
}

/// A write of a content: by itself, or as a file of a folder that was written.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    pub write: &'a Touch,
    pub member: Option<&'a FilePath>,
}

impl Candidate<'_> {
    pub fn vertex(&self) -> Vertex {
        match self.member {
            None => Vertex::Write(self.write.id),
            Some(path) => Vertex::Member { write: self.write.id, path: path.clone() },
        }
    }

    fn spot(&self) -> Spot<'_> {
        let reading = Reading::from(self.write);
        match self.member {
            None => reading.spot(),
            Some(member) => reading.spot_of(member),
        }
    }
}

/// *Written before*: every write of the content up to the moment.
fn written_before<'a>(facts: &'a Facts, content: &Digest, at: Time) -> Vec<Candidate<'a>> {
    let direct = facts.made_of(content).map(|write| Candidate { write, member: None });
    let inside = facts.holders(content).iter().flat_map(|holder| {
        let writes = facts.made_of(&holder.collection).filter(|write| write.edge.is_collection());
        writes.map(|write| Candidate { write, member: Some(&holder.path) })
    });
    direct.chain(inside).filter(|candidate| candidate.write.edge.at <= at).collect()
}

/// Where one file was found to come from.
enum Found<'a> {
    /// The run itself wrote what it read.
    Own,
    /// The write that was read.
    Write(Candidate<'a>),
    /// No write was seen at that place; equal contents were written elsewhere before.
    Elsewhere(Vec<(LinkKind, RecordId)>),
}

/// *The last write at the place*: else *same content*, from every write of it by others.
fn find<'a>(
    facts: &'a Facts,
    reading: &Reading<'_>,
    spot: &Spot<'_>,
    file: (&Digest, Option<u64>),
    needs: &mut BTreeSet<RunId>,
) -> Found<'a> {
    let (content, size) = file;
    let candidates = written_before(facts, content, reading.at);
    let here = candidates.iter().filter(|candidate| same_place(facts, spot, &candidate.spot(), needs));
    if let Some(last) = here.max_by_key(|candidate| candidate.write.order()) {
        return if Some(last.write.edge.run) == reading.run { Found::Own } else { Found::Write(*last) };
    }
    if size.is_some_and(|size| size < SAME_CONTENT_BYTES_MIN) {
        return Found::Elsewhere(Vec::new());
    }
    let others = candidates.iter().filter(|candidate| Some(candidate.write.edge.run) != reading.run);
    Found::Elsewhere(crate::vertex::unique(others.map(|candidate| (LinkKind::SameContent, candidate.write.id))))
}

/// The occurrence that was read; none when the run read what it wrote itself. `needs`: runs of which more must be known to be sure.
pub(crate) fn resolve(facts: &Facts, reading: &Reading<'_>, needs: &mut BTreeSet<RunId>) -> Option<Resolution> {
    let Some(content) = reading.content else {
        return Some(source(reading, None, Vec::new(), Vec::new()));
    };
    let resolution = if reading.folder && !facts.members(&content).is_empty() {
        resolve_folder(facts, reading, content, needs)
    } else {
        match find(facts, reading, &reading.spot(), (&content, reading.size), needs) {
            Found::Own => None,
            Found::Write(candidate) => Some(Resolution { vertex: candidate.vertex(), origins: Vec::new(), raw: Vec::new() }),
            Found::Elsewhere(origins) => Some(source(reading, Some(content), origins, Vec::new())),
        }
    };
    if let Some(resolution) = &resolution {
        // a write counts only when nothing mends it, which only its run's records tell
        let writers = writes(resolution).filter_map(|id| Some(facts.by_id(id)?.edge.run));
        needs.extend(writers.filter(|run| facts.may_be_mended(run)));
    }
    resolution
}

fn writes(resolution: &Resolution) -> impl Iterator<Item = &RecordId> {
    let read = match &resolution.vertex {
        Vertex::Write(id) | Vertex::Member { write: id, .. } => Some(id),
        _ => None,
    };
    read.into_iter().chain(resolution.origins.iter().map(|(_, id)| id))
}

/// *A folder is its files*: each is joined by itself. When all come from one run's write of the very folder, that write was read.
fn resolve_folder(facts: &Facts, reading: &Reading<'_>, content: Digest, needs: &mut BTreeSet<RunId>) -> Option<Resolution> {
    let members = facts.members(&content);
    let (mut origins, mut raw, mut own) = (BTreeSet::new(), Vec::new(), 0);
    let mut whole = true;
    for member in members {
        match find(facts, reading, &reading.spot_of(&member.path), (&member.member, Some(member.size)), needs) {
            Found::Own => own += 1,
            Found::Write(candidate) => {
                whole &= candidate.write.edge.content == Some(content) && candidate.member == Some(&member.path);
                origins.insert((LinkKind::Member, candidate.write.id));
            }
            Found::Elsewhere(found) => {
                raw.push((member.path.clone(), origins_digest(&found)));
                origins.extend(found);
            }
        }
    }
    if own == members.len() {
        return None;
    }
    if whole && own == 0 && raw.is_empty() && origins.len() == 1 {
        let (_, write) = origins.first().expect("invariant: one origin");
        return Some(Resolution { vertex: Vertex::Write(*write), origins: Vec::new(), raw });
    }
    Some(source(reading, Some(content), origins.into_iter().collect(), raw))
}

/// Whether a read of a folder read this file, which was written as a file of a folder.
pub(crate) fn read_in_folder(facts: &Facts, reading: &Reading<'_>, file: &Vertex) -> bool {
    let (Vertex::Member { write, path }, true, Some(folder)) = (file, reading.folder, reading.content) else { return false };
    let written = facts.by_id(write).and_then(|made| facts.member(&made.edge.content?, path));
    let Some(content) = written.map(|member| member.member) else { return false };
    let mut same = facts.members(&folder).iter().filter(|member| member.member == content);
    same.any(|member| {
        let found = find(facts, reading, &reading.spot_of(&member.path), (&member.member, Some(member.size)), &mut BTreeSet::new());
        matches!(found, Found::Write(candidate) if candidate.vertex() == *file)
    })
}

fn source(
    reading: &Reading<'_>,
    digest: Option<Digest>,
    origins: Vec<(LinkKind, RecordId)>,
    raw: Vec<(FilePath, Option<Digest>)>,
) -> Resolution {
    let vertex = Vertex::Source { place: reading.place(), digest, origins: origins_digest(&origins) };
    Resolution { vertex, origins, raw }
}

/// Stands for a sorted set of origins; none for the empty one.
fn origins_digest(origins: &[(LinkKind, RecordId)]) -> Option<Digest> {
    let bytes: Vec<u8> = origins.iter().flat_map(|(kind, id)| std::iter::once(*kind as u8).chain(*id.as_bytes())).collect();
    (!bytes.is_empty()).then(|| Digest::of(&bytes))
}

/// A file of a folder that was read, when no write of it was seen at its place.
pub(crate) fn raw_member(facts: &Facts, folder: &Reading<'_>, path: &FilePath, needs: &mut BTreeSet<RunId>) -> Option<Resolution> {
    let member = facts.member(&folder.content?, path)?;
    match find(facts, folder, &folder.spot_of(path), (&member.member, Some(member.size)), needs) {
        Found::Elsewhere(origins) => {
            let place = Place::new(folder.project, folder.path.join(path));
            let vertex = Vertex::Source { place, digest: Some(member.member), origins: origins_digest(&origins) };
            Some(Resolution { vertex, origins, raw: Vec::new() })
        }
        _ => None,
    }
}

/// The write from which a file of a folder that was read came, and whether it was found by equal content elsewhere. None for a raw file.
pub(crate) fn member_origin(facts: &Facts, folder: &Reading<'_>, member: &Membership) -> Option<(Vertex, bool)> {
    match find(facts, folder, &folder.spot_of(&member.path), (&member.member, Some(member.size)), &mut BTreeSet::new()) {
        Found::Write(candidate) => Some((candidate.vertex(), false)),
        Found::Elsewhere(found) => {
            let writes = found.iter().filter_map(|(_, id)| facts.by_id(id));
            writes.max_by_key(|made| made.order()).map(|made| (Vertex::Write(made.id), true))
        }
        Found::Own => None,
    }
}
