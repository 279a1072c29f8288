//! What a process knows of itself: the arena, and one page that a fork empties.

use core::ffi::c_void;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use crate::arch::{nr, syscall6};
use crate::layout::{ARGS_MAX, ARGS_PIECE, kind};
use crate::next::{Info, dl_iterate_phdr, is_own};
use crate::record::{Arena, NONE, Record};
use crate::sys::{self, Chars, PATH_MAX};

/// The page with `MADV_WIPEONFORK`: the child of a fork finds zeros, and so knows that it is one.
#[repr(C)]
pub struct Page {
    pub pid: AtomicU32,
    /// The chunk of the arena that we write to.
    pub chunk: AtomicU32,
    /// Opens so far; repeats are counted only after the first.
    pub opens: AtomicU32,
    /// Libraries so far.
    pub libraries: AtomicU32,
    /// `dlopen` was called: look for new libraries at the end.
    pub loaded: AtomicU32,
    /// The exit event is written.
    pub ended: AtomicU32,
    /// A vfork child changed its folder: ask for the pid at each event until we are ourselves again.
    pub borrowed: AtomicU32,
}

const UNKNOWN: u32 = 0;
const STARTING: u32 = 1;
const ON: u32 = 2;
const OFF: u32 = 3;

static STATUS: AtomicU32 = AtomicU32::new(UNKNOWN);
static PAGE: AtomicPtr<Page> = AtomicPtr::new(core::ptr::null_mut());
static BASE: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());
static BYTES: AtomicUsize = AtomicUsize::new(0);
/// The kernel has no `MADV_WIPEONFORK`: one `getpid` per event tells a child.
static ASK: AtomicU32 = AtomicU32::new(0);

/// Bytes that are written once, before `STATUS` says so.
pub struct Once<const N: usize>(core::cell::UnsafeCell<[u8; N]>, AtomicUsize);

// SAFETY: written by the one thread that won the change of `STATUS`, before `len` is stored with release.
unsafe impl<const N: usize> Sync for Once<N> {}

impl<const N: usize> Once<N> {
    const fn new() -> Self {
        Self(core::cell::UnsafeCell::new([0; N]), AtomicUsize::new(0))
    }

