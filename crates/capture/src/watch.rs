//! The watcher: a detached process that drains the arena, has contents hashed, and seals the account when the command ends.
//!
//! ```text
//! running ──root at its exit──► sealed (the root may go) ──root gone──► looked at again ──► settled ──no process left──► folder removed
//!    └──────root gone (killed)──► sealed ───────────────────────────────────────────────────┘
//! ```

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use keizu_record::Time;

use crate::account::{Account, Ending};
use crate::arena::layout::{STATE_COMMITTED, STATE_ENDING, STATE_RUNNING};
use crate::arena::{Arena, Reader, Until, realtime};
use crate::event::What;
use crate::host::{Host, Start};
use crate::observe::{Glance, Observer};
use crate::process::{self, Pidfd};
use crate::{folder, launch};

/// What the launcher waits for.
pub(crate) const READY: &str = "ready\n";

/// Between two looks at the arena.
const TICK: Duration = Duration::from_millis(50);
/// Hashing between two looks.
const SLICE: Duration = Duration::from_millis(20);
/// How long the root's parent may take to reap it, when only the reaping tells the exit code.
const REAP: Duration = Duration::from_millis(200);
/// Between two glances that are written down for whoever looks on; longer where a glance takes long.
const GLANCE: Duration = Duration::from_millis(250);
/// A glance takes at most one part in so many of the time.
const GLANCE_SHARE: u32 = 50;
/// Between two looks at processes that outlived the root.
const SURVIVORS: Duration = Duration::from_secs(1);

/// Becomes the watcher in a process that is its own session already. Never returns.
pub(crate) fn live(path: &Path, link: Option<&Path>, start: Start, ready: OwnedFd, host: Box<dyn FnOnce() -> Box<dyn Host>>) -> ! {
    let path = path.to_path_buf();
    let shown = link.map_or_else(|| path.clone(), Path::to_path_buf);
    let body = move || {
        detach(&path, &ready);
        let arena = Arena::open(&path.join("arena")).map_err(|error| error.to_string());
        let arena = arena.and_then(|arena| if arena.lock() { Ok(arena) } else { Err("the arena is locked".to_owned()) });
        let root = Pidfd::open(start.pid).map_err(|error| error.to_string());
        match (arena, root) {
            (Ok(arena), Ok(root)) => {
                arena.header().watcher_pid.store(std::process::id(), Ordering::Relaxed);
                launch::answer(ready, READY);
                Watch::new(arena, root, start, shown, host()).run();
            }
            (Err(why), _) | (_, Err(why)) => launch::answer(ready, &why),
        }
    };
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
    // SAFETY: ends this process without running exit handlers that belong to the launcher.
    unsafe { libc::_exit(i32::from(done.is_err())) }
}

/// Hex digits of a run's id, for people.
const RUN_DIGITS: usize = 6;

/// Lets go of everything that was the launcher's: whoever holds a pipe keeps `| tee` from ending.
fn detach(path: &Path, ready: &OwnedFd) {
    shim_off();
    let log = std::fs::File::create(path.join("watcher.log")).ok();
    let null = std::fs::File::options().read(true).write(true).open("/dev/null").ok();
    // SAFETY: plain calls on descriptors that this process alone has from now on.
    unsafe {
        libc::prctl(libc::PR_SET_NAME, c"keizu-watch".as_ptr());
        for fd in 0..3 {
            let to = if fd == 2 { log.as_ref().or(null.as_ref()) } else { null.as_ref() };
            match to {
                Some(to) => libc::dup2(to.as_raw_fd(), fd),
                None => libc::close(fd),
            };
        }
        drop((log, null));
        let keep = ready.as_raw_fd();
        close_range(3, keep - 1);
        close_range(keep + 1, i32::MAX);
        libc::chdir(c"/".as_ptr());
        libc::setpriority(libc::PRIO_PROCESS, 0, 10);
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGPIPE, libc::SIGTSTP] {
            libc::signal(signal, libc::SIG_IGN);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        libc::umask(0o022);
    }
}

/// # Safety
/// Nothing in this process uses these descriptors.
unsafe fn close_range(first: i32, last: i32) {
    if first > last {
        return;
    }
    // SAFETY: the caller's.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, 0) != 0 {
            // before Linux 5.9
            let most = libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 65_536) as i32;
            (first..=last.min(most)).for_each(|fd| {
                libc::close(fd);
            });
        }
    }
}

