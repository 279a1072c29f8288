//! `keizu completions`: what a shell needs to complete `keizu`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Cli;
use crate::out;
use crate::problem::{Exit, Problem};

/// Print what a shell needs to complete `keizu`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu completions bash > ~/.local/share/bash-completion/completions/keizu
  keizu completions zsh > \"${fpath[1]}/_keizu\"
  keizu completions fish > ~/.config/fish/completions/keizu.fish")]
pub struct Args {
    /// Which shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub fn go(args: &Args) -> Result<Exit, Problem> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "keizu", &mut script);
    out::bytes(&script)?;
    Ok(Exit::Fine)
}