    /// Joins the parts; false when they do not fit with a zero behind.
    fn set(&self, parts: &[&[u8]]) -> bool {
        let total: usize = parts.iter().map(|part| part.len()).sum();
        if total >= N {
            return false;
        }
        // SAFETY: see `Sync`.
        let out = unsafe { &mut *self.0.get() };
        let mut at = 0;
        for part in parts {
            out[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        self.1.store(total, Ordering::Release);
        true
    }

    pub fn get(&self) -> &[u8] {
        let len = self.1.load(Ordering::Acquire);
        // SAFETY: see `Sync`.
        unsafe { &(&*self.0.get())[..len] }
    }

    /// With the zero behind.
    pub fn zero_ended(&self) -> &[u8] {
        let len = self.1.load(Ordering::Acquire);
        // SAFETY: see `Sync`; `set` leaves room for the zero.
        unsafe { &(&*self.0.get())[..=len] }
    }
}

/// `DIR/arena`.
pub static ARENA_PATH: Once<PATH_MAX> = Once::new();
/// `DIR/$PLATFORM/libkeizu.libasan.so`: our entry of LD_PRELOAD.
pub static ENTRY: Once<PATH_MAX> = Once::new();

/// The file name of the library, which tells an entry of ours (or of another run) in LD_PRELOAD.
pub const LIBRARY: &[u8] = b"/libkeizu.libasan.so";

/// A process that records.
#[derive(Clone, Copy)]
pub struct Here {
    pub arena: Arena,
    pub page: &'static Page,
}

/// The state when this process records, else `None`. The first call of a process sets it up; calls that come meanwhile pass unrecorded.
#[inline]
pub fn here() -> Option<Here> {
    match STATUS.load(Ordering::Acquire) {
        ON => ready(),
        OFF | STARTING => None,
        _ => {
            set_up();
            ready()
        }
    }
}

/// Like [`here`], but does not say "begin".
fn attached() -> Option<Here> {
    if STATUS.load(Ordering::Acquire) != ON {
        return None;
    }
    // SAFETY: set before `STATUS`, never unmapped.
    let page = unsafe { &*PAGE.load(Ordering::Relaxed) };
    // SAFETY: mapped by `set_up`, never unmapped.
    let arena = unsafe { Arena::new(BASE.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed)) }?;
    Some(Here { arena, page })
}

fn ready() -> Option<Here> {
    let here = attached()?;
    let pid = here.page.pid.load(Ordering::Relaxed);
    if pid == 0 || (ASK.load(Ordering::Relaxed) != 0 && pid != sys::getpid()) {
        here.begin_as_fork();
    }
    Some(here)
}

#[cold]
pub fn set_up() {
    if STATUS.compare_exchange(UNKNOWN, STARTING, Ordering::AcqRel, Ordering::Acquire).is_err() {
        return;
    }
    let done = find_folder() && map_arena() && map_page();
    STATUS.store(if done { ON } else { OFF }, Ordering::Release);
    if done && let Some(here) = attached() {
        here.page.pid.store(sys::getpid(), Ordering::Relaxed);
    }
}

/// Switches recording off in this process and its forks: for a watcher of a run inside this run.
#[unsafe(no_mangle)]
pub extern "C" fn keizu_shim_off() {
    STATUS.store(OFF, Ordering::Release);
}

unsafe extern "C" fn find_own(info: *const Info, _: usize, data: *mut c_void) -> i32 {
    // SAFETY: the loader's info, our own data.
    unsafe {
        if !is_own(&*info) {
            return 0;
        }
        data.cast::<Chars>().write((*info).name);
        1
    }
}

fn find_folder() -> bool {
    let mut name: Chars = core::ptr::null();
    // SAFETY: the callback fits the data; names stay while the library is loaded, which is for good.
    let own = unsafe {
        dl_iterate_phdr(find_own, (&raw mut name).cast());
        sys::bytes(name)
    };
    let Some(rest) = own.strip_suffix(LIBRARY) else { return false };
    let Some(slash) = rest.iter().rposition(|c| *c == b'/') else { return false };
    let folder = &rest[..slash];
    folder.first() == Some(&b'/') && ARENA_PATH.set(&[folder, b"/arena"]) && ENTRY.set(&[folder, b"/$PLATFORM", LIBRARY])
}

fn map_arena() -> bool {
    let fd = sys::open(ARENA_PATH.zero_ended(), sys::O_RDWR | sys::O_CLOEXEC);
    if fd < 0 {
        return false;
    }
    let len = sys::fstat(fd).map_or(0, |seen| seen.words[2] as usize);
    // SAFETY: a new mapping; shared (1), readable and writable (3).
    let base = unsafe { syscall6(nr::MMAP, 0, len, 3, 1, fd as usize, 0) };
    sys::close(fd);
    if base <= 0 {
        return false;
    }
    // SAFETY: just mapped with this length; the launcher allocated it.
    if unsafe { Arena::new(base as *mut u8, len) }.is_none() {
        // SAFETY: our own mapping, not used.
        unsafe { sys::call3(nr::MUNMAP, base as usize, len, 0) };
        return false;
    }
    BASE.store(base as *mut u8, Ordering::Relaxed);
    BYTES.store(len, Ordering::Relaxed);
    true
}

fn map_page() -> bool {
    // SAFETY: a new mapping; private and anonymous (0x22), readable and writable (3).
    let page = unsafe { syscall6(nr::MMAP, 0, 4096, 3, 0x22, usize::MAX, 0) };
    if page <= 0 {
        return false;
    }
    // SAFETY: our own mapping; 18 is MADV_WIPEONFORK.
    if unsafe { sys::call3(nr::MADVISE, page as usize, 4096, 18) } != 0 {
        ASK.store(1, Ordering::Relaxed);
    }
    PAGE.store(page as *mut Page, Ordering::Relaxed);
    true
}

impl Here {
    /// Writes a record of this process; `pid` and `at` are filled in when they are zero.
    pub fn write(&self, mut record: Record<'_>) {
        if record.pid == 0 {
            record.pid = self.pid();
        }
        if record.at == 0 {
            record.at = sys::now();
        }
        self.arena.write(&self.page.chunk, &record);
    }

