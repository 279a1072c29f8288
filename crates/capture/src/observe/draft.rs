//! The files of the account: what each name held when it was read, and what the run left there.

use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use keizu_record::Time;

use crate::account::{Content, File, Read, Write};
use crate::event::Stat;
use crate::host::Memory;

use super::Observer;
use super::names::{NodeId, Original, Slot};
use super::objects::{Look, ObjectId, StatExt};
use super::reader::{Scene, stat};

/// What a name holds when it is looked at again.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Standing {
    /// The object.
    Same(Stat),
    /// Another regular file.
    Other,
    /// None.
    Gone,
}

#[derive(Debug, Default)]
struct Draft {
    read: Option<(u64, Read)>,
    write: Option<Write>,
    /// In any order, perhaps more than once.
    names: Vec<NodeId>,
    /// Likewise.
    pids: Vec<u32>,
    executed: bool,
    redirected: bool,
}

/// Drafts by name.
type Drafts = HashMap<NodeId, Draft>;

/// An object with what its names hold now.
struct Ended {
    id: ObjectId,
    standings: Vec<(NodeId, Standing)>,
    /// The run changed its content.
    written: bool,
}

impl Observer {
    /// Looks at every file again and writes down what became of it; sorted by path.
    pub(super) fn files(&mut self, memory: &mut dyn Memory) -> Vec<File> {
        let mut scene = Scene { objects: &mut self.objects, names: &self.names, memory };
        self.reader.complete(&mut scene);
        let mut drafts = Drafts::new();
        let ids: Vec<ObjectId> = self.objects.ids().filter(|id| self.matters(*id)).collect();
        let mut gone = Vec::new();
        for id in ids {
            let ended = self.look_again(id);
            if !ended.written {
                self.verify(&ended, memory);
            }
            self.draft_read(&ended, &mut drafts);
            self.draft_writes(&ended, &mut drafts, memory);
            if ended.written && ended.standings.is_empty() {
                gone.push(id);
            }
        }
        // the newest first: it stands for all that passed under one temporary name
        for id in gone.into_iter().rev() {
            self.draft_gone(id, &mut drafts, memory);
        }
        let mut files: Vec<File> = drafts.into_iter().map(|(node, draft)| self.file(node, draft)).collect();
        files.sort_unstable_by(|a, b| bytes(&a.path).cmp(bytes(&b.path)).then_with(|| a.target.cmp(&b.target)));
        files
    }

    fn matters(&self, id: ObjectId) -> bool {
        let object = &self.objects[id];
        object.read_at.is_some() || object.moved_at.is_some() || object.writable()
    }

    fn look_again(&mut self, id: ObjectId) -> Ended {
        let object = &self.objects[id];
        let standings: Vec<_> = object
            .names
            .iter()
            .map(|node| {
                let standing = match fs::symlink_metadata(self.names.path(*node)) {
                    Ok(metadata) if metadata.is_file() => {
                        let now = stat(&metadata);
                        let now = object.before_words.filter(|before| before.size + self.said == now.size).unwrap_or(now);
                        if now.key() == object.key { Standing::Same(now) } else { Standing::Other }
                    }
                    _ => Standing::Gone,
                };
                (*node, standing)
            })
            .collect();
        let last = standings.iter().find_map(|(_, s)| if let Standing::Same(now) = s { Some(*now) } else { None }).or(object.last_seen);
        // opened for writing, and yet the same to the nanosecond: only read
        let written = object.made || (object.write_at.is_some() && !last.is_some_and(|last| object.unchanged(&last)));
        Ended { id, standings, written }
    }

    /// Whether a file that the run only read is still what it read.
    fn verify(&mut self, ended: &Ended, memory: &mut dyn Memory) {
        let object = &self.objects[ended.id];
        let same = ended.standings.iter().find(|(_, s)| matches!(s, Standing::Same(_)));
        let Some((node, standing)) = same.or_else(|| ended.standings.first()).copied() else { return };
        let what = match standing {
            Standing::Same(now) if object.unchanged(&now) => {
                // seen changed in between, and back as it was to the nanosecond: nothing can be told but what was noted
                return;
            }
            Standing::Same(_) => "changed during the run",
            Standing::Other => "replaced during the run",
            Standing::Gone => {
                self.objects[ended.id].past.changed.get_or_insert("removed during the run");
                return;
            }
        };
        let seen = object.past_content();
        let mut scene = Scene { objects: &mut self.objects, names: &self.names, memory };
        let now = self.reader.latest(&mut scene, node, ended.id, false).ok();
        let past = &mut self.objects[ended.id].past;
        match (seen, now) {
            (Some(seen), Some((stat, digest))) if seen.digest == digest => {
                past.changed = None;
                past.checked = Some(stat);
            }
            _ => {
                past.changed.get_or_insert(what);
            }
        }
    }

