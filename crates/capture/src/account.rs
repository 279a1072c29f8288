//! What a watched run amounts to: the events folded into processes, files and circumstances. Raw facts only: what they *mean* is
//! for the rules of the ledger.

use std::collections::BTreeMap;
use std::path::PathBuf;

use keizu_record::{Digest, RunId, Time};

use crate::event::Stat;

/// Everything that was seen of one run, and what was not.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The run.
    pub run: RunId,
    /// The run that started this one, when `keizu run` was called inside a watched run.
    pub parent: Option<RunId>,
    /// The project's root, absolute, symbolic links resolved.
    pub root: PathBuf,
    /// The command as typed.
    pub command: Vec<Vec<u8>>,
    /// Where it was typed, absolute.
    pub cwd: PathBuf,
    /// When the command was started.
    pub began: Time,
    /// When the root process ended; `None` while it runs or when that was not seen.
    pub ended: Option<Time>,
    /// How it ended.
    pub ending: Ending,
    /// Every process, oldest first.
    pub processes: Vec<Process>,
    /// Every regular file that was read or written, by path.
    pub files: Vec<File>,
    /// Folders that were listed.
    pub listings: Vec<Listing>,
    /// Names inside the project that the program tried to open and that were not there. Sorted, each once.
    pub absent: Vec<PathBuf>,
    /// Code version of the project, when it is a git work tree.
    pub git: Option<Git>,
    /// The machine and what runs on it.
    pub environment: Environment,
    /// What could not be seen.
    pub blind: Vec<Blind>,
    /// Runs started inside this run by `keizu run`.
    pub children: Vec<RunId>,
    /// Opens that were seen, and events that were lost, from which the coverage figure comes.
    pub seen: u64,
    /// See `seen`.
    pub lost: u64,
}

/// How the root process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is still running.
    Running,
    /// Exit code.
    Exited(i32),
    /// Killed by this signal.
    Signaled(i32),
    /// It is gone, and nobody saw how.
    Unknown,
}

/// One program run by one process: an exec makes a new entry with the same pid.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// The parent's; 0 when unknown.
    pub ppid: u32,
    /// Arguments; empty when not seen.
    pub argv: Vec<Vec<u8>>,
    /// The program's file, absolute.
    pub exe: PathBuf,
    /// When it began.
    pub began: Time,
    /// When it ended, if seen.
    pub ended: Option<Time>,
    /// Exit code, if seen.
    pub exit_code: Option<i32>,
    /// Whether the shim was inside. If not, it is among the blind spots too.
    pub watched: bool,
}

/// One file of the run, under the name it bore at the end (or last, when it is gone).
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Absolute, as the program named it, `.` and `..` resolved, folders that are symbolic links kept.
    pub path: PathBuf,
    /// Where that leads, when symbolic links are on the way.
    pub target: Option<PathBuf>,
    /// Other names of the same inode that were used, or names it was renamed from.
    pub names: Vec<PathBuf>,
    /// How it was read, if it was: as of the *first* read of what was there before the run, or of what another process left.
    pub read: Option<Read>,
    /// How it was written, if it was.
    pub write: Option<Write>,
    /// Which processes (pids) touched it; sorted, each once.
    pub pids: Vec<u32>,
    /// Loaded as a program or a shared library.
    pub executed: bool,
    /// Open already when the command started: `< input`, `> output`.
    pub redirected: bool,
}

/// A file as the run read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// When it was first opened for reading.
    pub at: Time,
    /// Its stat then.
    pub stat: Stat,
    /// Its content then; `None` when it could not be had (see `unseen`).
    pub content: Option<Content>,
    /// Why there is no content.
    pub unseen: Option<String>,
    /// Set when the content did not stay what it was while the run could still read it, and this run did not write it: what happened.
    pub changed: Option<String>,
}

/// A file as the run left it.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// When the content was last changed, as far as is known: never before the write was seen.
    pub at: Time,
    /// The final content; `None` when the file is gone or could not be read.
    pub content: Option<Content>,
    /// Why there is no content.
    pub unseen: Option<String>,
    /// The file did not exist before (created, or renamed to a free name).
    pub created: bool,
    /// The digest of what was there before, when that is known.
    pub before: Option<Content>,
    /// The run removed it, or renamed it away, before it ended: an intermediate.
    pub removed: bool,
    /// The run read it after writing it.
    pub reread: bool,
}

/// A content's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// BLAKE3 of all bytes.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
}

/// A folder whose names the program asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// Absolute.
    pub path: PathBuf,
    /// When it was first opened.
    pub at: Time,
    /// Names of its entries when looked at, sorted by bytes, folders with a trailing `/`; entries that this run itself made are left out.
    pub names: Vec<Vec<u8>>,
    /// Whether others changed the set of names during the run.
    pub changed: bool,
}

/// State of the git work tree at the start of the run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Git {
    /// Root of the work tree.
    pub root: PathBuf,
    /// HEAD's commit; empty before the first commit.
    pub commit: String,
    /// Branch; empty when detached.
    pub branch: String,
    /// `git diff HEAD --binary`, tracked files only; empty when clean.
    pub diff: Vec<u8>,
    /// Lines added and removed, by path relative to the work tree's root.
    pub changed: BTreeMap<String, (u64, u64)>,
}

/// The machine, and the interpreter that the run used.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Environment {
    /// Operating system and release, kernel, architecture, CPU model and count, memory, GPUs and driver, container image where visible.
    pub machine: BTreeMap<String, String>,
    /// Environment variables of the root process. Not yet redacted.
    pub variables: BTreeMap<String, String>,
    /// Python interpreters that ran.
    pub pythons: Vec<Python>,
}

/// A Python interpreter and the distributions from which the run loaded files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Python {
    /// The interpreter, symbolic links resolved.
    pub exe: PathBuf,
    /// `3.11.7`; empty when it could not be told.
    pub version: String,
    /// `sys.prefix`: the virtual environment, or the installation.
    pub prefix: PathBuf,
    /// Folders of standard library and of installed packages: what lies below is environment, not project.
    pub roots: Vec<PathBuf>,
    /// Installed distributions by normalised name: version.
    pub packages: BTreeMap<String, String>,
    /// Distributions of which a file was opened by the run; sorted, each once.
    pub used: Vec<String>,
}

/// Something that was not seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blind {
    /// One of a small vocabulary: `program`, `set-uid`, `static`, `32-bit`, `io_uring`, `descriptor`, `dropped`, `cut`, `content`, `changed`, `watcher`,
    /// `survivor`, `namespace`, `mapping`, `library`.
    pub kind: String,
    /// Which thing, and why: a sentence for people.
    pub detail: String,
}
