//! The arena's bytes, shared by the shim (writer), the launcher and the watcher (reader).
//!
//! ```text
//! 0        header, 4,096 B (`Header`)
//! 4096     repeats: 2^20 × u64, a table of hashes of what was recorded already (sparse)
//! 8392704  chunks of 8,192 B
//!
//! chunk    u32 magic "HCZK" · u32 used (bytes taken, this header included) · u32 next free chunk + 1 · u32 reserved · records
//! record   0 u32 length | BUSY<<31     a multiple of 8, stored last; 0: not yet written
//!          4 u8 kind   5 u8 has (bits below)   6 u16 len1
//!          8 u32 pid  12 i32 a  16 u32 flags  20 u32 len2
//!         24 u64 monotonic ns  32 u64 check (`check`)
//!         40 [stat: 7 × u64: dev ino size mtime_s mtime_ns ctime_s ctime_ns] [stat before: the same] text1 text2
//! ```
//!
//! A chunk has one process that likes it, but any process may write into it: room is taken by a compare-and-swap on `used`, which every
//! process sees. So a process that ends or execs gives the rest of its chunk to whoever comes next (`Header::free`), and 500 short programs
//! do not cost 500 chunks.

use core::sync::atomic::{AtomicU32, AtomicU64};

/// The first eight bytes.
pub const MAGIC: u64 = u64::from_le_bytes(*b"KEIZUARN");
/// Of this drawing.
pub const VERSION: u32 = 1;
/// The first four bytes of a chunk.
pub const CHUNK_MAGIC: u32 = u32::from_le_bytes(*b"HCZK");
/// Bytes of the header.
pub const HEADER_BYTES: usize = 4096;
/// Entries of the table of repeats.
pub const REPEATS: usize = 1 << 20;
/// Where the chunks begin.
pub const CHUNKS_AT: usize = HEADER_BYTES + REPEATS * 8;
/// Bytes of a chunk.
pub const CHUNK_BYTES: usize = 8192;
/// Bytes of a chunk's own header.
pub const CHUNK_HEAD: usize = 16;
/// Bytes of a record before its stats and texts.
pub const RECORD_HEAD: usize = 40;
/// Bytes of a stat in a record.
pub const STAT_BYTES: usize = 56;
/// The record is being written.
pub const BUSY: u32 = 1 << 31;
/// A path longer than this is cut.
pub const TEXT_MAX: usize = 3500;
/// Arguments are cut into pieces of this size, and after [`ARGS_MAX`] altogether.
pub const ARGS_PIECE: usize = 3500;
/// See [`ARGS_PIECE`].
pub const ARGS_MAX: usize = 256 * 1024;
/// A chunk with less room than this is not given to others.
pub const DONATE_MIN: usize = 1024;

/// Longest summary.
pub const SUMMARY_MAX: usize = 1784;
/// Longest project root.
pub const ROOT_MAX: usize = 2040;

/// The process runs.
pub const STATE_RUNNING: u32 = 0;
/// The root process is at the entry of its exit, and may be waiting.
pub const STATE_ENDING: u32 = 1;
/// The run is committed, the summary is there.
pub const STATE_COMMITTED: u32 = 2;

/// Bits of `has`.
pub const HAS_STAT: u8 = 1;
pub const HAS_BEFORE: u8 = 2;
pub const STAT_FOLDER: u8 = 4;
pub const BEFORE_FOLDER: u8 = 8;
/// A text was cut.
pub const TEXT_CUT: u8 = 16;

/// Kinds of records; the texts are in brackets.
pub mod kind {
    /// A program began (cwd, exe); a = ppid, flags = how many `ARGS` records of the same pid and time belong to it.
    pub const BEGIN: u8 = 1;
    /// A forked child began (cwd); a = parent.
    pub const FORK_BEGIN: u8 = 2;
    /// (path); a = fd, flags.
    pub const OPEN: u8 = 3;
    /// (from, to).
    pub const RENAME: u8 = 4;
    /// (path).
    pub const UNLINK: u8 = 5;
    /// (from, to).
    pub const LINK: u8 = 6;
    /// (path); flags as of `BEGIN`.
    pub const EXEC: u8 = 7;
    /// a = code.
    pub const EXIT: u8 = 8;
    /// (folder).
    pub const CHDIR: u8 = 9;
    /// (path).
    pub const LIBRARY: u8 = 10;
    /// (path).
    pub const TRUNCATE: u8 = 11;
    /// (path).
    pub const MKDIR: u8 = 12;
    /// (path).
    pub const RMDIR: u8 = 13;
    /// (target, path).
    pub const SYMLINK: u8 = 14;
    /// (path); a = child, flags as of `BEGIN`.
    pub const SPAWN: u8 = 15;
    pub const IO_URING: u8 = 16;
    /// a = child.
    pub const FORKED: u8 = 17;
    /// (bytes of arguments, each ended by a zero); a = place of this piece.
    pub const ARGS: u8 = 18;
    /// (path); a = errno.
    pub const OPEN_FAILED: u8 = 19;
    /// (path); a = errno.
    pub const EXEC_FAILED: u8 = 20;
    /// (16 bytes of the run's id).
    pub const CHILD_RUN: u8 = 21;
}

/// The first page of the arena.
#[repr(C)]
pub struct Header {
    pub magic: AtomicU64,
    /// How many chunks there are.
    pub chunks: AtomicU64,
    /// The next chunk that nobody had.
    pub head: AtomicU64,
    /// Events for which there was no room.
    pub dropped: AtomicU64,
    /// Opens that were only counted.
    pub repeated: AtomicU64,
    pub root_pid: AtomicU32,
    pub watcher_pid: AtomicU32,
    /// Futex: `STATE_…`.
    pub state: AtomicU32,
    pub exit_code: AtomicU32,
    pub wait_ms: AtomicU32,
    pub version: AtomicU32,
    /// What descriptor 2 of the root was at the start; both zero: closed.
    pub stderr_dev: AtomicU64,
    pub stderr_ino: AtomicU64,
    /// Field 22 of `/proc/PID/stat`.
    pub root_started: AtomicU64,
    pub run: [AtomicU64; 2],
    /// A stack of chunks with room: tag << 32 | chunk + 1.
    pub free: AtomicU64,
    /// The run is committed.
    pub sealed: AtomicU32,
    /// The root is gone, and its files were looked at again.
    pub settled: AtomicU32,
    reserved: [u32; 34],
    pub summary_len: AtomicU32,
    pub summary: [u8; SUMMARY_MAX],
    pub root_len: AtomicU32,
    pub root: [u8; ROOT_MAX],
    tail: [u8; 8],
}

const _: () = assert!(core::mem::size_of::<Header>() == HEADER_BYTES);
const _: () = assert!(core::mem::offset_of!(Header, summary_len) == 256);

/// The word by which a reader that lost its place finds the next record.
pub const fn check(len: u32, kind: u8, pid: u32, at: u64) -> u64 {
    let mixed = at ^ ((pid as u64) << 32 | (len as u64) << 8 | kind as u64);
    (mixed ^ MAGIC).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
