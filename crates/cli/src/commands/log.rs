//! `keizu log`: what ran.

use crate::args::Reading;
use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};
use crate::render::log;
use crate::render::names::Within;

/// What ran here, newest first
///
/// One line a run: its id, when it began, how long it took, the command, and what it made.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu log
  keizu log -n 5
  keizu log --json | jq -r '.[] | select(.status == \"failed\") | .id'")]
pub struct Args {
    /// So many runs only [default: a screen of 20 on a terminal, else all].
    #[arg(short = 'n', long = "limit", value_name = "N")]
    limit: Option<usize>,
    /// All of them.
    #[arg(short, long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Runs on one screen.
const SCREEN: usize = 20;

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let look = door.look();
    let ledger = door.read(&args.reading)?;
    let view = ledger.view();
    if args.reading.json {
        out::json(&view.runs(args.limit)?)?;
        return Ok(Exit::Fine);
    }
    let limit = args.limit.or_else(|| (!args.all && !look.exact).then_some(SCREEN));
    // one more, to know whether there is more
    let mut runs = view.runs(limit.map(|limit| limit.saturating_add(1)))?;
    let more = limit.is_some_and(|limit| runs.len() > limit);
    runs.truncate(limit.unwrap_or(usize::MAX));
    if runs.is_empty() && limit != Some(0) {
        out::say("nothing has run here yet: keizu run -- COMMAND");
        return Ok(Exit::Fine);
    }
    out::page(&log::page(&runs, &Within::new(&view), &look), &look)?;
    if more && args.limit.is_none() {
        out::say("older runs: keizu log --all");
    }
    Ok(Exit::Fine)
}
