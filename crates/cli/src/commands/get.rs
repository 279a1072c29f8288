//! `keizu get`: content that was kept.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use keizu_ledger::{Error, Got, Ledger};
use keizu_record::{Digest, FilePath};

use crate::args::{Past, Reading, text};
use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};
use crate::progress::{self, Progress, Unfinished};

/// Get back content that was kept
///
/// The bytes are checked against their digest while they are written; what does not match is not left behind.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu get model:delay@v2 -o old.joblib
  keizu get daily/ -o daily-as-it-was/
  keizu get b3:77ab1290 -o - | head")]
pub struct Args {
    /// model:NAME, data:NAME, b3:DIGEST, or a path.
    thing: OsString,
    /// Where to write it; `-` is standard output.
    #[arg(short, long, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    output: PathBuf,
    /// Write over what is there.
    #[arg(short, long)]
    force: bool,
    /// Do not wait for runs that are just being sealed.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    past: Past,
}

/// How what is not whole yet is called.
const TEMPORARY: &str = ".keizu-get-";
/// Bytes read at once.
const PIECE_BYTES: usize = 1 << 18;

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let ledger = door.read(&Reading { json: false, no_wait: args.no_wait, past: args.past.clone() })?;
    let thing = door.resolve(&ledger.view(), &args.thing)?;
    let called = text(&args.thing);
    let mut progress = Progress::new(&door.talk());
    progress::clean_on_interrupt()?;
    let written = match ledger.get(&thing)? {
        Got::File { digest, reader } if args.output == Path::new("-") => to_stdout(reader, &digest, &called, &mut progress),
        Got::File { digest, reader } => {
            free(&args.output, args.force, &called)?;
            to_file(reader, &digest, &args.output, &called, &mut progress)
        }
        Got::Folder { .. } if args.output == Path::new("-") => {
            Err(Problem::wrong(format!("{called} is a folder, which can't be written to standard output")).note("name a folder: -o DIR"))
        }
        Got::Folder { members, .. } => {
            free(&args.output, args.force, &called)?;
            to_folder(&ledger, &members, &args.output, &called, &mut progress)
        }
    };
    progress.end();
    written?;
    Ok(Exit::Fine)
}

fn free(path: &Path, force: bool, called: &str) -> Result<(), Problem> {
    if !force && path.symlink_metadata().is_ok() {
        return Err(Problem::wrong(format!("{} is there already", path.display()))
            .note(format!("nothing was written; --force writes {called} over it")));
    }
    Ok(())
}

fn to_stdout(reader: Box<dyn Read>, digest: &Digest, called: &str, progress: &mut Progress) -> Result<(), Problem> {
    let mut stdout = io::stdout().lock();
    match copy(reader, &mut stdout, digest, called, progress) {
        Err(Copy::Write(error)) => out::done(Err(error)),
        Err(error) => Err(error.problem(called, None)),
        Ok(()) => out::done(stdout.flush()),
    }
}

/// To a name of its own first: at the place stands the whole content or none.
fn to_file(reader: Box<dyn Read>, digest: &Digest, path: &Path, called: &str, progress: &mut Progress) -> Result<(), Problem> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .permissions(permissions(0o666))
        .tempfile_in(folder)
        .map_err(|error| Problem::failed(format!("{} can't be written: {error}", path.display())))?;
    let _unfinished = Unfinished::new(file.path());
    copy(reader, file.as_file_mut(), digest, called, progress).map_err(|error| error.problem(called, Some(path)))?;
    if path.is_dir() {
        return Err(Problem::wrong(format!("{} is a folder, and {called} is a file", path.display())));
    }
    file.persist(path).map_err(|error| Problem::failed(format!("{} can't be written: {}", path.display(), error.error)))?;
    Ok(())
}

/// As any program makes a file or a folder; the process's mask takes away what it takes away.
fn permissions(mode: u32) -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::Permissions::from_mode(mode)
}

