//! What each event changes.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::event::{Event, Mode, Stat, What, absolute};

use super::Observer;
use super::names::{Last, NodeId, Original, Place, Slot};
use super::objects::{Look, Object, ObjectId, StatExt};
use super::reader::{Haste, stat};

/// Files of a renamed folder that are looked for on disk because no event spoke of them.
const FOLDER_ENTRIES_MAX: usize = 50_000;

impl Observer {
    /// Takes the next event. Events of one process come in order; those of different processes may be a little out of it.
    pub fn take(&mut self, event: Event) {
        let (pid, at) = (event.pid, event.at);
        match &event.what {
            What::Begin { ppid, cwd, exe, argv } => self.begin(pid, at, (*ppid, cwd.clone(), exe.clone(), argv.clone())),
            What::ForkBegin { parent, cwd } => self.programs.fork_begin(pid, at, *parent, cwd.clone()),
            What::Forked { child } => self.programs.forked(pid, at, *child),
            What::Open { path, flags } => self.open(&event, path, *flags),
            What::OpenFailed { path, errno } => self.open_failed(pid, path, *errno),
            What::Rename { from, to } => self.rename(&event, from, to),
            What::Link { from, to } => self.link(&event, from, to),
            What::Symlink { target, path } => self.symlink(pid, target, path),
            What::Unlink { path } => self.unlink(&event, path),
            What::Mkdir { path } => self.mkdir(pid, path),
            What::Rmdir { path } => self.rmdir(pid, path),
            What::Truncate { path } => self.truncate(&event, path),
            What::Chdir { path } => self.programs.chdir(pid, absolute(self.programs.cwd(pid), path)),
            What::Exec { path, argv } => {
                let path = self.program(pid, path);
                self.programs.exec(pid, at, path, argv.clone());
            }
            What::ExecFailed { .. } => self.programs.exec_failed(pid),
            What::Spawn { child, path, argv } => {
                let path = self.program(pid, path);
                self.programs.spawn(pid, at, *child, path, argv.clone());
            }
            What::Library { path } => self.library(&event, path),
            What::Exit { code } => self.programs.exit(pid, at, *code),
            What::IoUring => {
                let exe = self.programs.exe(pid).map(|exe| exe.display().to_string()).unwrap_or_default();
                self.note("io_uring", format!("{exe} used io_uring: what went through the ring was not seen"));
            }
            What::ChildRun { run } => {
                self.children.insert(*run);
            }
            What::Cut { path } => self.note("cut", format!("a path was too long to be recorded: {}", shortened(path))),
        }
    }

    /// Where a path leads that a process named; `None` when nothing is recorded of that place.
    fn locate(&mut self, pid: u32, path: &Path, last: Last) -> Option<Place> {
        let bytes = path.as_os_str().as_bytes();
        let place = if bytes.first() == Some(&b'/') {
            self.names.locate(bytes, last)
        } else {
            let mut full = self.programs.cwd(pid).as_os_str().as_bytes().to_vec();
            full.push(b'/');
            full.extend_from_slice(bytes);
            self.names.locate(&full, last)
        }?;
        (!self.skipped(place.node)).then_some(place)
    }

    /// A program's file as an exec named it: without a slash it is looked up in `PATH`, unless it stands in the working folder.
    pub(super) fn program(&self, pid: u32, path: &Path) -> PathBuf {
        let here = absolute(self.programs.cwd(pid), path);
        if path.as_os_str().as_bytes().contains(&b'/') || here.is_file() {
            return here;
        }
        let folders = self.start.variables.get("PATH").map_or("/usr/local/bin:/usr/bin:/bin", String::as_str);
        std::env::split_paths(folders).map(|folder| folder.join(path)).find(|file| file.is_file()).unwrap_or(here)
    }

    /// The object of a file that is open under a name that is no name: `/dev/fd/3`, `/proc/self/fd/3`.
    fn by_descriptor(&mut self, pid: u32, path: &Path, stat: &Stat) -> Option<Place> {
        let number = descriptor(path, pid)?;
        let known = self.index.get(&stat.key()).and_then(|id| self.objects[*id].names.first().copied());
        if let Some(node) = known {
            return Some(Place { node, via: None });
        }
        let path = fs::read_link(format!("/proc/{pid}/fd/{number}")).ok()?;
        let same = fs::symlink_metadata(&path).is_ok_and(|m| super::reader::stat(&m).key() == stat.key());
        same.then(|| self.locate(pid, &path, Last::Keep)).flatten()
    }

