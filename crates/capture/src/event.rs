//! The raw stream: what the shim wrote into the arena, one event a call, in order of time.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use keizu_record::RunId;
use serde::{Deserialize, Serialize};

/// What `fstat` said of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stat {
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Last modification, nanoseconds since the epoch.
    pub mtime: i64,
    /// Last change of content or of inode, nanoseconds since the epoch.
    pub ctime: i64,
    /// A folder, not a regular file.
    pub folder: bool,
}

/// One event of one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The process, as it saw itself (its own pid namespace).
    pub pid: u32,
    /// `CLOCK_MONOTONIC`, nanoseconds.
    pub at: u64,
    /// The file *as of the call*, where the call had one: of an open, what `fstat` said of the descriptor; of a rename, the file under its
    /// new name.
    pub stat: Option<Stat>,
    /// What stood at the name *before* the call: of an open that may create or truncate, of the target of a rename, of the name that
    /// an unlink removes, of a truncate. `None` when nothing was there (an open that could create then did create, see
    /// [`Event::created`]), or when the call cannot change what stands there.
    pub before: Option<Stat>,
    /// What happened.
    pub what: What,
}

impl Event {
    /// Whether this is an open that made the file: it could create, and nothing was there.
    pub fn created(&self) -> bool {
        matches!(&self.what, What::Open { flags, .. } if flags & libc::O_CREAT != 0) && self.before.is_none()
    }
}

/// Paths are as the program gave them (relative to its folder at that moment), unless said otherwise.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields bear the words of the system calls")]
pub enum What {
    /// A program began (after exec) in a process that the shim entered. `argv` is empty when it could not be seen.
    Begin { ppid: u32, cwd: PathBuf, exe: PathBuf, argv: Vec<Vec<u8>> },
    /// A forked child began.
    ForkBegin { parent: u32, cwd: PathBuf },
    /// `fork` returned in the parent.
    Forked { child: u32 },
    /// A successful open of a regular file or a folder. `flags` as given to `open(2)`, or equivalent to the mode given to `fopen(3)`;
    /// `O_TMPFILE` for a file without a name (its path is the folder's, or empty). A path relative to a descriptor was made absolute.
    Open { path: PathBuf, flags: i32 },
    /// A failed open: `errno` (only ENOENT and ENOTDIR, and only of names below the project's root, are recorded).
    OpenFailed { path: PathBuf, errno: i32 },
    /// A successful rename.
    Rename { from: PathBuf, to: PathBuf },
    /// A hard link.
    Link { from: PathBuf, to: PathBuf },
    /// A symbolic link at `path` to `target`.
    Symlink { target: PathBuf, path: PathBuf },
    /// A file's name removed.
    Unlink { path: PathBuf },
    /// A folder made.
    Mkdir { path: PathBuf },
    /// A folder removed.
    Rmdir { path: PathBuf },
    /// `truncate(2)` by name.
    Truncate { path: PathBuf },
    /// The working folder changed; absolute.
    Chdir { path: PathBuf },
    /// About to exec. If it fails, `ExecFailed` follows.
    Exec { path: PathBuf, argv: Vec<Vec<u8>> },
    /// The exec returned.
    ExecFailed { path: PathBuf, errno: i32 },
    /// `posix_spawn` returned a child.
    Spawn { child: u32, path: PathBuf, argv: Vec<Vec<u8>> },
    /// A shared library that was loaded into the process: a file, or a bare name (no slash) as it was given to `dlopen`.
    Library { path: PathBuf },
    /// The process is about to exit with this code, as far as its own code says.
    Exit { code: i32 },
    /// `io_uring_setup`: what follows through the ring is not seen.
    IoUring,
    /// A `keizu run` inside this run.
    ChildRun { run: RunId },
    /// A path was too long for a record and was cut; the file is known by `stat` only.
    Cut { path: PathBuf },
}

/// Whether open flags read, write, both, and whether the old content is discarded or absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// Old content may reach the program.
    pub reads: bool,
    /// The program may change the content.
    pub writes: bool,
}

impl Mode {
    /// O_RDONLY reads; O_WRONLY and O_TRUNC write; O_RDWR without O_TRUNC and O_APPEND do both.
    pub fn of(flags: i32) -> Self {
        let truncates = flags & libc::O_TRUNC != 0;
        let appends = flags & libc::O_APPEND != 0;
        match flags & libc::O_ACCMODE {
            libc::O_RDONLY => Self { reads: !truncates, writes: truncates },
            libc::O_WRONLY => Self { reads: appends && !truncates, writes: true },
            _ => Self { reads: !truncates, writes: true },
        }
    }
}

/// `path` seen from `cwd`, `.` and empty components removed; `..` is left, since a symbolic link may stand before it.
pub fn absolute(cwd: &Path, path: &Path) -> PathBuf {
    let mut out = if path.as_os_str().as_bytes().first() == Some(&b'/') { PathBuf::new() } else { cwd.to_path_buf() };
    out.extend(path.components().filter(|c| !matches!(c, std::path::Component::CurDir)));
    out
}
