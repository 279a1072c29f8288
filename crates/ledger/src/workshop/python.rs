//! The Python environment of a run, made again: the one that is here when it is the recorded one, else a virtual environment with the
//! recorded versions.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keizu_record::Digest;

use super::{Job, Lacking, Settings, Told, wait};
use crate::documents::Environment;
use crate::{Error, Ledger};

/// Where virtual environments are kept: in the person's cache, since several projects may run in equal ones; else in the record's folder.
const FOLDER: &str = "keizu/venvs";
/// Says that one is whole.
const WHOLE: &str = "keizu-whole";
/// Lines of pip's talk that are looked through for the package that it missed.
const TALK_BYTES_MAX: usize = 1 << 20;

/// Which Python environment a run is made again in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packages {
    /// The one that is here, when every package that was loaded has the recorded version there; else the recorded one.
    #[default]
    Auto,
    /// The recorded one, in a virtual environment.
    Record,
    /// The one that is here.
    Present,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// Folder of programs of the virtual environment; none: what is here is used.
    pub bin: Option<PathBuf>,
    /// What must be known of it.
    pub remarks: Vec<String>,
}

/// What a run ran in, as far as Python goes.
struct Recorded {
    digest: Digest,
    document: Environment,
    /// Folders of installed packages from which it loaded.
    sites: BTreeSet<PathBuf>,
    /// Packages that were loaded and have a version.
    loaded: BTreeMap<String, String>,
}

/// Chooses, and makes what is missing.
///
/// # Errors
/// When the record can't be read, or something can't be written.
pub fn choose(ledger: &Ledger, job: &Job, settings: &mut Settings<'_>) -> Result<Result<Chosen, Vec<Lacking>>, Error> {
    let Some(recorded) = recorded(ledger, job)? else { return Ok(Ok(Chosen::default())) };
    let differing = differing(&recorded);
    if settings.packages == Packages::Present || (settings.packages == Packages::Auto && differing.is_empty()) {
        let remarks = differing.iter().map(|(name, was, is)| match is {
            Some(is) => format!("{name} {is} is installed here; the run was made with {was}"),
            None => format!("{name} {was} is not installed here"),
        });
        return Ok(Ok(Chosen { bin: None, remarks: remarks.collect() }));
    }
    let folder = cache(ledger, settings).join(recorded.digest.short(16));
    let Some(series) = recorded.document.python.clone().filter(|version| !version.contains(',')) else {
        return Ok(Err(vec![Lacking::new("python", "several versions of Python ran, which one virtual environment can't hold")]));
    };
    let mut chosen = Chosen { bin: Some(folder.join("bin")), remarks: Vec::new() };
    if folder.join(WHOLE).is_file() {
        let noted = fs_err::read_to_string(folder.join(WHOLE))?;
        chosen.remarks.extend(noted.lines().map(str::to_owned));
        return Ok(Ok(chosen));
    }
    let interpreters = interpreters(ledger, job, &series, settings);
    let Some((program, version)) = interpreters else {
        let lacking =
            Lacking::new(format!("Python {series}"), "no interpreter of this version was found here").hint("install it, or --env present");
        return Ok(Err(vec![lacking]));
    };
    if version != series {
        chosen.remarks.push(format!("Python {version} is installed here; the run was made with {series}"));
    }
    (settings.tell)(&Told::Packages { python: &series, count: recorded.document.packages.len() });
    match install(&folder, &program, &recorded, settings)? {
        Ok(remarks) => {
            chosen.remarks.extend(remarks);
            fs_err::write(folder.join(WHOLE), chosen.remarks.join("\n"))?;
            Ok(Ok(chosen))
        }
        Err(lacking) => {
            let _ = fs_err::remove_dir_all(&folder);
            Ok(Err(lacking))
        }
    }
}

fn cache(ledger: &Ledger, settings: &Settings<'_>) -> PathBuf {
    let variable =
        |name: &str| settings.here.variables.get(std::ffi::OsStr::new(name)).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    cache.unwrap_or_else(|| ledger.home().folder().to_path_buf()).join(FOLDER)
}

