//! The observer: folds the events of a run into its [account](crate::account::Account).
//!
//! ```text
//! Event ──take──► names (where a path leads, what stood there)        ┐
//!                 objects (inodes: read when, written when, by whom)  ├─finish─► Account
//!                 programs (processes, who stayed silent)             │
//!                 folders (listings, absences)                        ┘
//!        work ──► reader (hashing in slices, the digest cache, contents kept)
//! ```
//!
//! An object is an inode; the account speaks of names. What a name *held* before the run first changed it is its `original`; what it holds
//! at the end is what the run made of it. All that lies between, temporary names and replaced contents, is folded away.

mod close;
mod draft;
pub(crate) mod elf;
mod fold;
mod folders;
mod glance;
mod moves;
mod names;
mod objects;
mod programs;
mod reader;
mod sight;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use keizu_record::RunId;

use crate::account::{Blind, Git};
use crate::event::Mode;
use crate::host::{Memory, Start};

pub use glance::Glance;

use folders::Listings;
use names::{Names, NodeId, Place};
use objects::{ObjectId, Objects};
use programs::Programs;
use reader::{Haste, Reader, Scene};

/// Places of which nothing is recorded: devices, the kernel's own files, memory shared between processes.
const IGNORED: [&str; 3] = ["/dev", "/proc", "/sys"];

/// How long before the command a shell opens what it redirects to.
const SHELL_MICROS: i64 = 1_000_000;

/// What the machine is, looked at beside the run.
#[derive(Debug)]
enum Circumstances {
    Looking(JoinHandle<(Option<Git>, BTreeMap<String, String>)>),
    Known(Option<Git>, BTreeMap<String, String>),
}

/// Folds events into an account.
#[derive(Debug)]
pub struct Observer {
    start: Start,
    root: NodeId,
    names: Names,
    objects: Objects,
    /// The newest object of each inode.
    index: HashMap<(u64, u64), ObjectId>,
    programs: Programs,
    listings: Listings,
    absent: BTreeSet<NodeId>,
    /// Libraries of which only the name was given.
    bare: BTreeSet<Vec<u8>>,
    reader: Reader,
    blind: BTreeMap<Blind, u64>,
    /// Blind spots as of the account that is being written.
    passing: Vec<(&'static str, String)>,
    children: BTreeSet<RunId>,
    /// Folders that the run renamed, by whom and when.
    renamed: BTreeMap<NodeId, (u32, u64)>,
    seen: u64,
    lost: u64,
    /// Bytes that Keizu itself said where the command's errors go.
    said: u64,
    circumstances: Circumstances,
}

impl Observer {
    /// At the start of a run: looks at the code version and at the machine, beside the caller.
    pub fn new(start: &Start) -> Self {
        let root = start.root.clone();
        let look = std::thread::Builder::new().spawn(move || (crate::git::look(&root), crate::machine::look()));
        let circumstances = match look {
            Ok(handle) => Circumstances::Looking(handle),
            Err(_) => Circumstances::Known(crate::git::look(&start.root), crate::machine::look()),
        };
        Self::with(start, circumstances)
    }

    /// After the run: the code version that it had can no longer be seen.
    pub fn late(start: &Start) -> Self {
        let mut observer = Self::with(start, Circumstances::Known(None, crate::machine::look()));
        observer.note("watcher", "the code version at the start was not seen");
        observer
    }

    fn with(start: &Start, circumstances: Circumstances) -> Self {
        let mut names = Names::new();
        for path in IGNORED {
            names.ignore(Path::new(path));
        }
        names.ignore(&start.root.join(".keizu"));
        let root = names.insert(&start.root);
        let mut observer = Self {
            start: start.clone(),
            root,
            names,
            objects: Objects::default(),
            index: HashMap::new(),
            programs: Programs::new(start),
            listings: Listings::default(),
            absent: BTreeSet::new(),
            bare: BTreeSet::new(),
            reader: Reader::new(),
            blind: BTreeMap::new(),
            passing: Vec::new(),
            children: BTreeSet::new(),
            renamed: BTreeMap::new(),
            seen: 0,
            lost: 0,
            said: 0,
            circumstances,
        };
        observer.redirections();
        observer
    }

