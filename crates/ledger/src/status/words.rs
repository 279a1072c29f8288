//! What happened, in words.

use keizu_graph::stale::{Cause, What};
use keizu_record::RunId;

use super::{CauseRow, is_of_run, spoken};

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

fn what(what: &What) -> String {
    match what {
        What::Changed => "changed".to_owned(),
        What::Remade(run) => format!("was made anew by {}", run_short(*run)),
        What::Missing | What::Lost => "is missing".to_owned(),
        What::New => "is new".to_owned(),
        What::Gone => "is gone".to_owned(),
        What::Appeared => "was not there, and is now".to_owned(),
        What::Shadows => "is new, and would be imported instead".to_owned(),
        What::Edited => "was changed after it was made".to_owned(),
        What::Failed(Some(code), _) => format!("failed (exit {code})"),
        What::Failed(None, Some(signal)) => format!("was killed (signal {signal})"),
        What::Failed(None, None) => "failed".to_owned(),
        What::Package(before, after) => format!("{before} → {after}"),
        What::RunLost => "was lost: how it ended was not seen".to_owned(),
        What::RunGoesOn => "is still running".to_owned(),
        What::Unseen => "was not seen when it was read".to_owned(),
        What::Unreadable(why) => format!("can't be compared: {why}"),
    }
}
