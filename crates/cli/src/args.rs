//! What can be typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::{
    add, completions, doctor, get, impact, init, log, man, name, refresh, reproduce, run, serve, show, status, token, trace, verify,
    version, why,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Yellow.on_default().bold())
    .usage(AnsiColor::Yellow.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Green.on_default());

/// The family tree of every machine-learning model.
///
/// Put `keizu run --` in front of a command, and Keizu records what it read, wrote and started, with which code and in which
/// environment. Then ask what made a model, and what a file touches.
#[derive(Debug, Parser)]
#[command(name = "keizu", version, styles = STYLES, arg_required_else_help = true, after_long_help = HELP, after_help = HELP)]
pub struct Cli {
    /// Start in this folder instead of the current one.
    #[arg(short = 'C', value_name = "DIR", global = true, help_heading = "Everywhere", value_hint = clap::ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
    /// When to colour: on a terminal only (auto), always, never.
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        global = true,
        help_heading = "Everywhere",
        hide_short_help = true,
        hide_possible_values = true
    )]
    pub color: When,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const HELP: &str = "\
How a thing is written:
  model:delay           the newest version of a model; also model:delay@v3, model:delay@champion
  data:flights          a dataset; also data:flights@v2
  run:3f2a9c            a run, by the beginning of its id, or by its --name
  b3:77ab1290           a content, by the beginning of its digest
  features/train.csv    what stands at a path

Examples:
  keizu run -- python train.py --depth 6
  keizu trace model:delay
  keizu trace data/flights.csv --down
  keizu why model:delay

Environment:
  KEIZU_STORE           folder of the record, instead of .keizu/ in the project
  NO_COLOR              no colour, as --color never
  COLUMNS               width of what is printed

Exit status: 0 fine, 1 the answer is no, 2 wrong use or unknown thing, 3 Keizu failed.
`keizu run` returns the exit status of the command it ran.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Run(run::Args),
    Trace(trace::Args),
    Impact(impact::Args),
    Why(why::Args),
    Show(show::Args),
    Status(status::Args),
    Refresh(refresh::Args),
    Log(log::Args),
    Reproduce(reproduce::Args),
    Name(name::Args),
    Add(add::Args),
    Get(get::Args),
    Verify(verify::Args),
    Serve(serve::Args),
    Token(token::Args),
    Doctor(doctor::Args),
    Init(init::Args),
    Version(version::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// How a reading command answers.
#[derive(Debug, Clone, Default, Args)]
pub struct Reading {
    /// Print JSON, for scripts.
    #[arg(long)]
    pub json: bool,
    /// Answer at once, without runs that are just being sealed.
    #[arg(long)]
    pub no_wait: bool,
    #[command(flatten)]
    pub past: Past,
}

/// From which moment a question is asked.
#[derive(Debug, Clone, Default, Args)]
pub struct Past {
    /// Answer as of a moment in the past: "2026-05-03T14:03", yesterday, "3 days ago", run:ID, or 412 (entries of the record).
    ///
    /// A time means what had happened by then, as far as is known today; a day means its end, run:ID just after that run ended.
    /// With `recorded:` before it, what the record said then, without what was found out later. A number means the record's first entries.
    #[arg(long, value_name = "MOMENT")]
    pub as_of: Option<String>,
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Reads the command line; help, versions and wrong use end here.
pub fn read() -> Cli {
    Cli::parse()
}

/// What was typed as a thing, as text: a path that is not UTF-8 is written with `\xHH`.
pub fn text(typed: &OsString) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    typed.to_str().map_or_else(|| keizu_record::FilePath::new(typed.as_bytes()).to_string(), str::to_owned)
}

/// `KEY=VALUE`, as arguments give it.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
