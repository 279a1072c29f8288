//! Before a run is made again: may it be? Afterwards: did it really read what it read then?

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use keizu_record::FilePath;
use keizu_record::body::Role;

use super::entrance::Entrance;
use super::plan::Planned;
use super::python::Chosen;
use super::world::{Swaps, World};
use super::{Job, Lacking};
use crate::rules::environment::differing;
use crate::step::{Step, Surroundings};
use crate::{Error, Ledger};

/// A longer file is no code that would be looked through for a path.
const CODE_BYTES_MAX: u64 = 4 << 20;
/// Names in a remark.
const NAMED_MAX: usize = 3;
/// Places for temporary files.
const TEMPORARY: [&str; 4] = ["/tmp", "/var/tmp", "/dev", "/run/user"];

/// Why a run must not be made again: it would do harm.
pub fn refused(job: &Job, step: &Step, entrance: &Entrance, root: &Path) -> Vec<Lacking> {
    let mut lacking = Vec::new();
    if step.cwd.is_absolute() {
        lacking.push(Lacking::new(step.cwd.display().to_string(), "it ran in a folder outside the project, where it would write again"));
    }
    for output in job.outputs.iter().filter(|output| output.path.is_absolute()) {
        let path = Path::new(OsStr::from_bytes(output.path.as_bytes()));
        if !TEMPORARY.iter().any(|folder| path.starts_with(folder)) {
            let why = "it was written outside the project; making it again would write over it";
            lacking.push(Lacking::new(output.path.to_string(), why).hint("let the program write below the project's folder"));
        }
    }
    let named = |word: &OsString| holds(word.as_bytes(), root.as_os_str().as_bytes());
    if *entrance == Entrance::Plain && step.command.iter().skip(1).any(named) {
        let why =
            "the command holds the project's absolute path, and this system allows no mount namespace in which that path leads elsewhere";
        lacking.push(Lacking::new(job.command().join(" "), why).hint("write it relative to the project, or allow user namespaces"));
    }
    lacking
}

/// The first code or setting of the run that names the project's folder by its absolute path.
pub fn names_the_root(job: &Job, scratch: &Path, root: &Path) -> Option<FilePath> {
    let texts = job.inputs.iter().filter(|input| matches!(input.role, Role::Code | Role::Config) && !input.is_outside());
    let found = texts.filter(|input| input.size.is_none_or(|size| size <= CODE_BYTES_MAX)).find(|input| {
        let bytes = fs_err::read(crate::contents::full(scratch, &input.path)).unwrap_or_default();
        holds(&bytes, root.as_os_str().as_bytes())
    });
    found.map(|input| input.path.clone())
}

fn holds(text: &[u8], folder: &[u8]) -> bool {
    let whole =
        |at: usize| text.get(at + folder.len()).is_none_or(|next| !next.is_ascii_alphanumeric() && !matches!(next, b'-' | b'_' | b'.'));
    (0..text.len().saturating_sub(folder.len().saturating_sub(1))).any(|at| text[at..].starts_with(folder) && whole(at))
}

/// Folders of installed software inside the project from which a run loaded: relative to the root.
pub fn installed(ledger: &Ledger, job: &Job) -> Result<Vec<PathBuf>, Error> {
    let recorded = Path::new(OsStr::from_bytes(job.began.root.as_bytes()));
    let manifest = job.loaded.map(|loaded| ledger.view().manifest(&loaded)).transpose()?.flatten().unwrap_or_default();
    let loaded = manifest.0.keys().map(|path| Path::new("/").join(OsStr::from_bytes(path.as_bytes())));
    let relative = loaded.filter_map(|path| path.strip_prefix(recorded).ok().map(Path::to_path_buf));
    let listed = job.inputs.iter().filter(|input| !input.path.is_absolute() && input.is_outside());
    let inputs = listed.map(|input| PathBuf::from(OsStr::from_bytes(input.path.as_bytes())));
    let root = ledger.home().root();
    let mut folders = BTreeSet::new();
    for path in relative.chain(inputs) {
        // from the top: the first folder that is installed software as a whole
        let mut tops: Vec<&Path> = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
        tops.reverse();
        let is_top = |folder: &&Path| {
            let named = crate::rules::place::is_installed(&FilePath::new([folder.as_os_str().as_bytes(), b"/x"].concat()));
            named || root.join(folder).join("pyvenv.cfg").is_file()
        };
        folders.extend(tops.into_iter().find(is_top).filter(|folder| root.join(folder).is_dir()).map(Path::to_path_buf));
    }
    Ok(folders.into_iter().collect())
}

