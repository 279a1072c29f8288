//! `keizu reproduce`: can it be made again?

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::ValueEnum;
use keizu_ledger::reproduce::{Request, Verdict, reproduce};
use keizu_ledger::step::Surroundings;
use keizu_ledger::workshop::{Packages, Settings, Told};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::args::{Reading, text};
use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};
use crate::progress::Spinner;
use crate::render::look::Look;
use crate::render::names::Within;
use crate::render::path::command;
use crate::render::reproduce::page;

/// Make a thing again, and compare
///
/// The run that made it is made again in a scratch folder, from the recorded code, data and packages; the project is not touched. The
/// verdict is *equal*, *equal within noise* (other bytes, but its numbers lie in the band of repeated makings), *differs at* a file, or
/// *cannot*, naming what is missing. It is recorded, and `keizu show` tells it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu reproduce model:delay
  keizu reproduce model:delay@v2 --deep
  keizu reproduce eval.json --deep --repeats 5
  keizu reproduce run:3f2a9c --env record --keep /tmp/again

Exit status: 0 equal, or equal within noise; 1 it differs, or cannot be made again.")]
pub struct Args {
    /// model:NAME, data:NAME, run:ID, b3:DIGEST, or a path.
    thing: OsString,
    /// Make everything above it again too, back to the raw data.
    #[arg(short, long)]
    deep: bool,
    /// How often in all, when it comes out otherwise and leaves numbers: their spread is the noise.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    repeats: u16,
    /// Every line of every list.
    #[arg(short, long)]
    all: bool,
    #[command(flatten)]
    scratch: Scratch,
    #[command(flatten)]
    reading: Reading,
}

/// How runs are made again.
#[derive(Debug, Clone, clap::Args)]
pub struct Scratch {
    /// Python packages: the recorded versions in a virtual environment (record), those that are here (present), or these when they are the
    /// recorded ones (auto).
    #[arg(long = "env", value_name = "WHICH", value_enum, default_value_t)]
    packages: Which,
    /// Leave the scratch folder behind, in this folder.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    keep: Option<PathBuf>,
}

/// Which Python packages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// Those that are here, when they are the recorded ones.
    #[default]
    Auto,
    /// The recorded ones.
    Record,
    /// Those that are here.
    Present,
}

impl From<Which> for Packages {
    fn from(which: Which) -> Self {
        match which {
            Which::Auto => Self::Auto,
            Which::Record => Self::Record,
            Which::Present => Self::Present,
        }
    }
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    if args.reading.past.as_of.is_some() {
        return Err(
            Problem::wrong("what is made again is made now: --as-of has no meaning here").note("name the version or the run instead")
        );
    }
    let mut ledger = door.read(&args.reading)?;
    let thing = door.resolve(&ledger.view(), &args.thing)?;
    let request = Request { deep: args.deep, repeats: usize::from(args.repeats) };
    let answer = within(&args.scratch, door, |settings| Ok(reproduce(&mut ledger, &thing, &text(&args.thing), request, settings)?))?;
    if args.reading.json {
        out::json(&answer.as_json())?;
    } else {
        let look = door.look();
        out::page(&page(&answer, args.all, &Within::new(&ledger.view()), &look), &look)?;
    }
    Ok(match answer.verdict {
        Verdict::Equal | Verdict::WithinNoise => Exit::Fine,
        Verdict::Differs | Verdict::Cannot => Exit::No,
    })
}

/// Does what makes runs again: with a line that says how far it is, and so that Ctrl-C ends the runs and leaves nothing behind.
pub fn within<T>(scratch: &Scratch, door: &Door, work: impl FnOnce(&mut Settings<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    let keizu = std::env::current_exe().map_err(|error| Problem::failed(format!("Keizu's own program can't be found: {error}")))?;
    let look = door.talk();
    let mut shown = Shown { look: &look, spinner: None, done: None };
    let done = work(&mut Settings {
        keizu,
        here: Surroundings { variables: std::env::vars_os().collect() },
        packages: scratch.packages.into(),
        keep: scratch.keep.as_ref().map(|folder| door.cwd.join(folder)),
        interrupted: &interrupted,
        tell: &mut |told| shown.tell(told),
    });
    shown.end();
    done
}

/// The line that says how far it is.
struct Shown<'a> {
    look: &'a Look,
    spinner: Option<Spinner>,
    done: Option<(usize, usize)>,
}

impl Shown<'_> {
    fn tell(&mut self, told: &Told<'_>) {
        let count = self.done.filter(|(_, all)| *all > 1).map(|(done, all)| format!("{} of {all}  ", done + 1)).unwrap_or_default();
        let what = match told {
            Told::Laying { files } => format!("{count}laying out {}", crate::render::look::many(*files as u64, "file")),
            Told::Packages { python, count: packages } => format!("{count}installing Python {python} with {packages} packages"),
            Told::Making { command: words, took } => {
                let took = self.look.duration(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
                format!("{count}{}  (took {took} then)", command(words))
            }
            Told::Expected { runs, took } => {
                let took = self.look.duration(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
                self.end();
                out::say(&format!("keizu  about {} to make again, about {took} in all", crate::render::look::many(*runs as u64, "run")));
                return;
            }
            Told::Done { done, all } => {
                self.done = Some((*done, *all));
                return;
            }
        };
        self.end();
        self.spinner = Some(Spinner::new(&what, self.look));
    }

    fn end(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.end();
        }
    }
}
