//! One scratch folder, and the runs that are made again in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::io::Read as _;
use std::io::Seek as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use keizu_record::{Digest, FilePath, RunId};

use super::entrance::Entrance;
use super::plan::Planned;
use super::supply::put;
use super::{Input, Job, Lacking, Settings, Told, python, variables, wait, watch};
use crate::contents::{Supply, full, supply};
use crate::files::{digest_of, hash};
use crate::step::Step;
use crate::{Error, Home, Ledger};

/// Folder of scratch folders, in the record's folder.
const FOLDER: &str = "workshop";
/// How long a run that was made again may take to be recorded.
const SEAL_WAIT: Duration = Duration::from_secs(120);
/// What is kept of what a run said, for a message.
const TALK_BYTES_MAX: u64 = 16 << 10;
/// A listed file of up to this size is copied for its name's sake; of a larger one an empty file has the name.
const NAME_BYTES_MAX: u64 = 1 << 20;

/// What is other than recorded in a world.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Swaps {
    /// Contents, by path; none: there is no such file.
    pub files: BTreeMap<FilePath, Option<Digest>>,
    /// Contents that no record knows.
    pub texts: BTreeMap<FilePath, Vec<u8>>,
    /// Files that hold contents which are nowhere else any more.
    pub stock: HashMap<Digest, PathBuf>,
    /// Command lines.
    pub commands: BTreeMap<RunId, Vec<OsString>>,
    /// Variables that are set, or not there.
    pub variables: BTreeMap<RunId, BTreeMap<String, Option<String>>>,
    /// The run in whose packages another is made.
    pub packages: BTreeMap<RunId, RunId>,
}

/// A run that was made again.
#[derive(Debug, Clone)]
pub struct Performed {
    /// The run as it was recorded first.
    pub run: RunId,
    /// How it went this time, as observed; none when it was not recorded.
    pub seen: Option<Job>,
    /// Whether it ended with exit code 0.
    pub succeeded: bool,
    /// How it ended, in words.
    pub ended: String,
    /// How long it took.
    pub took: Duration,
    /// The last it said.
    pub talk: String,
    /// What must be known of it.
    pub remarks: Vec<String>,
    /// What stands at the paths of its outputs now.
    pub outputs: BTreeMap<FilePath, Option<Digest>>,
}

/// Removed when it is no longer needed, unless it is to stay.
enum Base {
    Passing(tempfile::TempDir),
    Staying(PathBuf),
}

/// A scratch folder.
pub struct World {
    base: Base,
    scratch: PathBuf,
    entrance: Entrance,
    home: Home,
    /// What was laid out and not touched since.
    stands: BTreeMap<FilePath, Digest>,
    /// Made again here.
    done: BTreeSet<RunId>,
    /// Runs of the scratch record that were looked at.
    known: BTreeSet<RunId>,
}

