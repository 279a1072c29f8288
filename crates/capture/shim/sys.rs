//! System calls made directly, and C strings.

use crate::arch::{MODE_AT, nr, syscall6};
use crate::record::Seen;

pub const AT_FDCWD: i32 = -100;
pub const AT_SYMLINK_NOFOLLOW: i32 = 0x100;
pub const AT_EMPTY_PATH: i32 = 0x1000;
pub const AT_REMOVEDIR: i32 = 0x200;
pub const O_WRONLY: i32 = 0o1;
pub const O_RDWR: i32 = 0o2;
pub const O_CREAT: i32 = 0o100;
pub const O_EXCL: i32 = 0o200;
pub const O_TRUNC: i32 = 0o1000;
pub const O_APPEND: i32 = 0o2000;
pub const O_CLOEXEC: i32 = 0o2000000;
#[cfg(target_arch = "x86_64")]
pub const O_DIRECTORY: i32 = 0o200000;
#[cfg(target_arch = "aarch64")]
pub const O_DIRECTORY: i32 = 0o40000;
pub const O_TMPFILE: i32 = 0o20000000 | O_DIRECTORY;
pub const O_PATH: i32 = 0o10000000;
pub const ENOENT: i32 = 2;
pub const ENOTDIR: i32 = 20;
pub const ENOSYS: i32 = 38;
pub const PATH_MAX: usize = 4096;

pub type Chars = *const u8;

unsafe extern "C" {
    fn clock_gettime(clock: i32, time: *mut [i64; 2]) -> i32;
    fn __errno_location() -> *mut i32;
    fn strlen(text: Chars) -> usize;
}

pub fn errno() -> i32 {
    // SAFETY: glibc and musl both have it.
    unsafe { *__errno_location() }
}

pub fn set_errno(errno: i32) {
    // SAFETY: glibc and musl both have it.
    unsafe { *__errno_location() = errno }
}

pub fn now() -> u64 {
    let mut time = [0_i64; 2];
    // SAFETY: CLOCK_MONOTONIC always exists.
    unsafe { clock_gettime(1, &raw mut time) };
    time[0] as u64 * 1_000_000_000 + time[1] as u64
}

/// The bytes of a C string; empty for a null pointer.
pub unsafe fn bytes<'a>(text: Chars) -> &'a [u8] {
    if text.is_null() {
        return &[];
    }
    // SAFETY: the caller's: ended by a zero.
    unsafe { core::slice::from_raw_parts(text, strlen(text)) }
}

pub unsafe fn call3(number: usize, a: usize, b: usize, c: usize) -> isize {
    // SAFETY: the caller's.
    unsafe { syscall6(number, a, b, c, 0, 0, 0) }
}

pub fn getpid() -> u32 {
    // SAFETY: no arguments.
    unsafe { call3(nr::GETPID, 0, 0, 0) as u32 }
}

pub fn getppid() -> u32 {
    // SAFETY: no arguments.
    unsafe { call3(nr::GETPPID, 0, 0, 0) as u32 }
}

pub fn close(fd: i32) {
    // SAFETY: a descriptor of ours.
    unsafe { call3(nr::CLOSE, fd as usize, 0, 0) };
}

/// `path` ends with a zero.
pub fn open(path: &[u8], flags: i32) -> i32 {
    // SAFETY: a zero-ended path.
    unsafe { syscall6(nr::OPENAT, AT_FDCWD as usize, path.as_ptr() as usize, flags as usize, 0, 0, 0) as i32 }
}

pub fn read(fd: i32, into: &mut [u8]) -> usize {
    // SAFETY: the buffer's own length.
    unsafe { call3(nr::READ, fd as usize, into.as_mut_ptr() as usize, into.len()).max(0) as usize }
}

pub fn write(fd: i32, bytes: &[u8]) -> isize {
    // SAFETY: the buffer's own length.
    unsafe { call3(nr::WRITE, fd as usize, bytes.as_ptr() as usize, bytes.len()) }
}

/// Reads a small file whole; `path` ends with a zero.
pub fn slurp<'a>(path: &[u8], into: &'a mut [u8]) -> &'a [u8] {
    let fd = open(path, O_CLOEXEC);
    if fd < 0 {
        return &[];
    }
    let mut len = 0;
    while len < into.len() {
        match read(fd, &mut into[len..]) {
            0 => break,
            more => len += more,
        }
    }
    close(fd);
    &into[..len]
}

#[repr(C, align(8))]
struct Raw([u8; 256]);

