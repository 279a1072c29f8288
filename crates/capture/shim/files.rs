//! Opens: the real call first, then what `fstat` says of the descriptor.

use core::sync::atomic::Ordering;

use crate::layout::{ROOT_MAX, kind};
use crate::next::call;
use crate::record::{Record, Seen};
use crate::state::{Here, here};
use crate::sys::{
    self, AT_FDCWD, Chars, O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_PATH, O_RDWR, O_TMPFILE, O_TRUNC, O_WRONLY, PATH_MAX, bytes,
};

pub type File = *mut u8;

/// So many opens of a process are always recorded: it spares short programs the page faults of the table.
const ALWAYS: u32 = 64;

/// A path that may be relative to a descriptor, made one that stands by itself or is relative to the working folder.
pub struct Place {
    buffer: [u8; PATH_MAX * 2],
    len: usize,
}

impl Place {
    pub const fn new() -> Self {
        Self { buffer: [0; PATH_MAX * 2], len: 0 }
    }

    /// The name behind a descriptor, and `path` below it.
    pub fn of(&mut self, dir: i32, path: &[u8]) -> &[u8] {
        let mut link = [0; 32];
        self.len = sys::readlink(sys::fd_path(dir, &mut link), &mut self.buffer[..PATH_MAX]).len();
        if !path.is_empty() && self.len + 1 + path.len() <= self.buffer.len() {
            self.buffer[self.len] = b'/';
            self.buffer[self.len + 1..self.len + 1 + path.len()].copy_from_slice(path);
            self.len += 1 + path.len();
        }
        &self.buffer[..self.len]
    }
}

/// Calls `f` with the path as it is to be recorded. The large buffer is on the stack only when it is needed.
pub fn placed(dir: i32, path: &[u8], f: impl FnOnce(&[u8])) {
    if dir == AT_FDCWD || path.first() == Some(&b'/') {
        return f(path);
    }
    below(dir, path, f);
}

#[inline(never)]
fn below(dir: i32, path: &[u8], f: impl FnOnce(&[u8])) {
    f(Place::new().of(dir, path));
}

/// What stood at the name before an open that may change it.
#[inline]
pub unsafe fn before(dir: i32, path: Chars, flags: i32) -> Option<Seen> {
    if flags & (O_CREAT | O_TRUNC) == 0 || flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL || here().is_none() {
        return None;
    }
    // SAFETY: the caller's path.
    unsafe { sys::stat_at(dir, path, 0) }
}

/// Records an open that answered `fd`.
#[inline]
pub unsafe fn opened(fd: i32, dir: i32, path: Chars, flags: i32, before: Option<Seen>) {
    let Some(here) = here() else { return };
    if fd < 0 {
        let errno = sys::errno();
        if (errno == sys::ENOENT || errno == sys::ENOTDIR) && flags & (O_CREAT | O_PATH) == 0 {
            // SAFETY: the caller's path.
            failed(&here, dir, unsafe { bytes(path) }, errno);
        }
        return;
    }
    if flags & O_PATH != 0 {
        return;
    }
    let Some(seen) = sys::fstat(fd) else { return };
    // a folder counts as listed when its names are asked for (`listed`)
    if seen.folder {
        return;
    }
    // SAFETY: the caller's path.
    let path = unsafe { bytes(path) };
    if flags & O_TMPFILE == O_TMPFILE {
        return placed(dir, path, |path| record(&here, fd, path, flags, seen, None));
    }
    placed(dir, path, |path| record(&here, fd, path, flags, seen, before));
}

fn record(here: &Here, fd: i32, path: &[u8], flags: i32, seen: Seen, before: Option<Seen>) {
    let count = here.page.opens.load(Ordering::Relaxed);
    if count < ALWAYS {
        here.page.opens.store(count + 1, Ordering::Relaxed);
    } else if flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC) == 0 {
        let hash = seen.words.iter().fold(sys::hash(flags as u64, path), |hash, word| sys::mix(hash, *word));
        if here.arena.repeated(hash) {
            here.arena.header().repeated.fetch_add(1, Ordering::Relaxed);
            return;
        }
    }
    here.write(Record { a: fd, flags: flags as u32, stat: Some(seen), before, text1: path, ..Record::of(kind::OPEN) });
}

