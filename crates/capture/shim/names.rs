//! Calls that change names: rename, link, unlink, folders, truncate, and the working folder.

use core::sync::atomic::Ordering;

use crate::files::{Place, placed};
use crate::layout::kind;
use crate::next::call;
use crate::record::{Record, Seen};
use crate::state::here;
use crate::sys::{self, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, Chars, PATH_MAX, bytes};

/// What bears this name now, links not followed.
pub unsafe fn standing(dir: i32, path: Chars) -> Option<Seen> {
    here()?;
    // SAFETY: the caller's path.
    unsafe { sys::stat_at(dir, path, AT_SYMLINK_NOFOLLOW) }
}

/// Records a call on one name.
pub unsafe fn one(kind: u8, dir: i32, path: Chars, stat: Option<Seen>, before: Option<Seen>) {
    let Some(here) = here() else { return };
    // SAFETY: the caller's path.
    placed(dir, unsafe { bytes(path) }, |path| here.write(Record { stat, before, text1: path, ..Record::of(kind) }));
}

/// Records a call on two names.
pub unsafe fn two(kind: u8, from: (i32, Chars), to: (i32, Chars), before: Option<Seen>) {
    let Some(here) = here() else { return };
    // SAFETY: the caller's paths.
    let (stat, text1, text2) = unsafe { (standing(to.0, to.1), bytes(from.1), bytes(to.1)) };
    let mut place = [Place::new(), Place::new()];
    let [first, second] = &mut place;
    let lone = |dir: i32, text: &[u8]| dir == AT_FDCWD || text.first() == Some(&b'/');
    let text1 = if lone(from.0, text1) { text1 } else { first.of(from.0, text1) };
    let text2 = if lone(to.0, text2) { text2 } else { second.of(to.0, text2) };
    here.write(Record { stat, before, text1, text2, ..Record::of(kind) });
}

/// An exchange is three renames by way of a name that nobody has.
pub unsafe fn exchanged(from: (i32, Chars), to: (i32, Chars)) {
    let aside = c".keizu-exchanged".as_ptr().cast();
    // SAFETY: the caller's paths.
    unsafe {
        let Some(here) = here() else { return };
        let (first, second) = (standing(from.0, from.1), standing(to.0, to.1));
        let (mut place, mut other) = (Place::new(), Place::new());
        let text1 = if from.0 == AT_FDCWD { bytes(from.1) } else { place.of(from.0, bytes(from.1)) };
        let text2 = if to.0 == AT_FDCWD { bytes(to.1) } else { other.of(to.0, bytes(to.1)) };
        let aside = bytes(aside);
        let step = |stat, text1, text2| here.write(Record { stat, text1, text2, ..Record::of(kind::RENAME) });
        step(second, text1, aside);
        step(first, text2, text1);
        step(second, aside, text2);
    }
}

const EXCHANGE: u32 = 2;

