//! `keizu why`: why a thing is not what it was.

use std::ffi::OsString;

use keizu_ledger::Thing;
use keizu_ledger::why::Question;

use crate::args::{Reading, text};
use crate::door::Door;
use crate::out::{self, Stream};
use crate::problem::{Exit, Problem};
use crate::progress::Spinner;
use crate::render::names::Within;
use crate::render::why::{Shown, page};

/// Show why a model, a file or a run is not what it was before
///
/// Two family trees are laid side by side: what is the same on both ends there, and what differs is a cause. A change of the measure (evaluation
/// data, evaluation code) stands apart from a change of the model (training data, code, parameters, parent model, environment, seed, hardware).
/// The likeliest cause comes first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu why model:delay
  keizu why model:delay@v12 model:delay@v11
  keizu why run:3f2a9c
  keizu why eval.json --metric logloss
  keizu why features/train.parquet --files")]
pub struct Args {
    /// model:NAME, data:NAME, run:ID, b3:DIGEST, or a path.
    thing: OsString,
    /// What it is held against; else what came before it: the last state that differs, or was measured with another outcome.
    before: Option<OsString>,
    /// The metric to show, by its name in the evaluation.
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// Everything: whole differences of code, every column, every metric.
    #[arg(short, long, visible_alias = "verbose", short_alias = 'v')]
    files: bool,
    #[command(flatten)]
    reading: Reading,
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let ledger = door.read(&args.reading)?;
    let view = ledger.view();
    let a = door.resolve(&view, &args.thing)?;
    let b = args.before.as_ref().map(|typed| door.resolve(&view, typed)).transpose()?;
    let pinned = matches!(a, Thing::Version(_)) && text(&args.thing).contains('@');
    let progress = Stream::Err.is_terminal().then(|| Spinner::new("comparing what the two were made from", &door.talk()));
    let why = ledger.why(&Question { a, b, pinned });
    if let Some(progress) = progress {
        progress.end();
    }
    let why = why?;
    if let Some(metric) = &args.metric
        && !why.metrics.iter().any(|known| known.name == *metric)
    {
        let known: Vec<&str> = why.metrics.iter().map(|metric| metric.name.as_str()).collect();
        let problem = Problem::wrong(format!("neither evaluation has a metric {metric:?}"));
        return Err(match known.as_slice() {
            [] => problem.note("the two have no metric in common"),
            known => problem.note(format!("there are {}", known.join(", "))),
        });
    }
    if args.reading.json {
        out::json(&why.as_json())?;
        return Ok(Exit::Fine);
    }
    let look = door.look();
    let shown = Shown { metric: args.metric.as_deref(), whole: args.files };
    out::page(&page(&why, &shown, &Within::new(&view), &look), &look)?;
    Ok(Exit::Fine)
}