/// A name that is not there, when it is below the project's root: once each.
#[cold]
#[inline(never)]
fn failed(here: &Here, dir: i32, path: &[u8], errno: i32) {
    let header = here.arena.header();
    let len = header.root_len.load(Ordering::Relaxed) as usize;
    if len == 0 || len > ROOT_MAX || path.is_empty() {
        return;
    }
    let root = &header.root[..len];
    let mut buffer = [0; PATH_MAX * 2];
    let mut place = Place::new();
    let whole = if path[0] == b'/' {
        path
    } else if dir != AT_FDCWD {
        place.of(dir, path)
    } else {
        let cwd = sys::cwd(&mut buffer[..PATH_MAX]).len();
        if cwd == 0 || cwd + 1 + path.len() > buffer.len() {
            return;
        }
        buffer[cwd] = b'/';
        buffer[cwd + 1..cwd + 1 + path.len()].copy_from_slice(path);
        &buffer[..cwd + 1 + path.len()]
    };
    let inside = root == b"/" || whole.strip_prefix(root).is_some_and(|rest| rest.first() == Some(&b'/'));
    if inside && !here.arena.repeated(sys::hash(errno as u64, whole)) {
        here.write(Record { a: errno, text1: whole, ..Record::of(kind::OPEN_FAILED) });
    }
}

/// Records that the names in a folder are asked for.
pub fn listed(fd: i32, path: Option<&[u8]>) {
    let Some(here) = here() else { return };
    let Some(seen) = sys::fstat(fd).filter(|seen| seen.folder) else { return };
    match path {
        Some(path) => record(&here, fd, path, O_DIRECTORY, seen, None),
        None => below(fd, &[], |path| record(&here, fd, path, O_DIRECTORY, seen, None)),
    }
}

/// The flags of `open(2)` that `fopen` uses for this mode.
unsafe fn mode_flags(mode: Chars) -> i32 {
    // SAFETY: the caller's mode.
    let mode = unsafe { bytes(mode) };
    let plus = mode.contains(&b'+');
    let access = |other| if plus { O_RDWR } else { other };
    let exclusive = if mode.contains(&b'x') { O_EXCL } else { 0 };
    match mode.first() {
        Some(b'w') => access(O_WRONLY) | O_CREAT | O_TRUNC | exclusive,
        Some(b'a') => access(O_WRONLY) | O_CREAT | O_APPEND | exclusive,
        _ => access(0),
    }
}

fn number(file: File) -> i32 {
    if file.is_null() {
        return -1;
    }
    call!("fileno", (file => File) -> i32)
}

macro_rules! opens {
    ($($symbol:ident $name:literal),*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol(path: Chars, flags: i32, mode: u32) -> i32 {
            // SAFETY: what the caller gave to the real function.
            unsafe {
                let before = before(AT_FDCWD, path, flags);
                let fd = call!($name, (path => Chars, flags => i32, mode => u32) -> i32);
                opened(fd, AT_FDCWD, path, flags, before);
                fd
            }
        }
    )*};
}
opens!(open "open", open64 "open64", __open "__open", __open64 "__open64");

macro_rules! opens_2 {
    ($($symbol:ident $name:literal),*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol(path: Chars, flags: i32) -> i32 {
            // SAFETY: what the caller gave to the real function.
            unsafe {
                let before = before(AT_FDCWD, path, flags);
                let fd = call!($name, (path => Chars, flags => i32) -> i32);
                opened(fd, AT_FDCWD, path, flags, before);
                fd
            }
        }
    )*};
}
opens_2!(__open_2 "__open_2", __open64_2 "__open64_2");

macro_rules! opens_at {
    ($($symbol:ident $name:literal),*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol(dir: i32, path: Chars, flags: i32, mode: u32) -> i32 {
            // SAFETY: what the caller gave to the real function.
            unsafe {
                let before = before(dir, path, flags);
                let fd = call!($name, (dir => i32, path => Chars, flags => i32, mode => u32) -> i32);
                opened(fd, dir, path, flags, before);
                fd
            }
        }
    )*};
}
opens_at!(openat "openat", openat64 "openat64");

macro_rules! opens_at_2 {
    ($($symbol:ident $name:literal),*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol(dir: i32, path: Chars, flags: i32) -> i32 {
            // SAFETY: what the caller gave to the real function.
            unsafe {
                let before = before(dir, path, flags);
                let fd = call!($name, (dir => i32, path => Chars, flags => i32) -> i32);
                opened(fd, dir, path, flags, before);
                fd
            }
        }
    )*};
}
opens_at_2!(__openat_2 "__openat_2", __openat64_2 "__openat64_2");

