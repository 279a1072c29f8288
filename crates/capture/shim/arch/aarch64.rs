//! What differs by machine: system calls, memory functions, and the calls that must not leave a frame of ours behind.

use core::arch::{asm, global_asm, naked_asm};

pub mod nr {
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const CLOSE: usize = 57;
    pub const FSTAT: usize = 80;
    pub const MMAP: usize = 222;
    pub const MUNMAP: usize = 215;
    pub const MADVISE: usize = 233;
    pub const GETPID: usize = 172;
    pub const FCNTL: usize = 25;
    pub const GETCWD: usize = 17;
    pub const GETPPID: usize = 173;
    pub const FUTEX: usize = 98;
    pub const OPENAT: usize = 56;
    pub const NEWFSTATAT: usize = 79;
    pub const READLINKAT: usize = 78;
    pub const FACCESSAT: usize = 48;
    /// Numbers that a program may pass to `syscall(2)` and that mean a file; the older ones do not exist on this machine.
    pub const OPEN: usize = usize::MAX;
    pub const CREAT: usize = usize::MAX - 1;
    pub const RENAME: usize = usize::MAX - 2;
    pub const UNLINK: usize = usize::MAX - 3;
    pub const RMDIR: usize = usize::MAX - 4;
    pub const MKDIR: usize = usize::MAX - 5;
    pub const LINK: usize = usize::MAX - 6;
    pub const SYMLINK: usize = usize::MAX - 7;
    pub const EXECVE: usize = 221;
    pub const GETDENTS64: usize = 61;
    pub const EXIT_GROUP: usize = 94;
    pub const UNLINKAT: usize = 35;
    pub const RENAMEAT: usize = 38;
    pub const LINKAT: usize = 37;
    pub const RENAMEAT2: usize = 276;
    pub const EXECVEAT: usize = 281;
    pub const IO_URING_SETUP: usize = 425;
    pub const OPENAT2: usize = 437;
}

/// Where `st_mode` is in `struct stat`; all other fields that are used have one place on both machines.
pub const MODE_AT: usize = 16;

/// A system call; the negative of errno on failure. `errno` itself is not touched.
///
/// # Safety
/// As the call's.
#[inline(always)]
pub unsafe fn syscall6(nr: usize, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    let out: isize;
    // SAFETY: the caller's.
    unsafe {
        asm!("svc 0", in("x8") nr, inlateout("x0") a as isize => out, in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f,
            options(nostack));
    }
    out
}

// Rust calls these by name; the hidden visibility keeps them ours.
global_asm!(
    ".globl memcpy",
    ".hidden memcpy",
    ".type memcpy,%function",
    "memcpy: mov x3, x0",
    "1: cbz x2, 2f",
    "ldrb w4, [x1], #1",
    "strb w4, [x3], #1",
    "sub x2, x2, #1",
    "b 1b",
    "2: ret",
    ".globl memmove",
    ".hidden memmove",
    ".type memmove,%function",
    "memmove: sub x3, x0, x1",
    "cmp x3, x2",
    "b.hs memcpy",
    "3: cbz x2, 4f",
    "sub x2, x2, #1",
    "ldrb w4, [x1, x2]",
    "strb w4, [x0, x2]",
    "b 3b",
    "4: ret",
    ".globl memset",
    ".hidden memset",
    ".type memset,%function",
    "memset: mov x3, x0",
    "5: cbz x2, 6f",
    "strb w1, [x3], #1",
    "sub x2, x2, #1",
    "b 5b",
    "6: ret",
    ".globl memcmp",
    ".hidden memcmp",
    ".type memcmp,%function",
    ".globl bcmp",
    ".hidden bcmp",
    ".type bcmp,%function",
    "bcmp:",
    "memcmp: cbz x2, 8f",
    "7: ldrb w3, [x0], #1",
    "ldrb w4, [x1], #1",
    "subs w5, w3, w4",
    "b.ne 9f",
    "subs x2, x2, #1",
    "b.ne 7b",
    "8: mov w0, #0",
    "ret",
    "9: mov w0, w5",
    "ret",
    ".globl strlen",
    ".hidden strlen",
    ".type strlen,%function",
    "strlen: mov x1, x0",
    "10: ldrb w2, [x1], #1",
    "cbnz w2, 10b",
    "sub x0, x1, x0",
    "sub x0, x0, #1",
    "ret",
);

/// A jump to what `$route(first or second argument)` answers, with every argument register as it was and nothing of ours on the stack: a
/// `clone` made through `syscall` returns on another stack, and `dlopen` looks at its caller's address.
macro_rules! tail {
    ($name:ident, $route:path, $arg:literal) => {
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                "stp x29, x30, [sp, #-80]!",
                "stp x0, x1, [sp, #16]", "stp x2, x3, [sp, #32]", "stp x4, x5, [sp, #48]", "stp x6, x7, [sp, #64]",
                "mov x29, sp",
                concat!("mov x0, ", $arg),
                "bl {route}",
                "mov x16, x0",
                "ldp x6, x7, [sp, #64]", "ldp x4, x5, [sp, #48]", "ldp x2, x3, [sp, #32]", "ldp x0, x1, [sp, #16]",
                "ldp x29, x30, [sp], #80",
                "br x16",
                route = sym $route,
            )
        }
    };
}

tail!(syscall, crate::raw::route, "x0");
tail!(dlopen, crate::programs::dlopen_route, "x0");
tail!(dlmopen, crate::programs::dlmopen_route, "x1");

/// A variadic list of arguments made an array: the registers are laid below the arguments that came on the stack.
macro_rules! list {
    ($name:ident, $inner:path) => {
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                "stp x30, x1, [sp, #-64]!",
                "stp x2, x3, [sp, #16]", "stp x4, x5, [sp, #32]", "stp x6, x7, [sp, #48]",
                "add x1, sp, #8",
                "bl {inner}",
                "ldr x30, [sp]", "add sp, sp, #64", "ret",
                inner = sym $inner,
            )
        }
    };
}

list!(execl, crate::programs::execl_list);
list!(execlp, crate::programs::execlp_list);
list!(execle, crate::programs::execle_list);