    fn draft_read(&self, ended: &Ended, drafts: &mut Drafts) {
        let object = &self.objects[ended.id];
        let Some(origin) = object.origin.filter(|_| !object.made) else { return };
        let moved = object.moved_at.filter(|_| !ended.written && ended.standings.iter().any(|(node, _)| *node != origin));
        let Some(at) = object.read_at.or(moved) else { return };
        let content = object.past_content();
        let unseen = match &object.past.look {
            Look::Missed(why) => Some((*why).to_owned()),
            _ => None,
        };
        let changed = object.past.changed.map(str::to_owned);
        let read = Read { at: self.start.time(at), stat: object.past.stat, content, unseen, changed };
        let draft = drafts.entry(origin).or_default();
        draft.take_read(at, read);
        draft.join(origin, object);
    }

    fn draft_writes(&mut self, ended: &Ended, drafts: &mut Drafts, memory: &mut dyn Memory) {
        let present = ended.standings.iter().any(|(_, s)| matches!(s, Standing::Same(_)));
        for (node, standing) in &ended.standings {
            let bound = self.names[*node].bound_at > 0 && self.names[*node].original != Original::File(ended.id);
            if !(ended.written || bound) || (*standing == Standing::Gone && present) {
                continue;
            }
            let mut write = self.write(*node, ended.id, memory);
            let object = &self.objects[ended.id];
            let known = object.latest.filter(|(stat, digest)| *standing == Standing::Same(*stat) && object.kept == Some(*digest));
            let mut scene = Scene { objects: &mut self.objects, names: &self.names, memory };
            match known.map_or_else(|| self.reader.latest(&mut scene, *node, ended.id, true), Ok) {
                Ok((stat, digest)) => {
                    write.content = Some(Content { digest, size: stat.size });
                    write.at = write.at.max(Time::from_nanos(stat.mtime.min(stat.ctime)));
                }
                Err(why) => write.unseen = Some(why.to_owned()),
            }
            match standing {
                Standing::Same(_) => {}
                Standing::Other => {
                    let path = self.path(*node);
                    self.passing.push(("changed", format!("{} was replaced by somebody unseen after the run wrote it", path.display())));
                }
                Standing::Gone => write.removed = self.names[*node].removed,
            }
            let object = &self.objects[ended.id];
            let draft = drafts.entry(*node).or_default();
            draft.write = Some(write);
            draft.join(*node, object);
        }
    }

    /// A file that the run wrote and took away again, under its last name, unless something else stands there.
    fn draft_gone(&mut self, id: ObjectId, drafts: &mut Drafts, memory: &mut dyn Memory) {
        let Some(node) = self.objects[id].former.last().copied() else { return };
        if matches!(self.names[node].slot, Slot::File(_)) || drafts.get(&node).is_some_and(|draft| draft.write.is_some()) {
            return;
        }
        let mut write = self.write(node, id, memory);
        write.removed = true;
        let object = &self.objects[id];
        match object.latest.filter(|(stat, _)| object.last_seen.as_ref() == Some(stat)) {
            Some((stat, digest)) => write.content = Some(Content { digest, size: stat.size }),
            None => write.unseen = Some("removed before it could be read".into()),
        }
        let draft = drafts.entry(node).or_default();
        draft.write = Some(write);
        draft.join(node, object);
    }

    /// What is known of a write without looking at its content.
    fn write(&self, node: NodeId, id: ObjectId, memory: &mut dyn Memory) -> Write {
        let object = &self.objects[id];
        let name = &self.names[node];
        let before = match name.original {
            Original::File(previous) => {
                let previous = &self.objects[previous];
                let known = |memory: &mut dyn Memory| memory.known(&previous.past.stat);
                previous.past_content().or_else(|| known(memory).map(|digest| Content { digest, size: previous.past.stat.size }))
            }
            _ => None,
        };
        let at = object.write_at.unwrap_or(0).max(name.bound_at);
        let at = if at == 0 { self.start.began } else { self.start.time(at) };
        let created = name.original == Original::Nothing;
        Write { at, content: None, unseen: None, created, before, removed: false, reread: object.reread }
    }

    fn file(&mut self, node: NodeId, draft: Draft) -> File {
        let (path, target) = self.names.shown(node);
        let mut names: Vec<_> = draft.names.iter().map(|name| self.names.path(*name)).collect();
        names.sort();
        names.dedup();
        let mut pids = draft.pids;
        pids.sort_unstable();
        pids.dedup();
        let Draft { executed, redirected, .. } = draft;
        File { path, target, names, read: draft.read.map(|(_, read)| read), write: draft.write, pids, executed, redirected }
    }
}

impl Draft {
    /// The first read of a name counts; that a later one found another content is a change.
    fn take_read(&mut self, at: u64, read: Read) {
        let Some((first_at, first)) = self.read.take() else {
            self.read = Some((at, read));
            return;
        };
        let same = first.content.is_some() && first.content == read.content;
        let (at, mut kept, other) = if at < first_at { (at, read, first) } else { (first_at, first, read) };
        if same {
            kept.changed = None;
        } else {
            kept.changed = kept.changed.or(other.changed).or(Some("replaced between two reads".into()));
        }
        self.read = Some((at, kept));
    }

    fn join(&mut self, node: NodeId, object: &super::objects::Object) {
        self.names.extend(object.names.iter().chain(&object.former).filter(|name| **name != node));
        self.pids.extend(&object.pids);
        self.executed |= object.executed;
        self.redirected |= object.redirected;
    }
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}
