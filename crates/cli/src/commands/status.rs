//! `keizu status`: is it stale.

use std::ffi::OsString;

use keizu_ledger::status::{Asked, Status};
use keizu_ledger::{AddProgress, View};

use crate::args::{Reading, text};
use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};
use crate::progress::Progress;
use crate::render::status;

/// Projects that are named when this one is not known.
const OTHERS_MAX: usize = 5;

/// Is what was made still made from what is there?
///
/// A thing is stale when the run that made it would no longer read what it read: a file's content changed, a new file lies in a folder
/// that it listed, or what it was made from is itself stale. File times do not matter. What happened first is told.
/// It is late when its data do not reach as far as keizu.toml demands in its table freshness.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu status
  keizu status model:delay
  keizu status --all
  keizu status --json | jq -r '.[] | select(.state == \"stale\") | .thing'

Exit status: 0 when all is fresh, 1 when something is not.")]
pub struct Args {
    /// model:NAME, data:NAME, run:ID, b3:DIGEST, or a path; the whole project when none is given.
    #[arg(value_name = "THING")]
    things: Vec<OsString>,
    /// Name the fresh ones too.
    #[arg(short, long)]
    all: bool,
    /// Compare installed packages as well.
    #[arg(long)]
    environment: bool,
    #[command(flatten)]
    reading: Reading,
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let ledger = door.read(&args.reading)?;
    if args.reading.past.as_of.is_none() {
        super::refresh::put_back(&ledger)?;
    }
    let asked = asked(&ledger.view(), door, &args.things, args.environment)?;
    let mut progress = Progress::new(&door.talk());
    let mut told = |far: &AddProgress| progress.files("comparing", (far.files_done, far.files), (far.bytes_done, far.bytes));
    let mut status = ledger.status(&asked, &mut told)?;
    ledger.grade(&mut status, &asked, &jiff::ZonedDateTime::now())?;
    progress.end();
    let fine = status.rows.iter().all(|row| row.state == "fresh");
    if args.reading.json {
        out::json(&status.rows)?;
    } else if status.rows.is_empty() {
        out::say(&nothing(&status, ledger.project()));
    } else {
        let look = door.look();
        let typed: Vec<String> = args.things.iter().map(text).collect();
        out::page(&status::page(&status, &typed, args.all, &look), &look)?;
    }
    Ok(if fine { Exit::Fine } else { Exit::No })
}

/// Why there is nothing to tell.
fn nothing(status: &Status, project: &str) -> String {
    match status.others.as_slice() {
        _ if status.recorded => "nothing that a run made is there: nothing can be stale".to_owned(),
        [] => "nothing was recorded here yet: keizu run -- COMMAND".to_owned(),
        others => {
            let some: Vec<&str> = others.iter().take(OTHERS_MAX).map(String::as_str).collect();
            let more = if others.len() > OTHERS_MAX { format!(" and {} more", others.len() - OTHERS_MAX) } else { String::new() };
            let known = some.join(", ");
            format!(
                "nothing was recorded of a project called {project}; the record knows {known}{more}. Is this one of them? In keizu.toml: project = {:?}",
                some[0]
            )
        }
    }
}

/// What is to be looked at, looked up.
pub fn asked(view: &View<'_>, door: &Door, things: &[OsString], environment: bool) -> Result<Asked, Problem> {
    let things = things.iter().map(|typed| door.resolve(view, typed)).collect::<Result<_, Problem>>()?;
    Ok(Asked { things, environment })
}
