//! Collections: many files of one folder are one edge.
//!
//! ```text
//!  daily/2013-01-01.csv ┐
//!  …                    ├─► daily/   365 members, its manifest is the node
//!  daily/2013-12-31.csv ┘
//! ```
//!
//! The folder is chosen from the bottom up: the deepest one that holds enough of the files, or one above it when the whole of that one was read
//! (listed, and nothing listed left out), or when its subfolders only shard it. So another run that reads the same folder whole has the same node.

use std::collections::{BTreeMap, BTreeSet};

use keizu_capture::account::Listing;
use keizu_record::body::{ArtifactKind, Role};
use keizu_record::manifest::{Manifest, Member};
use keizu_record::{Digest, FilePath};

use super::place::Places;
use super::{Document, Link};

/// In the record.
pub const NAME: &str = "many files of one folder";
/// So many data files of a folder become one edge.
pub const FILES_MIN: usize = 8;
/// Code is looked at one by one; only a crowd is folded.
pub const CODE_MIN: usize = 20;
/// At the root of the project files are rarely one thing.
pub const ROOT_MIN: usize = 64;

/// Links of one collection belong to one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Class {
    made: bool,
    role: Role,
    removed: bool,
    model: bool,
    evaluation: bool,
    seen: bool,
}

impl Class {
    fn of(link: &Link) -> Option<Self> {
        let edge = &link.edge;
        let foldable = matches!(
            edge.role,
            Role::Input | Role::Output | Role::Intermediate | Role::Code | Role::Config | Role::EvaluationData | Role::ParentModel
        );
        // what is no clean edge never hides among others; what is a collection already stays
        let nameless = edge.content.is_none() && !edge.removed;
        if !foldable || link.pinned || nameless || edge.changed.is_some() || edge.members.is_some() {
            return None;
        }
        let model = edge.kind == ArtifactKind::Model;
        Some(Self {
            made: link.made,
            role: edge.role,
            removed: edge.removed,
            model,
            evaluation: edge.kind == ArtifactKind::Evaluation,
            seen: edge.content.is_some(),
        })
    }

    fn min(self) -> usize {
        if matches!(self.role, Role::Code | Role::Config) || self.evaluation { CODE_MIN } else { FILES_MIN }
    }
}

/// Folds what belongs together. The manifests come beside.
pub fn collect(links: Vec<Link>, listings: &[Listing], places: &Places<'_>) -> (Vec<Link>, Vec<Document>) {
    let mut classes: BTreeMap<Class, Vec<Link>> = BTreeMap::new();
    let (mut out, mut documents) = (Vec::new(), Vec::new());
    for link in links {
        match Class::of(&link) {
            Some(class) => classes.entry(class).or_default().push(link),
            None => out.push(link),
        }
    }
    let listed: BTreeMap<Vec<u8>, &Listing> = listings
        .iter()
        .filter(|listing| !listing.changed)
        .map(|listing| (places.written(&listing.path).as_bytes().to_vec(), listing))
        .collect();
    for (class, links) in classes {
        if links.len() < class.min() {
            out.extend(links);
            continue;
        }
        let (groups, single) = group(&links, class.min(), &listed);
        let mut links: Vec<Option<Link>> = links.into_iter().map(Some).collect();
        out.extend(single.into_iter().filter_map(|at| links[at].take()));
        for (folder, members) in groups {
            let members: Vec<Link> = members.into_iter().filter_map(|at| links[at].take()).collect();
            let (link, document) = fold(folder, &members);
            documents.extend(document);
            out.push(link);
        }
    }
    (out, documents)
}

/// A folder of the tree of paths.
#[derive(Default)]
struct Folder {
    files: Vec<usize>,
    names: BTreeSet<Vec<u8>>,
    folders: BTreeMap<Vec<u8>, Folder>,
}

type Groups = Vec<(Vec<u8>, Vec<usize>)>;

/// Chooses the folders: groups of places in `links`, and those that stay single.
fn group(links: &[Link], min: usize, listed: &BTreeMap<Vec<u8>, &Listing>) -> (Groups, Vec<usize>) {
    let (mut inside, mut outside) = (Folder::default(), Folder::default());
    for (at, link) in links.iter().enumerate() {
        let path = link.edge.path.as_bytes();
        let (tree, path) = match path.strip_prefix(b"/") {
            Some(path) => (&mut outside, path),
            None => (&mut inside, path),
        };
        let mut parts: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
        let name = parts.pop().unwrap_or_default();
        let mut folder = tree;
        for part in parts {
            folder = folder.folders.entry(part.to_vec()).or_default();
        }
        folder.files.push(at);
        folder.names.insert(name.to_vec());
    }
    let mut groups = Vec::new();
    let mut single = choose(&inside, b"", min, listed, &mut groups);
    // nothing outside the project is a collection of the whole disk
    for (name, folder) in &outside.folders {
        single.extend(choose(folder, &[b"/", name.as_slice(), b"/"].concat(), min, listed, &mut groups));
    }
    single.extend(&outside.files);
    (groups, single)
}

