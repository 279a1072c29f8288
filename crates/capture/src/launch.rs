//! `keizu run`: forks the watcher, then *becomes* the command. Pid, parent, process group, terminal, descriptors, signals and exit status
//! are the job's own by construction.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use keizu_record::{RunId, Time};

use crate::arena::layout::kind;
use crate::arena::record::Record;
use crate::arena::{Arena, monotonic, realtime};
use crate::event::Stat;
use crate::folder::{Folder, LIBRARY, START};
use crate::host::{Host, Plan, Redirection, Start};
use crate::{process, watch};

/// How long the watcher may take to say that it is ready.
const READY: Duration = Duration::from_secs(10);
const WAIT: Duration = Duration::from_secs(2);
/// As process 1 of a container: its end kills the watcher.
const WAIT_FIRST: Duration = Duration::from_secs(30);

/// The command could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", program.to_string_lossy())]
pub struct Error {
    /// As typed.
    pub program: OsString,
    /// What the kernel said.
    #[source]
    pub cause: std::io::Error,
}

impl Error {
    /// As a shell: 127 when the program was not found, 126 when it could not be run.
    pub fn code(&self) -> i32 {
        if self.cause.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 }
    }
}

/// Starts the watcher, then becomes the command; returns only when the command cannot be run. `host` is called in the watcher: a database must
/// not cross a fork. `say` is given what the user should know before the command begins; if the run cannot be recorded the command runs all
/// the same.
///
/// To be called while the process has one thread.
pub fn launch(plan: Plan, host: Box<dyn FnOnce() -> Box<dyn Host>>, say: fn(&str)) -> Result<Infallible, Error> {
    let outer = Outer::find();
    match prepare(&plan, &outer) {
        Ok((folder, start)) => {
            if let Some(word) = foresee(&plan) {
                say(&word);
            }
            match fork_watcher(&folder, start, host) {
                Ok(()) => {
                    // from here on it is this run's process, not the outer one's
                    watch::shim_off();
                    let error = become_command(&plan, &outer.preload(Some(folder.entry())));
                    fail(&folder.arena, &error);
                    return Err(error);
                }
                Err(why) => {
                    crate::folder::remove(folder.link.as_deref().unwrap_or(&folder.path));
                    say(&format!("this run is not recorded: the watcher did not start: {why}"));
                }
            }
        }
        Err(why) => say(&format!("this run is not recorded: {why}")),
    }
    Err(become_command(&plan, &outer.preload(None)))
}

fn prepare(plan: &Plan, outer: &Outer) -> Result<(Folder, Start), String> {
    let folder = Folder::make(plan)?;
    let start = Start {
        run: plan.run,
        parent: outer.run(),
        root: plan.root.clone(),
        command: plan.command.iter().map(|word| word.as_bytes().to_vec()).collect(),
        cwd: std::env::current_dir().unwrap_or_else(|_| plan.root.clone()),
        pid: std::process::id(),
        began: Time::from_nanos(realtime() as i64),
        monotonic_offset: realtime() as i64 - monotonic() as i64,
        redirections: redirections(),
        variables: variables(),
        host_data: plan.host_data.clone(),
    };
    let written = serde_json::to_vec(&start).map_err(|error| error.to_string());
    let written = written.and_then(|text| std::fs::write(folder.path.join(START), text).map_err(|error| error.to_string()));
    if let Err(error) = written {
        crate::folder::remove(folder.link.as_deref().unwrap_or(&folder.path));
        return Err(error);
    }
    head(plan, &folder.arena, &start);
    outer.tell(plan.run);
    Ok((folder, start))
}

/// Fills the arena's header.
fn head(plan: &Plan, arena: &Arena, start: &Start) {
    let header = arena.header();
    let wait = plan.wait.unwrap_or(if start.pid == 1 { WAIT_FIRST } else { WAIT });
    header.root_started.store(process::look(start.pid).map_or(0, |seen| seen.started), Ordering::Relaxed);
    header.wait_ms.store(u32::try_from(wait.as_millis()).unwrap_or(u32::MAX), Ordering::Relaxed);
    if let Some((dev, ino)) = identity(2) {
        header.stderr_dev.store(dev, Ordering::Relaxed);
        header.stderr_ino.store(ino, Ordering::Relaxed);
    }
    arena.set_run(plan.run);
    arena.publish(plan.root.as_os_str().as_bytes());
    // last: with it the folder is a run's to those who look
    header.root_pid.store(start.pid, Ordering::Release);
}

/// The run inside which this one is started, by its entry in LD_PRELOAD.
struct Outer {
    /// LD_PRELOAD without entries of Keizu's.
    rest: Vec<u8>,
    arena: Option<Arena>,
}

