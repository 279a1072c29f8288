//! A scratch folder in which a recorded run can be made again, without touching the project.
//!
//! ```text
//! Plan: which runs, in which order ──► World: a scratch folder ──lay──► the files as the run saw them: kept, or still there
//!                                        │                               (what an earlier run of this world made stays)
//!                                        └──perform──► keizu run, into a record of the scratch folder's own ──► Performed: what it
//!                                                                                                    really read, and what it made
//! ```

mod entrance;
mod job;
mod plan;
mod python;
mod supply;
pub(crate) mod variables;
mod wait;
mod watch;
mod world;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::Serialize;

pub use job::{Input, Job, Output};
pub use plan::{Plan, Planned, Upstream};
pub use python::Packages;
pub use world::{Performed, Swaps, World};

use crate::step::Surroundings;

/// What making again takes from whoever asks for it.
pub struct Settings<'a> {
    /// Keizu's own program.
    pub keizu: PathBuf,
    /// The environment in which it was asked.
    pub here: Surroundings,
    /// Which Python environment is used.
    pub packages: Packages,
    /// Where the scratch folder stays afterwards; none: it is removed.
    pub keep: Option<PathBuf>,
    /// Set when the person wants to stop.
    pub interrupted: &'a AtomicBool,
    /// Hears how far it is.
    pub tell: &'a mut dyn FnMut(&Told<'_>),
}

/// How far it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Told<'a> {
    /// Files are laid out.
    Laying {
        /// How many.
        files: usize,
    },
    /// A virtual environment is made.
    Packages {
        /// Version of Python.
        python: &'a str,
        /// How many packages.
        count: usize,
    },
    /// A run is made again.
    Making {
        /// Its command.
        command: Vec<String>,
        /// How long it took when it was recorded.
        took: Duration,
    },
    /// So much is to be done.
    Expected {
        /// How many runs.
        runs: usize,
        /// How long they took when they were recorded.
        took: Duration,
    },
    /// So many runs of all are done.
    Done {
        /// Done.
        done: usize,
        /// All.
        all: usize,
    },
}

/// Something without which a run can't be made again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Lacking {
    /// Its name: a path, a package, a command.
    pub what: String,
    /// Why.
    pub why: String,
    /// The way out, when there is one.
    pub hint: Option<String>,
}

impl Lacking {
    pub(crate) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
