//! Sorts the files of an account: which are edges, which are environment, which are folded away. Every file goes to exactly one place a side.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use keizu_capture::account::{Account, Content, File, Read, Write};
use keizu_record::body::{ArtifactKind, Edge, Role};
use keizu_record::{Authority, FilePath};

use super::code::{self, compiled};
use super::kinds::{by_name, packaged};
use super::place::{Places, Zone};
use super::{Link, Peek};
use crate::config::Config;

/// Settings of one kind in one folder: so many are data.
const CONFIG_CROWD: usize = 8;
/// Pictures made in one folder: so many are data.
const PICTURE_CROWD: usize = 8;

/// Why a file is no edge. The words stand in the account document.
pub mod folded {
    /// Compiled Python of which the source is an edge.
    pub const COMPILED: &str = "compiled files of code that was read";
    /// Caches that the run wrote for later: compiled files, and what programs keep outside the project.
    pub const CACHE: &str = "caches that were written";
    /// Files in the system's places for temporaries, gone again.
    pub const TEMPORARY: &str = "temporary files that were removed again";
    /// Keizu's own, and git's.
    pub const BOOKKEEPING: &str = "files of version control";
    /// `/proc`, `/sys`, `/dev`: what the kernel makes up is no file.
    pub const KERNEL: &str = "what the kernel makes up";
    /// As `keizu.toml` says.
    pub const IGNORED: &str = "ignored by keizu.toml";
}

/// The files of an account, sorted.
#[derive(Debug, Default)]
pub struct Sorted<'a> {
    /// Edges, one a file and side.
    pub links: Vec<Link>,
    /// What was loaded from the environment.
    pub environment: Vec<&'a File>,
    /// What is no edge, by reason.
    pub folded: BTreeMap<&'static str, Vec<PathBuf>>,
}

/// What sorting needs to know.
pub struct Sorter<'a> {
    account: &'a Account,
    places: &'a Places<'a>,
    config: &'a Config,
    peek: &'a dyn Peek,
    project: &'a str,
    scripts: BTreeSet<PathBuf>,
    sources: BTreeSet<&'a Path>,
    crowds: HashMap<(bool, Vec<u8>, String), usize>,
}

/// Sorts all files.
pub fn sort<'a>(account: &'a Account, places: &'a Places<'a>, config: &'a Config, peek: &'a dyn Peek, project: &'a str) -> Sorted<'a> {
    let sources = account.files.iter().filter(|file| file.read.is_some()).map(|file| places.standing(file)).collect();
    let mut crowds = HashMap::new();
    for file in &account.files {
        let path = places.written(places.standing(file));
        for made in [false, true] {
            if (made && file.write.is_some()) || (!made && file.read.is_some()) {
                *crowds.entry((made, path.folder().to_vec(), path.extension())).or_insert(0) += 1;
            }
        }
    }
    let sorter = Sorter { account, places, config, peek, project, scripts: code::scripts(account), sources, crowds };
    let mut sorted = Sorted::default();
    let mut compiled_sources = BTreeMap::new();
    for file in &account.files {
        if let Some(read) = &file.read {
            sorter.read(file, read, &mut sorted, &mut compiled_sources);
        }
        if let Some(write) = &file.write {
            sorter.write(file, write, &mut sorted);
        }
    }
    sorted.links.extend(compiled_sources.into_values());
    sorted
}

