//! Writing one record into a mapped arena. Used by the shim in every process, and by the launcher for what it must say itself.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::layout::*;

/// A file's stat as the kernel gave it.
#[derive(Clone, Copy, Default)]
pub struct Seen {
    /// dev ino size mtime_s mtime_ns ctime_s ctime_ns.
    pub words: [u64; 7],
    pub folder: bool,
}

/// What is to be written.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    pub kind: u8,
    pub a: i32,
    pub flags: u32,
    pub pid: u32,
    pub at: u64,
    pub stat: Option<Seen>,
    pub before: Option<Seen>,
    pub text1: &'a [u8],
    pub text2: &'a [u8],
}

impl Record<'_> {
    /// Nothing but a kind.
    pub const fn of(kind: u8) -> Self {
        Self { kind, a: 0, flags: 0, pid: 0, at: 0, stat: None, before: None, text1: &[], text2: &[] }
    }
}

/// A mapped arena.
#[derive(Clone, Copy)]
pub struct Arena {
    base: *mut u8,
    chunks: u64,
}

/// No chunk is held.
pub const NONE: u32 = 0;

impl Arena {
    /// # Safety
    /// `base` points to a mapping of `len` bytes that stays, and whose backing is allocated.
    pub unsafe fn new(base: *mut u8, len: usize) -> Option<Self> {
        if len < CHUNKS_AT + CHUNK_BYTES {
            return None;
        }
        let arena = Self { base, chunks: 0 };
        let header = arena.header();
        if header.magic.load(Ordering::Acquire) != MAGIC || header.version.load(Ordering::Relaxed) != VERSION {
            return None;
        }
        let fit = ((len - CHUNKS_AT) / CHUNK_BYTES) as u64;
        Some(Self { base, chunks: header.chunks.load(Ordering::Relaxed).min(fit) })
    }

    pub fn header(&self) -> &Header {
        // SAFETY: the mapping is longer than the header, and page-aligned.
        unsafe { &*self.base.cast::<Header>() }
    }

    fn word(&self, at: usize) -> &AtomicU32 {
        // SAFETY: callers stay inside the mapping; `at` is a multiple of 4.
        unsafe { &*self.base.add(at).cast::<AtomicU32>() }
    }

    /// Whether this hash was put into the table before; puts it there.
    pub fn repeated(&self, hash: u64) -> bool {
        let at = HEADER_BYTES + (hash as usize % REPEATS) * 8;
        // SAFETY: inside the table, 8-aligned.
        let slot = unsafe { &*self.base.add(at).cast::<AtomicU64>() };
        let hash = hash | 1;
        slot.load(Ordering::Relaxed) == hash || {
            slot.store(hash, Ordering::Relaxed);
            false
        }
    }

