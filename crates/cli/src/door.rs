//! Where the question is asked: the folder, the record, and who is looking.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keizu_ledger::{Error, Home, Ledger, Thing, View};

use crate::args::{Cli, Reading, When, text};
use crate::out::{self, Stream};
use crate::problem::Problem;
use crate::progress::Spinner;
use crate::render::look::Look;
use crate::render::words;

/// Folder of the record, when it is not in the project.
const STORE: &str = "KEIZU_STORE";
/// How long the first run may take to make the record.
const BEGIN_WAIT: Duration = Duration::from_secs(5);
/// Between two looks.
const BEGIN_STEP: Duration = Duration::from_millis(10);
/// How long a reading command waits in silence for a run that is being sealed.
const SEAL_SILENT: Duration = Duration::from_millis(500);
/// How long it waits in all, for each.
const SEAL_WAIT: Duration = Duration::from_secs(60);

/// What every command needs to know.
#[derive(Debug)]
pub struct Door {
    /// The working folder.
    pub cwd: PathBuf,
    store: Option<PathBuf>,
    color: When,
}

impl Door {
    /// Steps into the folder that was asked for.
    pub fn open(cli: &Cli) -> Result<Self, Problem> {
        if let Some(folder) = &cli.folder {
            std::env::set_current_dir(folder).map_err(|error| Problem::wrong(format!("can't go to {}: {error}", folder.display())))?;
        }
        // a folder that was removed keeps no command from running: whoever needs it will say so
        let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let store = std::env::var_os(STORE).filter(|value| !value.is_empty()).map(|value| cwd.join(value));
        Ok(Self { cwd, store, color: cli.color })
    }

    /// How answers look.
    pub fn look(&self) -> Look {
        Stream::Out.look(self.color)
    }

    /// How talk looks.
    pub fn talk(&self) -> Look {
        Stream::Err.look(self.color)
    }

    /// The record's place, whether there is one already or not.
    pub fn proposed(&self) -> Result<Home, Problem> {
        let home = match &self.store {
            Some(folder) => Home::at(Home::proposed(&self.cwd)?.root(), folder)?,
            None => match Home::find(&self.cwd)? {
                Some(home) => home,
                None => Home::proposed(&self.cwd)?,
            },
        };
        Ok(home)
    }

    /// The record's place. It must be there.
    pub fn home(&self) -> Result<Home, Problem> {
        match &self.store {
            Some(folder) if !folder.join("keizu.db").is_file() => {
                Err(Problem::wrong(format!("there is no record in {}", folder.display())).note(format!("{STORE} says that it is there")))
            }
            Some(_) => self.proposed(),
            None => Ok(Home::find(&self.cwd)?.ok_or_else(|| Error::NoRecord(self.cwd.clone()))?),
        }
    }

    /// The record, to be read: runs that are just being sealed are waited for, and those whose watcher died are recovered.
    pub fn read(&self, reading: &Reading) -> Result<Ledger, Problem> {
        let home = self.home_when_begun()?;
        if !reading.no_wait {
            settle(&home, &self.talk())?;
        }
        if !comes_to_be(&home) {
            return Err(Error::NoRecord(self.cwd.clone()).into());
        }
        let mut ledger = Ledger::open(&home)?;
        if let Some(moment) = &reading.past.as_of {
            let as_of = ledger.look_back(moment, &jiff::ZonedDateTime::now())?;
            if Stream::Err.is_terminal() {
                out::say(&format!("keizu  as of {}", words::moment(as_of, &self.talk())));
            }
        }
        Ok(ledger)
    }

    /// The record, to be checked: whatever is wrong with it, as long as it can be opened at all.
    pub fn read_damaged(&self, no_wait: bool) -> Result<Ledger, Problem> {
        let home = self.home_when_begun()?;
        if !no_wait && let Err(problem) = settle(&home, &self.talk()) {
            out::say(&format!("keizu  runs that are not sealed yet were left alone: {}", problem.message()));
        }
        Ok(Ledger::open(&home)?)
    }