/// The command in a virtual environment: an interpreter that is named by its path is that of the environment.
pub fn in_environment(step: &mut Step, bin: &Path) {
    step.venvs.clear();
    let Some(first) = step.command.first_mut() else { return };
    let path = PathBuf::from(&*first);
    if let Some(name) = path.file_name().filter(|_| path.components().count() > 1)
        && name.as_bytes().starts_with(b"python")
    {
        let same = bin.join(name);
        *first = if same.exists() { same } else { bin.join("python") }.into_os_string();
    }
}

/// The environment of a run: the chosen packages first, these variables, and nothing that leads to another record.
pub fn surround(command: &mut Command, chosen: &Chosen, variables: &BTreeMap<String, Option<String>>, here: &Surroundings) {
    command.env_remove("KEIZU_STORE");
    if let Some(bin) = &chosen.bin {
        let path = here.variables.get(OsStr::new("PATH")).cloned().unwrap_or_default();
        if let Ok(path) = std::env::join_paths(std::iter::once(bin.clone()).chain(std::env::split_paths(&path))) {
            command.env("PATH", path);
        }
        command.env_remove("PYTHONHOME");
        if let Some(venv) = bin.parent() {
            command.env("VIRTUAL_ENV", venv);
        }
    }
    for (name, value) in variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

/// What was other this time, beside what came out.
pub fn remarks(ledger: &Ledger, planned: &Planned, seen: &Job, world: &World, swaps: &Swaps) -> Result<Vec<String>, Error> {
    let job = &planned.job;
    let root = ledger.home().root().as_os_str().as_bytes();
    let before: BTreeMap<&FilePath, _> = job.inputs.iter().map(|input| (&input.path, input.content)).collect();
    let (mut foreign, mut other, mut more) = (Vec::new(), Vec::new(), Vec::new());
    for input in &seen.inputs {
        let path = input.path.as_bytes();
        let from_project = *world.entrance() == Entrance::Plain && path.strip_prefix(root).is_some_and(|rest| rest.first() == Some(&b'/'));
        match before.get(&input.path) {
            _ if from_project => foreign.push(input.path.to_string()),
            _ if swaps.files.contains_key(&input.path)
                || swaps.texts.contains_key(&input.path)
                || planned.makers.contains_key(&input.path) => {}
            Some(content) if *content == input.content || content.is_none() => {}
            Some(_) => other.push(input.path.to_string()),
            None if input.package.is_some() => {}
            None => more.push(input.path.to_string()),
        }
    }
    let mut remarks = Vec::new();
    let mut say = |what: &str, mut paths: Vec<String>| {
        if !paths.is_empty() {
            let all = paths.len();
            paths.truncate(NAMED_MAX);
            let rest = if all > paths.len() { format!(" and {} more", all - paths.len()) } else { String::new() };
            remarks.push(format!("{what} {}{rest}", paths.join(", ")));
        }
    };
    say("it read from the project itself, by an absolute path:", foreign);
    say("it read another content than then of", other);
    say("it read what it did not read then:", more);
    let view = ledger.view();
    let was = job.loaded.map(|loaded| view.manifest(&loaded)).transpose()?.flatten();
    let scratch = world.record()?;
    let is = seen.loaded.map(|loaded| scratch.view().manifest(&loaded)).transpose()?.flatten();
    if let (Some(was), Some(is)) = (was, is) {
        let paths = differing(&was, &is).into_iter().map(|path| format!("/{path}"));
        say("files of the environment are not what they were:", paths.collect());
    }
    Ok(remarks)
}

/// How a program ended, in words.
pub fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "finished".to_owned(),
        (Some(code), _) => format!("failed (exit {code})"),
        (None, Some(signal)) => format!("was killed (signal {signal})"),
        (None, None) => "ended unseen".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_found_where_it_stands_whole() {
        for (text, found) in [
            (&b"open('/home/aki/flights/data.csv')"[..], true),
            (b"ROOT = '/home/aki/flights'", true),
            (b"/home/aki/flights2/data.csv", false),
            (b"/home/aki/flights.old", false),
            (b"", false),
        ] {
            assert_eq!(holds(text, b"/home/aki/flights"), found, "{}", String::from_utf8_lossy(text));
        }
    }
}