fn recorded(ledger: &Ledger, job: &Job) -> Result<Option<Recorded>, Error> {
    let view = ledger.view();
    let Some(digest) = job.environment else { return Ok(None) };
    let Some(document) = view.document(&digest)?.and_then(|bytes| serde_json::from_slice::<Environment>(&bytes).ok()) else {
        return Ok(None);
    };
    if document.python.is_none() {
        return Ok(None);
    }
    let manifest = job.loaded.map(|loaded| view.manifest(&loaded)).transpose()?.flatten().unwrap_or_default();
    let sites = manifest.0.keys().filter_map(|path| {
        let whole = Path::new("/").join(std::ffi::OsStr::from_bytes(path.as_bytes()));
        let site = whole.ancestors().find(|folder| folder.ends_with("site-packages") || folder.ends_with("dist-packages"))?;
        Some(site.to_path_buf())
    });
    let loaded = job.packages.iter().filter_map(|name| Some((name.clone(), document.packages.get(name)?.clone())));
    let (sites, loaded) = (sites.collect(), loaded.collect());
    Ok(Some(Recorded { digest, document, sites, loaded }))
}

/// Loaded packages that are not installed where they were, or in another version: name, then, now.
fn differing(recorded: &Recorded) -> Vec<(String, String, Option<String>)> {
    let sites: Vec<&Path> = recorded.sites.iter().map(PathBuf::as_path).collect();
    let now = keizu_capture::python::installed_in(&sites);
    let differ = recorded.loaded.iter().filter(|(name, was)| now.get(*name) != Some(was));
    differ.map(|(name, was)| (name.clone(), was.clone(), now.get(name).cloned())).collect()
}

/// An interpreter of the recorded version, else of its series: program and version.
fn interpreters(ledger: &Ledger, job: &Job, wanted: &str, settings: &Settings<'_>) -> Option<(PathBuf, String)> {
    let series = wanted.rsplitn(2, '.').last().unwrap_or(wanted);
    let root = ledger.home().root();
    let own = job.programs.iter().map(|program| root.join(program));
    let names = [format!("python{series}"), "python3".to_owned(), "python".to_owned()];
    let path = settings.here.variables.get(std::ffi::OsStr::new("PATH")).cloned().unwrap_or_default();
    let found: Vec<PathBuf> = std::env::split_paths(&path).flat_map(|folder| names.clone().map(|name| folder.join(name))).collect();
    let home = settings.here.variables.get(std::ffi::OsStr::new("HOME")).map(PathBuf::from);
    let managed = home.iter().map(|home| home.join(".pyenv/versions").join(wanted).join("bin/python"));
    let is_python = |file: &PathBuf| file.file_name().is_some_and(|name| name.as_bytes().starts_with(b"python")) && file.is_file();
    let mut near = None;
    for program in own.chain(managed).chain(found).filter(is_python) {
        match version_of(&program) {
            Some(version) if version == wanted => return Some((program, version)),
            Some(version) if near.is_none() && version.starts_with(&format!("{series}.")) => near = Some((program, version)),
            _ => {}
        }
    }
    near
}

