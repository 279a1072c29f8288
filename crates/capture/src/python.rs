//! Python interpreters that a run used, and what they loaded; read off files, never by running one.
//!
//! A virtual environment's `python` is a symbolic link to another installation's; what tells them apart is `pyvenv.cfg`, which the
//! interpreter itself reads as it starts, and so stands among the files of the run.

mod packages;
mod version;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::account::{File, Process, Python};

/// One interpreter as it was started: its file, and where its modules come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Interpreter {
    exe: PathBuf,
    prefix: PathBuf,
}

/// The interpreters among the processes, with what the run loaded from them; sorted.
pub fn look(processes: &[Process], files: &[File], variables: &BTreeMap<String, String>) -> Vec<Python> {
    let mut pids: BTreeMap<Interpreter, HashSet<u32>> = BTreeMap::new();
    for process in processes.iter().filter(|process| process.watched) {
        if series(&process.exe).is_none() && !named_python(&process.exe) {
            continue;
        }
        let prefix = prefix(process, files, variables);
        pids.entry(Interpreter { exe: process.exe.clone(), prefix }).or_default().insert(process.pid);
    }
    pids.into_iter().map(|(interpreter, pids)| describe(interpreter, &pids, files)).collect()
}

/// What is installed in folders of packages now: normalised name and version.
pub fn installed_in(sites: &[&Path]) -> BTreeMap<String, String> {
    packages::look(Path::new("/"), sites, &[]).0
}

fn describe(interpreter: Interpreter, pids: &HashSet<u32>, files: &[File]) -> Python {
    let Interpreter { exe, prefix } = interpreter;
    let opened: Vec<&Path> = files
        .iter()
        .filter(|file| file.read.is_some() && file.pids.iter().any(|pid| pids.contains(pid)))
        .flat_map(|file| [Some(file.path.as_path()), file.target.as_deref()])
        .flatten()
        .collect();
    let mut roots: BTreeSet<PathBuf> = opened.iter().flat_map(|path| roots_of(path)).collect();
    let series = series(&exe).or_else(|| roots.iter().find_map(|root| series(root)));
    if let Some(series) = &series {
        roots.extend(packages::installed_below(&prefix, series));
    }
    let library = files.iter().filter(|f| f.executed).map(|f| f.target.as_ref().unwrap_or(&f.path)).find(|path| {
        let name = path.file_name().unwrap_or_default().as_bytes();
        name.starts_with(b"libpython") && opened.contains(&path.as_path())
    });
    let version = version::tell(&exe, library.map(PathBuf::as_path), &prefix, series.as_deref());
    let sites: Vec<&Path> = roots.iter().map(PathBuf::as_path).filter(|root| is_site(root)).collect();
    let (packages, used) = packages::look(&prefix, &sites, &opened);
    Python { exe, version, prefix, roots: roots.into_iter().collect(), packages, used }
}

/// `sys.prefix` of a process: the virtual environment whose `pyvenv.cfg` it read, or the installation its program belongs to.
fn prefix(process: &Process, files: &[File], variables: &BTreeMap<String, String>) -> PathBuf {
    let read = files.iter().filter(|f| f.path.file_name() == Some(OsStr::new("pyvenv.cfg")) && f.read.is_some());
    let beside = |program: &Path| {
        let folder = program.parent()?;
        [Some(folder), folder.parent()].into_iter().flatten().find(|f| f.join("pyvenv.cfg").is_file()).map(Path::to_path_buf)
    };
    let mut found: Vec<PathBuf> =
        read.filter(|f| f.pids.contains(&process.pid)).filter_map(|f| Some(f.path.parent()?.to_path_buf())).collect();
    let named = process.argv.first().and_then(|name| program(name, variables)).and_then(|program| beside(&program));
    if let Some(named) = named.filter(|named| found.is_empty() || found.contains(named)) {
        return named;
    }
    if found.len() == 1 {
        return found.remove(0);
    }
    installation(&process.exe)
}

/// The file that the first argument names.
fn program(name: &[u8], variables: &BTreeMap<String, String>) -> Option<PathBuf> {
    let name = Path::new(OsStr::from_bytes(name));
    if name.is_absolute() {
        return Some(name.to_path_buf());
    }
    if name.components().count() > 1 {
        return None; // from a folder that is not known any more
    }
    std::env::split_paths(variables.get("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// `/opt/conda` of `/opt/conda/bin/python3.11`.
fn installation(exe: &Path) -> PathBuf {
    exe.parent().and_then(Path::parent).unwrap_or(Path::new("/")).to_path_buf()
}

fn named_python(exe: &Path) -> bool {
    let name = exe.file_name().unwrap_or_default().as_bytes();
    [b"python".as_slice(), b"pypy", b"graalpy"].iter().any(|stem| {
        name.strip_prefix(*stem).is_some_and(|rest| rest.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b't' | b'd' | b'-')))
    })
}

/// `3.11` of a name `python3.11` or `pypy3.10`.
fn series(path: &Path) -> Option<String> {
    path.components().rev().take(2).find_map(|part| {
        let name = part.as_os_str().to_str()?;
        let number = name.strip_prefix("python").or_else(|| name.strip_prefix("pypy"))?.trim_end_matches(['t', 'd', 'm']);
        let (major, minor) = number.split_once('.')?;
        (!minor.is_empty() && [major, minor].iter().all(|n| n.parse::<u32>().is_ok())).then(|| format!("{major}.{minor}"))
    })
}

fn is_site(root: &Path) -> bool {
    root.file_name().is_some_and(|name| name == "site-packages" || name == "dist-packages")
}

/// The folders of modules on the way to a file: `…/lib/python3.11`, `…/site-packages`.
fn roots_of(path: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut at = PathBuf::new();
    let mut library = false;
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        if parts.peek().is_none() {
            break;
        }
        let Component::Normal(name) = part else { continue };
        let text = name.as_bytes();
        if text == b"site-packages" || text == b"dist-packages" || (library && series(Path::new(name)).is_some()) {
            out.push(at.clone());
        }
        library = text.starts_with(b"lib");
    }
    out
}

#[cfg(test)]
mod tests;
