//! A recorded run as something that can be run again: the same command, in the same folder, under `keizu run`.
//!
//! ```text
//! run began, described ─┐
//! environment, account ─┼─► Step ──command──► keizu run -q [--name …] [--model …] [--param …] [--tag …] -- COMMAND
//! named (declared)     ─┘                       in root/cwd, with today's environment and the recorded variables over it
//! ```
//!
//! Secrets were never recorded: what the environment gave then, today's environment must give again, and a command line in which a secret
//! stood can't be run again as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use keizu_record::body::{ArtifactKind, Edge, Named, Role, RunBegan, RunEnded};
use keizu_record::{Authority, Digest, Entry, FilePath, Group, Kind, Name, NodeId, RunId, Side, Value};

use crate::config::Config;
use crate::documents::{Account, Environment};
use crate::rules::redact::REDACTED;
use crate::view::View;
use crate::{Error, answer};

/// What says that a folder is a virtual environment of Python.
const VENV: &str = "pyvenv.cfg";

/// A recorded run that can be run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The run that was recorded.
    pub run: RunId,
    /// The command, as typed; secrets in it are replaced (see `redacted`).
    pub command: Vec<OsString>,
    /// Where, relative to the project's root (empty: the root itself).
    pub cwd: PathBuf,
    /// The program that the command's first word led to, if that was seen.
    pub exe: Option<PathBuf>,
    /// Virtual environments of Python that the run read, as they lay; relative to the root when inside the project.
    pub venvs: Vec<PathBuf>,
    /// Variables that matter, as recorded: without secrets, the project's root written `.` and the home folder `~`.
    pub variables: BTreeMap<String, String>,
    /// The file that the caller had opened for it to read (`< input`); relative to the root when inside the project.
    pub stdin: Option<PathBuf>,
    /// Whether a secret stood in the command line.
    pub redacted: bool,
    /// What stands between `keizu run` and `--`: the run's name, declared models, parameters and tags.
    pub options: Vec<OsString>,
    /// How long it took.
    pub took_micros: Option<u64>,
}

/// What a process finds around it, handed in by whoever may read it.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// All variables of the environment.
    pub variables: BTreeMap<OsString, OsString>,
}

/// Why a step can't be run again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// A secret stood in the command line.
    #[error("its command line held a secret, which was not recorded")]
    Secret,
    /// The command is empty.
    #[error("its command is not recorded")]
    Command,
    /// The program is not there.
    #[error("the program {0} is not there any more")]
    Program(String),
    /// What the shell opened for it is not there.
    #[error("{0}, which the shell gave it to read, is not there any more")]
    Input(String),
    /// The folder is not there.
    #[error("the folder {0} is not there any more")]
    Folder(String),
}

impl Lack {
    /// What can be done.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Secret => "hand it over by an environment variable, and run the command once so under `keizu run`",
            Self::Command | Self::Program(_) | Self::Input(_) | Self::Folder(_) => {
                "run it once by hand under `keizu run`, as it goes today"
            }
        }
    }
}

impl Surroundings {
    fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    fn home(&self) -> Option<&Path> {
        self.get("HOME").map(Path::new).filter(|home| home.is_absolute())
    }

    /// Folders in which programs are looked for.
    fn path(&self) -> Vec<PathBuf> {
        self.get("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default()
    }
}

impl Step {
    /// The step that a recorded run was.
    ///
    /// # Errors
    /// When the store fails, or does not know the run.
    pub fn of(view: &View<'_>, run: RunId) -> Result<Self, Error> {
        let entries = view.entries(Side::Subject, vec![run.into()], &[])?;
        let began = entries
            .iter()
            .find_map(|entry| RunBegan::read(&entry.record))
            .ok_or_else(|| Error::Unknown { what: format!("the record does not know {run}"), nearest: Vec::new() })?;
        let ended = entries.iter().find_map(|entry| RunEnded::read(&entry.record));
        let command: Vec<OsString> = began.command.iter().map(|word| OsString::from_vec(word.clone())).collect();
        let (variables, venvs) = environment(view, &entries)?;
        let root = Path::new(OsStr::from_bytes(began.root.as_bytes()));
        // a project that was moved took the environment inside it along
        let venvs = venvs.into_iter().map(|venv| venv.strip_prefix(root).map_or(venv.clone(), Path::to_path_buf)).collect();
        Ok(Self {
            run,
            redacted: began.command.iter().any(|word| holds(word, REDACTED.as_bytes())),
            command,
            cwd: PathBuf::from(OsStr::from_bytes(began.cwd.as_bytes())),
            exe: program(view, &began, ended.as_ref())?,
            venvs,
            variables,
            stdin: stdin(&entries),
            options: options(view, &began, &entries)?,
            took_micros: ended.as_ref().and_then(|ended| u64::try_from(ended.at.micros() - began.at.micros()).ok()),
        })
    }

