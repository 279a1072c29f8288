//! The names of files, as a tree of folders: where a path leads at this moment of the run, and what stood at a name before the run changed it.
//!
//! Nodes are *physical* places: symbolic links are followed on the way, each folder is asked only once whether it is one. What the run itself
//! does to names (renames, removals, links) is followed by its events, since the watcher comes a little after the fact.

use std::collections::HashMap;
use std::ffi::OsString;
use std::ops::{Index, IndexMut};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::objects::ObjectId;

/// Symbolic links followed for one path, as the kernel bounds them.
const LINKS_MAX: u32 = 40;

/// A place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

/// `/`.
pub const ROOT: NodeId = NodeId(0);

/// What stands at a name now.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    /// Not looked at.
    Unknown,
    /// A folder.
    Folder,
    /// A symbolic link to this.
    Link(Box<[u8]>),
    /// A regular file.
    File(ObjectId),
    /// Nothing: it was removed, renamed away or replaced.
    Gone,
}

/// What stood at a name before the run first changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Original {
    /// No event has told.
    Unknown,
    /// The name was free.
    Nothing,
    /// A regular file.
    File(ObjectId),
    /// A folder.
    Folder,
    /// A symbolic link, or another thing that is no regular file.
    Other,
}

/// One name.
#[derive(Debug)]
pub struct Node {
    /// The folder it is in; the root is its own.
    pub parent: NodeId,
    /// The last component.
    pub name: Box<[u8]>,
    /// What stands there.
    pub slot: Slot,
    /// What stood there.
    pub original: Original,
    /// The run took away what stood there.
    pub removed: bool,
    /// When the run bound the present file to the name (created, renamed or linked it); monotonic, 0 for never.
    pub bound_at: u64,
    /// A program used this very path, without a symbolic link on the way.
    pub direct: bool,
    /// That the name was free is only presumed: the folder it was in is elsewhere, and events to come may tell otherwise.
    pub presumed: bool,
    /// Below a place of which nothing is recorded.
    pub ignored: bool,
    /// Where the folder that stands here stood before the run renamed it.
    pub came_from: Option<NodeId>,
    /// Where the run took the folder that stood here before.
    pub went_to: Option<NodeId>,
    children: HashMap<Box<[u8]>, NodeId>,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The physical place.
    pub node: NodeId,
    /// The path as it was named, when symbolic links are on the way.
    pub via: Option<Vec<u8>>,
}

/// Whether a symbolic link at the end of a path is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// As `open` does.
    Follow,
    /// As `rename` and `unlink` do.
    Keep,
}

/// The tree.
#[derive(Debug)]
pub struct Names {
    nodes: Vec<Node>,
    /// Paths by which a place was named through symbolic links; sorted, each once.
    vias: HashMap<NodeId, Vec<Vec<u8>>>,
}

impl Index<NodeId> for Names {
    type Output = Node;
    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }
}

impl IndexMut<NodeId> for Names {
    fn index_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }
}

/// The named path while links are on the way: the text, and how many components follow the last link.
type Via = Option<(Vec<u8>, usize)>;

impl Names {
    /// A tree of `/` alone.
    pub fn new() -> Self {
        let root = Node {
            parent: ROOT,
            name: Box::default(),
            slot: Slot::Folder,
            original: Original::Folder,
            removed: false,
            bound_at: 0,
            direct: false,
            presumed: false,
            ignored: false,
            came_from: None,
            went_to: None,
            children: HashMap::new(),
        };
        Self { nodes: vec![root], vias: HashMap::new() }
    }

    /// Nothing at or below this path is recorded, or even looked at.
    pub fn ignore(&mut self, path: &Path) {
        let node = self.insert(path);
        self[node].ignored = true;
    }

    /// The place of a path that has no symbolic links on its way.
    pub fn insert(&mut self, path: &Path) -> NodeId {
        components(path.as_os_str().as_bytes()).fold(ROOT, |at, name| self.child(at, name))
    }

    /// Where an absolute path leads; `None` when links lead in a circle.
    pub fn locate(&mut self, path: &[u8], last: Last) -> Option<Place> {
        let mut via = None;
        let node = self.walk(ROOT, path, last, Some(&mut via), LINKS_MAX)?;
        Some(Place { node, via: via.map(|(text, _)| text) })
    }