fn version_of(program: &Path) -> Option<String> {
    let ask = "import platform; print(platform.python_version())";
    let out = Command::new(program).args(["-I", "-c", ask]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// Makes the virtual environment; what must be known of it, or what could not be had.
fn install(
    folder: &Path,
    program: &Path,
    recorded: &Recorded,
    settings: &mut Settings<'_>,
) -> Result<Result<Vec<String>, Vec<Lacking>>, Error> {
    if folder.exists() {
        fs_err::remove_dir_all(folder)?;
    }
    if let Some(parent) = folder.parent() {
        fs_err::create_dir_all(parent)?;
    }
    let mut venv = Command::new(program);
    venv.args(["-m", "venv"]).arg(folder);
    let (made, talk) = heard(venv, settings)?;
    if !made {
        return Ok(Err(vec![Lacking::new("python -m venv", last_line(&talk))]));
    }
    // these come with the virtual environment itself
    let own = |name: &str| matches!(name, "pip" | "setuptools" | "wheel");
    let pinned = |packages: &BTreeMap<String, String>| -> Vec<String> {
        let fit = packages.iter().filter(|(name, version)| !own(name) && !version.contains([',', ' ']));
        fit.map(|(name, version)| format!("{name}=={version}")).collect()
    };
    let (all, loaded) = (pinned(&recorded.document.packages), pinned(&recorded.loaded));
    let (done, _) = pip(folder, &all, settings)?;
    if done {
        return Ok(Ok(Vec::new()));
    }
    let (done, talk) = pip(folder, &loaded, settings)?;
    if done {
        let left = all.len().saturating_sub(loaded.len());
        return Ok(Ok(vec![format!("{left} packages that were installed then, and not loaded, are not installed again")]));
    }
    Ok(Err(missed(&talk, &recorded.loaded)))
}

fn pip(folder: &Path, pinned: &[String], settings: &mut Settings<'_>) -> Result<(bool, String), Error> {
    if pinned.is_empty() {
        return Ok((true, String::new()));
    }
    let list = folder.join("keizu-requirements.txt");
    let mut file = fs_err::File::create(&list)?;
    for line in pinned {
        writeln!(file, "{line}")?;
    }
    drop(file);
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--no-deps", "--disable-pip-version-check", "--no-input", "-r"]).arg(&list);
    heard(pip, settings)
}

/// Runs a helper in this environment; whether it went well, and what it said.
fn heard(mut command: Command, settings: &mut Settings<'_>) -> Result<(bool, String), Error> {
    let talk = tempfile::NamedTempFile::new()?;
    command.env_clear().envs(&settings.here.variables).env_remove("PYTHONPATH").env_remove("PYTHONHOME");
    command.stdin(Stdio::null()).stdout(talk.reopen()?).stderr(talk.reopen()?);
    let status = wait::run(command, settings.interrupted)?;
    let bytes = fs_err::read(talk.path())?;
    let start = bytes.len().saturating_sub(TALK_BYTES_MAX);
    Ok((status.success(), String::from_utf8_lossy(&bytes[start..]).into_owned()))
}

fn last_line(talk: &str) -> String {
    talk.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it failed without a word").to_owned()
}

/// Which packages pip could not get: by what it says, else all that were asked for.
fn missed(talk: &str, loaded: &BTreeMap<String, String>) -> Vec<Lacking> {
    let named: BTreeSet<&str> =
        talk.lines().filter_map(|line| line.split_once("requirement ")?.1.split([' ', '(']).find(|word| word.contains("=="))).collect();
    let why = "pip found no file of this version";
    let hint = "make the index or its wheels reachable (PIP_INDEX_URL, PIP_FIND_LINKS), or --env present";
    if named.is_empty() {
        let all = loaded.iter().map(|(name, version)| format!("{name}=={version}")).collect::<Vec<_>>().join(", ");
        return vec![Lacking::new(all, last_line(talk)).hint(hint)];
    }
    named.into_iter().map(|package| Lacking::new(package, why).hint(hint)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_that_pip_missed_is_named() {
        let talk = "Looking in links: /wheels\nERROR: Could not find a version that satisfies the requirement scorer==2.0 (from versions: 1.0)\n\
            ERROR: No matching distribution found for scorer==2.0\n";
        let lacking = missed(talk, &BTreeMap::new());
        assert_eq!(lacking.iter().map(|lacking| lacking.what.as_str()).collect::<Vec<_>>(), ["scorer==2.0"]);
        let lacking = missed("disk full\n", &[("scorer".to_owned(), "2.0".to_owned())].into());
        assert_eq!((lacking[0].what.as_str(), lacking[0].why.as_str()), ("scorer==2.0", "disk full"));
    }
}