    /// The folder in which it runs.
    pub fn folder(&self, root: &Path) -> PathBuf {
        if self.cwd.as_os_str().is_empty() { root.to_path_buf() } else { root.join(&self.cwd) }
    }

    /// Why it can't be run again in this project, as far as can be told before it is tried.
    pub fn lack(&self, root: &Path, here: &Surroundings) -> Option<Lack> {
        if self.redacted {
            return Some(Lack::Secret);
        }
        let Some(program) = self.command.first() else { return Some(Lack::Command) };
        let folder = self.folder(root);
        if !folder.is_dir() {
            return Some(Lack::Folder(self.cwd.display().to_string()));
        }
        if let Some(input) = self.stdin.as_ref().filter(|input| !root.join(input).exists()) {
            return Some(Lack::Input(input.display().to_string()));
        }
        let mut folders = self.front(root, here);
        folders.extend(here.path());
        let found = look_up(program, &folder, &folders).is_some();
        (!found).then(|| Lack::Program(program.display().to_string()))
    }

    /// `keizu run` of the recorded command, ready to be started: its folder and its environment are set. `keizu` is the program, `root` the
    /// project's folder, `store` the record's folder when it is not the project's own.
    pub fn command(&self, keizu: &Path, root: &Path, store: Option<&Path>, here: &Surroundings) -> Command {
        let mut command = Command::new(keizu);
        command.arg("run").arg("-q").args(&self.options).arg("--").args(&self.command);
        if let Some(input) = self.stdin.as_ref().and_then(|input| std::fs::File::open(root.join(input)).ok()) {
            command.stdin(input);
        }
        command.current_dir(self.folder(root)).env_clear().envs(&here.variables);
        for (name, value) in self.plain() {
            let given = here.get(name).and_then(OsStr::to_str);
            // what is there already, and was only written without its folders, is right as it is
            if given.is_none_or(|given| neutral(given, root, here) != *value) {
                command.env(name, whole(value, root, here));
            }
        }
        let front = self.front(root, here);
        if !front.is_empty()
            && let Ok(path) = std::env::join_paths(front.into_iter().chain(here.path()))
        {
            command.env("PATH", path);
        }
        if let Some(store) = store {
            command.env("KEIZU_STORE", store);
        }
        command
    }

    /// Runs it again, with the streams of this process.
    ///
    /// # Errors
    /// When Keizu's program can't be started. A command that can't be started ends with 126 or 127.
    pub fn start(&self, keizu: &Path, root: &Path, store: Option<&Path>, here: &Surroundings) -> io::Result<Child> {
        self.command(keizu, root, store, here).spawn()
    }

    /// Recorded variables that can be given again.
    fn plain(&self) -> impl Iterator<Item = (&String, &String)> {
        self.variables.iter().filter(|(name, value)| *name != "VIRTUAL_ENV" && !value.contains(REDACTED))
    }

