//! A recorded run as something that can be done again: what it needs, and what it left.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use keizu_record::body::{ArtifactKind, Edge, IMPORT, Role, RunBegan, RunEnded, Status};
use keizu_record::manifest::Names;
use keizu_record::{Digest, Entry, FilePath, Kind, RunId, Side, Time, Value};

use crate::documents::Account;

use crate::rules::place;
use crate::{Error, View};

/// How deep runs that start runs are followed.
const NESTED_MAX: usize = 32;

/// A file that a run read.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Relative to the project's root, or absolute.
    pub path: FilePath,
    /// Where symbolic links led.
    pub target: Option<FilePath>,
    /// Content; none when it was not seen.
    pub content: Option<Digest>,
    /// Why not.
    pub unseen: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// What it is.
    pub kind: ArtifactKind,
    /// What part it played.
    pub role: Role,
    /// The package that brought it: it comes with the environment.
    pub package: Option<String>,
    /// Why it is no clean input.
    pub changed: Option<String>,
    /// When it was read first.
    pub at: Time,
}

impl Input {
    /// Whether it belongs to the environment, or lies outside the project: it is looked at, not laid out.
    pub fn is_outside(&self) -> bool {
        self.package.is_some() || self.path.is_absolute() || place::is_installed(&self.path)
    }
}

/// A file that a run left.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Relative to the project's root, or absolute.
    pub path: FilePath,
    /// Content; none when it was not seen.
    pub content: Option<Digest>,
    /// Bytes.
    pub size: Option<u64>,
    /// What it is.
    pub kind: ArtifactKind,
    /// Format of a model.
    pub format: Option<String>,
    /// When it was written last.
    pub at: Time,
}

/// A run, with the runs that it started.
#[derive(Debug, Clone)]
pub struct Job {
    /// The run.
    pub run: RunId,
    /// It, and those that it started.
    pub runs: Vec<RunId>,
    /// How it began.
    pub began: RunBegan,
    /// How it ended.
    pub status: Option<Status>,
    /// How long it took.
    pub took: Duration,
    /// What it read before it wrote it itself, by path.
    pub inputs: Vec<Input>,
    /// Files and folders (these end in `/`) that it met by name alone, in folders that it listed.
    pub names: BTreeSet<FilePath>,
    /// What it left, in the order in which it was written.
    pub outputs: Vec<Output>,
    /// The environment's document.
    pub environment: Option<Digest>,
    /// The manifest of the files that it loaded from the environment.
    pub loaded: Option<Digest>,
    /// Packages from which it loaded something.
    pub packages: BTreeSet<String>,
    /// The programs of its processes.
    pub programs: BTreeSet<String>,
}

impl Job {
    /// A run as the record tells it.
    ///
    /// # Errors
    /// When the store fails or does not know the run.
    pub fn of(view: &View<'_>, run: RunId) -> Result<Self, Error> {
        let mut entries = view.entries(Side::Subject, vec![run.into()], &[])?;
        let began = entries
            .iter()
            .find_map(|entry| RunBegan::read(&entry.record))
            .ok_or_else(|| Error::Unknown { what: format!("the record does not know {run}"), nearest: Vec::new() })?;
        let ended = entries.iter().find_map(|entry| RunEnded::read(&entry.record));
        let took = ended.as_ref().map_or(0, |ended| ended.at.micros().saturating_sub(began.at.micros()));
        let mut job = Self {
            run,
            runs: vec![run],
            began,
            status: ended.as_ref().map(|ended| ended.status),
            took: Duration::from_micros(u64::try_from(took).unwrap_or(0)),
            inputs: Vec::new(),
            names: BTreeSet::new(),
            outputs: Vec::new(),
            environment: None,
            loaded: None,
            packages: BTreeSet::new(),
            programs: BTreeSet::new(),
        };
        job.with_children(view, ended.as_ref(), &mut entries)?;
        job.read(view, &entries)?;
        Ok(job)
    }

    /// What the runs that it started say as well.
    fn with_children(&mut self, view: &View<'_>, ended: Option<&RunEnded>, entries: &mut Vec<Entry>) -> Result<(), Error> {
        let mut open = self.account(view, ended)?;
        for _ in 0..NESTED_MAX {
            open.retain(|run| !self.runs.contains(run));
            if open.is_empty() {
                break;
            }
            self.runs.extend(&open);
            let mut next = Vec::new();
            for run in std::mem::take(&mut open) {
                let more = view.entries(Side::Subject, vec![run.into()], &[])?;
                let ended = more.iter().find_map(|entry| RunEnded::read(&entry.record));
                next.extend(self.account(view, ended.as_ref())?);
                entries.extend(more);
            }
            open = next;
        }
        Ok(())
    }

    /// Takes note of the programs; the runs that were started.
    fn account(&mut self, view: &View<'_>, ended: Option<&RunEnded>) -> Result<Vec<RunId>, Error> {
        let document = ended.and_then(|ended| ended.account).map(|digest| view.document(&digest)).transpose()?.flatten();
        let Some(account) = document.and_then(|bytes| serde_json::from_slice::<Account>(&bytes).ok()) else { return Ok(Vec::new()) };
        self.programs.extend(account.processes.iter().map(|process| process.exe.clone()));
        Ok(account.children.iter().filter_map(|run| run.parse().ok()).collect())
    }

