//! Calls on names: renames, links, removals, folders.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::event::{Event, Mode, Stat};

use super::Observer;
use super::names::{Last, NodeId, Original, Slot};
use super::objects::{ObjectId, StatExt};
use super::reader::{Haste, stat};

/// Files of renamed folders that are looked for on disk because no event spoke of them.
const FOLDER_ENTRIES_MAX: usize = 50_000;

impl Observer {
    /// The object that a call on names speaks of, which may never have been opened.
    pub(super) fn object_at(&mut self, node: NodeId, stat: Option<Stat>) -> Option<ObjectId> {
        match (self.names[node].slot.clone(), stat) {
            (Slot::File(id), None) => Some(id),
            (Slot::File(id), Some(stat)) if self.objects[id].key == stat.key() => Some(id),
            (_, Some(stat)) if !stat.folder => Some(self.sight(node, &stat, Some(stat), false, 0)),
            _ => None,
        }
    }

    pub(super) fn unlink(&mut self, event: &Event, path: &Path) {
        let Some(place) = self.locate(event.pid, path, Last::Keep) else { return };
        if let Some(id) = self.object_at(place.node, event.before.or(event.stat)) {
            self.objects[id].touched = true;
            self.objects[id].last_seen = event.before;
        } else {
            self.names.settle(place.node, Original::Other);
        }
        self.remove(place.node);
    }

    /// The run takes a name away.
    pub(super) fn remove(&mut self, node: NodeId) {
        self.unbind(node);
        self.names[node].removed = true;
    }

    pub(super) fn rename(&mut self, event: &Event, from: &Path, to: &Path) {
        let places = (self.locate(event.pid, from, Last::Keep), self.locate(event.pid, to, Last::Keep));
        let (Some(from), Some(to)) = places else {
            return self.rename_across(event, from, to);
        };
        let same = |a: Stat, b: Stat| a.key() == b.key();
        if from.node == to.node || event.stat.zip(event.before).is_some_and(|(a, b)| same(a, b)) {
            return; // two names of one file: the call does nothing
        }
        self.names.named(&to);
        if event.stat.is_some_and(|s| s.folder) || self.names[from.node].slot == Slot::Folder {
            return self.rename_folder(from.node, to.node, event);
        }
        if let Slot::Link(target) = self.names[from.node].slot.clone() {
            self.displace(to.node, event.before);
            self.names.settle(from.node, Original::Other);
            self.remove(from.node);
            self.names[to.node].slot = Slot::Link(target);
            return;
        }
        // the moving file first: it may be the very one that stood at the new name before
        let id = self.object_at(from.node, event.stat);
        self.displace(to.node, event.before);
        match id {
            Some(id) => self.move_object(id, from.node, to.node, event.at, event.pid),
            None => self.remove(from.node),
        }
    }

    /// A rename from or to a place of which nothing is recorded.
    pub(super) fn rename_across(&mut self, event: &Event, from: &Path, to: &Path) {
        if let Some(from) = self.locate(event.pid, from, Last::Keep) {
            self.remove(from.node);
        } else if let Some(to) = self.locate(event.pid, to, Last::Keep)
            && let Some(now) = event.stat.filter(|s| !s.folder)
        {
            self.displace(to.node, event.before);
            self.names.named(&to);
            let id = self.sight(to.node, &now, None, true, event.at);
            self.objects[id].touched_by(event.pid);
            self.opened(id, Mode { reads: false, writes: true }, event.at);
        }
    }

    /// What stood at a name gives way to something else, by the run's own act.
    pub(super) fn displace(&mut self, node: NodeId, before: Option<Stat>) {
        match before {
            Some(before) if !before.folder => {
                if let Some(id) = self.object_at(node, Some(before)) {
                    self.objects[id].touched = true;
                    self.objects[id].last_seen = Some(before);
                }
            }
            Some(_) => self.names.settle(node, Original::Folder),
            None if matches!(self.names[node].slot, Slot::Link(_)) => self.names.settle(node, Original::Other),
            None => self.settle_free(node),
        }
        if self.names[node].slot != Slot::Unknown {
            self.remove(node);
        }
    }

    pub(super) fn move_object(&mut self, id: ObjectId, from: NodeId, to: NodeId, at: u64, pid: u32) {
        self.moved(id, at, pid);
        self.remove(from);
        self.bind(to, id);
        self.names[to].bound_at = at;
    }

    /// A file got another name: its content goes on under it.
    pub(super) fn moved(&mut self, id: ObjectId, at: u64, pid: u32) {
        let object = &mut self.objects[id];
        object.touched = true;
        object.touched_by(pid);
        if !object.writable() {
            object.moved_at.get_or_insert(at);
            self.reader.ask(&mut self.objects, id, Haste::Later);
        }
    }