    fn open(&mut self, event: &Event, path: &Path, flags: i32) {
        let Some(now) = event.stat else { return };
        self.seen += 1;
        if flags & libc::O_PATH != 0 {
            return;
        }
        if now.folder {
            return self.list(event, path);
        }
        if flags & libc::O_TMPFILE == libc::O_TMPFILE {
            return self.open_nameless(event, &now);
        }
        let place = match self.locate(event.pid, path, Last::Follow) {
            Some(place) => place,
            None => match self.by_descriptor(event.pid, path, &now) {
                Some(place) => place,
                None => return,
            },
        };
        let place = self.recheck(place, &now);
        self.names.named(&place);
        let created = event.created();
        let previous = if flags & (libc::O_CREAT | libc::O_TRUNC) == 0 { Some(now) } else { event.before };
        let id = self.sight(place.node, &now, previous.filter(|b| b.key() == now.key()), created, event.at);
        self.objects[id].touched_by(event.pid);
        let mode = Mode::of(flags);
        let reads_back = mode.reads && flags & libc::O_ACCMODE != libc::O_WRONLY && !created;
        if reads_back && self.objects[id].writable() {
            self.objects[id].reread = true;
        }
        self.opened(id, mode, event.at);
    }

    /// A name that was a file's may have become a symbolic link by unseen hands.
    fn recheck(&mut self, place: Place, now: &Stat) -> Place {
        let Slot::File(id) = self.names[place.node].slot else { return place };
        if self.objects[id].key == now.key() || self.names.probe(place.node, true).is_none() {
            return place;
        }
        let named = self.names.path(place.node);
        self.names.locate(named.as_os_str().as_bytes(), Last::Follow).filter(|p| !self.skipped(p.node)).unwrap_or(place)
    }

    fn open_nameless(&mut self, event: &Event, now: &Stat) {
        let id = self.objects.push(Object::new(*now, true, None));
        self.objects[id].write_at = Some(event.at);
        self.objects[id].touched_by(event.pid);
        self.index.insert(now.key(), id);
    }

