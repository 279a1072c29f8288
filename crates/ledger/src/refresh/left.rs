//! What a refresh that was killed left behind: its steps are ended, and what they had half made is put back.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keizu_record::body::{Edge, RunBegan, RunEnded, Status};
use keizu_record::{FilePath, Kind, RunId, Side};
use keizu_store::Select;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::aside::{Aside, PutBack, Started};
use crate::{Error, Home, Ledger, settle};

/// How long a step that was killed may take to be gone, and its run to be sealed.
const END_WAIT: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// A clock may have been set back a little since.
const CLOCK_MICROS: i64 = 2_000_000;

/// A step that a killed refresh left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOver {
    /// Its command.
    pub command: Vec<String>,
    /// Whether it had come to its end, so that what it made stays.
    pub whole: bool,
    /// Files that could not be put back.
    pub lost: Vec<String>,
}

/// The folder of what refreshes set aside.
pub(super) fn folder(home: &Home) -> PathBuf {
    home.folder().join("refresh")
}

/// Takes the place of the one refresh of a project; none when another goes on.
pub(super) fn lock(home: &Home) -> Result<Option<File>, Error> {
    let folder = folder(home);
    fs_err::create_dir_all(&folder)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

impl Ledger {
    /// Puts back what a refresh that was killed left half made. While another refresh goes on there is nothing to do.
    ///
    /// # Errors
    /// When the record or the project's files can't be read or written.
    pub fn put_back(&self) -> Result<Vec<LeftOver>, Error> {
        let folder = folder(self.home());
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        match lock(self.home())? {
            Some(_held) => self.put_back_locked(),
            None => Ok(Vec::new()),
        }
    }

    /// The same by whoever holds the lock.
    pub(super) fn put_back_locked(&self) -> Result<Vec<LeftOver>, Error> {
        let entries = fs_err::read_dir(folder(self.home()))?.flatten().map(|entry| entry.path());
        let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
        folders.sort();
        let mut found = Vec::new();
        // the last one begun is put back first
        for folder in folders.iter().rev() {
            let Some(aside) = Aside::left_over(folder) else {
                fs_err::remove_dir_all(folder)?;
                continue;
            };
            // a step that had not begun changed nothing
            let Some(process) = aside.process() else {
                aside.keep()?;
                continue;
            };
            end_group(process);
            found.push(self.finish(aside, process)?);
        }
        Ok(found)
    }

    fn finish(&self, aside: Aside, process: Started) -> Result<LeftOver, Error> {
        settle(self.home(), END_WAIT, &mut |_| {});
        let run = self.run_of(process)?;
        let command = run.as_ref().map(|began| crate::view::words(&began.command)).unwrap_or_default();
        let run = run.map(|began| began.run);
        let whole = run.map(|run| self.status_of(run)).transpose()?.flatten() == Some(Status::Finished);
        if whole {
            aside.keep()?;
            return Ok(LeftOver { command, whole, lost: Vec::new() });
        }
        let done = self.undo(aside, run)?;
        let failed = done.failed.into_iter().map(|(path, _)| path);
        Ok(LeftOver { command, whole, lost: done.overwritten.into_iter().chain(failed).map(|path| path.to_string()).collect() })
    }

    /// Puts everything back as it was before a step; `run`: as which it was recorded.
    pub(super) fn undo(&self, aside: Aside, run: Option<RunId>) -> Result<PutBack, Error> {
        let made = run.map(|run| self.made_by(run)).transpose()?.unwrap_or_default();
        Ok(aside.put_back(self.home().root(), &made))
    }

    /// The run of a process that a refresh started.
    pub(super) fn run_of(&self, process: Started) -> Result<Option<RunBegan>, Error> {
        let select = Select { kinds: vec![Kind::RunBegan], newest_first: true, limit: Some(1_000), ..Select::default() };
        let began = self.store().select(&select)?;
        let began = began.iter().filter_map(|entry| RunBegan::read(&entry.record));
        Ok(began.into_iter().find(|began| began.pid == process.pid && began.at.micros() >= process.at - CLOCK_MICROS))
    }

    /// How a run ended, as far as is recorded.
    pub(super) fn status_of(&self, run: RunId) -> Result<Option<Status>, Error> {
        let ended = self.view().entries(Side::Subject, vec![run.into()], &[Kind::RunEnded])?;
        Ok(ended.iter().find_map(|entry| RunEnded::read(&entry.record)).map(|ended| ended.status))
    }

    /// Files that a run left behind.
    fn made_by(&self, run: RunId) -> Result<BTreeSet<FilePath>, Error> {
        let view = self.view();
        let mut made = BTreeSet::new();
        for entry in view.entries(Side::Subject, vec![run.into()], &[Kind::Made])? {
            let Some(edge) = Edge::read(&entry.record).filter(|edge| !edge.removed) else { continue };
            let manifest = edge.content.filter(|_| edge.is_collection()).map(|digest| view.manifest(&digest)).transpose()?.flatten();
            match manifest {
                Some(manifest) => {
                    made.extend(manifest.0.keys().map(|path| edge.path.join(path)));
                }
                None => drop(made.insert(edge.path)),
            }
        }
        Ok(made)
    }
}

/// Ends what is left of a step's processes.
fn end_group(process: Started) {
    let Ok(pid) = i32::try_from(process.pid) else { return };
    let until = Instant::now() + END_WAIT;
    while lives(process) && Instant::now() < until {
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        std::thread::sleep(LOOK);
    }
}

/// Whether a process of the step's group still runs. A group's number is not given out again while it has members; one that began before the
/// step did is somebody else's.
fn lives(process: Started) -> bool {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))).any(|entry| {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { return false };
        // the name may hold anything; what counts stands behind its bracket: state, parent, group, …
        let Some((_, rest)) = stat.rsplit_once(") ") else { return false };
        let mut fields = rest.split(' ');
        let (state, group) = (fields.next(), fields.nth(1));
        let ours = group.and_then(|group| group.parse::<u32>().ok()) == Some(process.pid) && !matches!(state, Some("Z" | "X"));
        ours && began_since(&entry.path(), process.at)
    })
}

fn began_since(process: &Path, at: i64) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    // the folder of a process is as old as the process, or as the first look at it
    std::fs::metadata(process).is_ok_and(|meta| meta.ctime() * 1_000_000 >= at - CLOCK_MICROS)
}
