//! LD_PRELOAD kept across an exec: put back where it was dropped, taken out where it would only make the loader complain.

use crate::arch::{nr, syscall6};
use crate::state::{ENTRY, LIBRARY, here};
use crate::sys::{self, Chars, PATH_MAX, bytes};

const KEY: &[u8] = b"LD_PRELOAD=";
/// So many variables fit on the stack.
const STACK: usize = 1024;

/// Whether an entry is our library, or that of another run.
fn is_ours(entry: &[u8]) -> bool {
    entry.ends_with(LIBRARY)
}

fn entries(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|c| *c == b':' || *c == b' ').filter(|entry| !entry.is_empty())
}

/// A value of LD_PRELOAD that differs from what the caller gave.
struct Value {
    text: [u8; PATH_MAX * 2],
    len: usize,
}

impl Value {
    fn push(&mut self, bytes: &[u8]) -> bool {
        // one byte is left for the zero
        if self.len + bytes.len() >= self.text.len() {
            return false;
        }
        self.text[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
        true
    }
}

/// What becomes of the variable.
enum Change {
    Keep,
    Remove,
    Set,
}

fn change(old: Option<&[u8]>, reachable: bool, new: &mut Value) -> Change {
    let present = old.is_some_and(|old| entries(old).any(is_ours));
    match (present, reachable) {
        (true, true) | (false, false) => Change::Keep,
        (false, true) => {
            let mut fits = new.push(KEY);
            if let Some(old) = old.filter(|old| !old.is_empty()) {
                fits = fits && new.push(old) && new.push(b":");
            }
            if fits && new.push(ENTRY.get()) { Change::Set } else { Change::Keep }
        }
        (true, false) => {
            let mut fits = new.push(KEY);
            let start = new.len;
            for entry in entries(old.unwrap_or_default()).filter(|entry| !is_ours(entry)) {
                fits = fits && (new.len == start || new.push(b":")) && new.push(entry);
            }
            match (fits, new.len == start) {
                (false, _) => Change::Keep,
                (true, true) => Change::Remove,
                (true, false) => Change::Set,
            }
        }
    }
}

/// Calls `f` with the environment that the new program is to have.
pub unsafe fn carried<T>(envp: *const Chars, f: impl FnOnce(*const Chars) -> T) -> T {
    if here().is_none() {
        return f(envp);
    }
    let (mut count, mut place) = (0, None);
    if !envp.is_null() {
        // SAFETY: the caller's: ended by a null pointer.
        unsafe {
            while !(*envp.add(count)).is_null() {
                if place.is_none() && bytes(*envp.add(count)).starts_with(KEY) {
                    place = Some(count);
                }
                count += 1;
            }
        }
    }
    // SAFETY: counted above.
    let old = place.map(|at| unsafe { &bytes(*envp.add(at))[KEY.len()..] });
    let reachable = sys::readable(ENTRY.zero_ended());
    if old.is_some_and(|old| entries(old).any(is_ours)) == reachable {
        return f(envp);
    }
    // SAFETY: as above.
    unsafe { changed(envp, count, place, reachable, f) }
}

#[inline(never)]
unsafe fn changed<T>(envp: *const Chars, count: usize, place: Option<usize>, reachable: bool, f: impl FnOnce(*const Chars) -> T) -> T {
    let mut new = Value { text: [0; PATH_MAX * 2], len: 0 };
    // SAFETY: the caller's.
    let old = place.map(|at| unsafe { &bytes(*envp.add(at))[KEY.len()..] });
    let change = change(old, reachable, &mut new);
    if matches!(change, Change::Keep) {
        return f(envp);
    }
    if count + 2 <= STACK {
        let mut list = [core::ptr::null(); STACK];
        // SAFETY: `count` + 2 fit.
        unsafe { fill(list.as_mut_ptr(), envp, count, place, &change, &new) };
        return f(list.as_ptr());
    }
    let len = (count + 2) * size_of::<Chars>();
    // SAFETY: a new mapping; private and anonymous (0x22), readable and writable (3).
    let list = unsafe { syscall6(nr::MMAP, 0, len, 3, 0x22, usize::MAX, 0) };
    if list <= 0 {
        return f(envp);
    }
    // SAFETY: the mapping is long enough, and used by nobody else.
    unsafe {
        fill(list as *mut Chars, envp, count, place, &change, &new);
        let out = f(list as *const Chars);
        sys::call3(nr::MUNMAP, list as usize, len, 0);
        out
    }
}

unsafe fn fill(list: *mut Chars, envp: *const Chars, count: usize, place: Option<usize>, change: &Change, new: &Value) {
    let mut at = 0;
    // SAFETY: the caller's: room for `count` + 2.
    unsafe {
        for index in 0..count {
            let kept = match (Some(index) == place, change) {
                (true, Change::Remove) => continue,
                (true, Change::Set) => new.text.as_ptr(),
                _ => *envp.add(index),
            };
            list.add(at).write(kept);
            at += 1;
        }
        if place.is_none() && matches!(change, Change::Set) {
            list.add(at).write(new.text.as_ptr());
            at += 1;
        }
        list.add(at).write(core::ptr::null());
    }
}
