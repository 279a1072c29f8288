//! `keizu trace`: what made this, and what does it touch.

use std::ffi::OsString;

use clap::ValueEnum;
use keizu_graph::export::Drawing;
use keizu_graph::layout::Metrics;
use keizu_graph::picture::{Caption, Query};
use keizu_graph::{Direction, Options, Trace};
use keizu_ledger::{Ledger, Thing, View};
use keizu_record::Authority;
use keizu_record::body::ArtifactKind;

use crate::args::{Reading, text};
use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};
use crate::render::names::Within;
use crate::render::tree::{Extras, page, wanted};
use crate::render::{environment, picture, words};

/// Show what made a thing, back to the raw data
///
/// The thing stands at the top; below each thing stands the run that made it, and below the run what that was made from.
/// What Keizu saw is unmarked; everything else says who says so.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu trace model:delay
  keizu trace model:delay@v1 --depth 2
  keizu trace data/flights.csv --down
  keizu trace model:delay --only observed
  keizu trace model:delay --format svg > family.svg")]
pub struct Args {
    /// model:NAME, data:NAME, run:ID, b3:DIGEST, or a path.
    thing: OsString,
    /// The other way: what was made from it.
    #[arg(short, long)]
    down: bool,
    /// Pass so many runs only, on the way from the thing.
    #[arg(long, value_name = "N")]
    depth: Option<u32>,
    /// Follow only what these say: observed, declared, inferred, imported, corrected.
    #[arg(long, value_name = "AUTHORITY", value_delimiter = ',', value_parser = authority)]
    only: Vec<Authority>,
    /// Follow only artifacts of these kinds: data, code, model, environment, evaluation, config, document, other.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    kind: Vec<ArtifactKind>,
    /// Fold nothing: every run and file has its own line.
    #[arg(short, long, visible_alias = "files")]
    all: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t, conflicts_with = "json")]
    format: Format,
    #[command(flatten)]
    reading: Reading,
}

/// What a trace is printed as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A tree, for people.
    #[default]
    Tree,
    /// For scripts.
    Json,
    /// For Graphviz.
    Dot,
    /// For Markdown.
    Mermaid,
    /// A picture.
    Svg,
}

pub(super) fn authority(word: &str) -> Result<Authority, String> {
    Authority::from_word(word).ok_or_else(|| one_of(Authority::ALL.iter().map(|authority| authority.word())))
}

pub(super) fn kind(word: &str) -> Result<ArtifactKind, String> {
    ArtifactKind::from_word(word).ok_or_else(|| one_of(ArtifactKind::ALL.iter().map(|kind| kind.word())))
}

fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    format!("one of {}", words.collect::<Vec<_>>().join(", "))
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let ledger = door.read(&args.reading)?;
    let view = ledger.view();
    let thing = door.resolve(&view, &args.thing)?;
    if args.format == Format::Svg && !args.reading.json {
        return svg(args, &view, &thing);
    }
    let options = Options {
        direction: if args.down { Direction::Down } else { Direction::Up },
        depth: args.depth,
        kinds: args.kind.clone(),
        authorities: args.only.clone(),
        ..Options::default()
    };
    let trace = view.trace(&thing, &options)?;
    if trace.roots.is_empty() {
        return Err(unknown(args));
    }
    let drawing = || Drawing::new(&trace, !args.all);
    match if args.reading.json { Format::Json } else { args.format } {
        Format::Tree => tree(args, door, &ledger, &view, &trace)?,
        Format::Json => out::json(&keizu_ledger::trace_json(&trace))?,
        Format::Dot => out::text(&drawing().dot())?,
        Format::Mermaid => out::text(&drawing().mermaid())?,
        Format::Svg => {}
    }
    Ok(Exit::Fine)
}

fn unknown(args: &Args) -> Problem {
    Problem::wrong(format!("nothing that was read or made is known of {}", text(&args.thing)))
}

/// The picture that the page shows too: folded, with its main line, and with the record that it was made from.
fn svg(args: &Args, view: &View<'_>, thing: &Thing) -> Result<Exit, Problem> {
    let (up, down) = if args.down { (Some(0), args.depth) } else { (args.depth, Some(0)) };
    let query = Query { up, down, kinds: args.kind.clone(), by: args.only.clone(), fold: !args.all, ..Query::default() };
    let (drawn, answer) = view.drawn(thing, &query, None)?;
    if drawn.focus.is_none() {
        return Err(unknown(args));
    }
    let caption = Caption {
        title: format!("{} {}", if args.down { "What was made from" } else { "What made" }, text(&args.thing)),
        as_of: answer.as_of.clone(),
        record: answer.record.as_ref().map(|head| (head.size, head.root.clone())),
    };
    out::text(&keizu_graph::picture::svg(&drawn, &Metrics::PAGE, &picture::labels(&answer), &caption))?;
    Ok(Exit::Fine)
}

fn tree(args: &Args, door: &Door, ledger: &Ledger, view: &View<'_>, trace: &Trace) -> Result<(), Problem> {
    let look = door.look();
    let tree = keizu_graph::tree::tree(trace, !args.all);
    let (runs, environments) = wanted(trace, &tree);
    let mut extras = Extras::default();
    for run in runs {
        extras.params.insert(run, view.run(run, false)?.params);
    }
    for digest in environments {
        if let Some(content) = ledger.content(&digest)?
            && let Ok(document) = serde_json::from_reader::<_, serde_json::Value>(content)
        {
            extras.environments.insert(digest, environment::of_document(&document));
        }
    }
    let mut page = page(trace, &tree, &extras, &Within::new(view), &look);
    if let [root] = trace.roots.as_slice() {
        page.append(words::judged(&view.judged(&trace.nodes[*root])?, &look));
    }
    out::page(&page, &look)?;
    // with filters or a depth of 0 it may just have been left out
    let whole = args.only.is_empty() && args.kind.is_empty() && args.depth.is_none();
    if whole && trace.edges.is_empty() {
        out::say(if args.down { "no run was seen reading it" } else { "no run was seen making it" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_take_the_words_of_the_record() {
        assert_eq!(authority("declared"), Ok(Authority::Declared));
        assert_eq!(kind("evaluation"), Ok(ArtifactKind::Evaluation));
        assert!(authority("seen").unwrap_err().contains("observed"));
        assert!(kind("dataset").unwrap_err().contains("data"));
    }
}
