//! `keizu init`: a record, and a `keizu.toml` in which every key is explained.

use keizu_ledger::{Home, config};

use crate::door::{Door, from_here};
use crate::out;
use crate::problem::{Exit, Problem};

/// Make a record, and a keizu.toml in which every key is explained
///
/// Not needed: the first `keizu run` makes the record too. What is there already is left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu init
  keizu -C ../flights init")]
pub struct Args {}

pub fn go(_: &Args, door: &Door) -> Result<Exit, Problem> {
    let (ledger, new) = door.write()?;
    let home = ledger.home();
    out::say(&if new { made(home, door) } else { format!("the record is in {} already", from_here(home.folder(), &door.cwd)) });
    let file = home.config_file();
    let shown = from_here(&file, &door.cwd);
    if file.exists() {
        out::say(&format!("{shown} is there already, and was left as it is"));
    } else {
        fs_err::write(&file, config::template())?;
        out::say(&format!("wrote {shown}: what rules can't know, every key explained"));
    }
    out::say("next: keizu run -- COMMAND");
    Ok(Exit::Fine)
}

/// Said once, when a record was made.
pub fn made(home: &Home, door: &Door) -> String {
    format!("the record of this project lives in {}/, which git ignores", from_here(home.folder(), &door.cwd))
}
