//! The door: reads what was typed, asks the ledger, and draws the answer. The only room that prints, reads the environment and exits.
//!
//! ```text
//! args ──► commands/X ──► keizu_ledger ──► answer ──► render ──► out
//!              │                                                  │
//!              └── Problem: what happened, why, what to do ───────┘
//! ```
#![forbid(unsafe_code)]

mod args;
mod commands;
mod door;
mod out;
mod problem;
mod progress;
mod render;

use std::process::ExitCode;

use args::Command;
use commands::{
    add, completions, doctor, get, impact, init, log, man, name, refresh, reproduce, run, serve, show, status, token, trace, verify,
    version, why,
};
use door::Door;
use problem::{Exit, Problem};

/// Answers are many small things: with the system's allocator a third of the time of a large one goes into getting and freeing them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = args::read();
    match Door::open(&cli).and_then(|door| answer(cli.command, &door)) {
        Ok(exit) => exit.code(),
        Err(problem) => {
            problem.print();
            problem.exit().code()
        }
    }
}

fn answer(command: Command, door: &Door) -> Result<Exit, Problem> {
    match command {
        Command::Run(args) => run::go(args, door),
        Command::Add(args) => add::go(&args, door),
        Command::Log(args) => log::go(&args, door),
        Command::Show(args) => show::go(&args, door),
        Command::Trace(args) => trace::go(&args, door),
        Command::Impact(args) => impact::go(&args, door),
        Command::Why(args) => why::go(&args, door),
        Command::Refresh(args) => refresh::go(&args, door),
        Command::Status(args) => status::go(&args, door),
        Command::Reproduce(args) => reproduce::go(&args, door),
        Command::Name(args) => name::go(&args, door),
        Command::Get(args) => get::go(&args, door),
        Command::Verify(args) => verify::go(&args, door),
        Command::Serve(args) => serve::go(&args, door),
        Command::Token(args) => token::go(&args, door),
        Command::Doctor(args) => doctor::go(&args, door),
        Command::Init(args) => init::go(&args, door),
        Command::Version(args) => version::go(&args),
        Command::Completions(args) => completions::go(&args),
        Command::Man(args) => man::go(&args),
    }
}

/// Whether the program's description of itself holds together.
#[cfg(test)]
mod tests {
    use super::*;
    use args::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_description_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_reading_command_has_json() {
        let reading =
            ["reproduce", "log", "show", "trace", "impact", "why", "status", "refresh", "name", "verify", "doctor", "version", "add"];
        for command in Cli::command().get_subcommands() {
            let json = command.get_arguments().any(|arg| arg.get_id() == "json");
            assert_eq!(json, reading.contains(&command.get_name()), "{}", command.get_name());
        }
    }

    #[test]
    fn every_reading_command_can_look_back() {
        // what is checked or changed is what is there now
        let present = ["run", "refresh", "add", "verify", "serve", "token", "doctor", "init", "version", "completions", "man", "help"];
        for command in Cli::command().get_subcommands().filter(|command| !present.contains(&command.get_name())) {
            assert!(command.get_arguments().any(|arg| arg.get_id() == "as_of"), "{}", command.get_name());
        }
    }

    #[test]
    fn every_command_shows_examples() {
        for command in Cli::command().get_subcommands().filter(|command| command.get_name() != "help") {
            let help = command.get_after_help().or(command.get_after_long_help()).map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("keizu {}", command.get_name())), "{}", command.get_name());
        }
    }
}