/// The watcher and the command of a run inside a run must not appear in the outer one.
pub(crate) fn shim_off() {
    // SAFETY: when the symbol is there it is the shim's function without arguments.
    unsafe {
        let off = libc::dlsym(libc::RTLD_DEFAULT, c"keizu_shim_off".as_ptr());
        if !off.is_null() {
            std::mem::transmute::<*mut libc::c_void, extern "C" fn()>(off)();
        }
    }
}

struct Watch {
    arena: Arc<Arena>,
    reader: Reader,
    observer: Observer,
    host: Box<dyn Host>,
    start: Start,
    /// The run's folder, as readers see it.
    folder: PathBuf,
    root: Arc<Pidfd>,
    gone: Arc<AtomicBool>,
    /// The code that the root's exit event told.
    told: Option<i32>,
    sealed: Option<Account>,
    counted: Counts,
    /// What was written down last, and when the next may be.
    glance: (Glance, Instant),
    /// Something came since.
    stale: bool,
}

/// What the observer has been told of what it does not see.
#[derive(Default)]
pub(crate) struct Counts {
    repeated: u64,
    dropped: u64,
}

impl Counts {
    /// Passes on what is new.
    pub(crate) fn pass(&mut self, arena: &Arena, reader: &Reader, observer: &mut Observer) {
        let header = arena.header();
        let repeated = header.repeated.load(Ordering::Relaxed);
        let dropped = header.dropped.load(Ordering::Relaxed).saturating_add(reader.broken());
        observer.repeated(repeated.saturating_sub(self.repeated));
        observer.dropped(dropped.saturating_sub(self.dropped));
        *self = Self { repeated, dropped };
    }
}

impl Watch {
    fn new(arena: Arena, root: Pidfd, start: Start, folder: PathBuf, mut host: Box<dyn Host>) -> Self {
        let (arena, root, gone) = (Arc::new(arena), Arc::new(root), Arc::new(AtomicBool::new(false)));
        host.began(&start);
        let observer = Observer::new(&start);
        sentinel(&arena, &root, &gone);
        Self {
            arena,
            reader: Reader::default(),
            observer,
            host,
            start,
            folder,
            root,
            gone,
            told: None,
            sealed: None,
            counted: Counts::default(),
            glance: (Glance::default(), Instant::now() + GLANCE),
            stale: false,
        }
    }

    fn run(mut self) {
        let mut more = false;
        while !self.gone.load(Ordering::Acquire) {
            let state = self.arena.header().state.load(Ordering::Acquire);
            if state == STATE_ENDING && self.sealed.is_none() {
                self.rendezvous();
                continue;
            }
            if !more {
                self.arena.await_state(state, TICK);
            }
            self.stale |= self.drain(Until::Now);
            more = self.observer.work(&mut *self.host, SLICE);
            self.look_on();
        }
        self.after();
    }

