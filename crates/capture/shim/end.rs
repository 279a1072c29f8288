//! Beginning and end of a process. The root process waits at the *entry* of its exit, where nothing has been destroyed yet, for the watcher
//! to commit the run: bounded, a courtesy. Nothing depends on it.

use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::arch::{nr, syscall6};
use crate::layout::{STATE_COMMITTED, STATE_ENDING, STATE_RUNNING, SUMMARY_MAX, kind};
use crate::next::{call, next};
use crate::programs::{brought, loaded};
use crate::record::Record;
use crate::state::{ARENA_PATH, Here, here, set_up};
use crate::sys::{self, Chars};

type Main = unsafe extern "C" fn(i32, *const Chars, *const Chars) -> i32;

static MAIN: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());
/// `on_exit` tells the code of this process.
static TELLS: AtomicU32 = AtomicU32::new(0);

extern "C" fn constructor() {
    set_up();
}

extern "C" fn destructor() {
    // only when nothing else tells the code; the C library calls us before what `on_exit` registered
    if TELLS.load(Ordering::Relaxed) == 0
        && let Some(here) = here()
    {
        ended(&here, -1);
    }
}

#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = constructor;

#[used]
#[unsafe(link_section = ".fini_array")]
static DESTRUCTOR: extern "C" fn() = destructor;

/// Writes the exit event, once per process; the pid is asked, since a vfork child shares the page.
fn ended(here: &Here, code: i32) {
    let pid = sys::getpid();
    let own = pid == here.page.pid.load(Ordering::Relaxed);
    if own && here.page.ended.swap(1, Ordering::Relaxed) != 0 {
        return;
    }
    loaded(here);
    here.write(Record { a: code, pid, ..Record::of(kind::EXIT) });
    here.leave();
}

/// At the entry of every exit.
pub fn at_exit(code: i32) {
    let Some(here) = here() else { return };
    ended(&here, code & 0xff);
    if is_root(&here) {
        rendezvous(&here, code & 0xff);
    }
}

/// The same number in another pid namespace is another process: the start time tells.
fn is_root(here: &Here) -> bool {
    let header = here.arena.header();
    if sys::getpid() != header.root_pid.load(Ordering::Relaxed) {
        return false;
    }
    let started = header.root_started.load(Ordering::Relaxed);
    started == 0 || own_start().is_none_or(|own| own == started)
}

/// Field 22 of `/proc/self/stat`; the name in field 2 may hold anything, so count from the last bracket.
fn own_start() -> Option<u64> {
    let mut buffer = [0; 1024];
    let text = sys::slurp(b"/proc/self/stat\0", &mut buffer);
    let close = text.iter().rposition(|c| *c == b')')?;
    let field = text[close + 1..].split(|c| *c == b' ').nth(20)?;
    field.iter().try_fold(0_u64, |n, c| c.is_ascii_digit().then(|| n.wrapping_mul(10).wrapping_add(u64::from(c - b'0'))))
}

fn rendezvous(here: &Here, code: i32) {
    let header = here.arena.header();
    header.exit_code.store(code as u32, Ordering::Relaxed);
    let state = &header.state;
    // one thread waits
    if state.compare_exchange(STATE_RUNNING, STATE_ENDING, Ordering::AcqRel, Ordering::Acquire).is_err() {
        return;
    }
    let word = state as *const _ as usize;
    // SAFETY: a futex in the shared mapping: 1 wakes, 0 waits.
    unsafe { syscall6(nr::FUTEX, word, 1, i32::MAX as usize, 0, 0, 0) };
    let until = sys::now() + u64::from(header.wait_ms.load(Ordering::Relaxed)) * 1_000_000;
    while state.load(Ordering::Acquire) != STATE_COMMITTED {
        let step = [0_i64, 20_000_000];
        // SAFETY: as above.
        unsafe { syscall6(nr::FUTEX, word, 0, STATE_ENDING as usize, step.as_ptr() as usize, 0, 0) };
        if state.load(Ordering::Acquire) != STATE_COMMITTED && (sys::now() >= until || nobody_watches()) {
            return;
        }
    }
    summary(here);
}