impl Outer {
    fn find() -> Self {
        let value = std::env::var_os("LD_PRELOAD").unwrap_or_default().into_vec();
        let ours = |entry: &&[u8]| entry.ends_with(format!("/{LIBRARY}").as_bytes());
        let entries = || value.split(|c| *c == b':' || *c == b' ').filter(|entry| !entry.is_empty());
        let folder = entries().find(ours).and_then(|entry| Path::new(OsStr::from_bytes(entry)).ancestors().nth(2));
        let arena = folder.and_then(|folder| Arena::open(&folder.join("arena")).ok());
        let rest = entries().filter(|entry| !ours(entry)).collect::<Vec<_>>().join(&b':');
        Self { rest, arena }
    }

    fn run(&self) -> Option<RunId> {
        self.arena.as_ref().map(Arena::run)
    }

    /// Says in the outer run that this one is its child.
    fn tell(&self, run: RunId) {
        if let Some(arena) = &self.arena {
            let record = Record { pid: std::process::id(), at: monotonic(), text1: run.as_bytes(), ..Record::of(kind::CHILD_RUN) };
            arena.write(&record);
        }
    }

    /// The value for the command: the outer run's entry is replaced, since a loader takes only one library of one name.
    fn preload(&self, entry: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let parts: Vec<Vec<u8>> = [Some(self.rest.clone()), entry].into_iter().flatten().filter(|part| !part.is_empty()).collect();
        (!parts.is_empty()).then(|| parts.join(&b':'))
    }
}

/// What can be told before the command begins.
fn foresee(plan: &Plan) -> Option<String> {
    let program = look_up(plan.command.first()?)?;
    let reason = crate::observe::elf::why(&program);
    let unseen = match reason.kind {
        "static" | "32-bit" => true,
        // a loader is careful only when the user changes
        // SAFETY: no arguments.
        "set-uid" => std::fs::metadata(&program).is_ok_and(|meta| meta.uid() != unsafe { libc::geteuid() }),
        _ => false,
    };
    unseen.then(|| format!("{} is {}: what it reads and writes itself will not be seen", program.display(), reason.text))
}

/// As `execvp` looks for a program.
fn look_up(program: &OsStr) -> Option<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return Some(program.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| {
        let Ok(name) = CString::new(file.as_os_str().as_bytes()) else { return false };
        // SAFETY: a C string.
        file.is_file() && unsafe { libc::access(name.as_ptr(), libc::X_OK) } == 0
    })
}

/// Device and inode of a descriptor; `None` when it is closed.
fn identity(fd: i32) -> Option<(u64, u64)> {
    // SAFETY: all zeros is a valid stat.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: writes one stat.
    (unsafe { libc::fstat(fd, &raw mut stat) } == 0).then_some((stat.st_dev, stat.st_ino))
}

/// Regular files that the command inherits.
fn redirections() -> Vec<Redirection> {
    let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let mut found: Vec<Redirection> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(redirection).collect();
    found.sort_by_key(|redirection| redirection.fd);
    found
}

fn redirection(fd: i32) -> Option<Redirection> {
    // SAFETY: plain calls on a number; a closed one is answered by an error.
    let (own, flags) = unsafe { (libc::fcntl(fd, libc::F_GETFD), libc::fcntl(fd, libc::F_GETFL)) };
    if own < 0 || flags < 0 || own & libc::FD_CLOEXEC != 0 {
        return None;
    }
    let link = PathBuf::from(format!("/proc/self/fd/{fd}"));
    let meta = std::fs::metadata(&link).ok().filter(std::fs::Metadata::is_file)?;
    let nanos = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
    let stat = Stat {
        dev: meta.dev(),
        ino: meta.ino(),
        size: meta.size(),
        mtime: nanos(meta.mtime(), meta.mtime_nsec()),
        ctime: nanos(meta.ctime(), meta.ctime_nsec()),
        folder: false,
    };
    Some(Redirection { fd, path: std::fs::read_link(&link).ok().filter(|path| path.is_absolute())?, flags, stat })
}

fn variables() -> BTreeMap<String, String> {
    std::env::vars_os().map(|(key, value)| (key.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())).collect()
}