    /// Does what there is to hash, and to look at, for about `budget`; true when there is more.
    pub fn work(&mut self, memory: &mut dyn Memory, budget: Duration) -> bool {
        let deadline = Instant::now() + budget;
        self.listings.look(&self.names);
        let mut scene = Scene { objects: &mut self.objects, names: &self.names, memory };
        self.reader.work(&mut scene, deadline)
    }

    /// Opens that were not told one by one, since they were repeats.
    pub fn repeated(&mut self, opens: u64) {
        self.seen += opens;
    }

    /// Events that did not reach the observer.
    pub fn dropped(&mut self, events: u64) {
        self.lost += events;
    }

    /// Keizu's own words, of so many bytes, were written where the command's errors go, after the account that was asked for last: when
    /// that is a file, they are not the run's output.
    pub fn said(&mut self, bytes: usize) {
        self.said = bytes as u64;
        for id in self.objects.ids() {
            let object = &mut self.objects[id];
            if object.redirected {
                object.before_words = object.names.first().and_then(|node| {
                    let now = std::fs::symlink_metadata(self.names.path(*node)).ok().filter(std::fs::Metadata::is_file)?;
                    Some(reader::stat(&now))
                });
            }
        }
    }

    /// Something that was not seen, as the caller knows.
    pub fn note(&mut self, kind: &str, detail: impl Into<String>) {
        *self.blind.entry(Blind { kind: kind.into(), detail: detail.into() }).or_default() += 1;
    }

    /// Files that were open when the command started.
    fn redirections(&mut self) {
        for redirection in self.start.redirections.clone() {
            let place = Place { node: self.names.insert(&redirection.path), via: None };
            if self.skipped(place.node) || redirection.stat.folder {
                continue;
            }
            let mode = Mode::of(redirection.flags & !libc::O_TRUNC);
            let created = mode.writes && redirection.stat.size == 0 && self.born_with_the_run(&redirection.path);
            let at = self.started();
            self.names.named(&place);
            let id = self.sight(place.node, &redirection.stat, Some(redirection.stat), created, at);
            self.objects[id].touched_by(self.start.pid);
            self.objects[id].redirected = true;
            self.opened(id, mode, at);
            if redirection.fd > 2 {
                self.note("descriptor", format!("{} was open when the command started", redirection.path.display()));
            }
        }
    }

    /// Whether a shell made this file for the command.
    fn born_with_the_run(&self, path: &Path) -> bool {
        let born = std::fs::symlink_metadata(path).and_then(|m| m.created()).ok();
        let born = born.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok()).and_then(|t| i64::try_from(t.as_micros()).ok());
        born.is_some_and(|born| born >= self.start.began.micros().saturating_sub(SHELL_MICROS))
    }

    /// The start of the command as a monotonic time.
    fn started(&self) -> u64 {
        let nanos = self.start.began.micros().saturating_mul(1_000).saturating_sub(self.start.monotonic_offset);
        u64::try_from(nanos).unwrap_or(0)
    }

    /// Whether nothing is recorded of this place: special files, and what the watching itself put there.
    fn skipped(&self, node: NodeId) -> bool {
        self.names[node].ignored || *self.names[node].name == *b"libkeizu.libasan.so"
    }

    /// How soon the content of an object is needed when it is read.
    fn haste(&self, node: NodeId) -> Haste {
        if self.names.within(node, self.root) { Haste::Soon } else { Haste::Later }
    }

    fn inside(&self, node: NodeId) -> bool {
        self.names.within(node, self.root)
    }

    fn path(&self, node: NodeId) -> PathBuf {
        self.names.path(node)
    }
}
