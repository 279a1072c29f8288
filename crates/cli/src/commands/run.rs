//! `keizu run`: a command, watched.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::time::Duration;

use keizu_capture::host::Plan;
use keizu_ledger::config::Config;
use keizu_ledger::rules::Options;
use keizu_ledger::{Home, Recorder, Summary};
use keizu_record::RunId;

use crate::args::pair;
use crate::door::{Door, from_here, host};
use crate::out;
use crate::problem::{Exit, Problem};
use crate::render::summary;

/// Run a command, and record what it reads, writes and starts
///
/// The command runs as it would without Keizu: same output, same exit status, same signals, same process id. If Keizu can't record,
/// the command runs all the same. Afterwards a few lines on stderr say what was made from what.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu run -- python train.py --depth 6
  keizu run --name nightly --tag team=fraud -- make all
  keizu run --model delay=out/model.bin --param rows=1000 -- ./train.sh

Exit status: that of the command; 127 when it is not found, 126 when it can't be executed.
2 when what was typed is wrong, or keizu.toml is; then the command was not started.")]
pub struct Args {
    /// Call this run so: later `keizu show run:NAME` finds it.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The file at PATH is a model of this name. May be given several times.
    #[arg(long = "model", value_name = "NAME=PATH", value_parser = pair)]
    models: Vec<(String, String)>,
    /// A parameter that is on no command line. May be given several times.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    params: Vec<(String, String)>,
    /// A tag: WORD, or NAME=VALUE. May be given several times.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Let the end of the command wait so many seconds at most until the run is recorded [default: 2, or 30 as process 1].
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// Say nothing afterwards.
    #[arg(short, long)]
    quiet: bool,
    /// End the command when the process that started it ends.
    #[arg(long, hide = true)]
    die_with_parent: bool,
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub fn go(args: Args, door: &Door) -> Result<Exit, Problem> {
    let command = args.command.clone();
    if args.die_with_parent {
        // it stays set when this process becomes the command
        let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
    }
    // a mistake in what was typed or declared is said before anything starts; anything else never keeps the command from running
    match prepare(args, door) {
        Ok(prepared) => Ok(launch(prepared)),
        Err(problem) if problem.exit() == Exit::Wrong => Err(problem),
        Err(problem) => {
            out::say(&format!("keizu  not recorded: {}", problem.message()));
            plain(&command)
        }
    }
}

/// All that starting a watched command takes.
struct Prepared {
    home: Home,
    plan: Plan,
    options: Options,
    summarise: Box<dyn Fn(&Summary) -> String>,
}

fn prepare(args: Args, door: &Door) -> Result<Prepared, Problem> {
    let home = door.proposed()?;
    let config = Config::load(&home.config_file()).map_err(keizu_ledger::Error::from)?;
    home.make()?;
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| Problem::failed(format!("the system gives no random bytes: {error}")))?;
    let options = options(&args, &home, &config);
    let plan = Plan {
        run: RunId::new(id),
        root: home.root().to_path_buf(),
        runs: home.runs(),
        command: args.command,
        wait: args.wait.map(Duration::from_secs),
        arena_bytes: None,
        host_data: serde_json::to_value(&options).map_err(|error| Problem::failed(error.to_string()))?,
    };
    let (look, record, quiet) = (door.talk(), format!("{}/", from_here(home.folder(), &door.cwd)), args.quiet);
    let summarise =
        Box::new(move |done: &Summary| if quiet { String::new() } else { summary::page(done, &record, &look).paint(look.colour) });
    Ok(Prepared { home, plan, options, summarise })
}

/// Becomes the command, without Keizu.
fn plain(command: &[OsString]) -> Result<Exit, Problem> {
    let [program, rest @ ..] = command else { return Err(Problem::wrong("there is no command to run")) };
    let error = std::process::Command::new(program).args(rest).exec();
    out::say(&format!("keizu: {}: {error}", program.display()));
    Ok(Exit::Job(if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 }))
}

/// What the record keeps of how the command was asked for.
fn options(args: &Args, home: &Home, config: &Config) -> Options {
    Options {
        project: config.project.clone().unwrap_or_else(|| home.project()),
        name: args.name.clone(),
        models: args.models.iter().map(|(name, path)| (name.clone(), PathBuf::from(path))).collect(),
        params: args.params.clone(),
        tags: args.tags.clone(),
        user: user(),
        host: host(),
    }
}

/// Who runs it. The environment is asked first: a directory service may be slow, and a launch must not be.
fn user() -> String {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    named("USER").or_else(|| named("LOGNAME")).unwrap_or_else(|| {
        let uid = nix::unistd::getuid();
        let entry = nix::unistd::User::from_uid(uid).ok().flatten();
        entry.map_or_else(|| uid.to_string(), |entry| entry.name)
    })
}

/// Starts the watcher, and becomes the command, watched or not. Comes back only when the command can't be run.
fn launch(prepared: Prepared) -> Exit {
    let Prepared { home, plan, options, summarise } = prepared;
    let say: fn(&str) = |text| out::say(&format!("keizu  {text}"));
    let Err(error) = keizu_capture::launch::launch(plan, Box::new(move || Box::new(Recorder::new(&home, options, summarise))), say);
    out::say(&format!("keizu: {error}"));
    Exit::Job(u8::try_from(error.code()).unwrap_or(126))
}
