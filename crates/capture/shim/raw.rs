//! `syscall(2)`: only the numbers that name files and programs are looked at; all others jump on.

use crate::arch::nr;
use crate::end;
use crate::files::{before, listed, opened};
use crate::layout::kind;
use crate::names::{linked, one, renamed, standing, two};
use crate::next::Slot;
use crate::programs::{exec_at, exec_raw};
use crate::record::Record;
use crate::state::here;
use crate::sys::{self, AT_FDCWD, AT_REMOVEDIR, Chars, O_CREAT, O_TRUNC, O_WRONLY, bytes};

type Call = unsafe extern "C" fn(usize, usize, usize, usize, usize, usize, usize) -> isize;

static NEXT: Slot = Slot::new();

unsafe extern "C" fn missing() -> isize {
    sys::set_errno(sys::ENOSYS);
    -1
}

fn next() -> *const u8 {
    NEXT.get(b"syscall").unwrap_or(missing as *const u8)
}

/// Where a call of this number goes.
pub unsafe extern "C" fn route(number: usize) -> *const u8 {
    let file = matches!(
        number,
        nr::OPEN
            | nr::CREAT
            | nr::OPENAT
            | nr::OPENAT2
            | nr::RENAME
            | nr::RENAMEAT
            | nr::RENAMEAT2
            | nr::UNLINK
            | nr::UNLINKAT
            | nr::RMDIR
            | nr::MKDIR
            | nr::LINK
            | nr::LINKAT
            | nr::SYMLINK
            | nr::EXECVE
            | nr::EXECVEAT
            | nr::GETDENTS64
            | nr::EXIT_GROUP
            | nr::IO_URING_SETUP
    );
    if file { looked_at as *const u8 } else { next() }
}

unsafe extern "C" fn looked_at(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    // SAFETY: the signature is the C library's.
    let next: Call = unsafe { core::mem::transmute(next()) };
    // SAFETY: what the caller gave to the real function.
    let pass = || unsafe { next(number, a, b, c, d, e, f) };
    let (first, second) = (a as Chars, b as Chars);
    // SAFETY: as above.
    unsafe {
        match number {
            nr::OPEN => open(AT_FDCWD, first, b as i32, pass),
            nr::CREAT => open(AT_FDCWD, first, O_WRONLY | O_CREAT | O_TRUNC, pass),
            nr::OPENAT => open(a as i32, second, c as i32, pass),
            // struct open_how begins with its flags, and has 24 bytes at least
            nr::OPENAT2 => open(a as i32, second, if d >= 24 && c != 0 { *(c as *const u64) as i32 } else { 0 }, pass),
            nr::EXECVE => exec_raw(bytes(first), b as *const Chars, c as *const Chars, |envp| next(number, a, b, envp as usize, d, e, f)),
            nr::EXECVEAT => exec_at(a as i32, second, |path| {
                exec_raw(path, c as *const Chars, d as *const Chars, |envp| next(number, a, b, c, envp as usize, e, f))
            }),
            nr::EXIT_GROUP => {
                end::at_exit(a as i32);
                pass()
            }
            nr::GETDENTS64 => {
                let done = pass();
                if done > 0 {
                    listed(a as i32, None);
                }
                done
            }
            nr::IO_URING_SETUP => {
                let done = pass();
                if done >= 0
                    && let Some(here) = here()
                {
                    here.write(Record::of(kind::IO_URING));
                }
                done
            }
            _ => name(number, [a, b, c, d, e], pass),
        }
    }
}

unsafe fn open(dir: i32, path: Chars, flags: i32, pass: impl FnOnce() -> isize) -> isize {
    // SAFETY: the caller's.
    unsafe {
        let before = before(dir, path, flags);
        let fd = pass();
        opened(fd as i32, dir, path, flags, before);
        fd
    }
}

unsafe fn name(number: usize, [a, b, c, d, e]: [usize; 5], pass: impl FnOnce() -> isize) -> isize {
    let (first, second) = (a as Chars, b as Chars);
    let at = |dir: usize, path: usize| (dir as i32, path as Chars);
    let here = |path: usize| (AT_FDCWD, path as Chars);
    // SAFETY: the caller's paths.
    unsafe {
        let target = match number {
            nr::RENAME => Some(here(b)),
            nr::RENAMEAT | nr::RENAMEAT2 => Some(at(c, d)),
            nr::UNLINK => Some(here(a)),
            nr::UNLINKAT => Some(at(a, b)),
            _ => None,
        };
        let before = target.and_then(|(dir, path)| standing(dir, path));
        let done = pass();
        if done != 0 {
            return done;
        }
        match number {
            nr::RENAME => renamed(true, here(a), here(b), 0, before),
            nr::RENAMEAT => renamed(true, at(a, b), at(c, d), 0, before),
            nr::RENAMEAT2 => renamed(true, at(a, b), at(c, d), e as u32, before),
            nr::UNLINK => one(kind::UNLINK, AT_FDCWD, first, None, before),
            nr::UNLINKAT => {
                let kind = if c as i32 & AT_REMOVEDIR != 0 { kind::RMDIR } else { kind::UNLINK };
                one(kind, a as i32, second, None, before);
            }
            nr::RMDIR => one(kind::RMDIR, AT_FDCWD, first, None, None),
            nr::MKDIR => one(kind::MKDIR, AT_FDCWD, first, None, None),
            nr::LINK => two(kind::LINK, here(a), here(b), None),
            nr::LINKAT => two(kind::LINK, at(a, b), at(c, d), None),
            nr::SYMLINK => linked(first, AT_FDCWD, second),
            _ => {}
        }
        done
    }
}