impl World {
    /// An empty one for a project whose recorded root is that of `job`.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn new(ledger: &Ledger, job: &Job, settings: &Settings<'_>, name: &str) -> Result<Self, Error> {
        let base = match &settings.keep {
            Some(folder) => {
                let folder = folder.join(name);
                fs_err::create_dir_all(&folder)?;
                Base::Staying(folder.canonicalize()?)
            }
            None => {
                let folder = ledger.home().folder().join(FOLDER);
                fs_err::create_dir_all(&folder)?;
                sweep(&folder);
                let prefix = format!("{}-", std::process::id());
                Base::Passing(tempfile::Builder::new().prefix(&prefix).tempdir_in(folder)?)
            }
        };
        let recorded = Path::new(std::ffi::OsStr::from_bytes(job.began.root.as_bytes()));
        let called = recorded.file_name().unwrap_or(std::ffi::OsStr::new("project"));
        let scratch = base.path().join(called);
        fs_err::create_dir_all(&scratch)?;
        let home = Home::at(&scratch, &scratch.join(crate::FOLDER))?;
        home.make()?;
        drop(Ledger::create(&home, &job.began.host)?);
        let over = if recorded.is_dir() { recorded } else { ledger.home().root() };
        let entrance = Entrance::find(&scratch, over, &settings.keizu);
        Ok(Self { base, scratch, entrance, home, stands: BTreeMap::new(), done: BTreeSet::new(), known: BTreeSet::new() })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.scratch
    }

    /// What stands at a path of the project here, or at an absolute path.
    pub fn path(&self, path: &FilePath) -> PathBuf {
        full(&self.scratch, path)
    }

    /// Lays out what a run needs, and makes it again. What is missing is all told at once; then nothing was run.
    ///
    /// # Errors
    /// When something can't be read or written, or it was interrupted.
    pub fn perform(
        &mut self,
        ledger: &mut Ledger,
        planned: &Planned,
        swaps: &Swaps,
        settings: &mut Settings<'_>,
    ) -> Result<Result<Performed, Vec<Lacking>>, Error> {
        let job = &planned.job;
        let step = self.step(ledger, job, swaps)?;
        let mut lacking = watch::refused(job, &step, &self.entrance, ledger.home().root());
        lacking.extend(self.lay(ledger, planned, swaps, settings)?);
        if !lacking.is_empty() {
            return Ok(Err(lacking));
        }
        self.names(ledger, job)?;
        if self.entrance == Entrance::Plain
            && let Some(path) = watch::names_the_root(job, &self.scratch, ledger.home().root())
        {
            let why = "it holds the project's absolute path, and this system allows no mount namespace in which that path leads elsewhere";
            return Ok(Err(vec![Lacking::new(path.to_string(), why).hint("write it relative to the project, or allow user namespaces")]));
        }
        // a program may be a file of the project that was laid out here, or installed software that is only entered later
        let lack = step.lack(&self.scratch, &settings.here).filter(|_| step.lack(ledger.home().root(), &settings.here).is_some());
        if let Some(lack) = lack {
            return Ok(Err(vec![Lacking::new(step_text(&step), lack.to_string()).hint(lack.hint())]));
        }
        let packages = match swaps.packages.get(&job.run) {
            Some(other) => python::choose(ledger, &Job::of(&ledger.view(), *other)?, settings)?,
            None => python::choose(ledger, job, settings)?,
        };
        let chosen = match packages {
            Ok(chosen) => chosen,
            Err(lacking) => return Ok(Err(lacking)),
        };
        let mut performed = self.run(ledger, planned, &step, &chosen, swaps, settings)?;
        performed.remarks.splice(0..0, chosen.remarks);
        self.done.insert(job.run);
        Ok(Ok(performed))
    }

    fn step(&self, ledger: &Ledger, job: &Job, swaps: &Swaps) -> Result<Step, Error> {
        let mut step = Step::of(&ledger.view(), job.run)?;
        if let Some(command) = swaps.commands.get(&job.run) {
            step.command.clone_from(command);
        }
        Ok(step)
    }

    /// Puts every input where the run will look for it; what can't be had.
    fn lay(&mut self, ledger: &mut Ledger, planned: &Planned, swaps: &Swaps, settings: &mut Settings<'_>) -> Result<Vec<Lacking>, Error> {
        let mut lacking = Vec::new();
        let mut found: Vec<(&Input, Digest, Supply)> = Vec::new();
        (settings.tell)(&Told::Laying { files: planned.job.inputs.len() });
        for input in &planned.job.inputs {
            if settings.interrupted.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            let wanted = match swaps.files.get(&input.path) {
                _ if swaps.texts.contains_key(&input.path) => continue,
                Some(None) => {
                    self.take_away(&input.path)?;
                    continue;
                }
                Some(Some(content)) => Some(*content),
                None if planned.makers.get(&input.path).is_some_and(|maker| self.done.contains(maker)) => continue,
                None => input.content,
            };
            if input.is_outside() {
                lacking.extend(outside(ledger, input, wanted)?);
                continue;
            }
            let Some(content) = wanted else {
                let why = input.unseen.as_deref().unwrap_or("its content was not seen");
                lacking.push(Lacking::new(input.path.to_string(), format!("what it held was not recorded: {why}")));
                continue;
            };
            if self.stands.get(&input.path) == Some(&content) {
                continue;
            }
            let size = input.size.filter(|_| Some(content) == input.content);
            match supplied(ledger, &input.path, &content, size, swaps)? {
                Supply::Nowhere => lacking.push(gone(ledger, planned, input)?),
                supply => found.push((input, content, supply)),
            }
        }
        for path in swaps.files.iter().filter(|(_, content)| content.is_some()).map(|(path, _)| path) {
            let known = planned.job.inputs.iter().any(|input| input.path == *path);
            let content = swaps.files[path].expect("invariant: filtered");
            if known || path.is_absolute() || self.stands.get(path) == Some(&content) {
                continue;
            }
            // a file that is new on the other side
            match supplied(ledger, path, &content, None, swaps)? {
                Supply::Nowhere => lacking.push(Lacking::new(path.to_string(), "its content was not kept")),
                supply => self.put(ledger, path, &content, &supply, true)?,
            }
        }
        if lacking.is_empty() {
            for (input, content, supply) in found {
                let executable = input.role == keizu_record::body::Role::Code;
                self.put(ledger, &input.path, &content, &supply, executable)?;
            }
            for (path, text) in &swaps.texts {
                let to = inside(&self.scratch, path)?;
                if let Some(parent) = to.parent() {
                    fs_err::create_dir_all(parent)?;
                }
                fs_err::write(to, text)?;
                self.stands.remove(path);
            }
        }
        Ok(lacking)
    }

    fn put(&mut self, ledger: &Ledger, path: &FilePath, content: &Digest, supply: &Supply, executable: bool) -> Result<(), Error> {
        put(ledger, supply, content, &inside(&self.scratch, path)?, executable)?;
        self.stands.insert(path.clone(), *content);
        Ok(())
    }

    fn take_away(&mut self, path: &FilePath) -> Result<(), Error> {
        self.stands.remove(path);
        match fs_err::remove_file(inside(&self.scratch, path)?) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Folders for what will be written; and names that it met in folders, whatever stands behind them.
    fn names(&self, ledger: &Ledger, job: &Job) -> Result<(), Error> {
        let parents = job.outputs.iter().filter(|output| !output.path.is_absolute()).map(|output| FilePath::new(output.path.folder()));
        let cwd = std::iter::once(job.began.cwd.clone()).filter(|cwd| !cwd.is_absolute());
        for folder in parents.chain(cwd).filter(|folder| !folder.as_bytes().is_empty()) {
            fs_err::create_dir_all(inside(&self.scratch, &folder)?)?;
        }
        for name in job.names.iter().filter(|name| !name.as_bytes().is_empty()) {
            let to = inside(&self.scratch, name)?;
            let from = full(ledger.home().root(), name);
            if to.symlink_metadata().is_ok() || crate::rules::place::is_installed(name) {
                continue;
            }
            if name.as_bytes().ends_with(b"/") || from.is_dir() {
                fs_err::create_dir_all(&to)?;
                continue;
            }
            if let Some(parent) = to.parent() {
                fs_err::create_dir_all(parent)?;
            }
            match from.metadata() {
                Ok(metadata) if metadata.is_file() && metadata.len() <= NAME_BYTES_MAX => drop(fs_err::copy(&from, &to)?),
                _ => drop(fs_err::File::create(&to)?),
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        ledger: &Ledger,
        planned: &Planned,
        step: &Step,
        chosen: &python::Chosen,
        swaps: &Swaps,
        settings: &mut Settings<'_>,
    ) -> Result<Performed, Error> {
        let job = &planned.job;
        let installed = watch::installed(ledger, job)?;
        for folder in &installed {
            let to = self.scratch.join(folder);
            match self.entrance {
                Entrance::Mounted { .. } => fs_err::create_dir_all(to)?,
                Entrance::Plain if to.symlink_metadata().is_err() => {
                    if let Some(parent) = to.parent() {
                        fs_err::create_dir_all(parent)?;
                    }
                    fs_err::os::unix::fs::symlink(ledger.home().root().join(folder), to)?;
                }
                Entrance::Plain => {}
            }
        }
        let program = self.entrance.program(self.base.path(), &self.scratch, &step.cwd, &installed, &settings.keizu)?;
        let mut step = step.clone();
        if let Some(bin) = &chosen.bin {
            watch::in_environment(&mut step, bin);
        }
        let mut command = step.command(&program, self.entrance.root(&self.scratch), None, &settings.here);
        let mut variables = variables::as_then(&ledger.view(), job, ledger.config(), &settings.here)?;
        let mut remarks: Vec<String> = variables::remark(&variables, &settings.here).into_iter().collect();
        variables.extend(swaps.variables.get(&job.run).into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        watch::surround(&mut command, chosen, &variables, &settings.here);
        let mut talk = tempfile::tempfile()?;
        command.current_dir(step.folder(&self.scratch)).stdin(Stdio::null()).stdout(talk.try_clone()?).stderr(talk.try_clone()?);
        (settings.tell)(&Told::Making { command: job.command(), took: job.took });
        let began = Instant::now();
        let status = wait::run(command, settings.interrupted)?;
        let took = began.elapsed();
        let seen = self.seen()?;
        for output in
            seen.iter().flat_map(|seen| &seen.outputs).map(|output| &output.path).chain(job.outputs.iter().map(|output| &output.path))
        {
            self.stands.remove(output);
        }
        match &seen {
            Some(seen) => remarks.extend(watch::remarks(ledger, planned, seen, self, swaps)?),
            None => remarks.push("what it read and wrote this time was not seen".to_owned()),
        }
        Ok(Performed {
            run: job.run,
            succeeded: status.success(),
            ended: watch::ended(status),
            took,
            talk: tail(&mut talk)?,
            remarks,
            outputs: self.outputs(job)?,
            seen,
        })
    }

    /// What the scratch record says of the run that has just ended, and of those that it started.
    fn seen(&mut self) -> Result<Option<Job>, Error> {
        drop(crate::settle(&self.home, SEAL_WAIT, &mut |_| {}));
        let scratch = self.record()?;
        let view = scratch.view();
        let (mut first, mut new) = (None, Vec::new());
        for line in view.runs(None)? {
            let Ok(run) = line.id.parse::<RunId>() else { continue };
            if self.known.insert(run) {
                new.push(run);
            }
        }
        for run in new {
            let job = Job::of(&view, run)?;
            if job.began.parent.is_none() || first.is_none() {
                first = Some(job);
            }
        }
        Ok(first)
    }

    fn outputs(&self, job: &Job) -> Result<BTreeMap<FilePath, Option<Digest>>, Error> {
        let mut all = BTreeMap::new();
        for output in &job.outputs {
            let path = self.path(&output.path);
            let content = if path.is_file() { Some(hash(&path)?) } else { None };
            all.insert(output.path.clone(), content);
        }
        Ok(all)
    }

    /// The scratch folder's own record.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn record(&self) -> Result<Ledger, Error> {
        Ledger::open(&self.home)
    }

    /// Whether it stays.
    pub fn kept(&self) -> Option<&Path> {
        match &self.base {
            Base::Passing(_) => None,
            Base::Staying(_) => Some(&self.scratch),
        }
    }

    /// How it is entered.
    pub(super) fn entrance(&self) -> &Entrance {
        &self.entrance
    }
}

impl Base {
    fn path(&self) -> &Path {
        match self {
            Self::Passing(folder) => folder.path(),
            Self::Staying(folder) => folder,
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Base::Passing(folder) = &self.base {
            // a watcher may be just putting its own folder away
            for _ in 0..20 {
                if fs_err::remove_dir_all(folder.path()).is_ok() || !folder.path().exists() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// A path in the scratch folder, which must not lead out of it.
fn inside(scratch: &Path, path: &FilePath) -> Result<PathBuf, Error> {
    let relative = Path::new(std::ffi::OsStr::from_bytes(path.as_bytes()));
    let plain = relative.components().all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir));
    if plain { Ok(scratch.join(relative)) } else { Err(Error::Unfit(format!("{path} leads out of the project"))) }
}

/// Scratch folders that a process left behind which is no more.
fn sweep(folder: &Path) {
    for entry in fs_err::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.split_once('-')?.0.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs_err::remove_dir_all(entry.path());
        }
    }
}

/// Where a content can be had from, what was made again for it included.
fn supplied(ledger: &mut Ledger, path: &FilePath, content: &Digest, size: Option<u64>, swaps: &Swaps) -> Result<Supply, Error> {
    match swaps.stock.get(content) {
        Some(file) => Ok(Supply::Present(file.clone())),
        None => supply(ledger, path, content, size),
    }
}

/// An input outside the project is looked at where it is.
fn outside(ledger: &mut Ledger, input: &Input, wanted: Option<Digest>) -> Result<Option<Lacking>, Error> {
    // what a package brought comes with the package, wherever that is installed now
    if input.package.is_some() {
        return Ok(None);
    }
    let name = input.path.to_string();
    let file = full(ledger.home().root(), &input.path);
    let Some(wanted) = wanted else { return Ok(None) };
    Ok(match digest_of(&mut ledger.cache(), &file)? {
        Some(found) if found == wanted => None,
        Some(_) => {
            Some(Lacking::new(name, "it lies outside the project, and holds another content now").hint("put the recorded content back"))
        }
        None => Some(Lacking::new(name, "it lies outside the project, and is not there any more").hint("put it back")),
    })
}

/// Why an input can't be had, and the way out.
fn gone(ledger: &Ledger, planned: &Planned, input: &Input) -> Result<Lacking, Error> {
    let there = full(ledger.home().root(), &input.path).exists();
    let why =
        if there { "its content was not kept, and another stands there now" } else { "its content was not kept, and the file is gone" };
    let lacking = Lacking::new(input.path.to_string(), why);
    Ok(match planned.makers.get(&input.path) {
        Some(run) => lacking.hint(format!("--deep makes it again with run:{}", run.short(6))),
        None => lacking.hint("put it back; [keep] in keizu.toml keeps such files from the next run on"),
    })
}

fn step_text(step: &Step) -> String {
    step.command.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// The last of what was said.
fn tail(talk: &mut std::fs::File) -> Result<String, Error> {
    let length = talk.seek(std::io::SeekFrom::End(0))?;
    talk.seek(std::io::SeekFrom::Start(length.saturating_sub(TALK_BYTES_MAX)))?;
    let mut bytes = Vec::new();
    talk.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
