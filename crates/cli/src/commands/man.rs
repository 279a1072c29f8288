//! `keizu man`: the manual, as pages.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::args::Cli;
use crate::out;
use crate::problem::{Exit, Problem};

/// Print the manual page, or write one for every command
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu man | man -l -
  keizu man --out ~/.local/share/man/man1")]
pub struct Args {
    /// Write keizu.1, keizu-run.1 and so on into this folder.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    out: Option<PathBuf>,
}

pub fn go(args: &Args) -> Result<Exit, Problem> {
    let command = Cli::command().disable_help_subcommand(true);
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        out::bytes(&page)?;
        return Ok(Exit::Fine);
    };
    fs_err::create_dir_all(folder)?;
    clap_mangen::generate_to(command, folder)?;
    out::say(&format!("the pages are in {}", folder.display()));
    Ok(Exit::Fine)
}
