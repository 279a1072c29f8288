//! Folders whose names the program asked for.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::account::Listing;
use crate::event::Stat;
use crate::host::Start;

use super::names::{Names, NodeId, Original, Slot};
use super::objects::Objects;
use super::reader::stat;

/// Folders below these belong to the machine.
const SYSTEM: [&str; 10] = ["/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/proc", "/sys", "/dev"];
/// Names of one folder that are remembered.
const ENTRIES_MAX: usize = 1_000_000;

type Entries = BTreeSet<Vec<u8>>;

#[derive(Debug)]
struct Listed {
    at: u64,
    /// The folder and its names, as soon after the open as could be.
    first: Option<(Stat, Entries)>,
}

/// All listings of a run.
#[derive(Debug, Default)]
pub struct Listings {
    seen: HashMap<NodeId, Listed>,
    due: Vec<NodeId>,
}

impl Listings {
    /// A folder was opened.
    pub fn opened(&mut self, names: &Names, node: NodeId, at: u64) {
        if let Some(listed) = self.seen.get_mut(&node) {
            listed.at = listed.at.min(at);
        } else if !system(&names.path(node)) {
            self.seen.insert(node, Listed { at, first: None });
            self.due.push(node);
        }
    }

    /// Reads the folders that have not been read yet.
    pub fn look(&mut self, names: &Names) {
        for node in self.due.drain(..) {
            if let Some(listed) = self.seen.get_mut(&node) {
                listed.first = entries(&names.path(node));
            }
        }
    }

    /// The listings, but for folders that the run made or that `skip` names; sorted by path.
    pub fn account(&self, start: &Start, names: &mut Names, objects: &Objects, skip: impl Fn(&Path) -> bool) -> Vec<Listing> {
        let mut out = Vec::new();
        for (node, listed) in &self.seen {
            let path = names.path(*node);
            let Some((stat, first)) = &listed.first else { continue };
            if names.made_by_run(*node, objects) || skip(&path) {
                continue;
            }
            let before = others(names, objects, *node, first);
            let changed = match entries(&path) {
                Some((now, _)) if now == *stat => false,
                Some((_, last)) => others(names, objects, *node, &last) != before,
                None => !names[*node].removed,
            };
            out.push(Listing { path: names.shown(*node).0, at: start.time(listed.at), names: before.into_iter().collect(), changed });
        }
        out.sort_by(|a, b| a.path.cmp(&b.path));
        out
    }
}

/// The names as they would be without this run: what it made left out, what it took away put back.
fn others(names: &Names, objects: &Objects, folder: NodeId, entries: &Entries) -> Entries {
    let mut out = entries.clone();
    for child in names.children(folder) {
        let node = &names[child];
        let folder_name = [&*node.name, b"/"].concat();
        if names.made_by_run(child, objects) {
            out.remove(&*node.name);
            out.remove(&folder_name);
        } else if node.removed && !out.contains(&*node.name) && !out.contains(&folder_name) {
            match node.original {
                Original::Folder => out.insert(folder_name),
                Original::File(_) | Original::Other => out.insert(node.name.to_vec()),
                Original::Unknown | Original::Nothing => false,
            };
        }
    }
    out
}

impl Names {
    /// Whether the run put there what stands at a name that was free, or last stood there.
    pub fn made_by_run(&self, node: NodeId, objects: &Objects) -> bool {
        let mut at = node;
        while at != super::names::ROOT {
            let free = self[at].original == Original::Nothing;
            if free
                && match self[at].slot {
                    Slot::Unknown => false,
                    Slot::File(id) => objects[id].made || self[at].bound_at > 0,
                    Slot::Folder | Slot::Link(_) | Slot::Gone => true,
                }
            {
                return true;
            }
            at = self[at].parent;
        }
        false
    }
}

fn entries(path: &Path) -> Option<(Stat, Entries)> {
    let folder = stat(&fs::metadata(path).ok()?);
    let mut out = Entries::new();
    for entry in fs::read_dir(path).ok()?.flatten().take(ENTRIES_MAX) {
        let kind = entry.file_type();
        let mut name = entry.file_name().into_vec();
        if kind.is_ok_and(|kind| kind.is_dir()) {
            name.push(b'/');
        }
        out.insert(name);
    }
    Some((folder, out))
}

fn system(path: &Path) -> bool {
    SYSTEM.iter().any(|root| path.starts_with(root)) || path.components().any(|part| python_folder(part.as_os_str().as_bytes()))
}

/// Folders that hold Python's own and installed modules.
pub(super) fn python_folder(name: &[u8]) -> bool {
    matches!(name, b"site-packages" | b"dist-packages" | b"__pycache__")
}