    /// What an open of a regular file means for its object.
    pub(super) fn opened(&mut self, id: ObjectId, mode: Mode, at: u64) {
        let object = &mut self.objects[id];
        let fresh = !object.writable();
        let origin = object.origin;
        if mode.reads && fresh {
            object.read_at = Some(object.read_at.map_or(at, |first| first.min(at)));
        }
        if fresh && (mode.reads || mode.writes) {
            let haste = match origin {
                _ if mode.writes => Haste::Now,
                Some(node) => self.haste(node),
                None => Haste::Later,
            };
            // a truncated content is gone: only the memory may know it
            if mode.reads || self.objects[id].past.look == Look::Waiting {
                self.reader.ask(&mut self.objects, id, haste);
            }
        }
        if mode.writes {
            let object = &mut self.objects[id];
            if object.write_at.is_none() {
                object.write_at = Some(at);
            }
            self.reader.written(id);
        }
    }

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
        let id = self.objects.push(Object::new(previous.unwrap_or(*now), created, Some(node)));
        self.index.insert(key, id);
        self.names.settle(node, if created { Original::Nothing } else { Original::File(id) });
        self.bind(node, id);
        if created {
            self.names[node].bound_at = at;
        }
        id
    }

    /// Whether an inode number still means the object that bore it, and not a new file that got the number again.
    fn same_inode(&self, id: ObjectId, now: &Stat) -> bool {
        let object = &self.objects[id];
        !object.names.is_empty() || (!object.writable() && object.past.stat.same_but_ctime(now))
    }

    /// A file that the run has not written looks other than at first sight.
    fn compare(&mut self, id: ObjectId, seen: Option<Stat>) {
        let object = &mut self.objects[id];
        if let Some(seen) = seen
            && !object.writable()
            && !object.past.stat.same_but_ctime(&seen)
        {
            object.past.changed.get_or_insert("changed between two reads");
        }
    }

    /// What was taken for a file from before the run was made by it.
    fn was_made(&mut self, id: ObjectId, node: NodeId) {
        let object = &mut self.objects[id];
        object.made = true;
        object.reread |= object.read_at.is_some();
        object.read_at = None;
        object.moved_at = None;
        object.past.changed = None;
        if self.names[node].original == Original::File(id) {
            self.names[node].original = Original::Nothing;
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
    fn unbind(&mut self, node: NodeId) {
        if let Slot::File(id) = self.names[node].slot {
            let object = &mut self.objects[id];
            object.names.retain(|name| *name != node);
            object.former.retain(|former| *former != node);
            object.former.push(node);
        }
        self.names[node].slot = Slot::Gone;
    }

    fn open_failed(&mut self, pid: u32, path: &Path, errno: i32) {
        let Some(place) = self.locate(pid, path, Last::Follow) else { return };
        let node = &self.names[place.node];
        let untouched = node.original == Original::Unknown && matches!(node.slot, Slot::Unknown | Slot::Gone);
        let repeated = node.original == Original::Nothing && node.slot == Slot::Unknown;
        let made_folder = self.made_above(place.node);
        if !(untouched || repeated) || made_folder || !self.inside(place.node) || compiled(path) {
            return;
        }
        if errno == libc::ENOENT {
            self.names.settle(place.node, Original::Nothing);
        }
        self.absent.insert(place.node);
    }

    /// Whether a place lies below a folder that the run made: what is not in there is no fact about the world.
    fn made_above(&self, node: NodeId) -> bool {
        let mut at = self.names[node].parent;
        while at != super::names::ROOT {
            if self.names[at].original == Original::Nothing {
                return true;
            }
            at = self.names[at].parent;
        }
        false
    }

    /// The object that a call on names speaks of, which may never have been opened.
    fn object_at(&mut self, node: NodeId, stat: Option<Stat>) -> Option<ObjectId> {
        match (self.names[node].slot.clone(), stat) {
            (Slot::File(id), None) => Some(id),
            (Slot::File(id), Some(stat)) if self.objects[id].key == stat.key() => Some(id),
            (_, Some(stat)) if !stat.folder => Some(self.sight(node, &stat, Some(stat), false, 0)),
            _ => None,
        }
    }

    fn unlink(&mut self, event: &Event, path: &Path) {
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
    fn remove(&mut self, node: NodeId) {
        self.unbind(node);
        self.names[node].removed = true;
    }

    fn rename(&mut self, event: &Event, from: &Path, to: &Path) {
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
        self.displace(to.node, event.before);
        if let Slot::Link(target) = self.names[from.node].slot.clone() {
            self.names.settle(from.node, Original::Other);
            self.remove(from.node);
            self.names[to.node].slot = Slot::Link(target);
            return;
        }
        match self.object_at(from.node, event.stat) {
            Some(id) => self.move_object(id, from.node, to.node, event.at, event.pid),
            None => self.remove(from.node),
        }
    }

    /// A rename from or to a place of which nothing is recorded.
    fn rename_across(&mut self, event: &Event, from: &Path, to: &Path) {
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
    fn displace(&mut self, node: NodeId, before: Option<Stat>) {
        match before {
            Some(before) if !before.folder => {
                if let Some(id) = self.object_at(node, Some(before)) {
                    self.objects[id].touched = true;
                    self.objects[id].last_seen = Some(before);
                }
            }
            Some(_) => self.names.settle(node, Original::Folder),
            None if matches!(self.names[node].slot, Slot::Link(_)) => self.names.settle(node, Original::Other),
            None => self.names.settle(node, Original::Nothing),
        }
        if self.names[node].slot != Slot::Unknown {
            self.remove(node);
        }
    }

    fn move_object(&mut self, id: ObjectId, from: NodeId, to: NodeId, at: u64, pid: u32) {
        self.moved(id, at, pid);
        self.remove(from);
        self.bind(to, id);
        self.names[to].bound_at = at;
    }

    /// A file got another name: its content goes on under it.
    fn moved(&mut self, id: ObjectId, at: u64, pid: u32) {
        let object = &mut self.objects[id];
        object.touched = true;
        object.touched_by(pid);
        if !object.writable() {
            object.moved_at.get_or_insert(at);
            self.reader.ask(&mut self.objects, id, Haste::Later);
        }
    }

    fn link(&mut self, event: &Event, from: &Path, to: &Path) {
        let Some(to) = self.locate(event.pid, to, Last::Keep) else { return };
        let now = event.stat.or_else(|| fs::symlink_metadata(self.path(to.node)).ok().filter(fs::Metadata::is_file).map(|m| stat(&m)));
        let from = self.locate(event.pid, from, Last::Follow);
        let known = now.and_then(|now| self.index.get(&now.key()).copied());
        self.names.settle(to.node, Original::Nothing);
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

    fn rename_folder(&mut self, from: NodeId, to: NodeId, event: &Event) {
        self.names.settle(from, Original::Folder);
        self.names.settle(to, if event.before.is_some() { Original::Folder } else { Original::Nothing });
        self.move_below(from, to, event);
        let mut left = FOLDER_ENTRIES_MAX;
        self.find_below(from, to, event, &mut left);
        if left == 0 {
            let path = self.path(to).display().to_string();
            self.note("content", format!("{path} was renamed and holds too many files to be looked at one by one"));
        }
    }

    /// Moves every name that is known below a folder.
    fn move_below(&mut self, from: NodeId, to: NodeId, event: &Event) {
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

    /// Files of a renamed folder that no event spoke of: they were there before, or somebody unseen made them.
    fn find_below(&mut self, from: NodeId, to: NodeId, event: &Event, left: &mut usize) {
        if self.names[to].ignored {
            return;
        }
        let Ok(entries) = fs::read_dir(self.path(to)) else { return };
        for entry in entries.flatten() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return;
            }
            let (Ok(kind), name) = (entry.file_type(), entry.file_name()) else { continue };
            let (before, after) = (self.names.child(from, name.as_bytes()), self.names.child(to, name.as_bytes()));
            if kind.is_dir() {
                self.find_below(before, after, event, left);
            } else if kind.is_file()
                && self.names[after].slot == Slot::Unknown
                && let Ok(metadata) = entry.metadata()
            {
                let now = stat(&metadata);
                let id = self.object_at(before, Some(now)).expect("invariant: a regular file");
                self.names.settle(after, Original::Nothing);
                self.names[after].direct = true;
                self.move_object(id, before, after, event.at, event.pid);
            }
        }
    }

    fn symlink(&mut self, pid: u32, target: &Path, path: &Path) {
        let Some(place) = self.locate(pid, path, Last::Keep) else { return };
        self.names.settle(place.node, Original::Nothing);
        self.names[place.node].slot = Slot::Link(target.as_os_str().as_bytes().into());
    }

    fn mkdir(&mut self, pid: u32, path: &Path) {
        let Some(place) = self.locate(pid, path, Last::Keep) else { return };
        self.names.settle(place.node, Original::Nothing);
        self.names[place.node].slot = Slot::Folder;
    }

    fn rmdir(&mut self, pid: u32, path: &Path) {
        let Some(place) = self.locate(pid, path, Last::Keep) else { return };
        self.names.settle(place.node, Original::Folder);
        self.remove(place.node);
    }

    fn truncate(&mut self, event: &Event, path: &Path) {
        let Some(place) = self.locate(event.pid, path, Last::Follow) else { return };
        let Some(now) = event.stat.or(event.before) else { return };
        self.names.named(&place);
        let id = self.sight(place.node, &now, event.before, false, event.at);
        self.objects[id].touched_by(event.pid);
        // what is left of the file is still old content
        self.opened(id, Mode { reads: now.size > 0, writes: true }, event.at);
    }

    fn list(&mut self, event: &Event, path: &Path) {
        if let Some(place) = self.locate(event.pid, path, Last::Follow) {
            self.names.named(&place);
            if self.names[place.node].slot == Slot::Unknown {
                self.names[place.node].slot = Slot::Folder;
            }
            self.listings.opened(&self.names, place.node, event.at);
        }
    }

    fn begin(&mut self, pid: u32, at: u64, said: (u32, PathBuf, PathBuf, Vec<Vec<u8>>)) {
        let exe = said.2.clone();
        let script = self.programs.begin(pid, at, said);
        self.executed(pid, at, &exe, None);
        if let Some(script) = script {
            self.executed(pid, at, &script, None);
        }
    }

    fn library(&mut self, event: &Event, path: &Path) {
        if path.as_os_str().as_bytes().contains(&b'/') {
            self.executed(event.pid, event.at, path, event.stat);
        } else {
            self.bare.insert(path.as_os_str().as_bytes().to_vec());
        }
    }

    /// A file was loaded as program or library.
    pub(super) fn executed(&mut self, pid: u32, at: u64, path: &Path, stat: Option<Stat>) {
        let Some(place) = self.locate(pid, path, Last::Follow) else { return };
        if let Slot::File(id) = self.names[place.node].slot
            && self.objects[id].executed
            && !self.objects[id].writable()
        {
            return self.objects[id].touched_by(pid);
        }
        let look = || fs::symlink_metadata(self.path(place.node)).ok().filter(fs::Metadata::is_file).map(|m| super::reader::stat(&m));
        let Some(now) = stat.or_else(look) else { return };
        self.names.named(&place);
        let id = self.sight(place.node, &now, Some(now), false, at);
        let object = &mut self.objects[id];
        object.executed = true;
        object.touched_by(pid);
        object.reread |= object.writable();
        self.opened(id, Mode { reads: true, writes: false }, at);
    }
}

/// The number of a descriptor that is named as a file.
fn descriptor(path: &Path, pid: u32) -> Option<u32> {
    let text = path.to_str()?;
    let own = format!("/proc/{pid}/fd/");
    match text {
        "/dev/stdin" => return Some(0),
        "/dev/stdout" => return Some(1),
        "/dev/stderr" => return Some(2),
        _ => {}
    }
    ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/", &own].iter().find_map(|prefix| text.strip_prefix(prefix))?.parse().ok()
}

/// A name below `__pycache__`: Python asks for these whether or not it ever wrote them.
fn compiled(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "pyc" || e == "pyo") || path.components().any(|c| c.as_os_str() == "__pycache__")
}

fn shortened(path: &Path) -> String {
    let text = path.display().to_string();
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