/// Groups below a folder; gives what is left over.
fn choose(folder: &Folder, path: &[u8], min: usize, listed: &BTreeMap<Vec<u8>, &Listing>, groups: &mut Groups) -> Vec<usize> {
    let root = path.is_empty();
    let shards = folder.folders.len() >= min;
    if !root && count(folder) >= min && (folder.files.len() >= min || shards || whole(folder, path, listed)) {
        groups.push((path.to_vec(), all(folder)));
        return Vec::new();
    }
    let mut left = folder.files.clone();
    for (name, below) in &folder.folders {
        left.extend(choose(below, &[path, name, b"/"].concat(), min, listed, groups));
    }
    let enough = if root { folder.files.len() >= ROOT_MIN && left.len() == folder.files.len() } else { left.len() >= min };
    if enough {
        groups.push((if root { b"./".to_vec() } else { path.to_vec() }, left));
        return Vec::new();
    }
    left
}

fn count(folder: &Folder) -> usize {
    folder.files.len() + folder.folders.values().map(count).sum::<usize>()
}

fn all(folder: &Folder) -> Vec<usize> {
    folder.files.iter().copied().chain(folder.folders.values().flat_map(all)).collect()
}

/// Whether the folder was listed, and all that was listed was read, all the way down.
fn whole(folder: &Folder, path: &[u8], listed: &BTreeMap<Vec<u8>, &Listing>) -> bool {
    let Some(listing) = listed.get(path.strip_suffix(b"/").unwrap_or(path)) else { return false };
    listing.names.iter().all(|name| match name.strip_suffix(b"/") {
        Some(sub) => folder.folders.get(sub).is_some_and(|below| whole(below, &[path, sub, b"/"].concat(), listed)),
        None => folder.names.contains(name),
    })
}

/// One link for many.
pub fn fold(folder: Vec<u8>, members: &[Link]) -> (Link, Option<Document>) {
    let mut link = members[0].clone();
    let prefix: &[u8] = if folder == b"./" { b"" } else { &folder };
    let inside = |path: &FilePath| FilePath::new(path.as_bytes().strip_prefix(prefix).unwrap_or(path.as_bytes()));
    let edge = &mut link.edge;
    edge.path = FilePath::new(folder.clone());
    edge.target = None;
    edge.members = Some(members.len() as u64);
    edge.kind = majority(members);
    edge.unchanged = members.iter().all(|member| member.edge.unchanged);
    let times = members.iter().map(|member| member.edge.at);
    edge.at = if link.made { times.max() } else { times.min() }.unwrap_or(edge.at);
    link.by = Some(NAME);
    if members.iter().any(|member| member.package != link.package) {
        link.package = None;
    }
    if members.iter().any(|member| member.edge.authority != edge.authority) {
        edge.authority = keizu_record::Authority::Inferred;
        edge.rule = members.iter().find_map(|member| member.edge.rule.clone());
    }
    let manifest = Manifest(
        members
            .iter()
            .filter_map(|member| {
                let (digest, size) = (member.edge.content?, member.edge.size.unwrap_or(0));
                Some((inside(&member.edge.path), Member { size, digest }))
            })
            .collect(),
    );
    if manifest.0.is_empty() {
        // names without contents: how many there were is all that is known
        edge.content = None;
        edge.size = None;
        return (link, None);
    }
    let bytes = manifest.encode();
    let digest = Digest::of(&bytes);
    edge.content = Some(digest);
    edge.size = Some(manifest.size());
    edge.unseen = None;
    (link, Some((digest, bytes)))
}

/// What most of the members are; of equals, data.
fn majority(members: &[Link]) -> ArtifactKind {
    let mut counts: BTreeMap<ArtifactKind, usize> = BTreeMap::new();
    for member in members {
        *counts.entry(member.edge.kind).or_insert(0) += 1;
    }
    let most = counts.values().max().copied().unwrap_or(0);
    counts.into_iter().find(|(_, count)| *count == most).map_or(ArtifactKind::Data, |(kind, _)| kind)
}
