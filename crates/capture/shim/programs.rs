//! Programs: exec, spawn, fork, and shared libraries.

use core::sync::atomic::Ordering;

use crate::files::Place;
use crate::layout::kind;
use crate::next::{Info, Slot, call, dl_iterate_phdr, is_own};
use crate::record::Record;
use crate::state::{Here, here};
use crate::sys::{self, AT_FDCWD, Chars, PATH_MAX, bytes};
use crate::variables::carried;

type List = *const Chars;

/// So many libraries of a process are always recorded.
const ALWAYS: u32 = 8;

unsafe extern "C" {
    pub static environ: List;
}

/// A program given by name, found in PATH as `execvp` does; the name itself when it is not.
fn looked_up<'a>(file: &'a [u8], out: &'a mut [u8; PATH_MAX]) -> &'a [u8] {
    if file.is_empty() || file.contains(&b'/') {
        return file;
    }
    // SAFETY: the C library keeps it ended by a null pointer.
    let path = unsafe { variable(b"PATH=") }.unwrap_or(b"/bin:/usr/bin");
    for folder in path.split(|c| *c == b':') {
        let len = folder.len() + 1 + file.len();
        if len >= out.len() {
            continue;
        }
        let slash = usize::from(!folder.is_empty());
        out[..folder.len()].copy_from_slice(folder);
        out[folder.len()] = b'/';
        let start = folder.len() + slash;
        out[start..start + file.len()].copy_from_slice(file);
        out[start + file.len()] = 0;
        if sys::executable(&out[..=start + file.len()]) {
            return &out[..start + file.len()];
        }
    }
    file
}

unsafe fn variable<'a>(key: &[u8]) -> Option<&'a [u8]> {
    // SAFETY: the C library's own list.
    unsafe {
        let mut at = environ;
        while !at.is_null() && !(*at).is_null() {
            if let Some(value) = bytes(*at).strip_prefix(key) {
                return Some(value);
            }
            at = at.add(1);
        }
    }
    None
}

/// Says that this process is about to become another program; pid and time, by which a failure is told.
unsafe fn before_exec(path: &[u8], argv: List) -> Option<Here> {
    let here = here()?;
    loaded(&here);
    let (pid, at) = (sys::getpid(), sys::now());
    // SAFETY: the caller's.
    let flags = unsafe { here.args(pid, at, argv) };
    here.write(Record { flags, pid, at, text1: path, ..Record::of(kind::EXEC) });
    here.leave();
    Some(here)
}

fn after_exec(here: Option<Here>, path: &[u8]) {
    let Some(here) = here else { return };
    let pid = sys::getpid();
    here.write(Record { a: sys::errno(), pid, text1: path, ..Record::of(kind::EXEC_FAILED) });
    // a vfork child shares the chunk with its parent
    if pid != here.page.pid.load(Ordering::Relaxed) {
        here.leave();
    }
}

