//! Reads the arena while others write it, and after. Nothing in it is trusted: every length is bounded by its chunk.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::marker::PhantomData;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use keizu_record::RunId;

use super::layout::{
    BEFORE_FOLDER, BUSY, CHUNK_BYTES, CHUNK_HEAD, CHUNK_MAGIC, CHUNKS_AT, HAS_BEFORE, HAS_STAT, RECORD_HEAD, STAT_BYTES, STAT_FOLDER,
    TEXT_CUT, check, kind,
};
use super::monotonic;
use crate::event::{Event, Stat, What};

/// Pieces of arguments that wait for their record; more are forgotten.
const PIECES_MAX: usize = 4096;
/// How long a record waits for its arguments.
const PATIENCE_NANOS: u64 = 1_000_000_000;

/// Memory that other processes write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes<'a> {
    base: *const u8,
    len: usize,
    life: PhantomData<&'a u8>,
}

impl Bytes<'_> {
    /// # Safety
    /// `base` is 8-aligned, and `len` bytes from there stay readable during the borrow.
    pub(crate) unsafe fn new(base: *const u8, len: usize) -> Self {
        Self { base, len, life: PhantomData }
    }

    fn word(&self, at: usize) -> u32 {
        if !at.is_multiple_of(4) || at + 4 > self.len {
            return 0;
        }
        // SAFETY: inside, and aligned.
        unsafe { (*self.base.add(at).cast::<AtomicU32>()).load(Ordering::Acquire) }
    }

    fn double(&self, at: usize) -> u64 {
        if !at.is_multiple_of(8) || at + 8 > self.len {
            return 0;
        }
        // SAFETY: inside, and aligned.
        unsafe { (*self.base.add(at).cast::<AtomicU64>()).load(Ordering::Relaxed) }
    }

    fn copy(&self, at: usize, len: usize) -> Option<Vec<u8>> {
        if at.checked_add(len)? > self.len {
            return None;
        }
        let mut out = vec![0; len];
        // SAFETY: inside. Another process may write meanwhile; then the bytes are wrong, not the memory.
        unsafe { std::ptr::copy(self.base.add(at), out.as_mut_ptr(), len) };
        Some(out)
    }
}

/// How far to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Up to now: what is newer waits for the next time, so that causes come before their effects.
    Now,
    /// All that is complete.
    Complete,
    /// All that there will ever be: records that were never completed are passed over.
    End,
}

/// The position in each chunk, and what waits for its turn.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    positions: Vec<u32>,
    /// Chunks before this one are read to their end.
    finished: usize,
    waiting: Vec<Raw>,
    pieces: HashMap<(u32, u64), BTreeMap<i32, Vec<u8>>>,
    /// Places where records were lost.
    broken: u64,
}

#[derive(Debug)]
struct Raw {
    kind: u8,
    has: u8,
    pid: u32,
    a: i32,
    flags: u32,
    at: u64,
    stat: Option<Stat>,
    before: Option<Stat>,
    text1: Vec<u8>,
    text2: Vec<u8>,
}

impl Reader {
    /// How many records were found broken, or were never completed.
    pub(crate) fn broken(&self) -> u64 {
        self.broken
    }

    /// What is new, ordered by time.
    pub(crate) fn drain(&mut self, bytes: Bytes<'_>, until: Until) -> Vec<Event> {
        let began = monotonic();
        let chunks = bytes.double(8).min(bytes.double(16)).min((bytes.len.saturating_sub(CHUNKS_AT) / CHUNK_BYTES) as u64) as usize;
        self.positions.resize(chunks.max(self.positions.len()), CHUNK_HEAD as u32);
        for chunk in self.finished..chunks {
            self.read_chunk(bytes, chunk, until == Until::End);
        }
        while self.positions.get(self.finished).is_some_and(|at| *at as usize + RECORD_HEAD > CHUNK_BYTES) {
            self.finished += 1;
        }
        self.waiting.sort_by_key(|raw| raw.at);
        let before = match until {
            Until::Now => self.incomplete(began).unwrap_or(began),
            Until::Complete | Until::End => u64::MAX,
        };
        let ready = self.waiting.partition_point(|raw| raw.at < before);
        let ready: Vec<Raw> = self.waiting.drain(..ready).collect();
        ready.into_iter().filter_map(|raw| self.event(raw)).collect()
    }

