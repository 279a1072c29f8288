//! Two family trees side by side: which runs answer each other, and what differs at their leaves.
//!
//! ```text
//!            a                    b
//!   eval ◄── holdout v2   eval ◄── holdout v1      group *measure*: everything the evaluations read but the model
//!    ▲                     ▲
//!   model ◄─ train.csv    model ◄─ train.csv       group *model*: everything the making runs read
//! ```
//!
//! From a pair of runs, the files that they used are paired: by path, then by file name, then as the only ones of their role. Equal contents end
//! there. Where contents differ and both were made by runs of the same program, those runs are paired in turn, each pair once a group; anything
//! else that differs is a [`Leaf`]. A parent model is a boundary: it is a leaf that carries its own comparison.

mod align;
mod folder;
mod pair;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use keizu_record::body::{ArtifactKind, Role, RunBegan};
use keizu_record::{Digest, FilePath, RunId, Time, Value};

use crate::Source;
use crate::load::Loader;
use crate::vertex::{Place, Vertex};

/// How many pairs of runs are compared at most.
pub const PAIRS_MAX: usize = 20_000;
/// How many parent models deep a comparison goes.
pub const PARENTS_MAX: usize = 3;

/// One time that a thing was made, or came to be at its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Making {
    /// The occurrence.
    pub vertex: Vertex,
    /// Where.
    pub place: Place,
    /// What.
    pub content: Option<Digest>,
    /// Bytes.
    pub size: Option<u64>,
    /// What it is to people.
    pub kind: ArtifactKind,
    /// The run that wrote it; none when no write was seen.
    pub run: Option<RunId>,
    /// When.
    pub at: Time,
}

/// A run that measured a thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Measuring {
    /// The run.
    pub run: RunId,
    /// When it wrote its numbers.
    pub at: Time,
    /// The documents that it wrote: path and content.
    pub evaluations: Vec<(FilePath, Option<Digest>)>,
    /// Their numbers.
    pub metrics: BTreeMap<String, Value>,
    /// The data on which it measured: path and content.
    pub on: BTreeSet<(FilePath, Option<Digest>)>,
}

/// A thing as it was made, with what measured it.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The thing; none when the question is about a run that made nothing in particular.
    pub making: Option<Making>,
    /// The run that made it, or the run asked for.
    pub run: Option<RunId>,
    /// What measured it.
    pub measuring: Option<Measuring>,
}

impl State {
    /// When it came to be what it is.
    pub fn at(&self) -> Option<Time> {
        let made = self.making.as_ref().map(|making| making.at);
        made.max(self.measuring.as_ref().map(|measuring| measuring.at))
    }

    /// Whether the other is another state: another content, or measured with another outcome or on other data.
    pub fn differs(&self, other: &Self) -> bool {
        let content = |state: &Self| state.making.as_ref().map(|making| making.content);
        let measure = |state: &Self| {
            state.measuring.as_ref().map(|by| (by.evaluations.iter().map(|(_, digest)| *digest).collect::<BTreeSet<_>>(), by.on.clone()))
        };
        content(self) != content(other) || measure(self) != measure(other)
    }

    /// Whether one run made the thing and measured it.
    pub fn is_one_run(&self) -> bool {
        self.measuring.as_ref().is_some_and(|by| Some(by.run) == self.run)
    }
}

/// What a difference belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// How the thing was measured.
    Measure,
    /// How it was made.
    Model,
}

/// Two runs that answer each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// In which group they were reached.
    pub group: Group,
    /// The later side.
    pub a: RunId,
    /// The earlier side.
    pub b: RunId,
    /// Made files from here to the result, the nearest first.
    pub via: Vec<FilePath>,
    /// Whether both are runs of the same program. Only the runs that were asked for are compared when they are not.
    pub alike: bool,
    /// Only their evaluation data belongs to the group: one run made and measured.
    pub data_only: bool,
    /// Whether a file that they used differs and led to other runs.
    pub followed: bool,
    /// The made file through which the pair was reached: path, later content, earlier content. None for the runs that were asked for.
    pub output: Option<Output>,
}

/// A made file that differs: its path, and its content on the later and on the earlier side.
pub type Output = (FilePath, Option<Digest>, Option<Digest>);

/// One side of a difference.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Where it was read.
    pub place: Place,
    /// What; none when it was not seen.
    pub content: Option<Digest>,
    /// Bytes.
    pub size: Option<u64>,
    /// Files of a collection.
    pub members: Option<u64>,
    /// Why its content is not known.
    pub unseen: Option<String>,
    /// Why it is no clean reading.
    pub changed: Option<String>,
    /// Who wrote it.
    pub writer: Option<Written>,
}

/// Who wrote a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The run.
    pub run: RunId,
    /// When.
    pub at: Time,
    /// Found by equal content elsewhere, not at the place.
    pub elsewhere: bool,
}

/// A file of a collection that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Relative to the collection's folder.
    pub path: FilePath,
    /// Content and bytes on the later side.
    pub a: Option<(Digest, u64)>,
    /// The same on the earlier side.
    pub b: Option<(Digest, u64)>,
    /// Who wrote the later one.
    pub writer: Option<Written>,
}

/// Why a difference ends where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Raw on both sides: no run was seen writing it.
    Raw,
    /// Only one side has it.
    Missing,
    /// A run wrote it on one side only.
    OneWritten,
    /// Runs of different programs wrote it.
    OtherProgram,
    /// The later is the earlier, updated in place by runs in between.
    Updated,
    /// One run wrote both.
    SameRun,
    /// A parent model: see `inner`.
    Parent,
}

/// A difference that no pair of runs explains further.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// In which group it was reached.
    pub group: Group,
    /// The runs that used it, later and earlier; none when the thing itself is the leaf.
    pub runs: Option<(RunId, RunId)>,
    /// What part it played.
    pub role: Role,
    /// What it is.
    pub kind: ArtifactKind,
    /// The rule that found its role, when one did.
    pub by: Option<String>,
    /// The later side.
    pub a: Option<File>,
    /// The earlier side.
    pub b: Option<File>,
    /// Of a collection: the files that differ and are explained by nothing else; all of them when empty and the manifests are gone.
    pub members: Vec<Member>,
    /// Made files from here to the result, the nearest first.
    pub via: Vec<FilePath>,
    /// Why it ends here.
    pub reason: Reason,
    /// Of a parent model: what it differs in.
    pub inner: Option<Box<Alignment>>,
}

/// What was compared, and what differs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alignment {
    /// Runs, in the order in which they were reached.
    pub pairs: Vec<Pair>,
    /// Differences.
    pub leaves: Vec<Leaf>,
    /// What was used on both sides with equal content.
    pub same: BTreeSet<(Group, Role, ArtifactKind)>,
    /// Whether there is more than [`PAIRS_MAX`] let through.
    pub truncated: bool,
}

/// Tells whether two runs are runs of the same program.
pub type Alike<'a> = dyn Fn(&RunBegan, &RunBegan) -> bool + 'a;

/// Compares things; what it has loaded for one question serves the next.
pub struct Comparer<'s, S: Source> {
    loader: Loader<'s, S>,
}

impl<'s, S: Source> Comparer<'s, S> {
    /// Over a source.
    pub fn new(source: &'s S) -> Self {
        Self { loader: Loader::new(source) }
    }
}