    /// Gives the rest of a chunk to others.
    pub fn donate(&self, chunk: u32) {
        if chunk == NONE {
            return;
        }
        let at = CHUNKS_AT + (chunk as usize - 1) * CHUNK_BYTES;
        if self.word(at + 4).load(Ordering::Relaxed) as usize > CHUNK_BYTES - DONATE_MIN {
            return;
        }
        let free = &self.header().free;
        let mut old = free.load(Ordering::Acquire);
        loop {
            self.word(at + 8).store(old as u32, Ordering::Relaxed);
            let new = (old >> 32).wrapping_add(1) << 32 | u64::from(chunk);
            match free.compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => old = now,
            }
        }
    }

    fn donated(&self) -> u32 {
        let free = &self.header().free;
        let mut old = free.load(Ordering::Acquire);
        loop {
            let chunk = old as u32;
            if chunk == NONE || u64::from(chunk) > self.chunks {
                return NONE;
            }
            let next = self.word(CHUNKS_AT + (chunk as usize - 1) * CHUNK_BYTES + 8).load(Ordering::Relaxed);
            let new = (old >> 32).wrapping_add(1) << 32 | u64::from(next);
            match free.compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return chunk,
                Err(now) => old = now,
            }
        }
    }

    fn fresh(&self) -> u32 {
        let head = &self.header().head;
        if head.load(Ordering::Relaxed) >= self.chunks {
            return NONE;
        }
        let chunk = head.fetch_add(1, Ordering::Relaxed);
        if chunk >= self.chunks {
            return NONE;
        }
        let at = CHUNKS_AT + chunk as usize * CHUNK_BYTES;
        self.word(at + 4).store(CHUNK_HEAD as u32, Ordering::Relaxed);
        self.word(at).store(CHUNK_MAGIC, Ordering::Release);
        chunk as u32 + 1
    }

    /// Takes `len` bytes of a chunk; the place in the mapping, or `None` when it is full.
    fn take(&self, chunk: u32, len: usize) -> Option<usize> {
        let at = CHUNKS_AT + (chunk as usize - 1) * CHUNK_BYTES;
        let used = self.word(at + 4);
        let mut old = used.load(Ordering::Relaxed);
        loop {
            let end = old as usize + len;
            if (old as usize) < CHUNK_HEAD || end > CHUNK_BYTES {
                return None;
            }
            match used.compare_exchange_weak(old, end as u32, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(at + old as usize),
                Err(now) => old = now,
            }
        }
    }

    /// Writes a record. `held` is the caller's own chunk (`NONE` at first), and is changed when another one is taken. Full: counted.
    pub fn write(&self, held: &AtomicU32, record: &Record<'_>) {
        let text1 = &record.text1[..record.text1.len().min(TEXT_MAX)];
        let text2 = &record.text2[..record.text2.len().min(TEXT_MAX)];
        let stats = usize::from(record.stat.is_some()) + usize::from(record.before.is_some());
        let len = (RECORD_HEAD + stats * STAT_BYTES + text1.len() + text2.len() + 7) & !7;
        let chunk = held.load(Ordering::Relaxed);
        let mut place = if chunk == NONE { None } else { self.take(chunk, len) };
        if place.is_none() && chunk == NONE {
            let chunk = self.donated();
            if chunk != NONE {
                place = self.take(chunk, len);
                held.store(chunk, Ordering::Relaxed);
            }
        }
        while place.is_none() {
            let chunk = self.fresh();
            if chunk == NONE {
                self.header().dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
            place = self.take(chunk, len);
            held.store(chunk, Ordering::Relaxed);
        }
        if let Some(place) = place {
            self.fill(place, len as u32, record, text1, text2);
        }
    }

    fn fill(&self, place: usize, len: u32, record: &Record<'_>, text1: &[u8], text2: &[u8]) {
        self.word(place).store(len | BUSY, Ordering::Relaxed);
        let cut = text1.len() < record.text1.len() || text2.len() < record.text2.len();
        let has = [
            (record.stat.is_some(), HAS_STAT),
            (record.before.is_some(), HAS_BEFORE),
            (record.stat.is_some_and(|s| s.folder), STAT_FOLDER),
            (record.before.is_some_and(|s| s.folder), BEFORE_FOLDER),
            (cut, TEXT_CUT),
        ];
        let has = has.iter().fold(0, |bits, (yes, bit)| if *yes { bits | bit } else { bits });
        // SAFETY: `take` gave us these `len` bytes alone, inside the mapping and 8-aligned; the sum of what is written is `len` at most.
        unsafe {
            let out = self.base.add(place);
            out.add(4).write(record.kind);
            out.add(5).write(has);
            out.add(6).cast::<u16>().write(text1.len() as u16);
            out.add(8).cast::<u32>().write(record.pid);
            out.add(12).cast::<i32>().write(record.a);
            out.add(16).cast::<u32>().write(record.flags);
            out.add(20).cast::<u32>().write(text2.len() as u32);
            out.add(24).cast::<u64>().write(record.at);
            out.add(32).cast::<u64>().write(check(len, record.kind, record.pid, record.at));
            let mut at = RECORD_HEAD;
            for seen in [record.stat, record.before].into_iter().flatten() {
                out.add(at).cast::<[u64; 7]>().write(seen.words);
                at += STAT_BYTES;
            }
            core::ptr::copy_nonoverlapping(text1.as_ptr(), out.add(at), text1.len());
            core::ptr::copy_nonoverlapping(text2.as_ptr(), out.add(at + text1.len()), text2.len());
        }
        self.word(place).store(len, Ordering::Release);
    }
}
