//! The reader's barrier: a command that reads looks here first, and so answers right after `keizu run` returned, however the run ended.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use keizu_record::{RunId, Time};

use crate::account::Ending;
use crate::arena::layout::STATE_RUNNING;
use crate::arena::{Arena, Reader, Until};
use crate::event::What;
use crate::host::{Host, Start};
use crate::observe::{Glance, Observer};
use crate::watch::Counts;
use crate::{folder, process};

/// Between two looks.
const STEP: Duration = Duration::from_millis(5);

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The command runs.
    Running,
    /// The command is gone, and the watcher is about to seal the run: worth waiting for.
    Sealing,
    /// Sealed; the watcher lives on with processes that outlived the command.
    Sealed,
    /// The command is gone and nobody watches: to be recovered.
    Orphaned,
}

/// A run that has not been put away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The run.
    pub run: RunId,
    /// Its folder, or the link to it.
    pub folder: PathBuf,
    /// How far it is.
    pub state: State,
}

impl Found {
    /// Whether the run's folder is still there: its watcher, or another command, may have put it away since it was found.
    pub fn is_there(&self) -> bool {
        self.folder.join("arena").exists()
    }

    /// What was known at its beginning; nothing when the folder is gone, or not filled yet.
    pub fn start(&self) -> Option<Start> {
        serde_json::from_slice(&std::fs::read(self.folder.join(folder::START)).ok()?).ok()
    }

    /// What it has touched so far, as its watcher wrote it down last, at most four times a second; nothing at first.
    pub fn glance(&self) -> Option<Glance> {
        serde_json::from_slice(&std::fs::read(self.folder.join(folder::GLANCE)).ok()?).ok()
    }
}

/// A run that could not be recovered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the run's folder cannot be read.
    #[error("{}: {cause}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// Somebody else is at it.
    #[error("{}: the run is being watched, or recovered by another command", path.display())]
    Busy {
        /// The run's folder.
        path: PathBuf,
    },
    /// The store did not take it.
    #[error("{run}: {why}")]
    Refused {
        /// Which run.
        run: RunId,
        /// What the store said.
        why: String,
    },
}

/// The runs that are in this folder, each with its state. Folders that are no run's are passed over.
pub fn scan(runs: &Path) -> Vec<Found> {
    let entries = std::fs::read_dir(runs).into_iter().flatten().flatten();
    let mut found: Vec<Found> = entries.filter_map(|entry| look(&entry.path())).collect();
    found.sort_by_key(|found| found.run);
    found
}

fn look(folder: &Path) -> Option<Found> {
    let run = folder.file_name()?.to_str().and_then(keizu_record::unhex).and_then(|bytes| RunId::from_slice(&bytes))?;
    let arena = Arena::open(&folder.join("arena")).ok()?;
    if arena.header().root_pid.load(Ordering::Acquire) == 0 {
        // still being made: nothing runs yet
        return None;
    }
    let found = Found { run, folder: folder.to_path_buf(), state: state(&arena) };
    // a watcher puts the folder away before it lets go of the lock: unlocked may mean done, since the arena was opened
    (found.state != State::Orphaned || found.is_there()).then_some(found)
}

fn state(arena: &Arena) -> State {
    let header = arena.header();
    // the lock first: a watcher that ends between the two questions has settled the run before
    let watched = arena.watched();
    if header.settled.load(Ordering::Acquire) != 0 && header.sealed.load(Ordering::Acquire) != 0 {
        return if watched { State::Sealed } else { State::Orphaned };
    }
    let (pid, started) = (header.root_pid.load(Ordering::Relaxed), header.root_started.load(Ordering::Relaxed));
    match (process::gone(pid, started), watched) {
        (false, _) => State::Running,
        (true, true) => State::Sealing,
        (true, false) => State::Orphaned,
    }
}

/// Waits while a run is being sealed, for `bound` at most. `None`: it is put away.
pub fn wait(found: &Found, bound: Duration) -> Option<State> {
    let until = Instant::now() + bound;
    loop {
        let state = look(&found.folder)?.state;
        if state != State::Sealing || Instant::now() >= until {
            return Some(state);
        }
        std::thread::sleep(STEP);
    }
}

/// Seals a run whose watcher is lost from what was written down, and removes its folder. What was sealed before is only corrected. Returns
/// the summary.
pub fn recover(found: &Found, host: &mut dyn Host) -> Result<String, Error> {
    let unreadable = |path: PathBuf| move |cause| Error::Unreadable { path, cause };
    let path = found.folder.join("arena");
    let arena = Arena::open(&path).map_err(unreadable(path))?;
    let busy = || Error::Busy { path: found.folder.clone() };
    if !arena.lock() {
        return Err(busy());
    }
    if state_without_watcher(&arena) == State::Running {
        return Err(busy());
    }
    let header = arena.header();
    let mut summary = String::new();
    if header.settled.load(Ordering::Acquire) == 0 || header.sealed.load(Ordering::Acquire) == 0 {
        let path = found.folder.join(folder::START);
        let text = std::fs::read(&path).map_err(unreadable(path.clone()))?;
        let start: Start = serde_json::from_slice(&text).map_err(|error| unreadable(path)(error.into()))?;
        summary = fold(&arena, &start, host)?;
        header.sealed.store(1, Ordering::Release);
        header.settled.store(1, Ordering::Release);
    }
    // what still runs would look for the library
    let real = std::fs::read_link(&found.folder).unwrap_or_else(|_| found.folder.clone());
    if process::holders(&real).is_empty() {
        folder::remove(&found.folder);
    }
    Ok(summary)
}

fn state_without_watcher(arena: &Arena) -> State {
    let header = arena.header();
    let (pid, started) = (header.root_pid.load(Ordering::Relaxed), header.root_started.load(Ordering::Relaxed));
    if process::gone(pid, started) { State::Orphaned } else { State::Running }
}

fn fold(arena: &Arena, start: &Start, host: &mut dyn Host) -> Result<String, Error> {
    host.began(start);
    let mut observer = Observer::late(start);
    let mut reader = Reader::default();
    let (mut told, mut last) = (None, None);
    for event in reader.drain(arena.bytes(), Until::End) {
        if event.pid == start.pid {
            last = Some(start.time(event.at));
            if let What::Exit { code } = event.what {
                told = Some(code);
            }
        }
        observer.take(event);
    }
    Counts::default().pass(arena, &reader, &mut observer);
    observer.note("watcher", "the watcher was lost: the account was put together afterwards");
    let header = arena.header();
    if header.state.load(Ordering::Acquire) != STATE_RUNNING {
        told = Some(header.exit_code.load(Ordering::Relaxed) as i32);
    }
    let ending = told.filter(|code| *code >= 0).map_or(Ending::Unknown, Ending::Exited);
    let ended: Option<Time> = if ending == Ending::Unknown { None } else { last };
    while observer.work(host, Duration::from_secs(1)) {}
    let account = observer.finish(ending, ended, host);
    if header.sealed.load(Ordering::Acquire) != 0 {
        host.correct(&account);
        return Ok(String::new());
    }
    host.seal(&account).map_err(|why| Error::Refused { run: start.run, why })
}
