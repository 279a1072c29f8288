//! `keizu add`: content without a run.

use std::path::PathBuf;

use keizu_ledger::Added;
use serde::Serialize;

use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};
use crate::progress::{self, Progress};
use crate::render::look::{Look, many};
use crate::render::names::{self, Trusting};
use crate::render::table::{Cell, Column, STAYS, Table};
use crate::render::text::{Ink, Page, Text};

/// Record the content of files and folders, without a run
///
/// Each file is read whole, once: the second look at an unchanged file costs nothing. A folder is one thing with its members.
/// Nothing is copied but what keizu.toml says is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu add data/raw.csv
  keizu add data/ labels.json
  keizu trace data/raw.csv --down     later: what was made from it")]
pub struct Args {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
    /// Print JSON, for scripts.
    #[arg(long)]
    json: bool,
    /// Say nothing.
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
}

#[derive(Serialize)]
struct Row {
    path: String,
    digest: String,
    size: u64,
    members: Option<u64>,
    known: bool,
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    // before anything is made: a path that is not there is the commonest mistake
    for path in &args.paths {
        if let Err(error) = path.metadata() {
            return Err(Problem::wrong(format!("{} can't be read: {error}", path.display())));
        }
    }
    let (mut ledger, new) = door.write()?;
    progress::clean_on_interrupt()?;
    let mut progress = Progress::new(&door.talk());
    let added = ledger.add(&args.paths, &mut |state| {
        progress.files("hashing", (state.files_done, state.files), (state.bytes_done, state.bytes));
    });
    progress.end();
    let added = added?;
    if new && !args.quiet {
        out::say(&super::init::made(ledger.home(), door));
    }
    if args.json {
        out::json(&added.iter().map(row).collect::<Vec<_>>())?;
    } else if !args.quiet {
        let look = door.look();
        out::page(&page(&added, &look), &look)?;
    }
    Ok(Exit::Fine)
}

fn row(added: &Added) -> Row {
    Row { path: added.path.to_string(), digest: added.digest.to_string(), size: added.size, members: added.members, known: added.known }
}

fn page(added: &[Added], look: &Look) -> Page {
    let mut table = Table::new([STAYS, STAYS, Column { right: false, dispensable: 1 }, Column { right: true, dispensable: 0 }, STAYS]);
    for added in added {
        table.row([
            Cell::Path(Ink::Plain, added.path.to_string()),
            Text::from(added.members.map(|members| many(members, "file")).unwrap_or_default()).into(),
            Text::new(Ink::Faint, names::digest(&added.digest.to_string(), &Trusting)).into(),
            Text::from(look.size(added.size)).into(),
            Text::new(Ink::Faint, if added.known { "known already" } else { "" }).into(),
        ]);
    }
    table.draw(look.width, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use keizu_record::Digest;

    #[test]
    fn what_was_added() {
        let added =
            |path: &str, size, members, known| Added { path: path.into(), digest: Digest::of(path.as_bytes()), size, members, known };
        let all = [added("data/raw.csv", 8_100_000, None, false), added("daily/", 29_000_000, Some(365), true)];
        assert_snapshot!(page(&all, &Look::fixed(80)).paint(false), @r"
        data/raw.csv             fa18f7c7  8.1 MB
        daily/        365 files  8186b865   29 MB  known already
        ");
    }
}
