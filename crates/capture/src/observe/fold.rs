//! What each event changes.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::event::{Event, Mode, Stat, What, absolute};

use super::Observer;
use super::names::{Last, NodeId, Original, Place, Slot};
use super::objects::{Look, Object, ObjectId, StatExt};
use super::reader::Haste;

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
    pub(super) fn locate(&mut self, pid: u32, path: &Path, last: Last) -> Option<Place> {
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

    fn open_failed(&mut self, pid: u32, path: &Path, errno: i32) {
        let Some(place) = self.locate(pid, path, Last::Follow) else { return };
        let node = &self.names[place.node];
        let untouched = node.original == Original::Unknown && matches!(node.slot, Slot::Unknown | Slot::Gone);
        let repeated = node.original == Original::Nothing && node.slot == Slot::Unknown;
        let own = self.own_folder(place.node);
        if !(untouched || repeated) || own || !self.inside(place.node) || compiled(path) {
            return;
        }
        if errno == libc::ENOENT {
            self.names.settle(place.node, Original::Nothing);
        }
        self.absent.insert(place.node);
    }

    /// Whether a place lies below a folder that the run made or took away: what is not in there is no fact about the world.
    fn own_folder(&self, node: NodeId) -> bool {
        let mut at = self.names[node].parent;
        while at != super::names::ROOT {
            if self.names[at].original == Original::Nothing || self.names[at].removed {
                return true;
            }
            at = self.names[at].parent;
        }
        false
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