pub unsafe fn renamed(done: bool, from: (i32, Chars), to: (i32, Chars), flags: u32, before: Option<Seen>) {
    if !done {
        return;
    }
    // SAFETY: the caller's paths.
    unsafe { if flags & EXCHANGE != 0 { exchanged(from, to) } else { two(kind::RENAME, from, to, before) } }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: Chars, to: Chars) -> i32 {
    // SAFETY: what the caller gave to the real function.
    unsafe {
        let before = standing(AT_FDCWD, to);
        let done = call!("rename", (from => Chars, to => Chars) -> i32);
        renamed(done == 0, (AT_FDCWD, from), (AT_FDCWD, to), 0, before);
        done
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn renameat(from_dir: i32, from: Chars, to_dir: i32, to: Chars) -> i32 {
    // SAFETY: what the caller gave to the real function.
    unsafe {
        let before = standing(to_dir, to);
        let done = call!("renameat", (from_dir => i32, from => Chars, to_dir => i32, to => Chars) -> i32);
        renamed(done == 0, (from_dir, from), (to_dir, to), 0, before);
        done
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn renameat2(from_dir: i32, from: Chars, to_dir: i32, to: Chars, flags: u32) -> i32 {
    // SAFETY: what the caller gave to the real function.
    unsafe {
        let before = standing(to_dir, to);
        let done = call!("renameat2", (from_dir => i32, from => Chars, to_dir => i32, to => Chars, flags => u32) -> i32);
        renamed(done == 0, (from_dir, from), (to_dir, to), flags, before);
        done
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn link(from: Chars, to: Chars) -> i32 {
    let done = call!("link", (from => Chars, to => Chars) -> i32);
    if done == 0 {
        // SAFETY: the call took the paths.
        unsafe { two(kind::LINK, (AT_FDCWD, from), (AT_FDCWD, to), None) };
    }
    done
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn linkat(from_dir: i32, from: Chars, to_dir: i32, to: Chars, flags: i32) -> i32 {
    let done = call!("linkat", (from_dir => i32, from => Chars, to_dir => i32, to => Chars, flags => i32) -> i32);
    if done == 0 {
        // SAFETY: the call took the paths.
        unsafe { two(kind::LINK, (from_dir, from), (to_dir, to), None) };
    }
    done
}

/// The target of a symbolic link is a text, relative to nothing.
pub unsafe fn linked(target: Chars, dir: i32, path: Chars) {
    let Some(here) = here() else { return };
    // SAFETY: the caller's texts.
    let (target, path) = unsafe { (bytes(target), bytes(path)) };
    placed(dir, path, |path| here.write(Record { text1: target, text2: path, ..Record::of(kind::SYMLINK) }));
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn symlink(target: Chars, path: Chars) -> i32 {
    let done = call!("symlink", (target => Chars, path => Chars) -> i32);
    if done == 0 {
        // SAFETY: the call took the texts.
        unsafe { linked(target, AT_FDCWD, path) };
    }
    done
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn symlinkat(target: Chars, dir: i32, path: Chars) -> i32 {
    let done = call!("symlinkat", (target => Chars, dir => i32, path => Chars) -> i32);
    if done == 0 {
        // SAFETY: the call took the texts.
        unsafe { linked(target, dir, path) };
    }
    done
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: Chars) -> i32 {
    // SAFETY: what the caller gave to the real function.
    unsafe {
        let before = standing(AT_FDCWD, path);
        let done = call!("unlink", (path => Chars) -> i32);
        if done == 0 {
            one(kind::UNLINK, AT_FDCWD, path, None, before);
        }
        done
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlinkat(dir: i32, path: Chars, flags: i32) -> i32 {
    // SAFETY: what the caller gave to the real function.
    unsafe {
        let before = standing(dir, path);
        let done = call!("unlinkat", (dir => i32, path => Chars, flags => i32) -> i32);
        if done == 0 {
            one(if flags & AT_REMOVEDIR != 0 { kind::RMDIR } else { kind::UNLINK }, dir, path, None, before);
        }
        done
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn remove(path: Chars) -> i32 {
    // SAFETY: what the caller gave to the real function.
    unsafe {
        let before = standing(AT_FDCWD, path);
        let done = call!("remove", (path => Chars) -> i32);
        if done == 0 {
            let kind = if before.is_some_and(|seen| seen.folder) { kind::RMDIR } else { kind::UNLINK };
            one(kind, AT_FDCWD, path, None, before);
        }
        done
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmdir(path: Chars) -> i32 {
    let done = call!("rmdir", (path => Chars) -> i32);
    if done == 0 {
        // SAFETY: the call took the path.
        unsafe { one(kind::RMDIR, AT_FDCWD, path, None, None) };
    }
    done
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdir(path: Chars, mode: u32) -> i32 {
    let done = call!("mkdir", (path => Chars, mode => u32) -> i32);
    if done == 0 {
        // SAFETY: the call took the path.
        unsafe { one(kind::MKDIR, AT_FDCWD, path, None, None) };
    }
    done
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdirat(dir: i32, path: Chars, mode: u32) -> i32 {
    let done = call!("mkdirat", (dir => i32, path => Chars, mode => u32) -> i32);
    if done == 0 {
        // SAFETY: the call took the path.
        unsafe { one(kind::MKDIR, dir, path, None, None) };
    }
    done
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdtemp(template: *mut u8) -> *mut u8 {
    let done = call!("mkdtemp", (template => *mut u8) -> *mut u8);
    if !done.is_null() {
        // SAFETY: the call left the name in the template.
        unsafe { one(kind::MKDIR, AT_FDCWD, template, None, None) };
    }
    done
}

macro_rules! truncates {
    ($($symbol:ident $name:literal),*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol(path: Chars, len: i64) -> i32 {
            // SAFETY: what the caller gave to the real function.
            unsafe {
                let before = if here().is_some() { sys::stat_at(AT_FDCWD, path, 0) } else { None };
                let done = call!($name, (path => Chars, len => i64) -> i32);
                if done == 0 && here().is_some() {
                    one(kind::TRUNCATE, AT_FDCWD, path, sys::stat_at(AT_FDCWD, path, 0), before);
                }
                done
            }
        }
    )*};
}
truncates!(truncate "truncate", truncate64 "truncate64");

/// The working folder changed. A child of `vfork` shares our page but not our folder, so the pid is asked anew.
fn moved() {
    let Some(here) = here() else { return };
    let pid = sys::getpid();
    if pid != here.page.pid.load(Ordering::Relaxed) {
        here.page.borrowed.store(1, Ordering::Relaxed);
    }
    let mut cwd = [0; PATH_MAX];
    here.write(Record { pid, text1: sys::cwd(&mut cwd), ..Record::of(kind::CHDIR) });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn chdir(path: Chars) -> i32 {
    let done = call!("chdir", (path => Chars) -> i32);
    if done == 0 {
        moved();
    }
    done
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fchdir(fd: i32) -> i32 {
    let done = call!("fchdir", (fd => i32) -> i32);
    if done == 0 {
        moved();
    }
    done
}
