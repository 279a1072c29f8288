//! How a run gets into its scratch folder: in a mount namespace of its own, where the scratch folder stands at the project's path; or,
//! where the system allows none, by its working folder alone.
//!
//! ```text
//! unshare ── sh ──► mount --bind PROJECT/.venv SCRATCH/.venv     installed software, not to be written
//!                   mount --rbind SCRATCH PROJECT                 absolute paths lead here now
//!                   cd PROJECT/CWD; exec keizu run …
//! ```

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is given to `unshare`, the more modest first: root needs no user namespace.
const WAYS: [&[&str]; 2] =
    [&["--mount", "--propagation", "private"], &["--user", "--map-root-user", "--mount", "--propagation", "private"]];

/// How the scratch folder is entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entrance {
    /// It is mounted over the project's root.
    Mounted {
        /// Arguments of `unshare`.
        way: &'static [&'static str],
        /// The root over which it is mounted.
        over: PathBuf,
    },
    /// It is the working folder, and nothing else.
    Plain,
}

impl Entrance {
    /// The best that works here: tried once, with the very mounts.
    pub fn find(scratch: &Path, over: &Path, keizu: &Path) -> Self {
        // the program itself would be gone below the mount
        if !over.is_dir() || keizu.starts_with(over) || over == Path::new("/") {
            return Self::Plain;
        }
        let works = |way: &&&[&str]| {
            let script = "mount --rbind \"$1\" \"$2\" && cd \"$2\"";
            let mut tried = Command::new("unshare");
            tried.args(**way).args(["--", "sh", "-c", script, "sh"]).args([scratch, over]);
            tried.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        match WAYS.iter().find(works) {
            Some(way) => Self::Mounted { way, over: over.to_path_buf() },
            None => Self::Plain,
        }
    }

    /// Where a run believes to be.
    pub fn root<'a>(&'a self, scratch: &'a Path) -> &'a Path {
        match self {
            Self::Mounted { over, .. } => over,
            Self::Plain => scratch,
        }
    }

    /// A program that enters and then becomes `keizu` with the same arguments; none when there is nothing to enter.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn program(&self, base: &Path, scratch: &Path, cwd: &Path, installed: &[PathBuf], keizu: &Path) -> std::io::Result<PathBuf> {
        let Self::Mounted { way, over } = self else { return Ok(keizu.to_path_buf()) };
        let mut inner = b"set -e\n".to_vec();
        for folder in installed {
            let (from, to) = (quoted(&over.join(folder)), quoted(&scratch.join(folder)));
            inner.extend(
                [b"mount --bind ", from.as_slice(), b" ", &to, b"\nmount -o remount,bind,ro ", &to, b" 2>/dev/null || :\n"].concat(),
            );
        }
        inner.extend([b"mount --rbind ", quoted(scratch).as_slice(), b" ", &quoted(over), b"\n"].concat());
        inner.extend([b"cd ", quoted(&over.join(cwd)).as_slice(), b"\nexec ", &quoted(keizu), b" \"$@\"\n"].concat());
        let mut script = b"#!/bin/sh\nexec unshare ".to_vec();
        script.extend(way.join(" ").bytes());
        script.extend([b" -- sh -c ", quoted_bytes(&inner).as_slice(), b" sh \"$@\"\n"].concat());
        let path = base.join("enter");
        let mut file = fs_err::File::create(&path)?;
        file.write_all(&script)?;
        drop(file);
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }
}

fn quoted(path: &Path) -> Vec<u8> {
    quoted_bytes(path.as_os_str().as_bytes())
}

/// As a shell reads one word.
fn quoted_bytes(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'\''];
    for byte in text {
        match byte {
            b'\'' => out.extend(b"'\\''"),
            byte => out.push(*byte),
        }
    }
    out.push(b'\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for text in [&b"plain"[..], b"a b", b"it's", b"$HOME `x` \"y\" \\", b"\xff\n"] {
            let script = [b"printf %s ".as_slice(), &quoted_bytes(text)].concat();
            let out = Command::new("sh").arg("-c").arg(std::ffi::OsStr::from_bytes(&script)).output().unwrap();
            assert_eq!(out.stdout, text);
        }
    }

    #[test]
    fn inside_the_scratch_folder_stands_at_the_projects_path() {
        let temp = tempfile::tempdir().unwrap();
        let base = temp.path().canonicalize().unwrap();
        let (project, scratch) = (base.join("pro ject"), base.join("scratch"));
        for folder in [&project.join("sub"), &project.join("venv"), &scratch.join("sub"), &scratch.join("venv")] {
            fs_err::create_dir_all(folder).unwrap();
        }
        fs_err::write(project.join("venv/here"), "installed").unwrap();
        fs_err::write(scratch.join("sub/here"), "scratch").unwrap();
        let entrance = Entrance::find(&scratch, &project, Path::new("/bin/sh"));
        let Entrance::Mounted { .. } = &entrance else { return }; // not allowed here: nothing to see
        let program = entrance.program(&base, &scratch, Path::new("sub"), &["venv".into()], Path::new("/bin/sh")).unwrap();
        let look = "cat here \"$1/venv/here\"; echo made > \"$1/sub/new\"; pwd";
        let out = Command::new(program).args(["-c", look, "sh"]).arg(&project).output().unwrap();
        let text = format!("scratchinstalled{}/sub\n", project.display());
        assert_eq!(String::from_utf8(out.stdout).unwrap(), text, "{}", String::from_utf8_lossy(&out.stderr));
        assert!(scratch.join("sub/new").exists() && !project.join("sub/new").exists());
    }

    #[test]
    fn what_would_hide_keizu_itself_is_not_mounted() {
        let temp = tempfile::tempdir().unwrap();
        let project = temp.path().canonicalize().unwrap();
        assert_eq!(Entrance::find(&project, &project, &project.join("target/keizu")), Entrance::Plain);
        assert_eq!(Entrance::find(&project, &project.join("gone"), Path::new("/bin/sh")), Entrance::Plain);
    }
}