    fn pid(&self) -> u32 {
        let own = self.page.pid.load(Ordering::Relaxed);
        if self.page.borrowed.load(Ordering::Relaxed) == 0 {
            return own;
        }
        let pid = sys::getpid();
        if pid == own {
            self.page.borrowed.store(0, Ordering::Relaxed);
        }
        pid
    }

    /// Writes arguments ahead of the record that they belong to, and answers in how many pieces; the record bears the same pid and time.
    pub unsafe fn args(&self, pid: u32, at: u64, argv: *const Chars) -> u32 {
        if argv.is_null() {
            return 0;
        }
        let mut piece = Piece { here: self, pid, at, place: 0, len: 0, bytes: [0; ARGS_PIECE] };
        let mut index = 0;
        // SAFETY: the caller's: ended by a null pointer.
        unsafe {
            while !(*argv.add(index)).is_null() && piece.place as usize * ARGS_PIECE < ARGS_MAX {
                piece.push(sys::bytes(*argv.add(index)));
                piece.push(&[0]);
                index += 1;
            }
        }
        piece.flush();
        piece.place as u32
    }

    /// Says that a program began.
    pub unsafe fn begin(&self, argv: *const Chars) {
        let (pid, at) = (self.page.pid.load(Ordering::Relaxed), sys::now());
        let (mut cwd, mut exe) = ([0; PATH_MAX], [0; PATH_MAX]);
        let (cwd, exe) = (sys::cwd(&mut cwd), sys::readlink(b"/proc/self/exe\0", &mut exe));
        // SAFETY: the caller's.
        let flags = unsafe { self.args(pid, at, argv) };
        let record = Record { a: sys::getppid() as i32, flags, pid, at, text1: cwd, text2: exe, ..Record::of(kind::BEGIN) };
        self.write(record);
    }

    #[cold]
    #[inline(never)]
    fn begin_as_fork(&self) {
        let pid = sys::getpid();
        // without the advice the page is the parent's copy
        self.page.chunk.store(NONE, Ordering::Relaxed);
        for word in [&self.page.opens, &self.page.libraries, &self.page.loaded, &self.page.ended, &self.page.borrowed] {
            word.store(0, Ordering::Relaxed);
        }
        if self.page.pid.swap(pid, Ordering::Relaxed) == pid {
            return;
        }
        let mut cwd = [0; PATH_MAX];
        let record = Record { a: sys::getppid() as i32, pid, text1: sys::cwd(&mut cwd), ..Record::of(kind::FORK_BEGIN) };
        self.write(record);
    }

    /// Gives the rest of the chunk to others: this process is about to end or to become another program.
    pub fn leave(&self) {
        self.arena.donate(self.page.chunk.swap(NONE, Ordering::Relaxed));
    }
}

struct Piece<'a> {
    here: &'a Here,
    pid: u32,
    at: u64,
    place: i32,
    len: usize,
    bytes: [u8; ARGS_PIECE],
}

impl Piece<'_> {
    fn push(&mut self, mut rest: &[u8]) {
        while !rest.is_empty() && (self.place as usize) * ARGS_PIECE < ARGS_MAX {
            let now = rest.len().min(ARGS_PIECE - self.len);
            self.bytes[self.len..self.len + now].copy_from_slice(&rest[..now]);
            self.len += now;
            rest = &rest[now..];
            if self.len == ARGS_PIECE {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        if self.len == 0 {
            return;
        }
        let text1 = &self.bytes[..self.len];
        self.here.write(Record { a: self.place, pid: self.pid, at: self.at, text1, ..Record::of(kind::ARGS) });
        self.place += 1;
        self.len = 0;
    }
}
