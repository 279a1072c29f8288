//! `keizu status`: which things are made from what is there now, and which are not.

mod look;
mod packages;
mod words;

use std::collections::BTreeMap;

use keizu_graph::stale::{Cause, Plan, State, What};
use keizu_record::FilePath;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

pub(crate) use look::{Judged, Look};
pub(crate) use words::{cause_row, run_short};

use crate::present::Progress;
use crate::said::Sentence;
use crate::thing::Thing;
use crate::{Error, Ledger};

/// One thing and how it stands, as scripts get it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StatusRow {
    /// `model:delay`, or a path; a folder's ends in `/`.
    pub thing: String,
    /// fresh, stale, late or unknown.
    pub state: String,
    /// What happened first; null when it is fresh.
    pub cause: Option<CauseRow>,
    /// Things on the way from there to this one, this one left out.
    pub path: Vec<String>,
    /// Where it stands.
    pub place: String,
    /// The run that made it.
    pub run: String,
    /// What that run left: `b3:…`; null when it is not known.
    pub digest: Option<String>,
    /// Which version that is, `model:delay@v3`; null for what has no name.
    pub version: Option<String>,
    /// How many more things happened to it directly.
    pub more: usize,
}

/// What happened, and to which thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CauseRow {
    /// A path, or `run:ID`.
    pub thing: String,
    /// `is new`, `changed`, …: together with the thing it is a sentence.
    pub what: Sentence,
}

impl Serialize for CauseRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("CauseRow", 3)?;
        row.serialize_field("thing", &self.thing)?;
        row.serialize_field("what", &self.what)?;
        row.serialize_field("said", self.what.said())?;
        row.end()
    }
}

/// What would make stale things fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remedy {
    /// Steps to run.
    pub steps: usize,
    /// Of so many that made the things in question.
    pub of: usize,
    /// How long they took the last time.
    pub took_micros: u64,
}

/// How the project stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Things: what others are made from first.
    pub rows: Vec<StatusRow>,
    /// What would make the stale ones fresh; none when nothing is stale.
    pub remedy: Option<Remedy>,
    /// Whether anything was recorded of this project.
    pub recorded: bool,
    /// Other projects of which the record speaks.
    pub others: Vec<String>,
}

/// What is to be looked at.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// These; all when empty.
    pub things: Vec<Thing>,
    /// Compare the packages and installed files as well.
    pub environment: bool,
}

impl Ledger {
    /// How the things of the project stand: made from what is there now, or not. As of a moment in the past, what had been seen by then stands for
    /// what is there.
    ///
    /// # Errors
    /// When the record can't be read, or something is asked for that no run made.
    pub fn status(&self, asked: &Asked, progress: &mut Progress<'_>) -> Result<Status, Error> {
        let look = Look::new(self)?;
        let options = look.options(asked.environment)?;
        let judged = look.judge(&options, progress)?;
        let wanted = judged.wanted(&asked.things)?;
        let rows: Vec<StatusRow> = wanted.iter().map(|at| judged.row(*at)).collect();
        let stale: Vec<usize> = wanted.iter().copied().filter(|at| judged.judgement.products[*at].verdict.state == State::Stale).collect();
        let remedy = (!stale.is_empty()).then(|| {
            let plan = Plan::of(&look.world, &judged.judgement, &stale);
            let of = Plan::of(&look.world, &judged.judgement, &wanted).runs;
            let took = plan.steps.iter().filter_map(|step| look.world.took_micros(step.run)).sum();
            Remedy { steps: plan.steps.len(), of, took_micros: took }
        });
        Ok(Status { rows, remedy, recorded: !look.world.is_empty(), others: look.others.iter().cloned().collect() })
    }
}

/// Labels of products, or their versions, by their place in the judgement.
pub(crate) type Labels = BTreeMap<usize, String>;

/// The text of a path in an answer.
pub(crate) fn spoken(path: &FilePath) -> String {
    path.to_string()
}

/// Whether a cause is the run's own, not a file's.
pub(crate) fn is_of_run(cause: &Cause) -> bool {
    cause.thing.as_bytes().is_empty() && matches!(cause.what, What::Failed(..) | What::RunLost | What::RunGoesOn)
}
