//! Builds the shim for the target, and writes the 32-bit stub; both are embedded in the library.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("invariant: cargo sets OUT_DIR"));
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let linux = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=shim");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    println!("cargo::rustc-check-cfg=cfg(keizu_watches)");
    if linux && (arch == "x86_64" || arch == "aarch64") {
        println!("cargo::rustc-cfg=keizu_watches");
        build_shim(&out.join("shim.so"));
        std::fs::write(out.join("stub.so"), stub(&arch)).expect("the 32-bit stub is written");
    }
}

/// The shim is a library of its own, not a crate of the workspace: it must not meet the standard library, and is not linked but embedded.
fn build_shim(shim: &Path) {
    let rustc = env::var_os("RUSTC").expect("invariant: cargo sets RUSTC");
    let target = env::var("TARGET").expect("invariant: cargo sets TARGET");
    let mut command = Command::new(rustc);
    command.args(["--edition", "2024", "--crate-name", "keizu_shim", "--crate-type", "cdylib", "--target", &target]);
    command.args(["-C", "panic=abort", "-C", "opt-level=s", "-C", "codegen-units=1", "-C", "lto=fat", "-C", "strip=symbols"]);
    // outlined atomics would bring a constructor, and undefined symbols, of the compiler's own runtime
    let features = if target.starts_with("aarch64") { "target-feature=-crt-static,-outline-atomics" } else { "target-feature=-crt-static" };
    command.args(["-C", "relocation-model=pic", "-C", "force-unwind-tables=yes", "-C", features]);
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        // it is never unloaded; everything is bound at load, so nothing is written later
        "-Wl,-z,nodelete",
        "-Wl,-z,now",
        "-Wl,-z,norelro",
        "-Wl,-z,noexecstack",
        "-Wl,--hash-style=gnu",
        "-Wl,--build-id=none",
        "-Wl,-z,noseparate-code",
    ] {
        command.arg(format!("-Clink-arg={argument}"));
    }
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut argument = std::ffi::OsString::from("-Clinker=");
        argument.push(linker);
        command.arg(argument);
    }
    let status = command.arg("-o").arg(shim).arg("shim/lib.rs").status();
    assert!(status.is_ok_and(|status| status.success()), "the shim does not compile for {target}");
}

/// A shared library of the 32-bit class that does nothing: a header, one segment, and the least dynamic section that loaders accept.
///
/// ```text
/// 0x00  ELF header (52)   0x34  2 program headers (32 each)   0x74  dynamic: 6 × 8   0xa4  hash: 1 bucket, 1 chain   0xb4  null symbol (16)
/// 0xc4  strings: one zero
/// ```
fn stub(arch: &str) -> Vec<u8> {
    const LEN: u32 = 0xc8;
    let (machine, flags): (u16, u32) = if arch == "x86_64" { (3, 0) } else { (40, 0x0500_0000) };
    let mut out = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let half = |out: &mut Vec<u8>, values: &[u16]| values.iter().for_each(|v| out.extend(v.to_le_bytes()));
    let word = |out: &mut Vec<u8>, values: &[u32]| values.iter().for_each(|v| out.extend(v.to_le_bytes()));
    half(&mut out, &[3, machine]);
    word(&mut out, &[1, 0, 0x34, 0, flags]);
    half(&mut out, &[52, 32, 2, 40, 0, 0]);
    // a readable and writable segment of the whole file: loaders write into the dynamic section
    word(&mut out, &[1, 0, 0, 0, LEN, LEN, 6, 0x1000]);
    word(&mut out, &[2, 0x74, 0x74, 0x74, 48, 48, 6, 4]);
    // DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_NULL
    word(&mut out, &[4, 0xa4, 5, 0xc4, 6, 0xb4, 10, 1, 11, 16, 0, 0]);
    word(&mut out, &[1, 1, 0, 0]);
    word(&mut out, &[0; 4]);
    word(&mut out, &[0]);
    assert_eq!(out.len(), LEN as usize, "invariant: the drawing above");
    out
}