macro_rules! creats {
    ($($symbol:ident $name:literal),*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol(path: Chars, mode: u32) -> i32 {
            const FLAGS: i32 = O_WRONLY | O_CREAT | O_TRUNC;
            // SAFETY: what the caller gave to the real function.
            unsafe {
                let before = before(AT_FDCWD, path, FLAGS);
                let fd = call!($name, (path => Chars, mode => u32) -> i32);
                opened(fd, AT_FDCWD, path, FLAGS, before);
                fd
            }
        }
    )*};
}
creats!(creat "creat", creat64 "creat64");

macro_rules! fopens {
    ($($symbol:ident $name:literal),*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol(path: Chars, mode: Chars) -> File {
            // SAFETY: what the caller gave to the real function.
            unsafe {
                let flags = mode_flags(mode);
                let before = before(AT_FDCWD, path, flags);
                let file = call!($name, (path => Chars, mode => Chars) -> File);
                opened(number(file), AT_FDCWD, path, flags, before);
                file
            }
        }
    )*};
}
fopens!(fopen "fopen", fopen64 "fopen64");

macro_rules! freopens {
    ($($symbol:ident $name:literal),*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol(path: Chars, mode: Chars, old: File) -> File {
            // SAFETY: what the caller gave to the real function.
            unsafe {
                if path.is_null() {
                    return call!($name, (path => Chars, mode => Chars, old => File) -> File);
                }
                let flags = mode_flags(mode);
                let before = before(AT_FDCWD, path, flags);
                let file = call!($name, (path => Chars, mode => Chars, old => File) -> File);
                opened(number(file), AT_FDCWD, path, flags, before);
                file
            }
        }
    )*};
}
freopens!(freopen "freopen", freopen64 "freopen64");

/// Names made by the C library: the template holds the name afterwards.
unsafe fn made(fd: i32, template: Chars) -> i32 {
    // SAFETY: the caller's template.
    unsafe { opened(fd, AT_FDCWD, template, O_RDWR | O_CREAT | O_EXCL, None) };
    fd
}

macro_rules! temporaries {
    ($($symbol:ident $name:literal ($($arg:ident: $type:ty),*)),* $(,)?) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol(template: Chars $(, $arg: $type)*) -> i32 {
            // SAFETY: what the caller gave to the real function.
            unsafe { made(call!($name, (template => Chars $(, $arg => $type)*) -> i32), template) }
        }
    )*};
}
temporaries!(
    mkstemp "mkstemp" (), mkstemp64 "mkstemp64" (),
    mkostemp "mkostemp" (flags: i32), mkostemp64 "mkostemp64" (flags: i32),
    mkstemps "mkstemps" (suffix: i32), mkstemps64 "mkstemps64" (suffix: i32),
    mkostemps "mkostemps" (suffix: i32, flags: i32), mkostemps64 "mkostemps64" (suffix: i32, flags: i32),
);

macro_rules! tmpfiles {
    ($($symbol:ident $name:literal),*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol() -> File {
            let file = call!($name, () -> File);
            // SAFETY: an empty path.
            unsafe { opened(number(file), AT_FDCWD, c"".as_ptr().cast(), O_RDWR | O_TMPFILE, None) };
            file
        }
    )*};
}
tmpfiles!(tmpfile "tmpfile", tmpfile64 "tmpfile64");

fn dir_number(dir: File) -> i32 {
    call!("dirfd", (dir => File) -> i32)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn opendir(path: Chars) -> File {
    let dir = call!("opendir", (path => Chars) -> File);
    if !dir.is_null() {
        // SAFETY: the call took the path.
        listed(dir_number(dir), Some(unsafe { bytes(path) }));
    } else if let Some(here) = here() {
        let errno = sys::errno();
        if errno == sys::ENOENT || errno == sys::ENOTDIR {
            // SAFETY: as above.
            failed(&here, AT_FDCWD, unsafe { bytes(path) }, errno);
        }
    }
    dir
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdopendir(fd: i32) -> File {
    let dir = call!("fdopendir", (fd => i32) -> File);
    if !dir.is_null() {
        listed(fd, None);
    }
    dir
}

macro_rules! scandirs {
    ($($symbol:ident $name:literal),*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol(path: Chars, names: *mut u8, filter: *const u8, order: *const u8) -> i32 {
            let count = call!($name, (path => Chars, names => *mut u8, filter => *const u8, order => *const u8) -> i32);
            if count >= 0 && let Some(here) = here() {
                // SAFETY: the call took the path.
                unsafe {
                    if let Some(seen) = sys::stat_at(AT_FDCWD, path, 0).filter(|seen| seen.folder) {
                        record(&here, -1, bytes(path), O_DIRECTORY, seen, None);
                    }
                }
            }
            count
        }
    )*};
}
scandirs!(scandir "scandir", scandir64 "scandir64");