impl<'a> Sorter<'a> {
    fn read(&self, file: &'a File, read: &Read, sorted: &mut Sorted<'a>, sources: &mut BTreeMap<PathBuf, Link>) {
        let stand = self.places.standing(file);
        let path = self.places.written(stand);
        let zone = self.places.zone(stand);
        let size = read.stat.size;
        if self.config.ignores(&path) {
            return fold(sorted, folded::IGNORED, stand);
        }
        if zone == Zone::Bookkeeping {
            return fold(sorted, folded::BOOKKEEPING, stand);
        }
        if zone == Zone::Environment && ["/proc", "/sys", "/dev"].iter().any(|folder| stand.starts_with(folder)) {
            return fold(sorted, folded::KERNEL, stand);
        }
        let packaged = !file.executed && packaged::holds(&path, size) && !self.is_system(stand);
        if (zone == Zone::Environment || (file.executed && zone != Zone::Project)) && !packaged && self.config.part(&path).is_none() {
            sorted.environment.push(file);
            return;
        }
        if let Some(source) = compiled::source(stand).filter(|_| zone != Zone::Environment) {
            if self.sources.contains(source.as_path()) || sources.contains_key(&source) {
                return fold(sorted, folded::COMPILED, stand);
            }
            if let Some(link) = self.compiled(file, read, &source) {
                sources.insert(source, link);
                return fold(sorted, folded::COMPILED, stand);
            }
        }
        let mut link = self.link(file, &path, false, read.at, read.content);
        (link.edge.kind, link.edge.role, link.by) = self.part(file, &path, size, zone);
        if file.redirected && file.write.is_some() && matches!(link.edge.kind, ArtifactKind::Document | ArtifactKind::Other) {
            // a log that the command's talk is appended to is nothing that the command read
            link.edge.role = Role::Redirection;
        }
        if file.redirected && file.write.is_none() {
            (link.redirected, link.pinned) = (true, true);
        }
        link.edge.size = Some(read.content.map_or(size, |content| content.size));
        link.edge.unseen = read.content.is_none().then(|| read.unseen.clone().unwrap_or_else(|| "its content was not seen".to_owned()));
        link.edge.changed = read.changed.clone();
        if zone == Zone::Environment {
            link.by = Some(packaged::NAME);
            link.package = self.places.package(stand);
        }
        sorted.links.push(link);
    }

    /// Tables of the system itself (`/etc/…`) are environment whatever their names.
    fn is_system(&self, path: &Path) -> bool {
        path.starts_with("/etc") && self.places.zone(path) == Zone::Environment
    }

    fn compiled(&self, file: &File, read: &Read, source: &Path) -> Option<Link> {
        let content = read.content?;
        let (now, same) = compiled::content(source, (&file.path, &content), self.peek)?;
        let path = self.places.written(source);
        let mut link = self.link(file, &path, false, read.at, Some(now));
        link.full = source.to_path_buf();
        link.edge.target = None;
        (link.edge.kind, link.edge.role) = (ArtifactKind::Code, Role::Code);
        (link.edge.authority, link.edge.rule) = (Authority::Inferred, Some(compiled::NAME.to_owned()));
        link.edge.changed = (!same).then(|| compiled::CHANGED.to_owned());
        Some(link)
    }

    fn write(&self, file: &'a File, write: &Write, sorted: &mut Sorted<'a>) {
        let stand = self.places.standing(file);
        let path = self.places.written(stand);
        let zone = self.places.zone(stand);
        if self.config.ignores(&path) {
            return fold(sorted, folded::IGNORED, stand);
        }
        let reason = match zone {
            Zone::Bookkeeping => Some(folded::BOOKKEEPING),
            Zone::Temporary if write.removed || stand.starts_with("/dev/shm") => Some(folded::TEMPORARY),
            Zone::Environment if !packaged::holds(&path, 0) => Some(folded::CACHE),
            _ if compiled::source(stand).is_some() || is_compiler_temporary(&path) => Some(folded::CACHE),
            _ => None,
        };
        if let Some(reason) = reason {
            return fold(sorted, reason, stand);
        }
        let mut link = self.link(file, &path, true, write.at, write.content);
        let size = write.content.map_or(0, |content| content.size);
        let kind = match self.config.part(&path) {
            Some(part) => part.kind,
            None if self.config.model(&path).is_some() => ArtifactKind::Model,
            None => by_name(&path, size, true),
        };
        let pictures = kind == ArtifactKind::Document && by_name(&path, size, false) == ArtifactKind::Data && path.extension() != "txt";
        link.edge.kind = if pictures && self.crowd(true, &path) >= PICTURE_CROWD { ArtifactKind::Data } else { kind };
        link.edge.role = match (write.removed, file.redirected) {
            (true, _) => Role::Intermediate,
            // what the shell wrote down of the command's talk
            (false, true) => Role::Redirection,
            (false, false) => Role::Output,
        };
        link.edge.removed = write.removed;
        link.edge.unchanged = !write.removed && write.content.is_some() && write.content == write.before;
        if write.content.is_none() {
            let gone = if write.removed { "removed again before it could be read" } else { "its content was not seen" };
            link.edge.unseen = Some(write.unseen.clone().unwrap_or_else(|| gone.to_owned()));
        }
        sorted.links.push(link);
    }

