//! `keizu refresh`: make it fresh.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keizu_ledger::refresh::{Event, LeftOver, Orders, Outcome, Proposal, ProposedStep};
use keizu_ledger::status::StatusRow;
use keizu_ledger::{AddProgress, Ledger, Surroundings};
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::status::asked;
use crate::args::{Reading, text};
use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};
use crate::progress::Progress;
use crate::render::refresh;

/// Make what is stale again, by the commands that made it
///
/// The pipeline is what was run: there is no other file. Only stale steps run, what others need first, side by side where they do not need each
/// other; a step whose inputs come out as they were is not run. Each step is recorded like any other run. When one fails, what it had made before is
/// put back, and what needs it is not run. Secrets were not recorded: the environment must give them again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu refresh --dry-run           what would run, and why
  keizu refresh                     everything that is stale
  keizu refresh model:delay         that, and what it is made from
  keizu refresh -j 1 eval.json

Exit status: 0 when all is fresh then, 1 when a step failed, can't be run, or left something stale; 130 when interrupted.")]
pub struct Args {
    /// model:NAME, data:NAME, run:ID, b3:DIGEST, or a path; all that is stale when none is given.
    #[arg(value_name = "THING")]
    things: Vec<OsString>,
    /// Only say what would be run, and why.
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Run so many steps at once [default: as many as there are processors].
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Leave out what the steps say.
    #[arg(short, long)]
    quiet: bool,
    /// Compare installed packages as well.
    #[arg(long)]
    environment: bool,
    /// Print JSON, for scripts.
    #[arg(long)]
    json: bool,
    /// Start at once, without runs that are just being sealed.
    #[arg(long)]
    no_wait: bool,
}

/// The answer for scripts.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    steps: &'a [ProposedStep],
    of: usize,
    unknown: &'a [String],
    ran: usize,
    unchanged: usize,
    failed: usize,
    blocked: usize,
    still: &'a [StatusRow],
    interrupted: bool,
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let reading = Reading { json: args.json, no_wait: args.no_wait, ..Reading::default() };
    let ledger = door.read(&reading)?;
    put_back(&ledger)?;
    let here = Surroundings { variables: std::env::vars_os().collect() };
    let asked = asked(&ledger.view(), door, &args.things, args.environment)?;
    let mut progress = Progress::new(&door.talk());
    let mut told = |far: &AddProgress| progress.files("comparing", (far.files_done, far.files), (far.bytes_done, far.bytes));
    let proposal = ledger.propose(&asked, &here, &mut told)?;
    progress.end();
    if proposal.steps.is_empty() || args.dry_run {
        return proposed(args, door, &proposal);
    }
    if proposal.steps.iter().any(|step| step.lack.is_some()) {
        let look = door.talk();
        out::say(refresh::lacking(&proposal, &look).paint(look.colour).trim_end());
        return Ok(Exit::No);
    }
    let outcome = run(args, door, &ledger, &proposal, here)?;
    answer(args, door, &proposal, &outcome)?;
    Ok(match (outcome.interrupted, outcome.failed + outcome.still.len()) {
        (true, _) => Exit::Job(130),
        (false, 0) => Exit::Fine,
        (false, _) => Exit::No,
    })
}

/// Says what was put back of a refresh that had been killed.
pub fn put_back(ledger: &Ledger) -> Result<(), Problem> {
    for left in ledger.put_back()? {
        out::say(&format!("keizu  {}", told(&left)));
    }
    Ok(())
}

fn told(left: &LeftOver) -> String {
    let command = crate::render::path::command(&left.command);
    match (left.whole, left.lost.as_slice()) {
        (true, _) => format!("a refresh was killed just after `{command}` came to its end: what it made stays"),
        (false, []) => format!("a refresh was killed while `{command}` ran: what was there before is back in place"),
        (false, lost) => format!("a refresh was killed while `{command}` ran: not everything could be put back: {}", lost.join(", ")),
    }
}

fn proposed(args: &Args, door: &Door, proposal: &Proposal) -> Result<Exit, Problem> {
    let look = door.look();
    if args.json {
        answer(args, door, proposal, &Outcome::default())?;
    } else if !proposal.recorded {
        out::say("nothing was recorded here yet: keizu run -- COMMAND");
    } else {
        let typed: Vec<String> = args.things.iter().map(text).collect();
        out::page(&refresh::page(proposal, &typed, &look), &look)?;
    }
    let possible = proposal.steps.iter().all(|step| step.lack.is_none());
    Ok(if possible { Exit::Fine } else { Exit::No })
}

fn run(args: &Args, door: &Door, ledger: &Ledger, proposal: &Proposal, here: Surroundings) -> Result<Outcome, Problem> {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let orders = Orders {
        keizu: std::env::current_exe()?,
        here,
        jobs: args.jobs.map_or(processors, NonZeroUsize::get),
        environment: args.environment,
        stop: stop_on_signal()?,
    };
    let look = door.talk();
    let several = orders.jobs > 1 && proposal.steps.len() > 1;
    let mut tell = |event: Event| {
        if let Some(line) = refresh::event(proposal, &event, several, args.quiet, &look) {
            out::say(&line);
        }
    };
    Ok(ledger.refresh(proposal, &orders, &mut tell)?)
}

/// From here on a signal does not end the program but what it started: the steps get it, and then what they had half made is put back.
fn stop_on_signal() -> Result<Arc<AtomicUsize>, Problem> {
    let stop = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&stop);
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        for (count, signal) in signals.forever().enumerate() {
            told.store((count << 8) | usize::try_from(signal).unwrap_or(2), Ordering::SeqCst);
        }
    });
    Ok(stop)
}

fn answer(args: &Args, door: &Door, proposal: &Proposal, outcome: &Outcome) -> Result<(), Problem> {
    if !args.json {
        let look = door.look();
        return out::page(&refresh::outcome(outcome, &look), &look);
    }
    let Outcome { ran, unchanged, failed, blocked, ref still, interrupted } = *outcome;
    let Proposal { ref steps, of, ref unknown, .. } = *proposal;
    out::json(&Answer { steps, of, unknown, ran, unchanged, failed, blocked, still, interrupted })
}
