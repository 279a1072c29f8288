//! Which object a name or an inode number means, and what the run does to that.

use std::fs;

use crate::event::Stat;

use super::Observer;
use super::names::{NodeId, Original, Slot};
use super::objects::{Object, ObjectId, Past, StatExt};
use super::reader::{Haste, stat};

impl Observer {
    /// The object that stands at `node` and shows `now`. `previous` is the same file before the call that is told of.
    pub(super) fn sight(&mut self, node: NodeId, now: &Stat, previous: Option<Stat>, created: bool, at: u64) -> ObjectId {
        let key = now.key();
        match self.names[node].slot {
            Slot::File(id) if self.objects[id].key == key => {
                let object = &self.objects[id];
                if !created || object.made {
                    self.compare(id, previous);
                    return id;
                }
                // seen by another process, or on disk, before its creation was heard of
                if now.ctime <= object.past.stat.ctime {
                    self.was_made(id, node);
                    return id;
                }
            }
            _ => {
                if let Some(id) = self.index.get(&key).copied().filter(|id| !created && self.same_inode(*id, now)) {
                    if !self.objects[id].made {
                        self.names.settle(node, Original::File(id));
                    }
                    self.bind(node, id);
                    self.compare(id, previous);
                    return id;
                }
            }
        }
        let stat = previous.unwrap_or(*now);
        if created {
            let id = self.add(Object::new(stat, true, Some(node)));
            self.settle_free(node);
            self.bind(node, id);
            self.names[node].bound_at = at;
            return id;
        }
        let origin = self.names.first_place(node);
        let id = self.add(Object::new(stat, false, Some(origin)));
        self.names.claim(origin, Original::File(id));
        if origin != node {
            self.came_with_folder(id, origin, node, at);
        }
        self.bind(node, id);
        id
    }

    /// A name turned out to be free. Was it before the run, or did what stood there go away with its folder?
    pub(super) fn settle_free(&mut self, node: NodeId) {
        if self.names[node].original != Original::Unknown {
            return;
        }
        if let Some(later) = self.names.later_place(node) {
            self.names[node].presumed = true;
            let metadata = fs::symlink_metadata(self.path(later)).ok().filter(fs::Metadata::is_file);
            if let Some(now) = metadata.filter(|_| self.names[later].slot == Slot::Unknown).map(|m| stat(&m)) {
                self.sight(later, &now, Some(now), false, 0);
            }
        }
        self.names.settle(node, Original::Nothing);
    }

    pub(super) fn add(&mut self, object: Object) -> ObjectId {
        let key = object.key;
        let id = self.objects.push(object);
        self.index.insert(key, id);
        id
    }

    /// A file that came to its name with a folder that the run renamed.
    pub(super) fn came_with_folder(&mut self, id: ObjectId, before: NodeId, after: NodeId, at: u64) {
        self.names.settle(after, Original::Nothing);
        self.names[after].bound_at = at.max(1);
        if self.names[before].slot == Slot::Unknown {
            self.remove(before);
        }
        self.objects[id].moved_at.get_or_insert(at);
        self.reader.ask(&mut self.objects, id, Haste::Later);
    }

    /// Whether an inode number still means the object that bore it, and not a new file that got the number again.
    pub(super) fn same_inode(&self, id: ObjectId, now: &Stat) -> bool {
        let object = &self.objects[id];
        if object.writable() {
            // a name that is not there any more may have been renamed by an event to come
            return !object.names.is_empty();
        }
        let stands = |name: &NodeId| fs::symlink_metadata(self.path(*name)).is_ok_and(|m| stat(&m).key() == object.key);
        object.past.stat.same_but_ctime(now) || object.names.iter().any(stands)
    }

    /// A file that the run has not written looks other than at first sight.
    pub(super) fn compare(&mut self, id: ObjectId, seen: Option<Stat>) {
        let object = &mut self.objects[id];
        let Some(seen) = seen.filter(|seen| !object.writable() && !object.past.stat.same_but_ctime(seen)) else { return };
        if seen.ctime >= object.past.stat.ctime {
            object.past.changed.get_or_insert("changed between two reads");
            return;
        }
        // first sight was on disk, or another process's: this is what was there before
        object.past = Past::new(seen);
        if object.moved_at.is_some() || object.read_at.is_some() {
            self.reader.ask(&mut self.objects, id, Haste::Soon);
        }
    }

    /// What was taken for a file from before the run was made by it.
    pub(super) fn was_made(&mut self, id: ObjectId, node: NodeId) {
        let object = &mut self.objects[id];
        object.made = true;
        object.reread |= object.read_at.is_some();
        object.read_at = None;
        object.moved_at = None;
        object.past.changed = None;
        let origin = object.origin;
        for name in [Some(node), origin].into_iter().flatten() {
            if self.names[name].original == Original::File(id) {
                self.names[name].original = Original::Nothing;
            }
        }
    }

    pub(super) fn bind(&mut self, node: NodeId, id: ObjectId) {
        if self.names[node].slot == Slot::File(id) {
            return;
        }
        self.unbind(node);
        self.names[node].slot = Slot::File(id);
        let object = &mut self.objects[id];
        object.names.push(node);
        object.former.retain(|former| *former != node);
    }

    /// Takes away what stands at a name.
    pub(super) fn unbind(&mut self, node: NodeId) {
        if let Slot::File(id) = self.names[node].slot {
            let object = &mut self.objects[id];
            object.names.retain(|name| *name != node);
            object.former.retain(|former| *former != node);
            object.former.push(node);
        }
        self.names[node].slot = Slot::Gone;
    }
}
