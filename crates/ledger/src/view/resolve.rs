//! From what was typed to the thing.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use keizu_record::body::{Named, RunBegan};
use keizu_record::{Digest, FilePath, Kind, Name, NodeId, RunId, Side};
use keizu_store::{Read as _, Select};

use super::View;
use super::names::NAMES_MAX;
use super::run::spoken;
use crate::Error;
use crate::thing::{At, Spelling, Thing, nearest};

/// How many candidates an ambiguous prefix names.
const CANDIDATES_MAX: usize = 8;

impl View<'_> {
    /// The thing that was typed by somebody who stands in `cwd`.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest names, [`Error::Ambiguous`] with the candidates, or the store's.
    pub fn resolve(&self, text: &str, cwd: &Path) -> Result<Thing, Error> {
        match Spelling::read(text) {
            Spelling::Run(rest) => self.resolve_run(rest).map(Thing::Run),
            Spelling::Content(hex) => self.resolve_content(hex).map(Thing::Artifact),
            Spelling::Model(name, at) => self.resolve_version(Name::Model(name.to_owned()), at),
            Spelling::Data(name, at) => self.resolve_version(Name::Data(name.to_owned()), at),
            Spelling::Party(name) => Ok(Thing::Party(name.to_owned())),
            Spelling::Path(path) => self.resolve_path(path, cwd),
        }
    }

    pub(super) fn resolve_run(&self, text: &str) -> Result<RunId, Error> {
        let found = match hex_range(2, text) {
            Some((from, to)) => self.store.nodes(&from, &to, CANDIDATES_MAX + 1)?,
            None => Vec::new(),
        };
        match found.as_slice() {
            [NodeId::Run(run)] => Ok(*run),
            [] => self.run_named(text),
            many => Err(Error::Ambiguous { typed: format!("run:{text}"), candidates: short(many) }),
        }
    }

    /// The newest run that bears the name (`keizu run --name`).
    fn run_named(&self, name: &str) -> Result<RunId, Error> {
        let select = Select { kinds: vec![Kind::RunBegan], newest_first: true, limit: Some(NAMES_MAX), ..Select::default() };
        let runs: Vec<RunBegan> = self.store.select(&select)?.iter().filter_map(|entry| RunBegan::read(&entry.record)).collect();
        if let Some(run) = runs.iter().find(|run| run.name.as_deref() == Some(name)) {
            return Ok(run.run);
        }
        let known: Vec<String> = runs
            .iter()
            .flat_map(|run| run.name.iter().map(|name| format!("run:{name}")).chain([format!("run:{}", run.run.short(6))]))
            .collect();
        let typed = format!("run:{name}");
        Err(Error::Unknown {
            what: format!("no run is called {name:?}, or begins with it"),
            nearest: nearest(&typed, known.iter().map(String::as_str)),
        })
    }

    fn resolve_content(&self, hex: &str) -> Result<Digest, Error> {
        let unknown = || Error::Unknown { what: format!("no content begins with b3:{hex}"), nearest: Vec::new() };
        let (from, to) = hex_range(1, hex).ok_or_else(unknown)?;
        let found = self.store.nodes(&from, &to, CANDIDATES_MAX + 1)?;
        match found.as_slice() {
            [NodeId::Artifact(digest)] => Ok(*digest),
            // a file that was met only inside a collection has no node of its own, but a whole digest still finds it
            [] => match format!("b3:{hex}").parse::<Digest>() {
                Ok(digest) if !self.store.collections_of(&[digest])?.is_empty() => Ok(digest),
                _ => Err(unknown()),
            },
            many => Err(Error::Ambiguous { typed: format!("b3:{hex}"), candidates: short(many) }),
        }
    }

    fn resolve_version(&self, name: Name, at: Option<At<'_>>) -> Result<Thing, Error> {
        let versions = self.versions(&name)?;
        let wanted = match at {
            None => versions.last(),
            Some(At::Version(version)) => versions.iter().rev().find(|named| named.version == Some(version)),
            Some(At::Alias(alias)) => {
                let version = self.aliases(&name)?.get(alias).copied();
                version.and_then(|version| versions.iter().rev().find(|named| named.version == Some(version)))
            }
        };
        if let Some(named) = wanted {
            return Ok(Thing::Version(Box::new(named.clone())));
        }
        if versions.is_empty() {
            return Err(self.unknown_name(&name)?);
        }
        Err(self.unknown_version(&name, &versions, at)?)
    }

    fn unknown_version(&self, name: &Name, versions: &[Named], at: Option<At<'_>>) -> Result<Error, Error> {
        let node = NodeId::from(name.clone());
        let (what, known): (String, Vec<String>) = match at {
            Some(At::Alias(alias)) => {
                let aliases = self.aliases(name)?;
                (format!("{node} has no alias {alias:?}"), aliases.keys().map(|alias| format!("{node}@{alias}")).collect())
            }
            Some(At::Version(version)) => (format!("{node} has no version {version}"), Vec::new()),
            None => (format!("{node} has no version"), Vec::new()),
        };
        let typed = match at {
            Some(At::Alias(alias)) => format!("{node}@{alias}"),
            _ => String::new(),
        };
        let mut close = nearest(&typed, known.iter().map(String::as_str));
        if close.is_empty() {
            close = versions.last().map(spoken).into_iter().collect();
        }
        Ok(Error::Unknown { what, nearest: close })
    }

    pub(crate) fn unknown_name(&self, name: &Name) -> Result<Error, Error> {
        let (what, text) = match name {
            Name::Model(name) => ("model", name.as_str()),
            Name::Data(name) => ("dataset", name.as_str()),
            Name::Alias { alias, .. } => ("alias", alias.as_str()),
            Name::Path { .. } => ("path", ""),
        };
        let typed = NodeId::from(name.clone()).to_string();
        let all: Vec<String> = self.all_names()?.into_iter().map(|name| NodeId::from(name).to_string()).collect();
        let mut close = Vec::new();
        for name in nearest(&typed, all.iter().map(String::as_str)) {
            let bare = name.split_once(':').map_or(name.as_str(), |(_, bare)| bare).to_owned();
            let known = if name.starts_with("model:") { Name::Model(bare) } else { Name::Data(bare) };
            let count = self.versions(&known)?.len();
            close.push(format!("{name} ({count} {})", if count == 1 { "version" } else { "versions" }));
        }
        Ok(Error::Unknown { what: format!("no {what} is called {text:?}"), nearest: close })
    }

    fn resolve_path(&self, text: &str, cwd: &Path) -> Result<Thing, Error> {
        for path in self.spellings(text, cwd) {
            if self.is_met(&path)? {
                return Ok(Thing::Place { project: self.project.to_owned(), path });
            }
        }
        for path in self.spellings(text, cwd) {
            if let Some(digest) = self.member_at(&path)? {
                return Ok(Thing::Artifact(digest));
            }
        }
        Err(self.unknown_path(text)?)
    }

    /// The ways in which a record may have written this path: with and without symbolic links followed, as a file and as a folder.
    fn spellings(&self, text: &str, cwd: &Path) -> Vec<FilePath> {
        let typed = lexical(&cwd.join(text));
        let mut absolute = vec![typed.clone()];
        if let (Some(parent), Some(name)) = (typed.parent(), typed.file_name())
            && let Ok(parent) = parent.canonicalize()
        {
            absolute.push(parent.join(name));
        }
        if let Ok(real) = typed.canonicalize() {
            absolute.push(real);
        }
        let mut all: Vec<FilePath> = Vec::new();
        for path in absolute {
            let inside = path.strip_prefix(self.root).map_or_else(|_| path.clone(), Path::to_path_buf);
            let bytes = inside.as_os_str().as_bytes().to_vec();
            let folder = [bytes.as_slice(), b"/"].concat();
            for candidate in [FilePath::new(bytes), FilePath::new(folder)] {
                if !candidate.as_bytes().is_empty() && !all.contains(&candidate) {
                    all.push(candidate);
                }
            }
        }
        // as the record writes it, typed back from another folder
        let plain = FilePath::from(text);
        if !all.contains(&plain) {
            all.push(plain);
        }
        all
    }

    fn is_met(&self, path: &FilePath) -> Result<bool, Error> {
        let node = Name::Path { project: self.project.to_owned(), path: path.clone() };
        let select = Select {
            nodes: Some((Side::Place, vec![node.into()])),
            kinds: vec![Kind::Used, Kind::Made, Kind::Named],
            limit: Some(1),
            newest_first: true,
            ..Select::default()
        };
        Ok(!self.store.select(&select)?.is_empty())
    }

    /// The newest content at a path that was met only as a member of a collection.
    fn member_at(&self, path: &FilePath) -> Result<Option<Digest>, Error> {
        let bytes = path.as_bytes();
        for at in (0..bytes.len()).rev().filter(|at| bytes[*at] == b'/') {
            let node = Name::Path { project: self.project.to_owned(), path: FilePath::new(&bytes[..=at]) };
            let mut entries = self.entries(Side::Place, vec![node.into()], &[Kind::Used, Kind::Made, Kind::Named])?;
            entries.sort_by_key(|entry| (entry.record.happened, entry.position));
            let member = FilePath::new(&bytes[at + 1..]);
            for digest in entries.iter().rev().filter_map(|entry| entry.record.artifact()) {
                if let Some(found) = self.manifest(&digest)?.and_then(|manifest| manifest.0.get(&member).map(|member| member.digest)) {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// Every path of the project of which the record speaks.
    pub(crate) fn places(&self) -> Result<Vec<FilePath>, Error> {
        let from = NodeId::from(Name::Path { project: self.project.to_owned(), path: FilePath::default() }).encode();
        let mut to = from.clone();
        to.push(0xff);
        let nodes = self.store.nodes(&from, &to, NAMES_MAX)?;
        Ok(nodes.into_iter().filter_map(|node| if let NodeId::Name(Name::Path { path, .. }) = node { Some(path) } else { None }).collect())
    }

    fn unknown_path(&self, text: &str) -> Result<Error, Error> {
        let from = NodeId::from(Name::Path { project: self.project.to_owned(), path: FilePath::default() }).encode();
        let mut to = from.clone();
        to.push(0xff);
        let nodes = self.store.nodes(&from, &to, NAMES_MAX)?;
        let mut known: Vec<String> = nodes.iter().map(ToString::to_string).collect();
        known.extend(self.all_names()?.into_iter().map(|name| NodeId::from(name).to_string()));
        Ok(Error::Unknown {
            what: format!("the record knows nothing called {text:?}"),
            nearest: nearest(text, known.iter().map(String::as_str)),
        })
    }
}

fn short(nodes: &[NodeId]) -> Vec<String> {
    let text = |node: &NodeId| match node {
        NodeId::Run(run) => format!("run:{}", run.short(12)),
        NodeId::Artifact(digest) => format!("b3:{}", digest.short(16)),
        other => other.to_string(),
    };
    nodes.iter().take(CANDIDATES_MAX).map(text).collect()
}

/// The range of node ids of one kind whose payload begins with these hex digits.
fn hex_range(kind: u8, digits: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let even = digits.len().is_multiple_of(2);
    let low = keizu_record::unhex(&if even { digits.to_owned() } else { format!("{digits}0") })?;
    let high = keizu_record::unhex(&if even { digits.to_owned() } else { format!("{digits}f") })?;
    let from = [&[kind], low.as_slice()].concat();
    // the first id after all that begin like `high`
    let mut to = [&[kind], high.as_slice()].concat();
    while let Some(last) = to.pop() {
        if last < 0xff {
            to.push(last + 1);
            break;
        }
    }
    Some((from, to))
}

/// `.` and `..` resolved by the text alone.
fn lexical(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_range() {
        assert_eq!(hex_range(2, "3f"), Some((vec![2, 0x3f], vec![2, 0x40])));
        assert_eq!(hex_range(2, "3"), Some((vec![2, 0x30], vec![2, 0x40])));
        assert_eq!(hex_range(2, "ff"), Some((vec![2, 0xff], vec![3])));
        assert_eq!(hex_range(2, "train"), None);
        assert_eq!(hex_range(2, ""), None);
    }
}