impl Raw {
    fn word(&self, at: usize) -> u64 {
        // SAFETY: fields of `struct stat` lie within its 144 bytes.
        unsafe { self.0.as_ptr().add(at).cast::<u64>().read() }
    }

    /// The stat and its file type.
    fn seen(&self) -> (Seen, u32) {
        // SAFETY: as above.
        let mode = unsafe { self.0.as_ptr().add(MODE_AT).cast::<u32>().read() } & 0o170000;
        let words = [self.word(0), self.word(8), self.word(48), self.word(88), self.word(96), self.word(104), self.word(112)];
        (Seen { words, folder: mode == 0o040000 }, mode)
    }

    /// Regular files and folders.
    fn kept(&self) -> Option<Seen> {
        let (seen, mode) = self.seen();
        (mode == 0o100000 || mode == 0o040000).then_some(seen)
    }
}

/// A regular file or a folder.
pub fn fstat(fd: i32) -> Option<Seen> {
    let mut raw = Raw([0; 256]);
    // SAFETY: the kernel writes 144 bytes at most.
    let done = unsafe { call3(nr::FSTAT, fd as usize, raw.0.as_mut_ptr() as usize, 0) };
    if done == 0 { raw.kept() } else { None }
}

/// Device and inode of a descriptor, whatever it is.
pub fn identity(fd: i32) -> (u64, u64) {
    let mut raw = Raw([0; 256]);
    // SAFETY: the kernel writes 144 bytes at most.
    let done = unsafe { call3(nr::FSTAT, fd as usize, raw.0.as_mut_ptr() as usize, 0) };
    if done == 0 { (raw.word(0), raw.word(8)) } else { (0, 0) }
}

/// A regular file or a folder by name.
pub unsafe fn stat_at(dir: i32, path: Chars, flags: i32) -> Option<Seen> {
    let mut raw = Raw([0; 256]);
    // SAFETY: the caller's path; the kernel answers EFAULT to a wrong one.
    let done = unsafe { syscall6(nr::NEWFSTATAT, dir as usize, path as usize, raw.0.as_mut_ptr() as usize, flags as usize, 0, 0) };
    if done == 0 { raw.kept() } else { None }
}

pub fn readable(path: &[u8]) -> bool {
    // SAFETY: a zero-ended path.
    unsafe { syscall6(nr::FACCESSAT, AT_FDCWD as usize, path.as_ptr() as usize, 4, 0, 0, 0) == 0 }
}

/// Whether a program may be started; `path` ends with a zero.
pub fn executable(path: &[u8]) -> bool {
    // SAFETY: a zero-ended path.
    unsafe { syscall6(nr::FACCESSAT, AT_FDCWD as usize, path.as_ptr() as usize, 1, 0, 0, 0) == 0 }
}

/// `path` ends with a zero.
pub fn readlink<'a>(path: &[u8], into: &'a mut [u8]) -> &'a [u8] {
    // SAFETY: a zero-ended path, the buffer's own length.
    let len = unsafe { syscall6(nr::READLINKAT, AT_FDCWD as usize, path.as_ptr() as usize, into.as_mut_ptr() as usize, into.len(), 0, 0) };
    &into[..len.max(0) as usize]
}

/// The working folder, without the zero; empty when it is gone.
pub fn cwd(into: &mut [u8]) -> &[u8] {
    // SAFETY: the buffer's own length.
    let len = unsafe { call3(nr::GETCWD, into.as_mut_ptr() as usize, into.len(), 0) };
    match len {
        // a folder out of reach begins with "(unreachable)"
        2.. if into[0] == b'/' => &into[..len as usize - 1],
        _ => &[],
    }
}

/// `/proc/self/fd/N` and a zero.
pub fn fd_path(fd: i32, out: &mut [u8; 32]) -> &[u8] {
    const HEAD: &[u8] = b"/proc/self/fd/";
    let mut digits = [0_u8; 10];
    let mut at = digits.len();
    let mut rest = fd.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let len = HEAD.len() + digits.len() - at;
    out[..HEAD.len()].copy_from_slice(HEAD);
    out[HEAD.len()..len].copy_from_slice(&digits[at..]);
    out[len] = 0;
    &out[..=len]
}

pub fn hash(mut state: u64, bytes: &[u8]) -> u64 {
    for piece in bytes.chunks(8) {
        let mut word = [0_u8; 8];
        word[..piece.len()].copy_from_slice(piece);
        state = mix(state, u64::from_le_bytes(word) ^ (piece.len() as u64) << 56);
    }
    state
}

pub fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word ^ 0xA076_1D64_78BD_642F) * 0xE703_7ED1_A0B4_28DB;
    (product >> 64) as u64 ^ product as u64
}
