//! Packages that runs loaded, held against those that are installed now where they were loaded from.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use keizu_graph::stale::{Cause, What};
use keizu_record::body::{ArtifactKind, Edge, Role};
use keizu_record::manifest::Manifest;
use keizu_record::{Digest, Entry, FilePath, Kind, RunId, Value};

use crate::Error;
use crate::documents::Environment;
use crate::view::View;

/// Folders of installed packages.
const SITES: &[&[u8]] = &[b"site-packages", b"dist-packages"];
/// In place of a version.
const GONE: &str = "not installed";

/// Of each run: packages that it loaded and that have another version now.
pub(super) fn changes(view: &View<'_>, entries: &[Entry]) -> Result<HashMap<RunId, Vec<Cause>>, Error> {
    let mut documents: HashMap<Digest, BTreeMap<String, String>> = HashMap::new();
    let mut installed: HashMap<Digest, BTreeMap<String, String>> = HashMap::new();
    let mut found = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.record.kind == Kind::Used) {
        let Some(edge) = Edge::read(&entry.record).filter(|edge| edge.role == Role::Environment) else { continue };
        let (Some(digest), ArtifactKind::Environment) = (edge.content, edge.kind) else { continue };
        let Some(files) = entry.record.bytes("files").and_then(Digest::from_slice) else { continue };
        if let std::collections::hash_map::Entry::Vacant(vacant) = documents.entry(digest) {
            let bytes = view.document(&digest)?;
            let document = bytes.and_then(|bytes| serde_json::from_slice::<Environment>(&bytes).ok());
            vacant.insert(document.unwrap_or_default().packages);
        }
        if let std::collections::hash_map::Entry::Vacant(vacant) = installed.entry(files) {
            let sites = view.manifest(&files)?.map(|manifest| sites(&manifest)).unwrap_or_default();
            vacant.insert(keizu_capture::python::installed_in(&sites.iter().map(PathBuf::as_path).collect::<Vec<_>>()));
        }
        let causes = differing(&loaded(entry), &documents[&digest], &installed[&files]);
        if !causes.is_empty() {
            found.insert(edge.run, causes);
        }
    }
    Ok(found)
}

fn loaded(entry: &Entry) -> Vec<String> {
    match entry.record.fact("packages loaded") {
        Some(Value::List(list)) => list.iter().filter_map(|name| Some(FilePath::new(name.as_name()?).to_string())).collect(),
        _ => Vec::new(),
    }
}

/// The folders of packages from which files were loaded: members are absolute paths without their first slash.
fn sites(files: &Manifest) -> Vec<PathBuf> {
    let mut sites = BTreeSet::new();
    for path in files.0.keys() {
        let parts: Vec<&[u8]> = path.as_bytes().split(|byte| *byte == b'/').collect();
        if let Some(at) = parts.iter().rposition(|part| SITES.contains(part)) {
            sites.insert(PathBuf::from("/").join(OsStr::from_bytes(&parts[..=at].join(&b'/'))));
        }
    }
    sites.into_iter().collect()
}

fn differing(loaded: &[String], before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<Cause> {
    let changed = loaded.iter().filter_map(|name| {
        let before = before.get(name)?;
        let now = now.get(name).map_or(GONE, String::as_str);
        // several interpreters ran: either version will do
        let same = before.split(", ").any(|version| version == now);
        (!same).then(|| Cause { thing: FilePath::from(name.as_str()), what: What::Package(before.clone(), now.to_owned()) })
    });
    changed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loaded_packages_of_another_version_count() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect();
        let before = map(&[("numpy", "2.1"), ("pandas", "3.0, 2.9"), ("joblib", "1.4"), ("unused", "1")]);
        let now = map(&[("numpy", "2.2"), ("pandas", "2.9"), ("unused", "2")]);
        let loaded = ["numpy", "pandas", "joblib", "unknown"].map(str::to_owned);
        let what: Vec<(String, What)> = differing(&loaded, &before, &now).into_iter().map(|c| (c.thing.to_string(), c.what)).collect();
        let package = |before: &str, now: &str| What::Package(before.to_owned(), now.to_owned());
        assert_eq!(what, [("numpy".to_owned(), package("2.1", "2.2")), ("joblib".to_owned(), package("1.4", GONE))]);
    }

    #[test]
    fn folders_of_packages() {
        let member = keizu_record::manifest::Member { size: 1, digest: Digest::of(b"x") };
        let paths = ["v/lib/python3.11/site-packages/numpy/x.py", "v/lib/python3.11/site-packages/y.py", "usr/lib/python3.11/os.py"];
        let manifest = Manifest(paths.iter().map(|path| (FilePath::from(*path), member)).collect());
        assert_eq!(sites(&manifest), [PathBuf::from("/v/lib/python3.11/site-packages")]);
    }
}