fn to_folder(
    ledger: &Ledger,
    members: &[(FilePath, Digest, u64)],
    folder: &Path,
    called: &str,
    progress: &mut Progress,
) -> Result<(), Problem> {
    // before the first byte is written: whether all of them can be
    let mut missing = Vec::new();
    for (path, digest, _) in members {
        if ledger.content(digest)?.is_none() {
            missing.push(path.to_string());
        }
    }
    if let Some(first) = missing.first() {
        let what = if missing.len() == members.len() {
            called.to_owned()
        } else {
            format!("{} of the {} files of {called} ({first}, …)", missing.len(), members.len())
        };
        return Err(Error::NotKept(what).into());
    }
    if folder.exists() {
        return fill(ledger, members, folder, progress);
    }
    // under another name first: at the place stands the whole folder or none
    let beside = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let whole = tempfile::Builder::new().prefix(TEMPORARY).permissions(permissions(0o777)).tempdir_in(beside)?;
    let _unfinished = Unfinished::new(whole.path());
    fill(ledger, members, whole.path(), progress)?;
    fs_err::rename(whole.path(), folder)?;
    Ok(())
}

fn fill(ledger: &Ledger, members: &[(FilePath, Digest, u64)], folder: &Path, progress: &mut Progress) -> Result<(), Problem> {
    for (path, digest, _) in members {
        let target = folder.join(inside(path)?);
        if let Some(parent) = target.parent() {
            fs_err::create_dir_all(parent)?;
        }
        let reader = ledger.content(digest)?.ok_or_else(|| Error::NotKept(path.to_string()))?;
        to_file(reader, digest, &target, &path.to_string(), progress)?;
    }
    Ok(())
}

/// A member's path, which must not lead out of the folder.
fn inside(path: &FilePath) -> Result<PathBuf, Problem> {
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Component;
    let relative = Path::new(std::ffi::OsStr::from_bytes(path.as_bytes()));
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if plain && relative.components().next().is_some() {
        Ok(relative.to_path_buf())
    } else {
        Err(Problem::failed(format!("the folder holds a file {:?}, which would be written outside of it", path.to_string())))
    }
}

/// Why a copy failed.
enum Copy {
    Read(io::Error),
    Write(io::Error),
    Differs(Digest),
}

impl Copy {
    fn problem(self, called: &str, path: Option<&Path>) -> Problem {
        match self {
            Self::Read(error) => Problem::failed(format!("the kept content of {called} can't be read: {error}")),
            Self::Write(error) => match path {
                Some(path) => Problem::failed(format!("{} can't be written: {error}", path.display())),
                None => Problem::failed(format!("the answer could not be written: {error}")),
            },
            Self::Differs(found) => Problem::failed(format!("the kept content of {called} was altered: its bytes are those of {found}"))
                .note("keizu verify --content finds all such contents"),
        }
    }
}

fn copy(mut from: impl Read, to: &mut impl Write, digest: &Digest, called: &str, progress: &mut Progress) -> Result<(), Copy> {
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut done = 0;
    loop {
        let count = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Copy::Read(error)),
        };
        hasher.update(&piece[..count]);
        to.write_all(&piece[..count]).map_err(Copy::Write)?;
        done += count as u64;
        progress.at(|look| format!("{called}  {}", look.size(done)));
    }
    let found = Digest::new(*hasher.finalize().as_bytes());
    if found == *digest { Ok(()) } else { Err(Copy::Differs(found)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_never_leads_out_of_its_folder() {
        assert_eq!(inside(&"2013/a.csv".into()).unwrap(), Path::new("2013/a.csv"));
        for path in ["../a", "/etc/passwd", "a/../../b", ""] {
            assert!(inside(&path.into()).is_err(), "{path}");
        }
    }

    #[test]
    fn what_does_not_match_is_not_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut progress = Progress::new(&crate::render::look::Look::fixed(80));
        let reader = || Box::new(&b"altered"[..]);
        let problem = to_file(reader(), &Digest::of(b"whole"), &path, "x", &mut progress).unwrap_err();
        assert!(problem.text().contains("was altered"), "{}", problem.text());
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
        to_file(reader(), &Digest::of(b"altered"), &path, "x", &mut progress).unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"altered");
        assert!(free(&path, false, "x").is_err() && free(&path, true, "x").is_ok());
    }
}