/// Forks the watcher twice, so that it is nobody's child, and waits until it is ready.
fn fork_watcher(folder: &Folder, start: Start, host: Box<dyn FnOnce() -> Box<dyn Host>>) -> Result<(), String> {
    let mut ends = [0; 2];
    // SAFETY: writes two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(std::io::Error::last_os_error().to_string());
    }
    // SAFETY: new descriptors.
    let [reading, writing] = ends.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    // SAFETY: the caller has one thread; the child goes on in Rust, which that allows.
    match unsafe { libc::fork() } {
        -1 => Err(std::io::Error::last_os_error().to_string()),
        0 => {
            // SAFETY: as above.
            let leave = unsafe { libc::setsid() == -1 || libc::fork() != 0 };
            if leave {
                // SAFETY: ends this process without running anything of the caller's.
                unsafe { libc::_exit(0) };
            }
            drop(reading);
            watch::live(&folder.path, folder.link.as_deref(), start, writing, host);
        }
        child => {
            drop(writing);
            let mut status = 0;
            // SAFETY: our own child; it ends at once. Fails harmlessly when SIGCHLD is ignored.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            await_ready(reading)
        }
    }
}

fn await_ready(reading: OwnedFd) -> Result<(), String> {
    let mut poll = libc::pollfd { fd: reading.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one pollfd.
    if unsafe { libc::poll(&raw mut poll, 1, i32::try_from(READY.as_millis()).unwrap_or(i32::MAX)) } == 0 {
        return Err("it did not answer".into());
    }
    let mut word = String::new();
    let read = std::fs::File::from(reading).read_to_string(&mut word);
    match (read, word.as_str()) {
        (Ok(_), watch::READY) => Ok(()),
        (Ok(_), "") => Err("it ended".into()),
        (Ok(_), why) => Err(why.to_owned()),
        (Err(error), _) => Err(error.to_string()),
    }
}

/// Execs; returns the error.
fn become_command(plan: &Plan, preload: &Option<Vec<u8>>) -> Error {
    let program = plan.command.first().cloned().unwrap_or_default();
    let strings = |list: Vec<Vec<u8>>| list.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>();
    let argv = strings(plan.command.iter().map(|word| word.as_bytes().to_vec()).collect());
    let envp = strings(environment(preload));
    let cause = match (argv, envp) {
        (Ok(argv), Ok(envp)) if !argv.is_empty() => exec(&argv, &envp),
        _ => std::io::Error::from(std::io::ErrorKind::InvalidInput),
    };
    Error { program, cause }
}

fn exec(argv: &[CString], envp: &[CString]) -> std::io::Error {
    let pointers = |list: &[CString]| {
        list.iter().map(|text| text.as_ptr()).chain(std::iter::once(std::ptr::null())).collect::<Vec<*const libc::c_char>>()
    };
    let (args, variables) = (pointers(argv), pointers(envp));
    // SAFETY: null-ended arrays of C strings; Rust had SIGPIPE ignored, which the command must not inherit.
    unsafe {
        let before = libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::execvpe(args[0], args.as_ptr(), variables.as_ptr());
        let error = std::io::Error::last_os_error();
        libc::signal(libc::SIGPIPE, before);
        error
    }
}

/// The environment byte for byte, but for LD_PRELOAD, which stays where it was.
fn environment(preload: &Option<Vec<u8>>) -> Vec<Vec<u8>> {
    unsafe extern "C" {
        static environ: *const *const libc::c_char;
    }
    const KEY: &[u8] = b"LD_PRELOAD=";
    let mut out = Vec::new();
    // SAFETY: the C library's list, null-ended; one thread.
    unsafe {
        let mut at = environ;
        while !at.is_null() && !(*at).is_null() {
            out.push(CStr::from_ptr(*at).to_bytes().to_vec());
            at = at.add(1);
        }
    }
    let entry = preload.as_ref().map(|value| [KEY, value].concat());
    let place = out.iter().position(|text| text.starts_with(KEY));
    out.retain(|text| !text.starts_with(KEY));
    if let Some(entry) = entry {
        out.insert(place.unwrap_or(out.len()).min(out.len()), entry);
    }
    out
}

/// Says in the arena what a shell would say by its exit code.
fn fail(arena: &Arena, error: &Error) {
    let (pid, code) = (std::process::id(), error.code());
    let path = error.program.as_bytes();
    let errno = error.cause.raw_os_error().unwrap_or(0);
    arena.write(&Record { pid, at: monotonic(), a: errno, text1: path, ..Record::of(kind::EXEC_FAILED) });
    arena.write(&Record { pid, at: monotonic(), a: code, ..Record::of(kind::EXIT) });
    arena.header().exit_code.store(code as u32, Ordering::Relaxed);
}

/// One line for the launcher through the pipe.
pub(crate) fn answer(writing: OwnedFd, word: &str) {
    let _ = std::fs::File::from(writing).write_all(word.as_bytes());
}
