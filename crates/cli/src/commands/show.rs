//! `keizu show`: everything about one thing.

use std::ffi::OsString;

use keizu_ledger::answer::{ArtifactDetail, VersionRow};
use keizu_ledger::data_time::About;
use keizu_ledger::{Ledger, Thing, View};
use serde::Serialize;

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

/// One version, with its content.
#[derive(Serialize)]
struct Version {
    #[serde(flatten)]
    row: VersionRow,
    artifact: Option<ArtifactDetail>,
    #[serde(flatten)]
    about: About,
}

/// One content, and what is known of its data.
#[derive(Serialize)]
struct Content<'a> {
    #[serde(flatten)]
    artifact: &'a ArtifactDetail,
    #[serde(flatten)]
    about: About,
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let ledger = door.read(&args.reading)?;
    let view = ledger.view();
    let typed = text(&args.thing);
    let thing = door.resolve(&view, &args.thing)?;
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
            } else if args.reading.json {
                out::json(&all)?;
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
    if args.reading.json {
        return out::json(&detail);
    }
    let look = door.look();
    let page = if args.blind {
        run::blind(&detail, &Within::new(view), &look)
    } else {
        run::page(&detail, Parts { all: args.all, files: args.files }, &Within::new(view), &look)
    };
    out::page(&page, &look)
}

fn content(args: &Args, door: &Door, ledger: &Ledger, thing: &Thing, called: &str, detail: &ArtifactDetail) -> Result<(), Problem> {
    let about = about(ledger, thing, detail)?;
    if args.reading.json {
        return out::json(&Content { artifact: detail, about });
    }
    let look = door.look();
    let view = ledger.view();
    let mut page = artifact::page(detail, called, args.all, &Within::new(&view), &look);
    page.append(data::page(&about, args.all, &look));
    out::page(&page, &look)
}

/// What is known of the data of a content. Only of a single file of data it is said why it was not looked into.
fn about(ledger: &Ledger, thing: &Thing, detail: &ArtifactDetail) -> Result<About, Problem> {
    let path = match thing {
        Thing::Place { path, .. } => Some(path.clone()),
        Thing::Version(named) => named.path.clone(),
        _ => None,
    };
    let digest = detail.digest.parse().ok().filter(|_| detail.kind == "data" && detail.members.is_none());
    let timed = matches!(detail.kind.as_str(), "data" | "model" | "evaluation" | "other");
    if !timed {
        return Ok(About::default());
    }
    Ok(ledger.about(thing, digest.map(|digest| (digest, path, detail.size)), &jiff::ZonedDateTime::now())?)
}

fn version(args: &Args, door: &Door, ledger: &Ledger, thing: &Thing, row: VersionRow) -> Result<(), Problem> {
    let view = ledger.view();
    let digest = row.digest.as_ref().and_then(|digest| digest.parse().ok());
    let artifact = digest.map(|digest| view.artifact(&digest)).transpose()?;
    match artifact {
        Some(detail) if args.reading.json => {
            let about = about(ledger, thing, &detail)?;
            out::json(&Version { row, artifact: Some(detail), about })
        }
        None if args.reading.json => out::json(&Version { row, artifact: None, about: About::default() }),
        Some(detail) => content(args, door, ledger, thing, &versions::title(&row), &detail),
        None => Err(Problem::wrong(format!("{} has no content", row.name))),
    }
}