    /// Writes down what was touched so far. Nobody depends on it: a failure is none.
    fn look_on(&mut self) {
        let began = Instant::now();
        if !self.stale || began < self.glance.1 {
            return;
        }
        let glance = self.observer.glance();
        if glance != self.glance.0
            && let Ok(text) = serde_json::to_vec(&glance)
        {
            let path = self.folder.join(folder::GLANCE);
            let fresh = path.with_extension("new");
            let _ = std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, path));
        }
        self.glance = (glance, Instant::now() + GLANCE.max(began.elapsed() * GLANCE_SHARE));
        self.stale = false;
    }

    /// True when something came.
    fn drain(&mut self, until: Until) -> bool {
        let events = self.reader.drain(self.arena.bytes(), until);
        let some = !events.is_empty();
        for event in events {
            if let (What::Exit { code }, true) = (&event.what, event.pid == self.start.pid) {
                self.told = Some(*code);
            }
            self.observer.take(event);
        }
        self.counted.pass(&self.arena, &self.reader, &mut self.observer);
        some
    }

    /// The root waits at the entry of its exit.
    fn rendezvous(&mut self) {
        self.drain(Until::Complete);
        let code = self.arena.header().exit_code.load(Ordering::Relaxed) as i32;
        let account = self.observer.finish(Ending::Exited(code), Some(now()), &mut *self.host);
        self.seal(account);
    }

    fn seal(&mut self, account: Account) {
        match self.host.seal(&account) {
            Ok(summary) => {
                self.arena.set_summary(&summary);
                self.observer.said(self.arena.header().summary_len.load(Ordering::Relaxed) as usize);
                self.arena.header().sealed.store(1, Ordering::Release);
                self.sealed = Some(account);
            }
            Err(why) => {
                log(&format!("the run could not be sealed: {why}"));
                // what was seen stays in the run's folder, and the next command that reads tries again
                let run = account.run.short(RUN_DIGITS);
                self.arena.set_summary(&format!("keizu  run:{run} is not in the record yet: {why}\n"));
            }
        }
        // in any case the root need not wait any longer
        self.arena.header().state.store(STATE_COMMITTED, Ordering::Release);
        self.arena.wake();
    }

    /// The root is gone: how it ended, and what was still written after the seal.
    fn after(&mut self) {
        let ended = now();
        self.drain(Until::End);
        let header = self.arena.header();
        let started = header.root_started.load(Ordering::Relaxed);
        let told = if header.state.load(Ordering::Acquire) == STATE_RUNNING {
            self.told
        } else {
            Some(header.exit_code.load(Ordering::Relaxed) as i32)
        };
        let ending = self.root.ending(self.start.pid, started, REAP).or(told.filter(|code| *code >= 0).map(Ending::Exited));
        let ending = ending.unwrap_or(Ending::Unknown);
        while self.observer.work(&mut *self.host, SLICE) {}
        let account = self.observer.finish(ending, Some(ended), &mut *self.host);
        match self.sealed.take() {
            None => self.seal(account),
            Some(sealed) => self.correct(sealed, account),
        }
        self.arena.header().settled.store(1, Ordering::Release);
        self.arena.wake();
        let Some(sealed) = &self.sealed else {
            // a later command may be luckier
            return;
        };
        self.host.afterwards(sealed);
        self.survive(ending, ended);
        folder::remove(&self.folder);
    }

    fn correct(&mut self, sealed: Account, account: Account) {
        if differs(&sealed, &account) {
            self.host.correct(&account);
        }
        self.sealed = Some(account);
    }

    /// Stays while processes live that may still write, or would miss the library: it is the folder's to give.
    fn survive(&mut self, ending: Ending, ended: Time) {
        let path = std::fs::read_link(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let mut fresh = false;
        let mut last_seen = Instant::now();
        loop {
            let alive = !process::holders(&path).is_empty();
            let began = Instant::now();
            while alive && began.elapsed() < SURVIVORS {
                std::thread::sleep(TICK * 4);
                if self.drain(Until::Now) {
                    (fresh, last_seen) = (true, Instant::now());
                }
                self.observer.work(&mut *self.host, SLICE);
            }
            if !alive {
                fresh |= self.drain(Until::End);
            }
            if fresh && (!alive || last_seen.elapsed() >= SURVIVORS) {
                while self.observer.work(&mut *self.host, SLICE) {}
                let account = self.observer.finish(ending, Some(ended), &mut *self.host);
                if let Some(sealed) = self.sealed.take() {
                    self.correct(sealed, account);
                }
                fresh = false;
            }
            if !alive {
                return;
            }
        }
    }
}

/// Whether two accounts say different things; the time of the end is known better afterwards, and is no correction by itself.
pub(crate) fn differs(sealed: &Account, account: &Account) -> bool {
    let mut account = account.clone();
    account.ended = sealed.ended;
    account != *sealed
}

/// A thread that wakes the watcher when the root ends.
fn sentinel(arena: &Arc<Arena>, root: &Arc<Pidfd>, gone: &Arc<AtomicBool>) {
    let (arena, root, flag) = (Arc::clone(arena), Arc::clone(root), Arc::clone(gone));
    let watch = move || {
        while !root.wait(Duration::from_secs(3600)) {}
        flag.store(true, Ordering::Release);
        // between the watcher's look at the flag and its sleep a wake would be lost
        while Arc::strong_count(&flag) > 1 && arena.header().settled.load(Ordering::Relaxed) == 0 {
            arena.wake();
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    if let Err(error) = std::thread::Builder::new().spawn(watch) {
        log(&format!("no thread for the root's end: {error}"));
    }
}

fn now() -> Time {
    Time::from_nanos(realtime() as i64)
}

/// Into `watcher.log`.
fn log(what: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{what}");
}
