//! `keizu verify`: is the record true?

use std::path::PathBuf;

use keizu_ledger::Ledger;
use keizu_store::verify::{ObjectReport, Report, Witness};

use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};
use crate::progress::{self, Progress};
use crate::render::look::{Look, many};
use crate::render::verify::page;

/// Check that the record is what was signed
///
/// Every entry of every log is read again and held against the signed checkpoints. What was altered, dropped, exchanged or cut off
/// is named by its place, and the exit status is 1. A log proves only that it has not changed since a checkpoint that somebody
/// else holds: the answer says which ones it was held against.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu verify
  keizu verify --witness keizu.checkpoint
  keizu verify --content")]
pub struct Args {
    /// A checkpoint that somebody else kept: a file that holds the signed note. May be given several times.
    #[arg(long = "witness", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    witnesses: Vec<PathBuf>,
    /// Read every kept content again, too.
    #[arg(long)]
    content: bool,
    /// Print JSON, for scripts.
    #[arg(long)]
    json: bool,
    /// Do not wait for runs that are just being sealed.
    #[arg(long)]
    no_wait: bool,
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let mut held = Vec::new();
    for file in &args.witnesses {
        let note = fs_err::read_to_string(file).map_err(|error| Problem::wrong(error.to_string()))?;
        held.push(Witness { held_by: file.display().to_string(), note });
    }
    // a damaged record must not keep anybody from learning where it is damaged
    let ledger = door.read_damaged(args.no_wait)?;
    let look = door.look();
    let (report, contents) = check(&ledger, held, args.content, &door.talk())?;
    let intact = report.is_intact() && contents.as_ref().is_none_or(|contents| contents.faults.is_empty());
    if args.json {
        out::json(&keizu_ledger::report_json(&report, contents.as_ref(), intact))?;
    } else {
        out::page(&page(&report, contents.as_ref(), &look), &look)?;
    }
    Ok(if intact { Exit::Fine } else { Exit::No })
}

fn check(ledger: &Ledger, held: Vec<Witness>, content: bool, talk: &Look) -> Result<(Report, Option<ObjectReport>), Problem> {
    progress::clean_on_interrupt()?;
    let mut progress = Progress::new(talk);
    let report = ledger.verify(held, &mut |state| {
        progress.at(|_| format!("checking log {}  {} of {}", state.origin, state.done, many(state.total, "entry")));
    });
    let contents = match &report {
        Ok(_) if content => Some(ledger.verify_contents(&mut |done, bytes| {
            progress.at(|look| format!("reading contents  {}, {}", many(done, "content"), look.size(bytes)));
        })),
        _ => None,
    };
    progress.end();
    Ok((report?, contents.transpose()?))
}
