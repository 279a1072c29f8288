//! The library that is preloaded into every process of a watched run. It wraps the calls that name files and programs, and writes what
//! they did into the arena.
//!
//! It uses no libc beyond `dl_iterate_phdr`, `environ`, `clock_gettime` and the place of `errno`; no thread-local storage, no lock, no
//! allocation. So it serves glibc and musl alike, and may be entered in a signal handler, in a `vfork` child, in a constructor.
//!
//! ```text
//! call ──► wrapper ──► the next `open` (next.rs) ──► fstat ──► record (record.rs) ──► the caller's result, errno untouched
//! ```

#![no_std]
#![allow(dead_code, unused_unsafe, clippy::missing_safety_doc, reason = "calls and layouts are written down whole, and differ by machine")]

#[cfg_attr(target_arch = "x86_64", path = "arch/x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "arch/aarch64.rs")]
mod arch;
mod end;
mod files;
mod layout;
mod names;
mod next;
mod programs;
mod raw;
mod record;
mod state;
mod sys;
mod variables;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // never reached: nothing here panics; a job must not be told so by us in any case
    loop {
        core::hint::spin_loop();
    }
}
