//! Is it stale: what was recorded, held against what is there now.
//!
//! ```text
//! entries ──► World (runs, what they read and wrote, the newest write of each place)
//!                │
//! Present ───────┴──► Judgement (each thing: fresh, stale, unknown; the first cause, and the way from it) ──► Plan (what to run again)
//! ```
//!
//! A thing is what a run left at a place and nothing overwrote since. It is stale when the run would no longer read what it read, or
//! when the thing itself is not what the run left. Both are questions of content, never of file times. Staleness flows down: what was
//! made from something stale is stale.
//!
//! Nothing here looks at a disk: the present is a trait, and so may as well be a moment of the recorded past.

mod direct;
mod judge;
mod names;
mod plan;
mod world;

use std::collections::HashMap;

use keizu_record::manifest::{Manifest, Names};
use keizu_record::{Digest, FilePath, RunId};

pub use judge::{Judgement, Product, State, Verdict};
pub use plan::{Plan, Planned};
pub use world::World;

use world::key_of;

/// What is at a path now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Now {
    /// A file with this content.
    File(Digest),
    /// Nothing.
    Missing,
    /// Something that can't be read: why.
    Unreadable(String),
}

/// The present, as far as it is asked for. Paths are relative to the project's root, or absolute.
pub trait Present {
    /// What is there.
    fn content(&self, path: &FilePath) -> Now;
    /// The names in a folder, folders with a slash at their end; none when there is no such folder.
    fn names(&self, folder: &FilePath) -> Option<Vec<FilePath>>;
    /// Whether there is a file or folder at all.
    fn exists(&self, path: &FilePath) -> bool;
    /// Whether a path is left out of the record.
    fn ignores(&self, _path: &FilePath) -> bool {
        false
    }
    /// What will be asked for, contents of files and names in folders: many at once may be looked at faster than one by one.
    fn expect(&self, _files: &[&FilePath], _folders: &[FilePath]) {}
}

/// Documents that records point at.
pub trait Papers {
    /// What may go wrong.
    type Error;
    /// The members of a collection; none when its manifest is not kept.
    fn manifest(&self, digest: &Digest) -> Result<Option<Manifest>, Self::Error>;
    /// A set of names; none when it is not kept.
    fn names(&self, digest: &Digest) -> Result<Option<Names>, Self::Error>;
}

/// What happened to a thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// Its content is not what was used, and nobody was seen changing it.
    Changed,
    /// A run wrote it again since, and it came out different.
    Remade(RunId),
    /// It was used, and is not there.
    Missing,
    /// A new name in a folder that was listed.
    New,
    /// A name that was listed is gone.
    Gone,
    /// It was looked for and not there; now it is.
    Appeared,
    /// A new file that Python would import instead of the module that was imported.
    Shadows,
    /// The product is not what the run left.
    Edited,
    /// The product is not there.
    Lost,
    /// The run that made it failed: its exit code or signal.
    Failed(Option<i64>, Option<i64>),
    /// A package has another version now.
    Package(String, String),
    /// How the run ended was not seen.
    RunLost,
    /// The run has not ended.
    RunGoesOn,
    /// Its content was never seen.
    Unseen,
    /// It can't be read now: why.
    Unreadable(String),
}

impl What {
    /// Whether it leaves open if anything changed at all.
    pub fn is_doubt(&self) -> bool {
        matches!(self, Self::RunLost | Self::RunGoesOn | Self::Unseen | Self::Unreadable(_))
    }
}

/// Why something is stale, or why that can't be told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause {
    /// The thing to which it happened: a path; the run itself is an empty one.
    pub thing: FilePath,
    /// What.
    pub what: What,
}

/// How to look.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Installed files that were read as data count even when they are not there.
    pub environment: bool,
    /// What speaks against runs beyond what their records and the present tell.
    pub also: HashMap<RunId, Vec<Cause>>,
}