    /// Folders that must come first in `PATH` for the command to find the programs that it found then.
    fn front(&self, root: &Path, here: &Surroundings) -> Vec<PathBuf> {
        let path = here.path();
        let venvs = self.venvs.iter().map(|venv| root.join(venv).join("bin")).filter(|bin| bin.is_dir());
        let mut front: Vec<PathBuf> = venvs.collect();
        let Some(name) = self.command.first().filter(|word| !word.as_bytes().contains(&b'/')) else {
            return if front.iter().all(|bin| path.contains(bin)) { Vec::new() } else { front };
        };
        let found = |folders: &[PathBuf]| look_up(name, root, folders);
        let same = |file: &Path| self.exe.as_ref().is_some_and(|exe| file.canonicalize().is_ok_and(|file| file == root.join(exe)));
        if front.is_empty() {
            // another environment is active now than then, or none was: the recorded program's own folder leads to it
            let now = found(&path);
            let strange = now.as_ref().is_none_or(|now| !same(now) || in_venv(now));
            let own = self.exe.as_ref().map(|exe| root.join(exe)).and_then(|exe| exe.parent().map(Path::to_path_buf));
            front.extend(own.filter(|own| strange && look_up(name, root, std::slice::from_ref(own)).is_some()));
        }
        if path.starts_with(&front) { Vec::new() } else { front }
    }
}

/// Whether a program's path is that of a virtual environment.
fn in_venv(program: &Path) -> bool {
    program.parent().and_then(Path::parent).is_some_and(|folder| folder.join(VENV).is_file())
}

/// As a shell looks for a program.
fn look_up(program: &OsStr, cwd: &Path, folders: &[PathBuf]) -> Option<PathBuf> {
    let runs = |file: &PathBuf| file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    if program.as_bytes().contains(&b'/') {
        return Some(cwd.join(program)).filter(runs);
    }
    folders.iter().map(|folder| cwd.join(folder).join(program)).find(runs)
}

/// The file that the first program of the run was.
fn program(view: &View<'_>, began: &RunBegan, ended: Option<&RunEnded>) -> Result<Option<PathBuf>, Error> {
    let Some(digest) = ended.and_then(|ended| ended.account) else { return Ok(None) };
    let Some(bytes) = view.document(&digest)? else { return Ok(None) };
    let Ok(account) = serde_json::from_slice::<Account>(&bytes) else { return Ok(None) };
    let first = account.processes.into_iter().find(|process| process.pid == began.pid);
    Ok(first.map(|process| PathBuf::from(process.exe)).filter(|exe| !exe.as_os_str().is_empty()))
}

/// The file that the caller had opened for the command to read.
fn stdin(entries: &[Entry]) -> Option<PathBuf> {
    let mut used = entries.iter().filter(|entry| entry.record.kind == Kind::Used && entry.record.flag("redirected"));
    let edge = used.find_map(|entry| Edge::read(&entry.record))?;
    Some(PathBuf::from(OsStr::from_bytes(edge.path.as_bytes())))
}

/// Variables that matter, and virtual environments that were read.
fn environment(view: &View<'_>, entries: &[Entry]) -> Result<(BTreeMap<String, String>, Vec<PathBuf>), Error> {
    let (mut variables, mut venvs) = (BTreeMap::new(), Vec::new());
    for entry in entries.iter().filter(|entry| entry.record.kind == Kind::Used) {
        let Some(edge) = Edge::read(&entry.record).filter(|edge| edge.role == Role::Environment) else { continue };
        let Some(digest) = edge.content.filter(|_| edge.kind == ArtifactKind::Environment) else { continue };
        if let Some(bytes) = view.document(&digest)?
            && let Ok(document) = serde_json::from_slice::<Environment>(&bytes)
        {
            variables = document.variables;
        }
        let files = entry.record.bytes("files").and_then(Digest::from_slice);
        let Some(files) = files.map(|files| view.manifest(&files)).transpose()?.flatten() else { continue };
        // members are absolute paths without their first slash
        let configs = files.0.keys().filter(|path| path.file_name() == VENV.as_bytes());
        venvs.extend(configs.map(|path| PathBuf::from("/").join(OsStr::from_bytes(path.folder()))));
    }
    Ok((variables, venvs))
}

/// What stood between `keizu run` and `--`.
fn options(view: &View<'_>, began: &RunBegan, entries: &[Entry]) -> Result<Vec<OsString>, Error> {
    let mut options: Vec<OsString> = Vec::new();
    let mut add = |flag: &str, value: Vec<u8>| options.extend([OsString::from(flag), OsString::from_vec(value)]);
    if let Some(name) = &began.name {
        add("--name", name.clone().into_bytes());
    }
    for (name, path) in declared_models(view, began, entries)? {
        // paths after `--model` are relative to where the command was typed
        let path = from_folder(&path, &began.cwd);
        add("--model", [name.as_bytes(), b"=", path.as_bytes()].concat());
    }
    for entry in entries.iter().filter(|entry| entry.record.kind == Kind::Described && entry.record.authority == Authority::Declared) {
        for (key, value) in entry.record.group(Group::Param) {
            let text = plain(value);
            if text != REDACTED {
                add("--param", format!("{key}={text}").into_bytes());
            }
        }
        for (key, value) in entry.record.group(Group::Tag) {
            let text = plain(value);
            add("--tag", if text.is_empty() { key.to_owned() } else { format!("{key}={text}") }.into_bytes());
        }
    }
    Ok(options)
}

/// A value as it was typed.
fn plain(value: &Value) -> String {
    match answer::json(value) {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Models that the caller named (`--model NAME=PATH`): what the run made there, or a run before it, when the content was not a new version.
fn declared_models(view: &View<'_>, began: &RunBegan, entries: &[Entry]) -> Result<BTreeMap<String, FilePath>, Error> {
    let config = Config::load(&view.root().join(crate::CONFIG)).unwrap_or_default();
    let made: BTreeMap<FilePath, keizu_record::Time> = entries
        .iter()
        .filter(|entry| entry.record.kind == Kind::Made)
        .filter_map(|entry| Edge::read(&entry.record))
        .filter(|edge| edge.kind == ArtifactKind::Model && !edge.removed && config.model(&edge.path).is_none())
        .map(|edge| (edge.path, edge.at))
        .collect();
    if made.is_empty() {
        return Ok(BTreeMap::new());
    }
    let places = made.keys().map(|path| NodeId::from(Name::Path { project: began.project.clone(), path: path.clone() })).collect();
    let named = view.entries(Side::Place, places, &[Kind::Named])?;
    let named = named.iter().filter_map(|entry| Named::read(&entry.record)).filter(|named| named.authority == Authority::Declared);
    let mut given: BTreeMap<FilePath, BTreeSet<String>> = BTreeMap::new();
    for named in named {
        // a name that a person gave afterwards (`keizu name`) carries its own time
        let by_run = named.run.is_some_and(|run| wrote_at(view, run, &named));
        if let (Name::Model(name), Some(path), true) = (named.name, named.path, by_run) {
            given.entry(path).or_default().insert(name);
        }
    }
    Ok(given.into_iter().flat_map(|(path, names)| names.into_iter().map(move |name| (name, path.clone()))).collect())
}

/// Whether a name was given in the very moment in which a run wrote the content.
fn wrote_at(view: &View<'_>, run: RunId, named: &Named) -> bool {
    let made = view.entries(Side::Subject, vec![run.into()], &[Kind::Made]).unwrap_or_default();
    let made = made.iter().filter_map(|entry| Edge::read(&entry.record));
    made.into_iter().any(|edge| Some(&edge.path) == named.path.as_ref() && edge.at == named.at)
}

/// A path of the project as it is written in one of its folders.
fn from_folder(path: &FilePath, cwd: &FilePath) -> FilePath {
    if path.is_absolute() || cwd.as_bytes().is_empty() {
        return path.clone();
    }
    let depth = cwd.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty()).count();
    FilePath::new([b"../".repeat(depth).as_slice(), path.as_bytes()].concat())
}

fn holds(word: &[u8], needle: &[u8]) -> bool {
    word.windows(needle.len()).any(|window| window == needle)
}

/// A value with the folders that differ from one checkout or home to the next written short, as the record writes it.
fn neutral(value: &str, root: &Path, here: &Surroundings) -> String {
    let parts = value.split(':').map(|part| {
        let within = |folder: Option<&Path>, short: &str| {
            let rest = Path::new(part).strip_prefix(folder?).ok()?.to_str()?;
            Some(if rest.is_empty() { short.to_owned() } else { format!("{short}/{rest}") })
        };
        within(Some(root), ".").or_else(|| within(here.home(), "~")).unwrap_or_else(|| part.to_owned())
    });
    parts.collect::<Vec<_>>().join(":")
}

/// The value with its folders again.
fn whole(value: &str, root: &Path, here: &Surroundings) -> OsString {
    let mut out = OsString::new();
    for (at, part) in value.split(':').enumerate() {
        if at > 0 {
            out.push(":");
        }
        let base = match part.as_bytes() {
            [b'.'] | [b'.', b'/', ..] => Some(root),
            [b'~'] | [b'~', b'/', ..] => here.home(),
            _ => None,
        };
        match base {
            Some(base) => {
                out.push(base);
                out.push(&part[1..]);
            }
            None => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(pairs: &[(&str, &str)]) -> Surroundings {
        Surroundings { variables: pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect() }
    }

    fn step(command: &[&str]) -> Step {
        Step {
            run: RunId::new([1; 16]),
            command: command.iter().map(OsString::from).collect(),
            cwd: PathBuf::new(),
            exe: None,
            venvs: Vec::new(),
            variables: BTreeMap::new(),
            stdin: None,
            redacted: false,
            options: Vec::new(),
            took_micros: None,
        }
    }

    fn program(path: &Path) {
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, "#!/bin/sh\n").unwrap();
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path_of(command: &Command) -> Option<String> {
        command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| Some(value?.to_str()?.to_owned()))
    }

    #[test]
    fn folders_of_a_value_come_back() {
        let root = Path::new("/w/flights");
        let here = here(&[("HOME", "/home/aki")]);
        let value = "/w/flights/src:/home/aki/lib:/w/flights2:x:/w/flights";
        let short = neutral(value, root, &here);
        assert_eq!(short, "./src:~/lib:/w/flights2:x:.");
        assert_eq!(whole(&short, root, &here), value);
    }

    #[test]
    fn recorded_variables_lie_over_todays_unless_they_are_the_same() {
        let mut step = step(&["python", "x.py"]);
        for (name, value) in [("PYTHONHASHSEED", "7"), ("PYTHONPATH", "."), ("HF_TOKEN", REDACTED), ("VIRTUAL_ENV", "/gone"), ("LANG", "C")]
        {
            step.variables.insert(name.into(), value.into());
        }
        let here = here(&[("HOME", "/h"), ("PATH", "/bin"), ("HF_TOKEN", "secret"), ("PYTHONHASHSEED", "8"), ("PYTHONPATH", "/w")]);
        let command = step.command(Path::new("/k"), Path::new("/w"), Some(Path::new("/store")), &here);
        let value = |name: &str| command.get_envs().find(|(known, _)| *known == name).and_then(|(_, value)| value?.to_str());
        assert_eq!(value("PYTHONHASHSEED"), Some("7"));
        assert_eq!(value("PYTHONPATH"), Some("/w"));
        assert_eq!(value("HF_TOKEN"), Some("secret"));
        assert_eq!(value("VIRTUAL_ENV"), None);
        assert_eq!(value("LANG"), Some("C"));
        assert_eq!(value("KEIZU_STORE"), Some("/store"));
        let words: Vec<&str> = command.get_args().filter_map(OsStr::to_str).collect();
        assert_eq!(words, ["run", "-q", "--", "python", "x.py"]);
    }

    #[test]
    fn a_virtual_environment_that_was_active_comes_first_again() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let (system, venv) = (root.join("usr/bin"), root.join("venv"));
        program(&system.join("python"));
        fs_err::create_dir_all(venv.join("bin")).unwrap();
        std::os::unix::fs::symlink(system.join("python"), venv.join("bin/python")).unwrap();
        fs_err::write(venv.join(VENV), "home = x\n").unwrap();
        let plain = here(&[("PATH", system.to_str().unwrap())]);
        let active = here(&[("PATH", &format!("{}:{}", venv.join("bin").display(), system.display()))]);
        let within = Step { exe: Some(system.join("python")), venvs: vec!["venv".into()], ..step(&["python", "t.py"]) };
        let without = Step { venvs: Vec::new(), ..within.clone() };
        let start = |step: &Step, here: &Surroundings| path_of(&step.command(Path::new("/k"), &root, None, here)).unwrap();
        assert!(start(&within, &plain).starts_with(venv.join("bin").to_str().unwrap()));
        assert_eq!(start(&within, &active), active.get("PATH").unwrap().to_str().unwrap());
        assert!(start(&without, &active).starts_with(system.to_str().unwrap()));
        assert_eq!(start(&without, &plain), plain.get("PATH").unwrap().to_str().unwrap());
    }

    #[test]
    fn what_is_lacking_is_told_before_anything_starts() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        program(&root.join("bin/train"));
        let here = here(&[("PATH", root.join("bin").to_str().unwrap())]);
        assert_eq!(step(&["train"]).lack(&root, &here), None);
        assert_eq!(step(&["bin/train"]).lack(&root, &here), None);
        assert_eq!(step(&["gone"]).lack(&root, &here), Some(Lack::Program("gone".into())));
        assert_eq!(step(&[]).lack(&root, &here), Some(Lack::Command));
        assert_eq!(Step { cwd: "sub".into(), ..step(&["train"]) }.lack(&root, &here), Some(Lack::Folder("sub".into())));
        assert_eq!(Step { redacted: true, ..step(&["train"]) }.lack(&root, &here), Some(Lack::Secret));
    }

    #[test]
    fn a_declared_path_is_written_from_the_folder_of_the_command() {
        let of = |path: &str, cwd: &str| from_folder(&path.into(), &cwd.into()).to_string();
        assert_eq!(of("models/m.bin", ""), "models/m.bin");
        assert_eq!(of("models/m.bin", "src/deep"), "../../models/m.bin");
        assert_eq!(of("/data/m.bin", "src"), "/data/m.bin");
    }
}
