//! What differs by machine: system calls, memory functions, and the calls that must not leave a frame of ours behind.

use core::arch::{asm, global_asm, naked_asm};

pub mod nr {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const FSTAT: usize = 5;
    pub const MMAP: usize = 9;
    pub const MUNMAP: usize = 11;
    pub const MADVISE: usize = 28;
    pub const GETPID: usize = 39;
    pub const FCNTL: usize = 72;
    pub const GETCWD: usize = 79;
    pub const GETPPID: usize = 110;
    pub const FUTEX: usize = 202;
    pub const OPENAT: usize = 257;
    pub const NEWFSTATAT: usize = 262;
    pub const READLINKAT: usize = 267;
    pub const FACCESSAT: usize = 269;
    /// Numbers that a program may pass to `syscall(2)` and that mean a file.
    pub const OPEN: usize = 2;
    pub const CREAT: usize = 85;
    pub const RENAME: usize = 82;
    pub const UNLINK: usize = 87;
    pub const RMDIR: usize = 84;
    pub const MKDIR: usize = 83;
    pub const LINK: usize = 86;
    pub const SYMLINK: usize = 88;
    pub const EXECVE: usize = 59;
    pub const GETDENTS64: usize = 217;
    pub const EXIT_GROUP: usize = 231;
    pub const UNLINKAT: usize = 263;
    pub const RENAMEAT: usize = 264;
    pub const LINKAT: usize = 265;
    pub const RENAMEAT2: usize = 316;
    pub const EXECVEAT: usize = 322;
    pub const IO_URING_SETUP: usize = 425;
    pub const OPENAT2: usize = 437;
}

/// Where `st_mode` is in `struct stat`; all other fields that are used have one place on both machines.
pub const MODE_AT: usize = 24;

/// A system call; the negative of errno on failure. `errno` itself is not touched.
///
/// # Safety
/// As the call's.
#[inline(always)]
pub unsafe fn syscall6(nr: usize, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    let out: isize;
    // SAFETY: the caller's.
    unsafe {
        asm!("syscall", inlateout("rax") nr as isize => out, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            in("r9") f, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    out
}

// Rust calls these by name; the hidden visibility keeps them ours.
global_asm!(
    ".globl memcpy",
    ".hidden memcpy",
    ".type memcpy,@function",
    "memcpy: mov rax, rdi",
    "mov rcx, rdx",
    "rep movsb",
    "ret",
    ".globl memmove",
    ".hidden memmove",
    ".type memmove,@function",
    "memmove: mov rax, rdi",
    "mov rcx, rdx",
    "mov r8, rdi",
    "sub r8, rsi",
    "cmp r8, rdx",
    "jb 2f",
    "rep movsb",
    "ret",
    "2: std",
    "lea rdi, [rdi + rdx - 1]",
    "lea rsi, [rsi + rdx - 1]",
    "rep movsb",
    "cld",
    "ret",
    ".globl memset",
    ".hidden memset",
    ".type memset,@function",
    "memset: mov r8, rdi",
    "mov eax, esi",
    "mov rcx, rdx",
    "rep stosb",
    "mov rax, r8",
    "ret",
    ".globl memcmp",
    ".hidden memcmp",
    ".type memcmp,@function",
    ".globl bcmp",
    ".hidden bcmp",
    ".type bcmp,@function",
    "bcmp:",
    "memcmp: xor ecx, ecx",
    "3: cmp rcx, rdx",
    "je 4f",
    "movzx eax, byte ptr [rdi + rcx]",
    "movzx r8d, byte ptr [rsi + rcx]",
    "inc rcx",
    "sub eax, r8d",
    "je 3b",
    "ret",
    "4: xor eax, eax",
    "ret",
    ".globl strlen",
    ".hidden strlen",
    ".type strlen,@function",
    "strlen: xor eax, eax",
    "5: cmp byte ptr [rdi + rax], 0",
    "je 6f",
    "inc rax",
    "jmp 5b",
    "6: ret",
);

/// A jump to what `$route(first or second argument)` answers, with every argument register as it was and nothing of ours on the stack: a
/// `clone` made through `syscall` returns on another stack, and `dlopen` looks at its caller's address.
macro_rules! tail {
    ($name:ident, $route:path, $arg:literal) => {
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                "push rdi", "push rsi", "push rdx", "push rcx", "push r8", "push r9", "push rax",
                concat!("mov rdi, ", $arg),
                "call {route}",
                "mov r11, rax",
                "pop rax", "pop r9", "pop r8", "pop rcx", "pop rdx", "pop rsi", "pop rdi",
                "jmp r11",
                route = sym $route,
            )
        }
    };
}

tail!(syscall, crate::raw::route, "rdi");
tail!(dlopen, crate::programs::dlopen_route, "rdi");
tail!(dlmopen, crate::programs::dlmopen_route, "rsi");

/// A variadic list of arguments made an array: the registers are laid below the arguments that came on the stack.
macro_rules! list {
    ($name:ident, $inner:path) => {
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                "pop rax", "push r9", "push r8", "push rcx", "push rdx", "push rsi",
                "mov rsi, rsp",
                "push rax",
                "call {inner}",
                "pop rcx", "add rsp, 40", "push rcx", "ret",
                inner = sym $inner,
            )
        }
    };
}

list!(execl, crate::programs::execl_list);
list!(execlp, crate::programs::execlp_list);
list!(execle, crate::programs::execle_list);
