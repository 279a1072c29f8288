//! The arena: one file, mapped by every process of a run, into which the shim writes and from which the watcher reads.

mod reader;
#[cfg(test)]
mod tests;

#[path = "../../shim/layout.rs"]
#[allow(dead_code, reason = "the shim uses the rest")]
pub(crate) mod layout;
#[path = "../../shim/record.rs"]
#[allow(dead_code, reason = "the shim uses the rest")]
pub(crate) mod record;

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use keizu_record::RunId;

use crate::arena::layout::{CHUNK_BYTES, CHUNKS_AT, Header, MAGIC, ROOT_MAX, SUMMARY_MAX, VERSION};
use crate::arena::record::Record;

pub(crate) use reader::{Bytes, Reader, Until};

/// Default size.
pub(crate) const ARENA_BYTES: u64 = 128 << 20;

/// A mapped arena, with its file.
#[derive(Debug)]
pub(crate) struct Arena {
    base: NonNull<u8>,
    len: usize,
    file: File,
}

// SAFETY: the mapping is shared with other processes anyway; all access goes through atomics or bounded copies.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: our own mapping; nothing borrowed from it outlives us.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

impl Arena {
    /// Makes the file with all its blocks: a hole would be a SIGBUS in the job when the disk is full.
    pub(crate) fn create(path: &Path, bytes: u64) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let bytes = bytes.max((CHUNKS_AT + CHUNK_BYTES) as u64);
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        let len = libc::off_t::try_from(bytes).map_err(io::Error::other)?;
        // SAFETY: a descriptor of ours.
        if unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, len) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let arena = Self::map(file, usize::try_from(bytes).map_err(io::Error::other)?)?;
        let chunks = (arena.len - CHUNKS_AT) / CHUNK_BYTES;
        arena.header().chunks.store(chunks as u64, Ordering::Relaxed);
        arena.header().version.store(VERSION, Ordering::Relaxed);
        Ok(arena)
    }

    /// Maps an arena that was made before; refuses what is not one.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        if len < CHUNKS_AT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "too short for an arena"));
        }
        let arena = Self::map(file, len)?;
        let header = arena.header();
        if header.magic.load(Ordering::Acquire) != MAGIC || header.version.load(Ordering::Relaxed) != VERSION {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not an arena of this version"));
        }
        Ok(arena)
    }

    fn map(file: File, len: usize) -> io::Result<Self> {
        // SAFETY: a new mapping of a file that nobody cuts short.
        let base =
            unsafe { libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, file.as_raw_fd(), 0) };
        match NonNull::new(base.cast::<u8>()) {
            Some(base) if base.as_ptr().cast() != libc::MAP_FAILED => Ok(Self { base, len, file }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the mapping is longer than a header and page-aligned; the header's fields are atomics, and bytes that are written before
        // they are announced.
        unsafe { &*self.base.as_ptr().cast::<Header>() }
    }

    /// For the reader.
    pub(crate) fn bytes(&self) -> Bytes<'_> {
        // SAFETY: the mapping lives as long as `self`.
        unsafe { Bytes::new(self.base.as_ptr(), self.len) }
    }

    /// Writes the root's path and declares the arena ready for the shim.
    pub(crate) fn publish(&self, root: &[u8]) {
        let header = self.base.as_ptr().cast::<Header>();
        if root.len() <= ROOT_MAX {
            // SAFETY: inside the header; nobody reads before the magic is there.
            unsafe { std::ptr::copy_nonoverlapping(root.as_ptr(), (&raw mut (*header).root).cast::<u8>(), root.len()) };
            self.header().root_len.store(root.len() as u32, Ordering::Relaxed);
        }
        self.header().magic.store(MAGIC, Ordering::Release);
    }

    /// Leaves the summary for the shim to print, cut at a line when it is too long.
    pub(crate) fn set_summary(&self, text: &str) {
        let mut text = text.as_bytes();
        if text.len() > SUMMARY_MAX {
            let end = text[..SUMMARY_MAX].iter().rposition(|c| *c == b'\n').map_or(0, |at| at + 1);
            text = &text[..end];
        }
        let header = self.base.as_ptr().cast::<Header>();
        // SAFETY: inside the header; the shim reads after the length is stored.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), (&raw mut (*header).summary).cast::<u8>(), text.len()) };
        self.header().summary_len.store(text.len() as u32, Ordering::Release);
    }

    pub(crate) fn run(&self) -> RunId {
        let [first, second] = &self.header().run;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&first.load(Ordering::Relaxed).to_le_bytes());
        bytes[8..].copy_from_slice(&second.load(Ordering::Relaxed).to_le_bytes());
        RunId::new(bytes)
    }

    pub(crate) fn set_run(&self, run: RunId) {
        let halves = run.as_bytes().as_chunks::<8>().0;
        for (word, half) in self.header().run.iter().zip(halves) {
            word.store(u64::from_le_bytes(*half), Ordering::Relaxed);
        }
    }

    /// Writes one record, as the shim does.
    pub(crate) fn write(&self, record: &Record<'_>) {
        // SAFETY: the mapping lives as long as `self`, and its blocks are allocated.
        if let Some(arena) = unsafe { record::Arena::new(self.base.as_ptr(), self.len) } {
            let held = AtomicU32::new(record::NONE);
            arena.write(&held, record);
            arena.donate(held.load(Ordering::Relaxed));
        }
    }

    /// Takes the lock that says "a watcher lives"; false when another one has it.
    pub(crate) fn lock(&self) -> bool {
        let mut lock = whole_file();
        // SAFETY: a descriptor of ours, and a lock that the call only reads.
        unsafe { libc::fcntl(self.file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut lock) == 0 }
    }

    /// Whether a watcher lives. Only asks: a look must not keep a watcher from taking its lock.
    pub(crate) fn watched(&self) -> bool {
        let mut lock = whole_file();
        // SAFETY: a descriptor of ours, and a lock that the call may write to.
        let asked = unsafe { libc::fcntl(self.file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) };
        asked != 0 || libc::c_int::from(lock.l_type) != libc::F_UNLCK
    }

    /// Sleeps until the state is no longer `seen`, is woken, or `bound` has passed.
    pub(crate) fn await_state(&self, seen: u32, bound: Duration) {
        let bound = libc::timespec { tv_sec: bound.as_secs() as libc::time_t, tv_nsec: bound.subsec_nanos().into() };
        let none = std::ptr::null::<u32>();
        // SAFETY: a futex in a shared mapping.
        unsafe { libc::syscall(libc::SYS_futex, self.header().state.as_ptr(), libc::FUTEX_WAIT, seen, &raw const bound, none, 0) };
    }

    /// Wakes whoever sleeps on the state.
    pub(crate) fn wake(&self) {
        let none = std::ptr::null::<u32>();
        // SAFETY: as above.
        unsafe { libc::syscall(libc::SYS_futex, self.header().state.as_ptr(), libc::FUTEX_WAKE, i32::MAX, none, none, 0) };
    }
}

/// `CLOCK_MONOTONIC`, nanoseconds.
pub(crate) fn monotonic() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// `CLOCK_REALTIME`, nanoseconds.
pub(crate) fn realtime() -> u64 {
    clock(libc::CLOCK_REALTIME)
}

fn clock(id: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one timespec.
    unsafe { libc::clock_gettime(id, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A lock for one writer on a whole file. It belongs to the open file: a fork holds on to it, as a process's own lock would not.
fn whole_file() -> libc::flock {
    // SAFETY: plain numbers, for which zero is a value: from the start, to the end.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock
}
