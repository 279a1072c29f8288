//! Files as inodes: one [`Object`] for each regular file that the run touched, whatever its names.

use std::ops::{Index, IndexMut};

use keizu_record::Digest;

use crate::account::Content;
use crate::event::Stat;

use super::names::NodeId;

/// Number of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(u32);

/// What is known of the content that an object had before this run first wrote to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    /// Nobody needs it.
    Unasked,
    /// To be hashed.
    Waiting,
    /// Had.
    Seen(Content),
    /// It could not be had: why.
    Missed(&'static str),
}

/// An object before the run first wrote to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// As first seen.
    pub stat: Stat,
    /// Its content.
    pub look: Look,
    /// It did not stay what it was, and not by what was seen of this run.
    pub changed: Option<&'static str>,
    /// The stat at the last check at which the content was still the same.
    pub checked: Option<Stat>,
}

impl Past {
    /// As first seen, and not hashed.
    pub fn new(stat: Stat) -> Self {
        Self { stat, look: Look::Unasked, changed: None, checked: None }
    }
}

/// A regular file.
#[derive(Debug, Clone)]
pub struct Object {
    /// Device and inode.
    pub key: (u64, u64),
    /// The run created it.
    pub made: bool,
    /// The name by which it was first seen; `None` for a file that was made without one.
    pub origin: Option<NodeId>,
    /// Its present names.
    pub names: Vec<NodeId>,
    /// Names it bore before.
    pub former: Vec<NodeId>,
    /// Processes that touched it; sorted, each once.
    pub pids: Vec<u32>,
    /// First read of the content that was there before the run wrote to it.
    pub read_at: Option<u64>,
    /// First time the run gave it another name, though it did not make it.
    pub moved_at: Option<u64>,
    /// First open that could write.
    pub write_at: Option<u64>,
    /// The run read it after it wrote it.
    pub reread: bool,
    /// The run changed the inode but not the content: its ctime may move.
    pub touched: bool,
    /// Loaded as a program or a library.
    pub executed: bool,
    /// Open already when the command started.
    pub redirected: bool,
    /// What it was before Keizu's own words were written into it.
    pub before_words: Option<Stat>,
    /// What it was when the run took its last name away.
    pub last_seen: Option<Stat>,
    /// What it was before the run wrote to it; of no meaning when the run made it.
    pub past: Past,
    /// Its last known content.
    pub latest: Option<(Stat, Digest)>,
    /// The content that the memory was last asked to keep.
    pub kept: Option<Digest>,
}

impl Object {
    /// A file first seen as `stat`.
    pub fn new(stat: Stat, made: bool, origin: Option<NodeId>) -> Self {
        Self {
            key: stat.key(),
            made,
            origin,
            names: Vec::new(),
            former: Vec::new(),
            pids: Vec::new(),
            read_at: None,
            moved_at: None,
            write_at: None,
            reread: false,
            touched: false,
            executed: false,
            redirected: false,
            before_words: None,
            last_seen: None,
            past: Past::new(stat),
            latest: None,
            kept: None,
        }
    }

    /// Notes a process.
    pub fn touched_by(&mut self, pid: u32) {
        if let Err(at) = self.pids.binary_search(&pid) {
            self.pids.insert(at, pid);
        }
    }

    /// Whether `stat`, taken later, still shows the content of [`Past::stat`]: equal, or the same but for a ctime that the run itself moved
    /// by renaming or linking.
    pub fn unchanged(&self, stat: &Stat) -> bool {
        *stat == self.past.stat || self.past.checked.as_ref() == Some(stat) || (self.touched && self.past.stat.same_but_ctime(stat))
    }

    /// Whether the run may have changed the content.
    pub fn writable(&self) -> bool {
        self.made || self.write_at.is_some()
    }

    /// What was in it before the run, as far as it was seen.
    pub fn past_content(&self) -> Option<Content> {
        match self.past.look {
            Look::Seen(content) if !self.made => Some(content),
            _ => None,
        }
    }
}

/// All objects of a run.
#[derive(Debug, Default)]
pub struct Objects(Vec<Object>);

impl Objects {
    /// Adds one.
    pub fn push(&mut self, object: Object) -> ObjectId {
        let id = ObjectId(u32::try_from(self.0.len()).expect("invariant: fewer than 2^32 files"));
        self.0.push(object);
        id
    }

    /// Their numbers, oldest first.
    pub fn ids(&self) -> impl Iterator<Item = ObjectId> + use<> {
        (0..self.0.len() as u32).map(ObjectId)
    }
}

impl Index<ObjectId> for Objects {
    type Output = Object;
    fn index(&self, id: ObjectId) -> &Object {
        &self.0[id.0 as usize]
    }
}

impl IndexMut<ObjectId> for Objects {
    fn index_mut(&mut self, id: ObjectId) -> &mut Object {
        &mut self.0[id.0 as usize]
    }
}

/// What the observer reads off a [`Stat`].
pub trait StatExt {
    /// Device and inode.
    fn key(&self) -> (u64, u64);
    /// Equal but for the ctime.
    fn same_but_ctime(&self, other: &Stat) -> bool;
}

impl StatExt for Stat {
    fn key(&self) -> (u64, u64) {
        (self.dev, self.ino)
    }

    fn same_but_ctime(&self, other: &Stat) -> bool {
        Stat { ctime: 0, ..*self } == Stat { ctime: 0, ..*other }
    }
}
