//! `keizu impact`: what a thing touches.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use keizu_ledger::impact::{Hit, Impact, Wanted};
use keizu_ledger::{Thing, View};
use keizu_record::Authority;
use keizu_record::body::ArtifactKind;
use serde_json::json;

use super::trace::{authority, kind};
use crate::args::{Reading, text};
use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};
use crate::progress::Progress;
use crate::render::impact::{self, Gathered};
use crate::render::look::count;
use crate::render::names::Within;

/// Show everything that a thing touches, however far away
///
/// What matters first: what is live, models with their versions, aliases and owners, then evaluations and data. One file of a folder counts:
/// whoever read the folder with this file in it is touched. There is no limit to how much is found.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu impact data/flights.csv
  keizu impact daily/2013-10-01.csv --paths
  keizu impact model:delay@v1 --kind model,evaluation --all
  keizu impact data/flights.csv --json | jq -r '.hits[] | select(.kind == \"model\") | .name'")]
pub struct Args {
    /// model:NAME, data:NAME, run:ID, b3:DIGEST, or a path.
    thing: OsString,
    /// Say how each is reached: over one way with the fewest runs.
    #[arg(short, long)]
    paths: bool,
    /// Every hit on a line of its own, as it is found.
    #[arg(short, long)]
    all: bool,
    /// Show only hits of these kinds: model, evaluation, data, code, config, environment, document, other, run.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = word)]
    kind: Vec<&'static str>,
    /// Follow only what these say: observed, declared, inferred, imported, corrected.
    #[arg(long, value_name = "AUTHORITY", value_delimiter = ',', value_parser = authority)]
    only: Vec<Authority>,
    /// Pass so many runs only, on the way from the thing.
    #[arg(long, value_name = "N")]
    depth: Option<u32>,
    #[command(flatten)]
    reading: Reading,
}

/// Hits that are written before the pipe is flushed.
const FLUSHED: u64 = 256;

fn word(text: &str) -> Result<&'static str, String> {
    if text == "run" { Ok("run") } else { kind(text).map(ArtifactKind::word).map_err(|known| format!("{known}, run")) }
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let ledger = door.read(&args.reading)?;
    let view = ledger.view();
    let thing = door.resolve(&view, &args.thing)?;
    if args.reading.json {
        as_json(args, &view, &thing)?;
    } else if args.all {
        lines(args, door, &view, &thing)?;
    } else {
        page(args, door, &view, &thing)?;
    }
    Ok(Exit::Fine)
}

fn wanted(args: &Args) -> Wanted {
    Wanted { depth: args.depth, authorities: args.only.clone(), ways: args.paths }
}

fn shows(args: &Args, hit: &Hit) -> bool {
    args.kind.is_empty() || args.kind.contains(&hit.kind)
}

/// One screen: what matters most of what was found.
fn page(args: &Args, door: &Door, view: &View<'_>, thing: &Thing) -> Result<(), Problem> {
    let look = door.look();
    let mut gathered = Gathered::default();
    let mut progress = Progress::new(&door.talk());
    let mut found = 0;
    let told = view.impact(thing, &wanted(args), &mut |hit| {
        found += 1;
        progress.at(|_| format!("looking  {} found", count(found)));
        if hit.root || shows(args, &hit) {
            gathered.add(hit);
        }
        ControlFlow::Continue(())
    });
    progress.end();
    let told = told?;
    known(args, gathered.roots > 0)?;
    out::page(&impact::page(&gathered, &told, &text(&args.thing), &Within::new(view), &look), &look)?;
    if told.count == 0 {
        out::say(if args.depth.is_none() && args.only.is_empty() {
            "no run was seen reading it"
        } else {
            "nothing was found within these limits"
        });
    }
    Ok(())
}

/// Every hit as it is found, then the numbers.
fn lines(args: &Args, door: &Door, view: &View<'_>, thing: &Thing) -> Result<(), Problem> {
    let look = door.look();
    let unique = Within::new(view);
    let (mut roots, mut kept) = (0, Kept::new());
    let told = view.impact(thing, &wanted(args), &mut |hit| {
        if hit.root {
            roots += 1;
            return ControlFlow::Continue(());
        }
        if !shows(args, &hit) {
            return ControlFlow::Continue(());
        }
        kept.write(|out| out.write_all(impact::line(&hit, &unique, &look).paint(look.colour).as_bytes()))
    })?;
    kept.end()?;
    known(args, roots > 0)?;
    out::page(&impact::sum(&told, &look), &look)
}

/// `{root, roots, hits: […], count, kinds, buckets, unreadable}`, each hit written as it is found.
fn as_json(args: &Args, view: &View<'_>, thing: &Thing) -> Result<(), Problem> {
    let (mut roots, mut open, mut kept) = (Vec::new(), false, Kept::new());
    let told: Impact = view.impact(thing, &wanted(args), &mut |hit| {
        if hit.root && !open {
            roots.push(hit.id);
            return ControlFlow::Continue(());
        }
        if !hit.root && !shows(args, &hit) {
            return ControlFlow::Continue(());
        }
        let first = !std::mem::replace(&mut open, true);
        kept.write(|out| {
            if first {
                head(out, &roots)?;
            }
            out.write_all(if first { b"\n" } else { b",\n" })?;
            Ok(serde_json::to_writer(out, &hit)?)
        })
    })?;
    known(args, open || !roots.is_empty())?;
    let _ = kept.write(|out| {
        if !open {
            head(out, &roots)?;
        }
        let tail = serde_json::to_string(&told)?;
        // the numbers are an object of their own: their fields stand beside the hits
        write!(out, "\n],{}", tail.get(1..).unwrap_or("}"))?;
        out.write_all(b"\n")
    });
    kept.end()
}

fn head(out: &mut dyn Write, roots: &[String]) -> io::Result<()> {
    write!(out, "{{\"root\":{},\"roots\":{},\"hits\":[", json!(roots.first()), json!(roots))
}

fn known(args: &Args, known: bool) -> Result<(), Problem> {
    if known { Ok(()) } else { Err(Problem::wrong(format!("nothing that was read or made is known of {}", text(&args.thing)))) }
}

/// What is written piece by piece, and the first thing that went wrong with it.
struct Kept {
    out: BufWriter<io::StdoutLock<'static>>,
    written: u64,
    failed: io::Result<()>,
}

impl Kept {
    fn new() -> Self {
        Self { out: BufWriter::new(io::stdout().lock()), written: 0, failed: Ok(()) }
    }

    fn write(&mut self, piece: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> ControlFlow<()> {
        self.written += 1;
        let flush = self.written.is_multiple_of(FLUSHED) || self.written == 1;
        self.failed = piece(&mut self.out).and_then(|()| if flush { self.out.flush() } else { Ok(()) });
        if self.failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn end(mut self) -> Result<(), Problem> {
        out::done(std::mem::replace(&mut self.failed, Ok(())).and_then(|()| self.out.flush()))
    }
}
