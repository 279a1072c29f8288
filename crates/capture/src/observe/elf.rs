//! Why a program could not be entered: its ELF header and its mode say.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Interpreters of interpreters, as the kernel bounds them.
const SCRIPTS_MAX: u32 = 4;
const HEADERS_MAX: u16 = 1024;
const PT_INTERP: u32 = 3;

/// Why nothing was heard of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Kind of the blind spot.
    pub kind: &'static str,
    /// For people.
    pub text: String,
}

fn reason(kind: &'static str, text: impl Into<String>) -> Reason {
    Reason { kind, text: text.into() }
}

/// Looks at the program's file.
pub fn why(program: &Path) -> Reason {
    look(program, SCRIPTS_MAX)
}

fn look(program: &Path, scripts: u32) -> Reason {
    let file = match File::open(program) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return reason("program", "its file is gone"),
        Err(_) => return reason("program", "its file may not be read"),
    };
    if file.metadata().is_ok_and(|m| m.mode() & 0o4000 != 0 || m.mode() & 0o2010 == 0o2010) {
        return reason("set-uid", "set-uid");
    }
    let mut head = Vec::with_capacity(256);
    if (&file).take(256).read_to_end(&mut head).is_err() {
        return reason("program", "its file could not be read");
    }
    if let Some(interpreter) = shebang(&head) {
        return match scripts.checked_sub(1) {
            Some(left) => {
                let inner = look(&interpreter, left);
                reason(inner.kind, format!("script of {}, {}", interpreter.display(), inner.text))
            }
            None => reason("program", "a script of scripts"),
        };
    }
    match elf(&file, &head) {
        Some(Elf { bits: 32, .. }) => reason("32-bit", "32-bit"),
        Some(Elf { interpreter: false, .. }) => reason("static", "static"),
        Some(_) => reason("program", "it did not load the watcher"),
        None => reason("program", "not an ELF file"),
    }
}

/// The interpreter that a script names.
pub fn shebang(head: &[u8]) -> Option<PathBuf> {
    let line = head.strip_prefix(b"#!")?.split(|b| *b == b'\n').next()?;
    let word = line.split(|b| b.is_ascii_whitespace()).find(|word| !word.is_empty())?;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(word)))
}

struct Elf {
    bits: u8,
    interpreter: bool,
}

fn elf(file: &File, head: &[u8]) -> Option<Elf> {
    let ident = head.strip_prefix(b"\x7fELF")?;
    let wide = match ident.first()? {
        1 => return Some(Elf { bits: 32, interpreter: true }),
        2 => true,
        _ => return None,
    };
    debug_assert!(wide);
    let little = *ident.get(1)? == 1;
    let number = |bytes: &[u8]| -> u64 {
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        if little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) }
    };
    let offset = number(head.get(32..40)?);
    let entry = number(head.get(54..56)?);
    let count = number(head.get(56..58)?).min(u64::from(HEADERS_MAX));
    let mut interpreter = false;
    for index in 0..count {
        let mut kind = [0; 4];
        file.read_exact_at(&mut kind, offset.checked_add(index * entry)?).ok()?;
        interpreter |= number(&kind) == u64::from(PT_INTERP);
    }
    Some(Elf { bits: 64, interpreter })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A 64-bit little-endian header with one program header of this kind.
    fn header(kind: u32) -> Vec<u8> {
        let mut bytes = vec![0; 120];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64..68].copy_from_slice(&kind.to_le_bytes());
        bytes
    }

    #[test]
    fn the_header_and_the_mode_tell() {
        let temp = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = temp.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let fixed = file("fixed", &header(1));
        assert_eq!(why(&fixed), reason("static", "static"));
        assert_eq!(why(&file("dynamic", &header(PT_INTERP))).kind, "program");
        assert_eq!(why(&file("old", b"\x7fELF\x01\x01\0\0")).kind, "32-bit");
        assert_eq!(why(&file("cut", &header(1)[..60])).text, "not an ELF file");
        let script = file("script", format!("#! {} -x\n", fixed.display()).as_bytes());
        assert_eq!(why(&script), reason("static", format!("script of {}, static", fixed.display())));
        std::fs::set_permissions(&fixed, PermissionsExt::from_mode(0o4755)).unwrap();
        assert_eq!(why(&fixed).kind, "set-uid");
        assert_eq!(why(&temp.path().join("none")).text, "its file is gone");
        let ring = temp.path().join("ring");
        std::fs::write(&ring, format!("#!{}\n", ring.display())).unwrap();
        assert!(why(&ring).text.ends_with("a script of scripts"));
    }
}