    pub(super) fn link(&mut self, event: &Event, from: &Path, to: &Path) {
        let Some(to) = self.locate(event.pid, to, Last::Keep) else { return };
        let now = event.stat.or_else(|| fs::symlink_metadata(self.path(to.node)).ok().filter(fs::Metadata::is_file).map(|m| stat(&m)));
        let from = self.locate(event.pid, from, Last::Follow);
        let known = now.and_then(|now| self.index.get(&now.key()).copied());
        self.settle_free(to.node);
        let id = match (from, now) {
            // a file that was made without a name has an object, but no name to find it by
            _ if known.is_some() => known,
            (Some(from), now) => self.object_at(from.node, now),
            (None, Some(now)) => Some(self.sight(to.node, &now, None, true, event.at)),
            (None, None) => None,
        };
        let Some(id) = id else { return };
        self.names.named(&to);
        self.moved(id, event.at, event.pid);
        self.bind(to.node, id);
        self.names[to.node].bound_at = event.at;
    }

    pub(super) fn rename_folder(&mut self, from: NodeId, to: NodeId, event: &Event) {
        self.names.settle(from, Original::Folder);
        self.names.settle(to, if event.before.is_some() { Original::Folder } else { Original::Nothing });
        self.move_below(from, to, event);
        // what nobody spoke of comes from where the folder stood first
        let source = self.names[from].came_from.take().unwrap_or(from);
        self.names[to].came_from = Some(source).filter(|source| *source != to);
        self.names[source].went_to = Some(to).filter(|to| *to != source);
        self.renamed.remove(&from);
        if self.names[to].came_from.is_some() {
            self.renamed.insert(to, (event.pid, event.at));
        }
    }

    /// Looks for files of renamed folders that no event spoke of: they were there before, or somebody unseen made them. Said when all
    /// events are taken, for what is on disk by then may be their doing.
    pub(super) fn find_renamed(&mut self) {
        let mut left = FOLDER_ENTRIES_MAX;
        for (folder, by) in self.renamed.clone() {
            self.find_below(folder, by, &mut left);
        }
        if left == 0 {
            self.passing.push(("content", "renamed folders hold too many files to be looked at one by one".into()));
        }
    }

    /// Moves every name that is known below a folder.
    pub(super) fn move_below(&mut self, from: NodeId, to: NodeId, event: &Event) {
        let children: Vec<NodeId> = self.names.children(from).collect();
        for child in children {
            let name = self.names[child].name.clone();
            let slot = self.names[child].slot.clone();
            if slot == Slot::Gone || slot == Slot::Unknown {
                // nothing stands there, though something may below
                if slot == Slot::Unknown && self.names.children(child).next().is_some() {
                    let target = self.names.child(to, &name);
                    self.move_below(child, target, event);
                }
                continue;
            }
            let target = self.names.child(to, &name);
            self.names.settle(target, Original::Nothing);
            self.names[target].direct = true;
            match slot {
                Slot::File(id) => self.move_object(id, child, target, event.at, event.pid),
                Slot::Link(link) => {
                    self.remove(child);
                    self.names[target].slot = Slot::Link(link);
                }
                _ => self.move_below(child, target, event),
            }
        }
        self.remove(from);
        self.names[to].slot = Slot::Folder;
    }

    pub(super) fn find_below(&mut self, folder: NodeId, by: (u32, u64), left: &mut usize) {
        if self.names[folder].ignored {
            return;
        }
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return };
        for entry in entries.flatten() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return;
            }
            let Ok(kind) = entry.file_type() else { continue };
            let node = self.names.child(folder, entry.file_name().as_bytes());
            if kind.is_dir() {
                self.find_below(node, by, left);
            } else if kind.is_file()
                && matches!(self.names[node].slot, Slot::Unknown | Slot::Gone)
                && let Ok(metadata) = entry.metadata()
            {
                let now = stat(&metadata);
                let id = self.sight(node, &now, Some(now), false, by.1);
                self.objects[id].touched_by(by.0);
                self.names[node].direct = true;
            }
        }
    }

    pub(super) fn symlink(&mut self, pid: u32, target: &Path, path: &Path) {
        let Some(place) = self.locate(pid, path, Last::Keep) else { return };
        self.names.settle(place.node, Original::Nothing);
        self.names[place.node].slot = Slot::Link(target.as_os_str().as_bytes().into());
    }

    pub(super) fn mkdir(&mut self, pid: u32, path: &Path) {
        let Some(place) = self.locate(pid, path, Last::Keep) else { return };
        self.names.settle(place.node, Original::Nothing);
        self.names[place.node].slot = Slot::Folder;
        self.names[place.node].came_from = None;
    }

    pub(super) fn rmdir(&mut self, pid: u32, path: &Path) {
        let Some(place) = self.locate(pid, path, Last::Keep) else { return };
        self.names.settle(place.node, Original::Folder);
        self.remove(place.node);
    }
}
