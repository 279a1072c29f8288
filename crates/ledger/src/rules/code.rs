//! Code: what the run executed or imported.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use keizu_capture::account::{Account, Content};

use super::Peek;
use super::arguments::program;

/// The rule for code: read, and code by its name, or named as the script of a command line, or executed.
pub const NAME: &str = "executed or imported";

/// Scripts that the command lines of the run name, absolute, as far as they were read.
pub fn scripts(account: &Account) -> BTreeSet<PathBuf> {
    let read: BTreeSet<&Path> = account.files.iter().filter(|file| file.read.is_some()).map(|file| file.path.as_path()).collect();
    let mut found = BTreeSet::new();
    for process in &account.processes {
        let Some(script) = program(&process.argv).script else { continue };
        let script = Path::new(OsStr::from_bytes(&script));
        let script = script.strip_prefix(".").unwrap_or(script);
        let candidates = [account.cwd.join(script), account.root.join(script)];
        match candidates.iter().find(|path| read.contains(path.as_path())) {
            Some(path) => drop(found.insert(path.clone())),
            // a process may have been elsewhere: then what it read under this name
            None => found.extend(
                account
                    .files
                    .iter()
                    .filter(|file| file.read.is_some() && file.path.ends_with(script) && file.pids.contains(&process.pid))
                    .map(|file| file.path.clone()),
            ),
        }
    }
    found
}

/// The rule for compiled Python: `__pycache__/x.cpython-311.pyc` was read instead of `x.py`.
pub mod compiled {
    use std::os::unix::ffi::OsStrExt as _;

    use super::{Content, OsStr, Path, PathBuf, Peek};

    /// In the record.
    pub const NAME: &str = "source of a compiled file";
    /// Why it is no clean edge.
    pub const CHANGED: &str = "the source is not the one from which the compiled file that was read was made";

    /// The source of a compiled file.
    pub fn source(path: &Path) -> Option<PathBuf> {
        let name = path.file_name()?.as_bytes();
        let stem = name.strip_suffix(b".pyc")?;
        let folder = path.parent()?;
        if folder.file_name() != Some(OsStr::new("__pycache__")) {
            return None;
        }
        // x.cpython-311.opt-1
        let dot = stem.iter().position(|b| *b == b'.')?;
        let mut source = stem[..dot].to_vec();
        source.extend(b".py");
        (dot > 0).then(|| folder.parent().map(|folder| folder.join(OsStr::from_bytes(&source))))?
    }

    /// The source's content as it is now, and whether it still is the one that was compiled: as Python itself checks it, by the time and size in
    /// the compiled file's header.
    pub fn content(source: &Path, compiled: (&Path, &Content), peek: &dyn Peek) -> Option<(Content, bool)> {
        let look = peek.look(source)?;
        let mut header = [0u8; 16];
        let mut file = peek.open(compiled.0, compiled.1)?;
        std::io::Read::read_exact(&mut file, &mut header).ok()?;
        let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        // bit 0 of the flags: checked by hash, which is not ours to compute
        let same = if word(4) & 1 == 0 { word(8) == look.mtime_seconds as u32 && word(12) == look.content.size as u32 } else { true };
        Some((look.content, same))
    }
}

#[cfg(test)]
mod tests {
    use super::compiled::source;
    use std::path::Path;

    #[test]
    fn sources_of_compiled_files() {
        let of = |path: &str| source(Path::new(path)).map(|path| path.to_string_lossy().into_owned());
        assert_eq!(of("/p/__pycache__/common.cpython-311.pyc").as_deref(), Some("/p/common.py"));
        assert_eq!(of("/p/a/__pycache__/x.cpython-311.opt-1.pyc").as_deref(), Some("/p/a/x.py"));
        assert_eq!(of("/p/legacy.pyc"), None);
        assert_eq!(of("/p/__pycache__/common.py"), None);
        assert_eq!(of("/p/__pycache__/.pyc"), None);
    }
}