    fn walk(&mut self, from: NodeId, path: &[u8], last: Last, mut via: Option<&mut Via>, links: u32) -> Option<NodeId> {
        let mut at = from;
        let mut parts = components(path).peekable();
        while let Some(name) = parts.next() {
            if name == b".." {
                at = self[at].parent;
                if let Some(via) = via.as_deref_mut() {
                    ascend(via);
                }
                continue;
            }
            let child = self.child(at, name);
            let end = parts.peek().is_none();
            let target = if end && last == Last::Keep { None } else { self.link(child, end) };
            if let Some(via) = via.as_deref_mut() {
                if target.is_some() && via.is_none() {
                    *via = Some((self.path(at).into_os_string().into_vec(), 0));
                }
                if let Some((text, depth)) = via {
                    if text.last() != Some(&b'/') {
                        text.push(b'/');
                    }
                    text.extend_from_slice(name);
                    *depth = if target.is_some() { 0 } else { *depth + 1 };
                }
            }
            at = match target {
                None => child,
                Some(target) => {
                    let from = if target.starts_with(b"/") { ROOT } else { at };
                    self.walk(from, &target, Last::Follow, None, links.checked_sub(1)?)?
                }
            };
        }
        Some(at)
    }

    /// Where a symbolic link at this name leads. Asks the file system only when nothing is known of the name.
    fn link(&mut self, node: NodeId, end: bool) -> Option<Box<[u8]>> {
        match &self[node].slot {
            Slot::Link(target) => return Some(target.clone()),
            Slot::Folder | Slot::File(_) => return None,
            Slot::Unknown | Slot::Gone => {}
        }
        self.probe(node, end)
    }

    /// Looks whether a symbolic link stands at this name.
    pub fn probe(&mut self, node: NodeId, end: bool) -> Option<Box<[u8]>> {
        if self[node].ignored {
            return None;
        }
        match std::fs::read_link(self.path(node)) {
            Ok(target) => {
                let target = target.into_os_string().into_vec().into_boxed_slice();
                if self[node].original == Original::Unknown {
                    self[node].original = Original::Other;
                }
                self[node].slot = Slot::Link(target.clone());
                Some(target)
            }
            // not a link; on the way it can only be a folder, and that answer is kept
            Err(error) if !end && error.raw_os_error() == Some(libc::EINVAL) => {
                self[node].slot = Slot::Folder;
                None
            }
            Err(_) => None,
        }
    }

    /// The name below a folder, made when it is new.
    pub fn child(&mut self, parent: NodeId, name: &[u8]) -> NodeId {
        if let Some(id) = self[parent].children.get(name) {
            return *id;
        }
        let id = NodeId(u32::try_from(self.nodes.len()).expect("invariant: fewer than 2^32 names"));
        let name: Box<[u8]> = name.into();
        self.nodes.push(Node {
            parent,
            name: name.clone(),
            slot: Slot::Unknown,
            original: Original::Unknown,
            removed: false,
            bound_at: 0,
            direct: false,
            presumed: false,
            ignored: self[parent].ignored,
            came_from: None,
            went_to: None,
            children: HashMap::new(),
        });
        self[parent].children.insert(name, id);
        id
    }