    /// The time of the first record whose arguments are not all there.
    fn incomplete(&self, now: u64) -> Option<u64> {
        let lacks = |raw: &&Raw| {
            matches!(raw.kind, kind::BEGIN | kind::EXEC | kind::SPAWN)
                && raw.at + PATIENCE_NANOS > now
                && self.pieces.get(&(raw.pid, raw.at)).map_or(0, BTreeMap::len) < raw.flags as usize
        };
        self.waiting.iter().find(lacks).map(|raw| raw.at)
    }

    fn read_chunk(&mut self, bytes: Bytes<'_>, chunk: usize, last: bool) {
        let base = CHUNKS_AT + chunk * CHUNK_BYTES;
        if bytes.word(base) != CHUNK_MAGIC {
            return;
        }
        let mut at = self.positions[chunk] as usize;
        while at + RECORD_HEAD <= CHUNK_BYTES {
            let word = bytes.word(base + at);
            let len = (word & !BUSY) as usize;
            let sound = len >= RECORD_HEAD && len.is_multiple_of(8) && at + len <= CHUNK_BYTES;
            if word & BUSY == 0 && sound {
                match parse(bytes, base + at, len) {
                    Some(raw) => self.keep(raw),
                    None => self.broken += 1,
                }
                at += len;
            } else if !last {
                // not yet written, or never: the end will tell
                break;
            } else if word == 0 && at >= bytes.word(base + 4) as usize {
                break;
            } else {
                self.broken += 1;
                at += if sound { len } else { skip(bytes, base, at) };
            }
        }
        self.positions[chunk] = at as u32;
    }

    fn keep(&mut self, raw: Raw) {
        if raw.kind != kind::ARGS {
            self.waiting.push(raw);
        } else if self.pieces.len() < PIECES_MAX && raw.a >= 0 {
            self.pieces.entry((raw.pid, raw.at)).or_default().insert(raw.a, raw.text1);
        } else {
            self.broken += 1;
        }
    }

    fn argv(&mut self, raw: &Raw) -> Vec<Vec<u8>> {
        let whole: Vec<u8> = self.pieces.remove(&(raw.pid, raw.at)).into_iter().flatten().flat_map(|(_, piece)| piece).collect();
        let mut argv: Vec<Vec<u8>> = whole.split(|c| *c == 0).map(<[u8]>::to_vec).collect();
        if argv.last().is_some_and(Vec::is_empty) {
            argv.pop();
        }
        argv
    }

    fn event(&mut self, raw: Raw) -> Option<Event> {
        let argv = if matches!(raw.kind, kind::BEGIN | kind::EXEC | kind::SPAWN) { self.argv(&raw) } else { Vec::new() };
        let (pid, at, stat, before, has) = (raw.pid, raw.at, raw.stat, raw.before, raw.has);
        let what = what(raw, argv)?;
        let what = match what {
            What::Open { path, .. } | What::Unlink { path } | What::Truncate { path } if has & TEXT_CUT != 0 => What::Cut { path },
            What::Rename { to, .. } | What::Link { to, .. } if has & TEXT_CUT != 0 => What::Cut { path: to },
            what => what,
        };
        Some(Event { pid, at, stat, before, what })
    }
}

/// How far to the next thing that looks like a record, from a place that does not.
fn skip(bytes: Bytes<'_>, base: usize, at: usize) -> usize {
    let looks_right = |next: usize| {
        let len = bytes.word(base + next) & !BUSY;
        let kind = (bytes.word(base + next + 4) & 0xff) as u8;
        len as usize >= RECORD_HEAD
            && next + len as usize <= CHUNK_BYTES
            && bytes.double(base + next + 32) == check(len, kind, bytes.word(base + next + 8), bytes.double(base + next + 24))
    };
    let next = (at + 8..=CHUNK_BYTES - RECORD_HEAD).step_by(8).find(|next| looks_right(*next));
    next.unwrap_or(CHUNK_BYTES) - at
}

