//! Why did it change: the causes, from what two family trees differ in.
//!
//! ```text
//! two states ──graph::why──► aligned runs, differing files ──open──► causes ──rank──► Why
//!                                              ▲
//!                  contents, diffs, profiles, parameters, environments
//! ```

mod alike;
mod answer;
mod ask;
mod code;
mod contents;
mod draft;
mod environment;
mod facts;
mod files;
pub(crate) mod metrics;
mod open;
mod params;
mod pick;
pub(crate) mod tables;
mod unseen;

use keizu_record::{Authority, Digest, FilePath, RunId, Time, Value};

use crate::said::Sentence;

pub use pick::Question;

/// The answer to `keizu why A B`. `a` is the later of the two unless they were asked for the other way round; *before* is `b`, *after* is `a`.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// The one that was asked for.
    pub a: State,
    /// What it is held against; none when there is nothing earlier, which `notes` says.
    pub b: Option<State>,
    /// Numbers of the evaluations, in the order of `a`'s document; the one on the page is the first that both have.
    pub metrics: Vec<Metric>,
    /// The true cause first.
    pub causes: Vec<Cause>,
    /// Kinds that were compared and found equal.
    pub same: Vec<CauseKind>,
    /// What nobody saw, and what may therefore differ unnoticed.
    pub unseen: Vec<Sentence>,
    /// What else must be known to read the answer.
    pub notes: Vec<Sentence>,
}

/// A model (or another artifact, or a run) as it was made, together with what measured it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// `model:delay@v3`, a path, `run:…`.
    pub name: String,
    /// The project it belongs to.
    pub project: String,
    /// Where it stood; none for a run.
    pub path: Option<FilePath>,
    /// Its content; none for a run.
    pub content: Option<Digest>,
    /// The run that made it (or that it is).
    pub made: Option<RunId>,
    /// The run that measured it, when one did; the same as `made` when one run trains and evaluates.
    pub measured: Option<RunId>,
    /// The documents in which that run wrote its numbers: path and content.
    pub evaluations: Vec<(FilePath, Option<Digest>)>,
    /// When it was made.
    pub at: Option<Time>,
    /// When it was measured.
    pub measured_at: Option<Time>,
}

/// One number of both evaluations.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// As the document calls it.
    pub name: String,
    /// Of `b`.
    pub before: Option<Value>,
    /// Of `a`.
    pub after: Option<Value>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All of them, in the order in which they are ranked.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in answers.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// What changed: how it was measured, or the thing itself.
    Group {
        /// The evaluation: its data, code, settings, environment.
        Measure = "measure";
        /// What the thing was made from and by.
        Model = "model";
    }
}

words! {
    /// What differs.
    CauseKind {
        /// Data on which the model was measured.
        EvaluationData = "evaluation_data";
        /// Code that measured it.
        EvaluationCode = "evaluation_code";
        /// Data from which it was made.
        TrainingData = "training_data";
        /// A model from which it was made.
        ParentModel = "parent_model";
        /// Code that made it.
        Code = "code";
        /// Settings and arguments.
        Params = "params";
        /// What randomness began with.
        Seed = "seed";
        /// Interpreter, packages, libraries, variables.
        Environment = "environment";
        /// CPU, GPU, driver.
        Hardware = "hardware";
        /// Something that was not seen: everything that was seen is the same, and the result is not.
        InputsUnseen = "inputs_unseen";
    }
}

words! {
    /// Whether a difference can have had an effect on the result.
    Effect {
        /// It can.
        Likely = "likely";
        /// Only on what depends on order or on the last digit: rows in another order.
        Doubtful = "doubtful";
        /// Hardly: comments, layout, packages that were not loaded.
        Unlikely = "unlikely";
    }
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// From 1: the likeliest first.
    pub rank: usize,
    /// Causes that can only be swapped together have the same factor: two parameters of one file, one file that feeds both groups.
    pub factor: usize,
    /// The measure or the model.
    pub group: Group,
    /// What it is.
    pub kind: CauseKind,
    /// Whether it can have mattered.
    pub effect: Effect,
    /// Which: a path, a parameter's name, a package.
    pub subject: String,
    /// What changed in it, as a sentence.
    pub detail: Sentence,
    /// Before (`b`): a value, a version, a digest.
    pub before: Option<String>,
    /// After (`a`).
    pub after: Option<String>,
    /// Lines that show it.
    pub evidence: Vec<Sentence>,
    /// The made files through which it reached the result, nearest to the cause first: `features/train.parquet`.
    pub via: Vec<String>,
    /// Who says so.
    pub authority: Authority,
    /// The rule, when inferred.
    pub rule: Option<String>,
    /// Who last wrote `after`, when a recorded run did.
    pub writer: Option<Writer>,
    /// The runs at which it enters: of `b` and of `a`.
    pub runs: (Option<RunId>, Option<RunId>),
    /// What must be swapped to turn one side into the other; empty when it can't be.
    pub swaps: Vec<Swap>,
    /// Of a parent model: its own causes.
    pub because: Vec<Cause>,
    /// Of code and settings: the whole unified difference.
    pub diff: Option<String>,
    /// Of tables: what changed in them.
    pub data: Option<Box<keizu_profile::Difference>>,
}

impl Cause {
    /// A cause without rank, of which nothing else is known.
    pub fn new(group: Group, kind: CauseKind, effect: Effect, subject: impl Into<String>, detail: impl Into<Sentence>) -> Self {
        Self {
            rank: 0,
            factor: 0,
            group,
            kind,
            effect,
            subject: subject.into(),
            detail: detail.into(),
            before: None,
            after: None,
            evidence: Vec::new(),
            via: Vec::new(),
            authority: Authority::Observed,
            rule: None,
            writer: None,
            runs: (None, None),
            swaps: Vec::new(),
            because: Vec::new(),
            diff: None,
            data: None,
        }
    }
}

/// Who wrote a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Writer {
    /// The run.
    pub run: RunId,
    /// Its command, as typed.
    pub command: Vec<String>,
    /// When it wrote it.
    pub at: Time,
}

/// What can be swapped between two sides, to see what it does. `a` and `b` as in [`Why`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Swap {
    /// The content of a path; none where there was no such file. A collection's members come one by one.
    File {
        /// The project; paths are relative to its root, or absolute.
        project: String,
        /// The path that the run read.
        path: FilePath,
        /// Content on the side of `a`.
        a: Option<Digest>,
        /// Content on the side of `b`.
        b: Option<Digest>,
    },
    /// The command line of a step.
    Command {
        /// The step in `a`.
        a: RunId,
        /// The step in `b`.
        b: RunId,
    },
    /// The interpreter and packages of a step.
    Environment {
        /// The step in `a`.
        a: RunId,
        /// The step in `b`.
        b: RunId,
    },
    /// Environment variables of a step, by name.
    Variables {
        /// The step in `a`.
        a: RunId,
        /// The step in `b`.
        b: RunId,
        /// Those that differ.
        names: Vec<String>,
    },
}
