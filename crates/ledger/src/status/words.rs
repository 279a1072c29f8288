//! What happened, in words.

use keizu_graph::stale::{Cause, What};
use keizu_record::RunId;

use super::{CauseRow, is_of_run, spoken};
use crate::said::{Sentence, said};

/// Hex digits of a run's id in a sentence.
const RUN_DIGITS: usize = 6;

/// `run:3f2a9c`.
pub(crate) fn run_short(run: RunId) -> String {
    format!("run:{}", run.short(RUN_DIGITS))
}

/// The cause as a row: `run` is the one to which it happened.
pub(crate) fn cause_row(cause: &Cause, run: RunId) -> CauseRow {
    let thing = match &cause.what {
        _ if is_of_run(cause) => run_short(run),
        _ => spoken(&cause.thing),
    };
    CauseRow { thing, what: what(&cause.what) }
}

fn what(what: &What) -> Sentence {
    match what {
        What::Changed => said!("changed", "changed"),
        What::Remade(run) => said!("remade", "was made anew by {}", run_short(*run)),
        What::Missing | What::Lost => said!("missing", "is missing"),
        What::New => said!("new", "is new"),
        What::Gone => said!("gone", "is gone"),
        What::Appeared => said!("appeared", "was not there, and is now"),
        What::Shadows => said!("shadows", "is new, and would be imported instead"),
        What::Edited => said!("edited", "was changed after it was made"),
        What::Failed(Some(code), _) => said!("exit", "failed (exit {})", code),
        What::Failed(None, Some(signal)) => said!("signal", "was killed (signal {})", signal),
        What::Failed(None, None) => said!("failed", "failed"),
        What::Package(before, after) => said!("became", "{} → {}", before, after),
        What::RunLost => said!("run_lost", "was lost: how it ended was not seen"),
        What::RunGoesOn => said!("runs", "is still running"),
        What::Unseen => said!("unseen", "was not seen when it was read"),
        What::Unreadable(why) => said!("unreadable", "can't be compared: {}", why),
    }
}
