//! Sets of names that a run depended on: folders that it listed, files that it looked for and that were not there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use keizu_capture::account::{Account, Listing, Process};
use keizu_record::body::{ArtifactKind, Edge, IMPORT, Role};
use keizu_record::manifest::Names;
use keizu_record::{Authority, FilePath, Time};

use super::code::compiled;
use super::place::{Places, Zone};
use super::{Document, Link};
use crate::config::Config;

/// The place under which absences stand in the record.
pub const ABSENT: &str = "(absent)";
/// So many listings below one listed folder are one.
const LISTINGS_MIN: usize = 8;

/// Edges, and the documents that they point at.
pub type Edges = (Vec<Link>, Vec<Document>);

/// Listings of folders that are neither environment nor bookkeeping.
pub fn listings(account: &Account, code: &BTreeSet<FilePath>, places: &Places<'_>, config: &Config, project: &str) -> Edges {
    let mut listed: BTreeMap<FilePath, &Listing> = BTreeMap::new();
    for listing in &account.listings {
        let path = places.written(&listing.path);
        let outside = matches!(places.zone(&listing.path), Zone::Environment | Zone::Bookkeeping);
        if !outside && !config.ignores(&slashed(&path)) && listing.path != Path::new("/") {
            listed.insert(slashed(&path), listing);
        }
    }
    let (mut links, mut documents) = (Vec::new(), Vec::new());
    for (top, below) in together(&listed) {
        let mut names = Names::default();
        for path in &below {
            let base: &[u8] = if top.as_bytes() == b"./" { b"" } else { top.as_bytes() };
            let prefix = path.as_bytes().strip_prefix(base).unwrap_or_default();
            let prefix: &[u8] = if *path == top { b"" } else { prefix };
            names.0.extend(listed[path].names.iter().map(|name| FilePath::new([prefix, name].concat())));
        }
        let changed = below.iter().any(|path| listed[path].changed);
        let at = below.iter().map(|path| listed[path].at).min().unwrap_or(account.began);
        let mut link = link(account, project, at, &top, &names, Role::Listing);
        link.edge.changed = changed.then(|| "others changed the set of names during the run".to_owned());
        link.by = is_import(account, &top, code).then_some(IMPORT);
        documents.push((names.digest(), names.encode()));
        links.push(link);
    }
    (links, documents)
}

/// Groups of listings: one by one, unless a listed folder has many below it.
fn together(listed: &BTreeMap<FilePath, &Listing>) -> Vec<(FilePath, Vec<FilePath>)> {
    let mut groups: Vec<(FilePath, Vec<FilePath>)> = Vec::new();
    let mut done: BTreeSet<&FilePath> = BTreeSet::new();
    for top in listed.keys() {
        if done.contains(top) {
            continue;
        }
        let after = listed.range(top..).map(|(path, _)| path).take_while(|path| path.as_bytes().starts_with(top.as_bytes()));
        let below: Vec<&FilePath> = after.filter(|path| !done.contains(*path)).collect();
        if below.len() > LISTINGS_MIN && top.as_bytes() != b"./" {
            done.extend(&below);
            groups.push((top.clone(), below.into_iter().cloned().collect()));
        } else {
            done.insert(top);
            groups.push((top.clone(), vec![top.clone()]));
        }
    }
    groups
}

/// Whether Python imported from this folder: modules that lie in it, or packages (`pkg/__init__.py`, or `-m pkg.module`).
fn is_import(account: &Account, folder: &FilePath, code: &BTreeSet<FilePath>) -> bool {
    let is_python = |process: &&Process| process.exe.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python"));
    let mut pythons = account.processes.iter().filter(is_python).peekable();
    if pythons.peek().is_none() {
        return false;
    }
    let started: BTreeSet<&[u8]> = pythons.filter_map(|process| module(&process.argv)).collect();
    let prefix = folder.as_bytes().strip_prefix(b"./".as_slice()).unwrap_or(folder.as_bytes());
    code.iter().filter(|path| path.extension() == "py").any(|path| {
        let Some(rest) = path.as_bytes().strip_prefix(prefix) else { return false };
        let Some(slash) = rest.iter().position(|byte| *byte == b'/') else { return true };
        let package = &rest[..slash];
        started.contains(package) || code.contains(&FilePath::new([prefix, package, b"/__init__.py"].concat()))
    })
}

/// The package or module that `python -m` was asked for: the first part of its name.
fn module(argv: &[Vec<u8>]) -> Option<&[u8]> {
    let at = argv.iter().position(|word| word == b"-m")?;
    argv.get(at + 1)?.split(|byte| *byte == b'.').next()
}

/// Files of the project that were looked for and not there: one edge.
pub fn absences(account: &Account, places: &Places<'_>, config: &Config, project: &str) -> Edges {
    let counts = |path: &&std::path::PathBuf| {
        let written = places.written(path);
        let cache = compiled::source(path).is_some() || path.components().any(|part| part.as_os_str() == "__pycache__");
        places.zone(path) == Zone::Project && !cache && !config.ignores(&written)
    };
    let names = Names(account.absent.iter().filter(counts).map(|path| places.written(path)).collect());
    if names.0.is_empty() {
        return Edges::default();
    }
    let link = link(account, project, account.began, &FilePath::from(ABSENT), &names, Role::Absent);
    (vec![link], vec![(names.digest(), names.encode())])
}

fn link(account: &Account, project: &str, at: Time, path: &FilePath, names: &Names, role: Role) -> Link {
    Link {
        made: false,
        full: Default::default(),
        package: None,
        by: None,
        model: None,
        pinned: false,
        redirected: false,
        edge: Edge {
            run: account.run,
            at,
            authority: Authority::Observed,
            rule: None,
            project: project.to_owned(),
            path: path.clone(),
            target: None,
            content: Some(names.digest()),
            size: None,
            members: Some(names.0.len() as u64),
            kind: ArtifactKind::Other,
            role,
            format: None,
            sha256: None,
            changed: None,
            unseen: None,
            unchanged: false,
            removed: false,
        },
    }
}

fn slashed(path: &FilePath) -> FilePath {
    if path.as_bytes().is_empty() { FilePath::from("./") } else { FilePath::new([path.as_bytes(), b"/"].concat()) }
}