    /// Names known directly below a folder, in no order.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self[node].children.values().copied()
    }

    /// The absolute path of a place.
    pub fn path(&self, node: NodeId) -> PathBuf {
        let mut parts: Vec<&[u8]> = Vec::with_capacity(16);
        let mut at = node;
        while at != ROOT {
            parts.push(&self[at].name);
            at = self[at].parent;
        }
        if parts.is_empty() {
            return PathBuf::from("/");
        }
        let mut out = Vec::with_capacity(parts.iter().map(|p| p.len() + 1).sum());
        for part in parts.iter().rev() {
            out.push(b'/');
            out.extend_from_slice(part);
        }
        OsString::from_vec(out).into()
    }

    /// Whether a place is `ancestor` or below it.
    pub fn within(&self, node: NodeId, ancestor: NodeId) -> bool {
        let mut at = node;
        loop {
            if at == ancestor {
                return true;
            }
            if at == ROOT {
                return false;
            }
            at = self[at].parent;
        }
    }

    /// Says what stood at a name, unless that is known already.
    pub fn settle(&mut self, node: NodeId, original: Original) {
        if self[node].original == Original::Unknown {
            self[node].original = original;
        }
    }

    /// Where a file that nobody has spoken of stood before the run renamed folders above it.
    pub fn first_place(&mut self, node: NodeId) -> NodeId {
        match self.across(node, |node| node.came_from) {
            Some(first) if self[first].original == Original::Unknown || self[first].presumed => first,
            _ => node,
        }
    }

    /// Says what stood at a name, against what was only presumed.
    pub fn claim(&mut self, node: NodeId, original: Original) {
        if self[node].original == Original::Unknown || self[node].presumed {
            self[node].original = original;
            self[node].presumed = false;
        }
    }

    /// Where a file that stood here went to with its folder.
    pub fn later_place(&mut self, node: NodeId) -> Option<NodeId> {
        self.across(node, |node| node.went_to)
    }

    /// The same name below the place to which the nearest folder above was, or will be, renamed.
    fn across(&mut self, node: NodeId, renamed: fn(&Node) -> Option<NodeId>) -> Option<NodeId> {
        let mut below: Vec<Box<[u8]>> = Vec::new();
        let mut at = node;
        while at != ROOT {
            if let Some(other) = renamed(&self[at]) {
                return Some(below.iter().rev().fold(other, |at, name| self.child(at, name)));
            }
            below.push(self[at].name.clone());
            at = self[at].parent;
        }
        None
    }

    /// Remembers how a program named this place.
    pub fn named(&mut self, place: &Place) {
        match &place.via {
            None => self[place.node].direct = true,
            Some(via) => {
                let vias = self.vias.entry(place.node).or_default();
                if let Err(at) = vias.binary_search(via) {
                    vias.insert(at, via.clone());
                }
            }
        }
    }

    /// The path by which programs named this place, and, when that has symbolic links on its way, where it leads.
    pub fn shown(&mut self, node: NodeId) -> (PathBuf, Option<PathBuf>) {
        let physical = self.path(node);
        if !self[node].direct
            && let Some(vias) = self.vias.get(&node)
        {
            for via in vias.clone() {
                if self.locate(&via, Last::Follow).is_some_and(|place| place.node == node) {
                    return (OsString::from_vec(via).into(), Some(physical));
                }
            }
        }
        (physical, None)
    }
}

/// Components of a path, without the empty ones and `.`.
fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".")
}

/// `..` in the text of a named path: only below the last link; above it the text would say another place than the one it leads to.
fn ascend(via: &mut Via) {
    match via {
        Some((text, depth)) if *depth > 0 => {
            *depth -= 1;
            text.truncate(text.iter().rposition(|b| *b == b'/').unwrap_or(0));
        }
        _ => *via = None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn at(names: &mut Names, path: &Path) -> (PathBuf, Option<PathBuf>) {
        let place = names.locate(path.as_os_str().as_bytes(), Last::Follow).unwrap();
        names.named(&place);
        names.shown(place.node)
    }

    #[test]
    fn dots_go_up_from_where_a_link_leads() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("far/deep")).unwrap();
        symlink(root.join("far/deep"), root.join("near")).unwrap();
        let mut names = Names::new();
        assert_eq!(at(&mut names, &root.join("near/../x")), (root.join("far/x"), None));
        assert_eq!(at(&mut names, &root.join("./near/y")), (root.join("near/y"), Some(root.join("far/deep/y"))));
        assert_eq!(at(&mut names, &root.join("near/sub/../z")), (root.join("near/z"), Some(root.join("far/deep/z"))));
        assert_eq!(at(&mut names, Path::new("/../..")), (PathBuf::from("/"), None));
    }

    #[test]
    fn links_at_the_end_and_in_chains_are_followed_and_circles_refused() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        symlink("b", root.join("a")).unwrap();
        symlink("c", root.join("b")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let mut names = Names::new();
        assert_eq!(at(&mut names, &root.join("a")), (root.join("a"), Some(root.join("c"))));
        let kept = names.locate(root.join("a").as_os_str().as_bytes(), Last::Keep).unwrap();
        assert_eq!(names.path(kept.node), root.join("a"));
        assert_eq!(names.locate(root.join("loop").as_os_str().as_bytes(), Last::Follow), None);
    }

    #[test]
    fn a_path_used_without_links_is_shown_without() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        symlink("real", root.join("link")).unwrap();
        let mut names = Names::new();
        assert_eq!(at(&mut names, &root.join("link")), (root.join("link"), Some(root.join("real"))));
        assert_eq!(at(&mut names, &root.join("real")), (root.join("real"), None));
    }
}