fn parse(bytes: Bytes<'_>, at: usize, len: usize) -> Option<Raw> {
    let record = bytes.copy(at, len)?;
    let word = |at: usize| Some(u32::from_le_bytes(record.get(at..at + 4)?.try_into().ok()?));
    let double = |at: usize| Some(u64::from_le_bytes(record.get(at..at + 8)?.try_into().ok()?));
    let (kind, has) = (*record.get(4)?, *record.get(5)?);
    let len1 = usize::from(u16::from_le_bytes(record.get(6..8)?.try_into().ok()?));
    let len2 = word(20)? as usize;
    let (pid, time) = (word(8)?, double(24)?);
    if double(32)? != check(len as u32, kind, pid, time) {
        return None;
    }
    let mut place = RECORD_HEAD;
    let mut stat = |bit: u8, folder: u8| {
        if has & bit == 0 {
            return Some(None);
        }
        let field = |index: usize| double(place + index * 8);
        let nanos = |s: u64, ns: u64| (s as i64).saturating_mul(1_000_000_000).saturating_add(ns as i64);
        let stat = Stat {
            dev: field(0)?,
            ino: field(1)?,
            size: field(2)?,
            mtime: nanos(field(3)?, field(4)?),
            ctime: nanos(field(5)?, field(6)?),
            folder: has & folder != 0,
        };
        place += STAT_BYTES;
        Some(Some(stat))
    };
    let (now, before) = (stat(HAS_STAT, STAT_FOLDER)?, stat(HAS_BEFORE, BEFORE_FOLDER)?);
    let text1 = record.get(place..place.checked_add(len1)?)?.to_vec();
    let text2 = record.get(place + len1..(place + len1).checked_add(len2)?)?.to_vec();
    Some(Raw { kind, has, pid, a: word(12)? as i32, flags: word(16)?, at: time, stat: now, before, text1, text2 })
}

fn what(raw: Raw, argv: Vec<Vec<u8>>) -> Option<What> {
    let path = |bytes: Vec<u8>| PathBuf::from(OsString::from_vec(bytes));
    let number = raw.a.unsigned_abs();
    let (first, second) = (raw.text1, raw.text2);
    Some(match raw.kind {
        kind::BEGIN => What::Begin { ppid: number, cwd: path(first), exe: path(second), argv },
        kind::FORK_BEGIN => What::ForkBegin { parent: number, cwd: path(first) },
        kind::FORKED => What::Forked { child: number },
        kind::OPEN => What::Open { path: path(first), flags: raw.flags as i32 },
        kind::OPEN_FAILED => What::OpenFailed { path: path(first), errno: raw.a },
        kind::RENAME => What::Rename { from: path(first), to: path(second) },
        kind::LINK => What::Link { from: path(first), to: path(second) },
        kind::SYMLINK => What::Symlink { target: path(first), path: path(second) },
        kind::UNLINK => What::Unlink { path: path(first) },
        kind::MKDIR => What::Mkdir { path: path(first) },
        kind::RMDIR => What::Rmdir { path: path(first) },
        kind::TRUNCATE => What::Truncate { path: path(first) },
        kind::CHDIR => What::Chdir { path: path(first) },
        kind::EXEC => What::Exec { path: path(first), argv },
        kind::EXEC_FAILED => What::ExecFailed { path: path(first), errno: raw.a },
        kind::SPAWN => What::Spawn { child: number, path: path(first), argv },
        kind::LIBRARY => What::Library { path: path(first) },
        kind::EXIT => What::Exit { code: raw.a },
        kind::IO_URING => What::IoUring,
        kind::CHILD_RUN => What::ChildRun { run: RunId::from_slice(&first)? },
        _ => return None,
    })
}
