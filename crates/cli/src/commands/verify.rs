//! `keizu verify`: is the record true?

use std::path::PathBuf;

use keizu_ledger::Ledger;
use keizu_store::verify::{ObjectReport, Report, Witness};
use serde_json::{Value, json};

use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};
use crate::progress::{self, Progress};
use crate::render::look::{Look, many};
use crate::render::verify::{described, page, sentence};

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
        out::json(&as_json(&report, contents.as_ref(), intact))?;
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

fn as_json(report: &Report, contents: Option<&ObjectReport>, intact: bool) -> Value {
    let at = |time: keizu_record::Time| keizu_ledger::answer::rfc3339(time);
    let logs: Vec<Value> = report
        .logs
        .iter()
        .map(|log| {
            let faults: Vec<Value> = log
                .faults
                .iter()
                .map(|fault| {
                    json!({
                        "index": fault.index,
                        "id": fault.id.map(|id| id.to_string()),
                        "what": sentence(log, fault),
                        "record": fault.record.as_deref().map(described),
                        "after": fault.after.map(|anchor| json!({"size": anchor.size, "at": at(anchor.recorded)})),
                        "intact": fault.intact,
                    })
                })
                .collect();
            json!({
                "origin": &*log.origin.name,
                "own": log.origin.own,
                "size": log.origin.size,
                "intact": log.intact,
                "checkpoint": log.head.as_ref().map(|head| json!({"size": head.size, "root": head.root.to_string()})),
                "last_at": log.last.map(at),
                "witnesses": log.witnessed.iter().map(|(held_by, size)| json!({"held_by": held_by, "size": size})).collect::<Vec<_>>(),
                "faults": faults,
            })
        })
        .collect();
    json!({
        "intact": intact,
        "logs": logs,
        "absent": report.absent.iter().map(|(origin, held_by)| json!({"origin": origin, "held_by": held_by})).collect::<Vec<_>>(),
        "contents": contents.map(|contents| json!({
            "intact": contents.intact,
            "bytes": contents.bytes,
            "faults": contents.faults.iter().map(|(digest, why)| json!({"digest": digest.to_string(), "what": why})).collect::<Vec<_>>(),
        })),
    })
}
