//! `keizu show`: everything about one thing.

use std::ffi::OsString;

use keizu_ledger::answer::{ArtifactDetail, VersionRow};
use keizu_ledger::{Ledger, Thing, View};

use crate::args::{Reading, text};
use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};
use crate::render::names::Within;
use crate::render::run::Parts;
use crate::render::{artifact, data, run, versions};

/// Show everything about one thing
///
/// A run: what it read and made, with which code, parameters and environment, and what was not seen.
/// A model or dataset: its versions. A path or a content: who made it, who used it, and what a folder holds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu show run:3f2a9c
  keizu show run:3f2a9c --files
  keizu show model:delay
  keizu show model:delay@champion
  keizu show features/train.parquet")]
pub struct Args {
    /// model:NAME, data:NAME, run:ID, b3:DIGEST, or a path.
    thing: OsString,
    /// Of a run: every file, also those of folders and of the environment; what was looked for and not there; every program.
    #[arg(long)]
    files: bool,
    /// Of a run: what was not seen, in full.
    #[arg(long)]
    blind: bool,
    /// Every line of every list.
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    reading: Reading,
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let ledger = door.read(&args.reading)?;
    let view = ledger.view();
    let typed = text(&args.thing);
    let thing = door.resolve(&view, &args.thing)?;
    if args.reading.json {
        // without `@` the name is meant, with all its versions
        out::json(&ledger.shown(&thing, typed.contains('@'), args.files, &jiff::ZonedDateTime::now())?)?;
        return Ok(Exit::Fine);
    }
    match &thing {
        Thing::Run(id) => one_run(args, door, &view, *id)?,
        Thing::Artifact(digest) => content(args, door, &ledger, &thing, &typed, &view.artifact(digest)?)?,
        Thing::Place { project, path } => content(args, door, &ledger, &thing, &path.to_string(), &view.place(project, path)?)?,
        Thing::Version(named) => {
            let all = view.name(&named.name)?;
            // without `@` the name is meant, with all its versions
            if typed.contains('@') {
                let row = all.versions.into_iter().find(|row| Some(row.version) == named.version);
                let row = row.ok_or_else(|| Problem::failed(format!("{typed} has no place among its versions")))?;
                version(args, door, &ledger, &thing, row)?;
            } else {
                let look = door.look();
                out::page(&versions::page(&all, args.all, &Within::new(&view), &look), &look)?;
            }
        }
        Thing::Party(name) => return Err(Problem::wrong(format!("nothing is recorded of party:{name}"))),
    }
    Ok(Exit::Fine)
}

fn one_run(args: &Args, door: &Door, view: &View<'_>, id: keizu_record::RunId) -> Result<(), Problem> {
    let detail = view.run(id, args.files)?;
    let look = door.look();
    let page = if args.blind {
        run::blind(&detail, &Within::new(view), &look)
    } else {
        run::page(&detail, Parts { all: args.all, files: args.files }, &Within::new(view), &look)
    };
    out::page(&page, &look)
}

fn content(args: &Args, door: &Door, ledger: &Ledger, thing: &Thing, called: &str, detail: &ArtifactDetail) -> Result<(), Problem> {
    let about = ledger.about_content(thing, detail, &jiff::ZonedDateTime::now())?;
    let look = door.look();
    let view = ledger.view();
    let mut page = artifact::page(detail, called, args.all, &Within::new(&view), &look);
    page.append(data::page(&about, args.all, &look));
    out::page(&page, &look)
}

fn version(args: &Args, door: &Door, ledger: &Ledger, thing: &Thing, row: VersionRow) -> Result<(), Problem> {
    let view = ledger.view();
    let digest = row.digest.as_ref().and_then(|digest| digest.parse().ok());
    let artifact = digest.map(|digest| view.artifact(&digest)).transpose()?;
    match artifact {
        Some(detail) => content(args, door, ledger, thing, &versions::title(&row), &detail),
        None => Err(Problem::wrong(format!("{} has no content", row.name))),
    }
}