    fn link(&self, file: &File, path: &FilePath, made: bool, at: keizu_record::Time, content: Option<Content>) -> Link {
        Link {
            made,
            full: self.places.standing(file).to_path_buf(),
            package: None,
            by: None,
            model: None,
            pinned: false,
            redirected: false,
            edge: Edge {
                run: self.account.run,
                at,
                authority: Authority::Observed,
                rule: None,
                project: self.project.to_owned(),
                path: path.clone(),
                target: file
                    .target
                    .as_deref()
                    .filter(|target| *target != self.places.standing(file))
                    .map(|target| self.places.written(target)),
                content: content.map(|content| content.digest),
                size: content.map(|content| content.size),
                members: None,
                kind: ArtifactKind::Other,
                role: Role::Input,
                format: None,
                sha256: None,
                changed: None,
                unseen: None,
                unchanged: false,
                removed: false,
            },
        }
    }

    /// What a file is, and what part it played when it was read; and the rule, when it is more than the name.
    fn part(&self, file: &File, path: &FilePath, size: u64, zone: Zone) -> (ArtifactKind, Role, Option<&'static str>) {
        if let Some(part) = self.config.part(path) {
            return (part.kind, part.role.unwrap_or(Role::Input), Some("keizu.toml"));
        }
        if self.config.model(path).is_some() {
            return (ArtifactKind::Model, Role::Input, Some("keizu.toml"));
        }
        if self.scripts.contains(&file.path) || file.executed {
            return (ArtifactKind::Code, Role::Code, Some(code::NAME));
        }
        match by_name(path, size, false) {
            ArtifactKind::Code if zone != Zone::Environment => (ArtifactKind::Code, Role::Code, None),
            ArtifactKind::Config if is_result(path) => (ArtifactKind::Evaluation, Role::Input, None),
            ArtifactKind::Config if self.crowd(false, path) >= CONFIG_CROWD => (ArtifactKind::Data, Role::Input, None),
            ArtifactKind::Config => (ArtifactKind::Config, Role::Config, None),
            kind => (kind, Role::Input, None),
        }
    }

    fn crowd(&self, made: bool, path: &FilePath) -> usize {
        self.crowds.get(&(made, path.folder().to_vec(), path.extension())).copied().unwrap_or(0)
    }
}

/// `eval.json`, `metrics.yaml`: results that are read again, no settings.
fn is_result(path: &FilePath) -> bool {
    let stem = path.stem().to_ascii_lowercase();
    let words: Vec<&str> = stem.split(|c: char| !c.is_alphanumeric()).collect();
    ["eval", "evaluation", "metrics", "metric", "scores", "score", "results", "result", "report"].iter().any(|word| words.contains(word))
        && path.extension() == "json"
}

/// Python writes `x.cpython-311.pyc.140…` and renames it.
fn is_compiler_temporary(path: &FilePath) -> bool {
    let folder = path.folder();
    (folder == b"__pycache__" || folder.ends_with(b"/__pycache__")) && path.file_name().windows(5).any(|part| part == b".pyc.")
}

fn fold(sorted: &mut Sorted<'_>, reason: &'static str, path: &Path) {
    let list = sorted.folded.entry(reason).or_default();
    // a file that was read and written is named once
    if list.last().is_none_or(|last| last != path) {
        list.push(path.to_path_buf());
    }
}