/// Runs `exec` with the environment that goes along, between the two events.
unsafe fn executed(path: &[u8], argv: List, envp: List, exec: impl FnOnce(List) -> i32) -> i32 {
    // SAFETY: the caller's.
    unsafe {
        let here = before_exec(path, argv);
        let done = carried(envp, exec);
        after_exec(here, path);
        done
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn execve(path: Chars, argv: List, envp: List) -> i32 {
    // SAFETY: what the caller gave to the real function.
    unsafe { executed(bytes(path), argv, envp, |envp| call!("execve", (path => Chars, argv => List, envp => List) -> i32)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn execv(path: Chars, argv: List) -> i32 {
    // SAFETY: what the caller gave to the real function.
    unsafe { execve(path, argv, environ) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn execvpe(file: Chars, argv: List, envp: List) -> i32 {
    // SAFETY: what the caller gave to the real function.
    unsafe {
        let mut out = [0; PATH_MAX];
        let path = looked_up(bytes(file), &mut out);
        executed(path, argv, envp, |envp| call!("execvpe", (file => Chars, argv => List, envp => List) -> i32))
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn execvp(file: Chars, argv: List) -> i32 {
    // SAFETY: what the caller gave to the real function.
    unsafe { execvpe(file, argv, environ) }
}

pub unsafe extern "C" fn execl_list(path: Chars, argv: List) -> i32 {
    // SAFETY: the trampoline's array.
    unsafe { execve(path, argv, environ) }
}

pub unsafe extern "C" fn execlp_list(file: Chars, argv: List) -> i32 {
    // SAFETY: the trampoline's array.
    unsafe { execvpe(file, argv, environ) }
}

pub unsafe extern "C" fn execle_list(path: Chars, argv: List) -> i32 {
    // SAFETY: the trampoline's array: the environment stands behind the null that ends the arguments.
    unsafe {
        let mut end = argv;
        while !(*end).is_null() {
            end = end.add(1);
        }
        execve(path, argv, *end.add(1).cast::<List>())
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fexecve(fd: i32, argv: List, envp: List) -> i32 {
    let mut place = Place::new();
    // SAFETY: what the caller gave to the real function.
    unsafe { executed(place.of(fd, &[]), argv, envp, |envp| call!("fexecve", (fd => i32, argv => List, envp => List) -> i32)) }
}

/// The path of an `execveat`.
pub unsafe fn exec_at<T>(dir: i32, path: Chars, f: impl FnOnce(&[u8]) -> T) -> T {
    // SAFETY: the caller's.
    let path = unsafe { bytes(path) };
    if dir == AT_FDCWD || path.first() == Some(&b'/') {
        return f(path);
    }
    f(Place::new().of(dir, path))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn execveat(dir: i32, path: Chars, argv: List, envp: List, flags: i32) -> i32 {
    // SAFETY: what the caller gave to the real function.
    unsafe {
        exec_at(dir, path, |whole| {
            executed(
                whole,
                argv,
                envp,
                |envp| call!("execveat", (dir => i32, path => Chars, argv => List, envp => List, flags => i32) -> i32),
            )
        })
    }
}

/// An exec by number, through `syscall`.
pub unsafe fn exec_raw(path: &[u8], argv: List, envp: List, exec: impl FnOnce(List) -> isize) -> isize {
    let mut out = -1;
    // SAFETY: the caller's.
    unsafe {
        executed(path, argv, envp, |envp| {
            out = exec(envp);
            out as i32
        })
    };
    out
}

type Actions = *const u8;

unsafe fn spawned(done: i32, pid: *const i32, path: &[u8], argv: List) {
    let Some(here) = here() else { return };
    if done != 0 || pid.is_null() {
        return;
    }
    let (own, at) = (here.page.pid.load(Ordering::Relaxed), sys::now());
    // SAFETY: the call wrote the pid.
    unsafe {
        let flags = here.args(own, at, argv);
        here.write(Record { a: *pid, flags, pid: own, at, text1: path, ..Record::of(kind::SPAWN) });
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawn(pid: *mut i32, path: Chars, actions: Actions, attributes: Actions, argv: List, envp: List) -> i32 {
    let mut own = 0;
    let pid = if pid.is_null() { &raw mut own } else { pid };
    // SAFETY: what the caller gave to the real function.
    unsafe {
        let done = carried(envp, |envp| {
            call!("posix_spawn", (pid => *mut i32, path => Chars, actions => Actions, attributes => Actions, argv => List,
                envp => List) -> i32)
        });
        spawned(done, pid, bytes(path), argv);
        done
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawnp(pid: *mut i32, file: Chars, actions: Actions, attributes: Actions, argv: List, envp: List) -> i32 {
    let mut own = 0;
    let pid = if pid.is_null() { &raw mut own } else { pid };
    // SAFETY: what the caller gave to the real function.
    unsafe {
        let done = carried(envp, |envp| {
            call!("posix_spawnp", (pid => *mut i32, file => Chars, actions => Actions, attributes => Actions, argv => List,
                envp => List) -> i32)
        });
        let mut out = [0; PATH_MAX];
        spawned(done, pid, looked_up(bytes(file), &mut out), argv);
        done
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fork() -> i32 {
    // a fork before the first event must still be told apart
    let before = here();
    let child = call!("fork", () -> i32);
    if child == 0 {
        // in the child: this says "begin", since the page is empty
        here();
    } else if child > 0
        && let Some(here) = before
    {
        here.write(Record { a: child, ..Record::of(kind::FORKED) });
    }
    child
}

fn library(here: &Here, path: &[u8]) {
    if path.is_empty() || path.ends_with(crate::state::LIBRARY) {
        return;
    }
    // the few of a short program cost less in the arena than the page faults of the table
    let count = here.page.libraries.load(Ordering::Relaxed);
    here.page.libraries.store(count.saturating_add(1), Ordering::Relaxed);
    if count >= ALWAYS && here.arena.repeated(sys::hash(u64::from(kind::LIBRARY), path)) {
        return;
    }
    here.write(Record { text1: path, ..Record::of(kind::LIBRARY) });
}

unsafe extern "C" fn each_library(info: *const Info, _: usize, data: *mut core::ffi::c_void) -> i32 {
    // SAFETY: the loader's info, our own data.
    unsafe {
        let name = bytes((*info).name);
        // the kernel's own page has a name without a slash
        if name.contains(&b'/') && !is_own(&*info) {
            library(&*data.cast::<Here>(), name);
        }
    }
    0
}

/// The libraries that the loader brought with the program.
pub fn brought(here: &Here) {
    let mut here = *here;
    // SAFETY: the callback fits the data.
    unsafe { dl_iterate_phdr(each_library, (&raw mut here).cast()) };
}

/// The libraries that were loaded since, if there were any. Read from the kernel's list, not the loader's: the loader's lock may be held by
/// a thread that a fork left behind.
pub fn loaded(here: &Here) {
    if here.page.loaded.swap(0, Ordering::Relaxed) == 0 {
        return;
    }
    let fd = sys::open(b"/proc/self/maps\0", sys::O_CLOEXEC);
    if fd < 0 {
        return;
    }
    let mut buffer = [0_u8; PATH_MAX + 256];
    let mut len = 0;
    loop {
        let more = sys::read(fd, &mut buffer[len..]);
        len += more;
        let mut start = 0;
        while let Some(end) = buffer[start..len].iter().position(|c| *c == b'\n') {
            mapped(here, &buffer[start..start + end]);
            start += end + 1;
        }
        buffer.copy_within(start..len, 0);
        len -= start;
        if more == 0 || len == buffer.len() {
            break;
        }
    }
    sys::close(fd);
}

/// One line: `address rwxp offset device inode   path`. A library has a part that can be executed.
fn mapped(here: &Here, line: &[u8]) {
    let Some(slash) = line.iter().position(|c| *c == b'/') else { return };
    let rights = line.split(|c| *c == b' ').nth(1).unwrap_or_default();
    let path = &line[slash..];
    if rights.get(2) == Some(&b'x') && !path.ends_with(b" (deleted)") {
        library(here, path);
    }
}

fn named(name: Chars) {
    let Some(here) = here() else { return };
    here.page.loaded.store(1, Ordering::Relaxed);
    // SAFETY: what the caller gave to dlopen.
    library(&here, unsafe { bytes(name) });
}

unsafe extern "C" fn no_library() -> *mut u8 {
    core::ptr::null_mut()
}

static DLOPEN: Slot = Slot::new();
static DLMOPEN: Slot = Slot::new();

pub unsafe extern "C" fn dlopen_route(name: Chars) -> *const u8 {
    named(name);
    DLOPEN.get(b"dlopen").unwrap_or(no_library as *const u8)
}

pub unsafe extern "C" fn dlmopen_route(name: Chars) -> *const u8 {
    named(name);
    DLMOPEN.get(b"dlmopen").unwrap_or(no_library as *const u8)
}