    fn read(&mut self, view: &View<'_>, entries: &[Entry]) -> Result<(), Error> {
        let mut used: Vec<Input> = Vec::new();
        let mut written: HashMap<(FilePath, Digest), Time> = HashMap::new();
        let mut touched: BTreeSet<FilePath> = BTreeSet::new();
        let mut listings: Vec<(FilePath, Digest)> = Vec::new();
        for entry in entries {
            let Some(edge) = Edge::read(&entry.record) else { continue };
            match (entry.record.kind, edge.role) {
                (Kind::Used, Role::Environment) if edge.kind == ArtifactKind::Environment => self.environment(&edge, entry),
                (Kind::Used, Role::Listing) if entry.record.text("by") != Some(IMPORT) => {
                    listings.extend(edge.content.map(|names| (edge.path, names)));
                }
                (Kind::Used, Role::Input | Role::Code | Role::Config | Role::EvaluationData | Role::ParentModel) => {
                    let package = entry.record.text("package").map(str::to_owned);
                    used.extend(opened(view, &edge)?.into_iter().map(|file| input(&edge, file, package.clone())));
                }
                (Kind::Made, role) => {
                    for file in opened(view, &edge)? {
                        touched.insert(file.0.clone());
                        if let Some(content) = file.1 {
                            let at = written.entry((file.0.clone(), content)).or_insert(edge.at);
                            *at = edge.at.min(*at);
                        }
                        if role == Role::Output && !edge.removed {
                            self.outputs.push(output(&edge, file));
                        }
                    }
                }
                _ => {}
            }
        }
        used.sort_by(|a, b| (&a.path, a.at).cmp(&(&b.path, b.at)));
        // what it read of its own is no input, and of several contents the first was there before
        used.retain(|input| {
            let own = input.content.and_then(|content| written.get(&(input.path.clone(), content)));
            own.is_none_or(|at| *at > input.at)
        });
        used.dedup_by(|later, first| later.path == first.path);
        self.inputs = used;
        self.outputs.sort_by(|a, b| (a.at, &a.path).cmp(&(b.at, &b.path)));
        self.list(view, &listings, &touched)
    }

    fn environment(&mut self, edge: &Edge, entry: &Entry) {
        self.environment = self.environment.or(edge.content);
        self.loaded = self.loaded.or_else(|| entry.record.bytes("files").and_then(Digest::from_slice));
        if let Some(Value::List(packages)) = entry.record.fact("packages loaded") {
            self.packages.extend(packages.iter().filter_map(|package| match package {
                Value::Text(name) => Some(name.clone()),
                _ => None,
            }));
        }
    }

    fn list(&mut self, view: &View<'_>, listings: &[(FilePath, Digest)], touched: &BTreeSet<FilePath>) -> Result<(), Error> {
        let read: BTreeSet<&FilePath> = self.inputs.iter().map(|input| &input.path).collect();
        for (folder, names) in listings.iter().filter(|(folder, _)| !folder.is_absolute()) {
            let Some(names) = view.document(names)?.and_then(|bytes| Names::decode(&bytes)) else { continue };
            let base = if folder.as_bytes() == b"./" { FilePath::default() } else { folder.clone() };
            // the folder itself was there
            self.names.insert(base.clone());
            let all = names.0.iter().map(|name| base.join(name));
            self.names.extend(all.filter(|path| !read.contains(path) && !touched.contains(path) && !is_bookkeeping(path)));
        }
        Ok(())
    }

    /// The command as people write it.
    pub fn command(&self) -> Vec<String> {
        crate::view::words(&self.began.command)
    }
}

/// Keizu's and git's own, and what Python keeps of compiled sources.
fn is_bookkeeping(path: &FilePath) -> bool {
    let mut parts = path.as_bytes().split(|byte| *byte == b'/');
    parts.any(|part| matches!(part, b".keizu" | b".git" | b"__pycache__"))
}

/// One file of an edge: path, content, size.
type File = (FilePath, Option<Digest>, Option<u64>);

/// The files of an edge: those of a collection one by one. One whose manifest is gone stands for itself, without content.
fn opened(view: &View<'_>, edge: &Edge) -> Result<Vec<File>, Error> {
    if !edge.is_collection() {
        return Ok(vec![(edge.path.clone(), edge.content, edge.size)]);
    }
    let manifest = edge.content.map(|content| view.manifest(&content)).transpose()?.flatten();
    Ok(match manifest {
        None => vec![(edge.path.clone(), None, edge.size)],
        Some(manifest) => {
            manifest.0.into_iter().map(|(path, member)| (edge.path.join(&path), Some(member.digest), Some(member.size))).collect()
        }
    })
}

fn input(edge: &Edge, (path, content, size): File, package: Option<String>) -> Input {
    let target = if edge.is_collection() { None } else { edge.target.clone() };
    let gone = edge.is_collection().then(|| "the list of its files is gone".to_owned());
    let unseen = edge.unseen.clone().or(gone).filter(|_| content.is_none());
    Input { path, target, content, unseen, size, kind: edge.kind, role: edge.role, package, changed: edge.changed.clone(), at: edge.at }
}

fn output(edge: &Edge, (path, content, size): File) -> Output {
    Output { path, content, size, kind: edge.kind, format: edge.format.clone(), at: edge.at }
}