const F_OFD_GETLK: usize = 36;
const F_WRLCK: u64 = 1;
const F_UNLCK: u64 = 2;

/// The watcher holds a lock on the arena as long as it lives.
fn nobody_watches() -> bool {
    let fd = sys::open(ARENA_PATH.zero_ended(), sys::O_CLOEXEC);
    if fd < 0 {
        return true;
    }
    // struct flock of 64-bit Linux: type and whence, start, length, pid; an answer of F_UNLCK says that nobody has it
    let mut lock = [F_WRLCK, 0, 0, 0];
    // SAFETY: our own descriptor, and a buffer of the size that the kernel fills.
    let asked = unsafe { sys::call3(nr::FCNTL, fd as usize, F_OFD_GETLK, lock.as_mut_ptr() as usize) };
    sys::close(fd);
    asked == 0 && lock[0] & 0xffff == F_UNLCK
}

/// Prints the summary, only when descriptor 2 still is what it was at the start: it may have become a data file.
fn summary(here: &Here) {
    let header = here.arena.header();
    let len = (header.summary_len.load(Ordering::Acquire) as usize).min(SUMMARY_MAX);
    let stderr = (header.stderr_dev.load(Ordering::Relaxed), header.stderr_ino.load(Ordering::Relaxed));
    if len == 0 || stderr == (0, 0) || sys::identity(2) != stderr {
        return;
    }
    let mut rest = &header.summary[..len];
    while !rest.is_empty() {
        match sys::write(2, rest) {
            done if done > 0 => rest = &rest[(done as usize).min(rest.len())..],
            -4 => {}
            _ => return,
        }
    }
}

unsafe extern "C" fn wrapped_main(argc: i32, argv: *const Chars, envp: *const Chars) -> i32 {
    // SAFETY: stored by `__libc_start_main` before it handed this function on.
    let main: Main = unsafe { core::mem::transmute(MAIN.load(Ordering::Relaxed)) };
    // SAFETY: the C library's arguments.
    let code = unsafe { main(argc, argv, envp) };
    at_exit(code);
    code
}

unsafe extern "C" fn on_exit_code(code: i32, _: *mut u8) {
    if let Some(here) = here() {
        ended(&here, code & 0xff);
    }
}

type OnExit = unsafe extern "C" fn(unsafe extern "C" fn(i32, *mut u8), *mut u8) -> i32;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn __libc_start_main(
    main: Main,
    argc: i32,
    argv: *const Chars,
    init: usize,
    fini: usize,
    loader_fini: usize,
    stack: usize,
) -> i32 {
    let mut main = main;
    if let Some(here) = here() {
        // SAFETY: the C library's arguments.
        unsafe { here.begin(argv) };
        brought(&here);
        // musl has no on_exit: its processes tell their code by main's return
        let told = match next!("on_exit", OnExit) {
            // SAFETY: the library is never unloaded.
            Some(on_exit) if !is_root(&here) => unsafe { on_exit(on_exit_code, core::ptr::null_mut()) == 0 },
            _ => false,
        };
        TELLS.store(u32::from(told), Ordering::Relaxed);
        if !told {
            MAIN.store(main as *mut u8, Ordering::Relaxed);
            main = wrapped_main;
        }
    }
    call!("__libc_start_main", (main => Main, argc => i32, argv => *const Chars, init => usize, fini => usize, loader_fini => usize,
        stack => usize) -> i32)
}

macro_rules! exits {
    ($($symbol:ident $name:literal),*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol(code: i32) -> ! {
            at_exit(code);
            call!($name, (code => i32) -> i32);
            loop {
                // SAFETY: ends the process.
                unsafe { sys::call3(nr::EXIT_GROUP, code as usize, 0, 0) };
            }
        }
    )*};
}
exits!(exit "exit", _exit "_exit", _Exit "_Exit", quick_exit "quick_exit");