    /// The record's place; or one whose first run has begun, and has not yet got so far as to make the record.
    fn home_when_begun(&self) -> Result<Home, Problem> {
        match self.home() {
            Ok(home) => Ok(home),
            Err(problem) => match self.proposed() {
                Ok(home) if home.runs().is_dir() => Ok(home),
                _ => Err(problem),
            },
        }
    }

    /// The record, to be changed; made when it is not there. The second value says whether it was made.
    pub fn write(&self) -> Result<(Ledger, bool), Problem> {
        let home = self.proposed()?;
        let new = !home.exists();
        home.make()?;
        Ok((Ledger::create(&home, &host())?, new))
    }

    /// What was typed, looked up.
    pub fn resolve(&self, view: &View<'_>, typed: &std::ffi::OsString) -> Result<Thing, Problem> {
        let typed = text(typed);
        let error = match view.resolve(&typed, &self.cwd) {
            Ok(thing) => return Ok(thing),
            Err(error) => error,
        };
        // digests and runs are shown without their prefix where it is clear what they are: they can be typed back like that too
        let bare = typed.len() >= 6 && typed.bytes().all(|byte| byte.is_ascii_hexdigit());
        if bare && matches!(error, Error::Unknown { .. }) {
            let found: Vec<Thing> =
                ["b3:", "run:"].iter().filter_map(|prefix| view.resolve(&format!("{prefix}{typed}"), &self.cwd).ok()).collect();
            if let [thing] = found.as_slice() {
                return Ok(thing.clone());
            }
        }
        let problem = Problem::from(error);
        Err(match view.as_of() {
            Some(as_of) => problem.note(format!("asked as of {}", words::moment(as_of, &self.talk()))),
            None => problem,
        })
    }
}

/// Whether there is a record. The watcher of the very first run makes it, and may be just about to.
fn comes_to_be(home: &Home) -> bool {
    let end = Instant::now() + BEGIN_WAIT;
    while !home.exists() {
        let begun = fs_err::read_dir(home.runs()).is_ok_and(|mut runs| runs.next().is_some());
        if !begun || Instant::now() > end {
            return false;
        }
        std::thread::sleep(BEGIN_STEP);
    }
    true
}

/// The reader's barrier: what has ended is in the record before a question is answered.
fn settle(home: &Home, talk: &Look) -> Result<(), Problem> {
    // most are sealed within a few milliseconds, and then there is nothing to say
    let mut settled = keizu_ledger::settle(home, SEAL_SILENT, &mut |_| {});
    if !settled.sealing.is_empty() {
        let waiting: Vec<String> = settled.sealing.iter().map(short).collect();
        let what = format!("waiting for {} to be sealed (--no-wait does not)", waiting.join(", "));
        if Stream::Err.is_terminal() {
            let progress = Spinner::new(&what, talk);
            settled.then(keizu_ledger::settle(home, SEAL_WAIT, &mut |_| {}));
            progress.end();
        } else {
            out::say(&format!("keizu  {what}"));
            settled.then(keizu_ledger::settle(home, SEAL_WAIT, &mut |_| {}));
        }
    }
    for run in &settled.recovered {
        out::say(&format!("keizu  {} was recovered: its watcher had died before it could seal it", short(run)));
    }
    for (run, why) in &settled.failed {
        out::say(&format!("keizu  {} could not be recovered: {why}", short(run)));
    }
    for run in &settled.sealing {
        out::say(&format!("keizu  {} is still being sealed: the answer is without it", short(run)));
    }
    if Stream::Err.is_terminal() {
        for run in &settled.running {
            out::say(&format!("keizu  {} is still running", short(run)));
        }
    }
    Ok(())
}

fn short(run: &keizu_record::RunId) -> String {
    format!("run:{}", run.short(crate::render::names::RUN_DIGITS))
}

/// The name of this machine.
pub fn host() -> String {
    nix::unistd::gethostname().map_or_else(|_| "localhost".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// A path as people would write it from here.
pub fn from_here(path: &Path, cwd: &Path) -> String {
    match path.strip_prefix(cwd) {
        Ok(rest) if rest.as_os_str().is_empty() => ".".to_owned(),
        Ok(rest) => rest.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}
