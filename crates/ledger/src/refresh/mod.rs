//! `keizu refresh`: what is stale is made again, by the commands that made it.
//!
//! ```text
//! status ──► Plan ──► Proposal (what, why, in which order)
//!                        │
//!                        └──► Crew: set aside ─► keizu run ─► look at what came out ─► next
//! ```
//!
//! No pipeline is written anywhere: it is what was run. A step whose inputs came out as they were is not run.

mod aside;
mod crew;
mod left;

use keizu_graph::stale::{Plan, State};
use keizu_record::{FilePath, RunId};
use serde::Serialize;

pub use crew::{Event, Orders, Outcome};
pub use left::LeftOver;

use crate::present::Progress;
use crate::status::{Asked, CauseRow, Judged, Look};
use crate::step::{Step, Surroundings};
use crate::{Error, Ledger};

/// A step of the plan, as scripts get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProposedStep {
    /// The run that is to be made again: `run:` and 32 hex digits.
    pub run: String,
    /// The command, as typed.
    pub command: Vec<String>,
    /// Where, relative to the project's root (`.`: the root itself).
    pub cwd: String,
    /// Stale things that it makes.
    pub makes: Vec<String>,
    /// What happened to it directly; empty when it only follows.
    pub causes: Vec<CauseRow>,
    /// The stale thing from which it follows.
    pub because: Option<String>,
    /// Steps of the plan that go before: places in the list, from 0.
    pub after: Vec<usize>,
    /// Milliseconds that it took the last time.
    pub took_ms: Option<u64>,
    /// Why it can't be run; null when it can.
    pub lack: Option<String>,
    /// What can be done about that.
    pub hint: Option<String>,
}

/// What would be run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proposal {
    /// The steps, what others need first.
    pub steps: Vec<ProposedStep>,
    /// Steps that made the things in question, stale or not.
    pub of: usize,
    /// Things of which it can't be told whether they are stale: they are left alone.
    pub unknown: Vec<String>,
    /// Whether anything was recorded of this project.
    pub recorded: bool,
    /// Their runs, in the same order.
    pub runs: Vec<RunId>,
    /// How each is run again, in the same order.
    pub plain: Vec<Step>,
}

impl Ledger {
    /// What would make these things fresh (all that is stale when none are asked for), and why.
    ///
    /// # Errors
    /// When the record can't be read, or something is asked for that no run made.
    pub fn propose(&self, asked: &Asked, here: &Surroundings, progress: &mut Progress<'_>) -> Result<Proposal, Error> {
        if self.as_of().is_some() {
            return Err(Error::Unfit("the past can be looked at, not made again: leave --as-of out".to_owned()));
        }
        let look = Look::new(self)?;
        let judged = look.judge(&look.options(asked.environment)?, progress)?;
        let wanted = judged.wanted(&asked.things)?;
        let products = &judged.judgement.products;
        let in_state = |state: State| wanted.iter().copied().filter(move |at| products[*at].verdict.state == state);
        let stale: Vec<usize> = in_state(State::Stale).collect();
        let plan = Plan::of(&look.world, &judged.judgement, &stale);
        let mut proposal = Proposal {
            of: Plan::of(&look.world, &judged.judgement, &wanted).runs,
            unknown: in_state(State::Unknown).map(|at| judged.labels[&at].clone()).collect(),
            recorded: !look.world.is_empty(),
            ..Proposal::default()
        };
        let view = self.view();
        for planned in &plan.steps {
            let step = Step::of(&view, planned.run)?;
            proposal.steps.push(self.proposed(&judged, planned, &step, here));
            proposal.runs.push(planned.run);
            proposal.plain.push(step);
        }
        Ok(proposal)
    }

    fn proposed(&self, judged: &Judged, planned: &keizu_graph::stale::Planned, step: &Step, here: &Surroundings) -> ProposedStep {
        let products = &judged.judgement.products;
        let made = planned.products.iter().filter(|at| products[**at].files > 0);
        let redirected = planned.products.iter().find(|at| products[**at].redirected).map(|at| products[*at].path.clone());
        let (causes, because) = judged.reasons(planned.run, &planned.products);
        let (lack, hint) = match (step.lack(self.home().root(), here), redirected) {
            (Some(lack), _) => (Some(lack.to_string()), Some(lack.hint().to_owned())),
            (None, Some(path)) => (Some(redirection(&path)), Some("run it once as keizu run -- sh -c 'COMMAND > FILE'".to_owned())),
            (None, None) => (None, None),
        };
        ProposedStep {
            run: planned.run.to_string(),
            command: step.command.iter().map(text).collect(),
            cwd: if step.cwd.as_os_str().is_empty() { ".".to_owned() } else { text(step.cwd.as_os_str()) },
            makes: made.map(|at| judged.labels[at].clone()).collect(),
            causes,
            because,
            after: planned.after.clone(),
            took_ms: step.took_micros.map(|micros| micros / 1_000),
            lack,
            hint,
        }
    }
}

fn redirection(path: &FilePath) -> String {
    format!("the shell, not the command, wrote {path}")
}

fn text(word: impl AsRef<std::ffi::OsStr>) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    FilePath::new(word.as_ref().as_bytes()).to_string()
}
