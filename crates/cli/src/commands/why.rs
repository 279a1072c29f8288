//! `keizu why`: why a thing is not what it was.

use std::collections::BTreeMap;
use std::ffi::OsString;

use keizu_ledger::Ledger;
use keizu_ledger::Thing;
use keizu_ledger::prove::{Proof, Share, prove};
use keizu_ledger::why::Question;
use keizu_ledger::why::Why;

use serde_json::{Value as Json, json};

use crate::args::{Reading, text};
use crate::commands::reproduce::{Scratch, within};
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
  keizu why features/train.parquet --files
  keizu why model:delay --prove")]
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
    /// Make both sides again in scratch folders, with one cause swapped at a time, and measure what each does.
    #[arg(long)]
    prove: bool,
    /// With --prove: how often each side is made again to know the noise; with other seeds, where a seed is seen.
    #[arg(long, value_name = "N", default_value_t = 3, requires = "prove", value_parser = clap::value_parser!(u16).range(1..=100))]
    repeats: u16,
    #[command(flatten)]
    scratch: Scratch,
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let mut ledger = door.read(&args.reading)?;
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
    let proof = if args.prove { Some(proved(args, door, &mut ledger, &why)?) } else { None };
    let view = ledger.view();
    if args.reading.json {
        out::json(&with_proof(why.as_json(), proof.as_ref()))?;
        return Ok(Exit::Fine);
    }
    let look = door.look();
    let shown = Shown { metric: args.metric.as_deref(), whole: args.files, proof: proof.as_ref() };
    out::page(&page(&why, &shown, &Within::new(&view), &look), &look)?;
    Ok(Exit::Fine)
}

/// Proves the causes. The past can't be added to, so the question must be about now.
fn proved(args: &Args, door: &Door, ledger: &mut Ledger, why: &Why) -> Result<Proof, Problem> {
    if args.reading.past.as_of.is_some() {
        return Err(
            Problem::wrong("a proof is made and recorded now: --prove and --as-of do not go together").note("name the versions instead")
        );
    }
    within(&args.scratch, door, |settings| Ok(prove(ledger, why, usize::from(args.repeats), settings)?))
}

/// The answer with what each cause was found to do: `effect` and `noise` by metric, and the whole proof.
fn with_proof(mut answer: Json, proof: Option<&Proof>) -> Json {
    let Some(proof) = proof else { return answer };
    for cause in answer["causes"].as_array_mut().into_iter().flatten() {
        let factor = cause["factor"].as_u64().and_then(|factor| proof.factor(usize::try_from(factor).ok()?));
        let subject = cause["subject"].as_str().unwrap_or_default().to_owned();
        let factor = factor.or_else(|| proof.factors.iter().find(|factor| factor.subjects.contains(&subject)));
        let each = |of: fn(&Share) -> f64| {
            factor.map(|factor| factor.effects.iter().map(|(name, share)| (name.clone(), of(share))).collect::<BTreeMap<_, _>>())
        };
        let (effect, noise) = (each(|share| share.value), each(|share| share.noise));
        cause["effect"] = json!(effect);
        cause["noise"] = json!(noise);
        cause["found"] = json!(factor.map(|factor| factor.found));
    }
    answer["proof"] = json!(proof);
    answer
}
