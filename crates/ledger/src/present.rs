//! The present, as the question of staleness asks for it: what is on the disk, or what a moment of the recorded past knew.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use foldhash::HashMap;
use keizu_capture::event::Stat;
use keizu_graph::stale::{Now, Present};
use keizu_record::body::{Edge, Role};
use keizu_record::{Digest, Entry, FilePath, Kind, Time};
use keizu_store::Cache;
use nix::fcntl::{AtFlags, OFlag, open};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};

use crate::add::AddProgress;
use crate::config::Config;
use crate::files::{PIECE_BYTES, hash_as, stat_of, state};
use crate::view::View;
use crate::{Error, Home};

/// Files looked at side by side.
const WORKERS: usize = 4;
/// Fewer are not worth a thread.
const SIDE_BY_SIDE_MIN: usize = 256;

/// Is told how far the looking has come.
pub(crate) type Progress<'a> = dyn FnMut(&AddProgress) + 'a;

/// What is on the disk. Each file is looked at once; only what the digest cache does not know is read.
pub(crate) struct Disk<'a> {
    root: &'a Path,
    config: &'a Config,
    cache: RefCell<Cache>,
    seen: RefCell<HashMap<FilePath, Now>>,
    /// Names of folders that were read ahead.
    listed: RefCell<HashMap<FilePath, Option<Vec<FilePath>>>>,
    progress: RefCell<&'a mut Progress<'a>>,
}

/// What a look at a file found, before it is read.
enum Glance {
    Known(Now),
    File(Stat),
}

impl<'a> Disk<'a> {
    pub fn new(home: &'a Home, config: &'a Config, progress: &'a mut Progress<'a>) -> Self {
        let cache = Cache::open(&home.folder().join("cache.db"));
        Self {
            root: home.root(),
            config,
            cache: RefCell::new(cache),
            seen: RefCell::default(),
            listed: RefCell::default(),
            progress: RefCell::new(progress),
        }
    }

    fn look(&self, files: &[&FilePath], folders: &[FilePath]) {
        let (glances, listings) = side_by_side(self.root, files, folders);
        self.listed.borrow_mut().extend(folders.iter().cloned().zip(listings));
        let (mut asked, mut states) = (Vec::new(), Vec::new());
        for (at, glance) in glances.iter().enumerate() {
            if let Glance::File(stat) = glance {
                asked.push(at);
                states.push(state(stat));
            }
        }
        let known = self.cache.borrow().get_all(&states);
        let mut open = Vec::new();
        let mut seen = self.seen.borrow_mut();
        seen.reserve(files.len());
        for (at, digest) in asked.into_iter().zip(known) {
            match (digest, &glances[at]) {
                (Some(digest), _) => drop(seen.insert(files[at].clone(), Now::File(digest))),
                (None, Glance::File(stat)) => open.push((at, *stat)),
                (None, Glance::Known(_)) => {}
            }
        }
        for (at, digest) in self.read(files, &open) {
            seen.insert(files[at].clone(), digest);
        }
        for (at, glance) in glances.into_iter().enumerate() {
            if let Glance::Known(now) = glance {
                seen.insert(files[at].clone(), now);
            }
        }
    }

    /// Reads files to know their contents.
    fn read(&self, files: &[&FilePath], open: &[(usize, Stat)]) -> Vec<(usize, Now)> {
        if open.is_empty() {
            return Vec::new();
        }
        let bytes = open.iter().map(|(_, stat)| stat.size).sum();
        let mut far = AddProgress { files: open.len() as u64, bytes, ..AddProgress::default() };
        let mut progress = self.progress.borrow_mut();
        let mut found = Vec::with_capacity(open.len());
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::sync_channel(256);
        std::thread::scope(|scope| {
            for _ in 0..WORKERS.min(open.len()) {
                let (sender, next, root) = (sender.clone(), &next, self.root);
                scope.spawn(move || {
                    let mut piece = vec![0; PIECE_BYTES];
                    while let Some((at, stat)) = open.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let _ = sender.send((*at, *stat, hash_as(&full(root, files[*at]), stat, &mut piece)));
                    }
                });
            }
            drop(sender);
            for (at, stat, hashed) in receiver {
                far.files_done += 1;
                far.bytes_done += stat.size;
                progress(&far);
                let digest = match hashed {
                    Ok((digest, settled)) => {
                        if settled {
                            self.cache.borrow_mut().put(state(&stat), digest);
                        }
                        Now::File(digest)
                    }
                    Err(error) => failed(&error),
                };
                found.push((at, digest));
            }
        });
        self.cache.borrow_mut().flush();
        found
    }
}

impl Present for Disk<'_> {
    fn content(&self, path: &FilePath) -> Now {
        if let Some(now) = self.seen.borrow().get(path) {
            return now.clone();
        }
        self.look(&[path], &[]);
        self.seen.borrow().get(path).cloned().unwrap_or(Now::Missing)
    }

    fn names(&self, folder: &FilePath) -> Option<Vec<FilePath>> {
        let known = self.listed.borrow().get(folder).cloned();
        known.unwrap_or_else(|| names(self.root, folder))
    }

    fn exists(&self, path: &FilePath) -> bool {
        full(self.root, path).exists()
    }

    fn ignores(&self, path: &FilePath) -> bool {
        self.config.ignores(path)
    }

    fn expect(&self, files: &[&FilePath], folders: &[FilePath]) {
        let open: Vec<&FilePath> = {
            let seen = self.seen.borrow();
            files.iter().copied().filter(|path| !seen.contains_key(*path)).collect()
        };
        self.look(&open, folders);
    }
}

/// Where a path of the record lies.
fn full(root: &Path, path: &FilePath) -> PathBuf {
    root.join(OsStr::from_bytes(path.as_bytes()))
}

type Listings = Vec<Option<Vec<FilePath>>>;

fn side_by_side(root: &Path, files: &[&FilePath], folders: &[FilePath]) -> (Vec<Glance>, Listings) {
    let listings = |part: &[FilePath]| -> Listings { part.iter().map(|folder| names(root, folder)).collect() };
    if files.len() < SIDE_BY_SIDE_MIN {
        return (glances(root, files), listings(folders));
    }
    let (share, folders_share) = (files.len().div_ceil(WORKERS), folders.len().div_ceil(WORKERS).max(1));
    std::thread::scope(|scope| {
        let read: Vec<_> = folders.chunks(folders_share).map(|part| scope.spawn(move || listings(part))).collect();
        let seen: Vec<_> = files.chunks(share).map(|part| scope.spawn(move || glances(root, part))).collect();
        let seen = seen.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect();
        (seen, read.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect())
    })
}

/// The names in a folder, folders with a slash at their end; none when there is no such folder.
fn names(root: &Path, folder: &FilePath) -> Option<Vec<FilePath>> {
    let entries = fs_err::read_dir(full(root, folder)).ok()?;
    let names = entries.flatten().map(|entry| {
        let mut name = entry.file_name().into_vec();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            name.push(b'/');
        }
        FilePath::new(name)
    });
    Some(names.collect())
}

/// Files that stand one after the other in a folder are looked at from that folder: so the way to it is walked once.
fn glances(root: &Path, files: &[&FilePath]) -> Vec<Glance> {
    let mut found = Vec::with_capacity(files.len());
    for files in files.chunk_by(|a, b| a.folder() == b.folder() && a.is_absolute() == b.is_absolute()) {
        let folder = Some(files[0].folder()).filter(|folder| files.len() > 1 && !folder.is_empty());
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let folder = folder.and_then(|folder| open(&root.join(OsStr::from_bytes(folder)), flags, Mode::empty()).ok());
        found.extend(files.iter().map(|path| match &folder {
            Some(folder) => glance(fstatat(folder, path.file_name(), AtFlags::empty())),
            None => glance(nix::sys::stat::stat(&full(root, path))),
        }));
    }
    found
}

fn glance(found: nix::Result<FileStat>) -> Glance {
    let found = match found {
        Ok(found) => found,
        Err(error) => return Glance::Known(failed(&error.into())),
    };
    match SFlag::from_bits_truncate(found.st_mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFREG => Glance::File(stat_of(&found)),
        SFlag::S_IFDIR => Glance::Known(Now::Unreadable("it is a folder now".to_owned())),
        _ => Glance::Known(Now::Unreadable("it is no file".to_owned())),
    }
}

fn failed(error: &io::Error) -> Now {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Now::Missing,
        io::ErrorKind::PermissionDenied => Now::Unreadable("it may not be read".to_owned()),
        kind => Now::Unreadable(format!("it can't be read: {kind}")),
    }
}

/// A moment of the recorded past: what was last seen at each place by then.
pub(crate) struct Past {
    files: BTreeMap<FilePath, (Time, Option<Digest>)>,
    folders: HashMap<FilePath, (Time, BTreeSet<FilePath>)>,
}

impl Past {
    /// From the entries of the moment.
    pub fn new(view: &View<'_>, entries: &[Entry]) -> Result<Self, Error> {
        let mut past = Self { files: BTreeMap::new(), folders: HashMap::default() };
        for entry in entries {
            let Some(edge) = Edge::read(&entry.record) else { continue };
            if edge.role == Role::Listing {
                let bytes = edge.content.map(|digest| view.document(&digest)).transpose()?.flatten();
                let names = bytes.and_then(|bytes| keizu_record::manifest::Names::decode(&bytes)).unwrap_or_default();
                let known = past.folders.entry(edge.path.clone()).or_default();
                if known.0 <= edge.at {
                    *known = (edge.at, names.0);
                }
            } else if !matches!(edge.role, Role::Absent | Role::Environment) {
                past.see(view, &edge, entry.record.kind == Kind::Made && edge.removed)?;
            }
        }
        Ok(past)
    }

    fn see(&mut self, view: &View<'_>, edge: &Edge, removed: bool) -> Result<(), Error> {
        let mut see = |path: FilePath, content: Option<Digest>| {
            let known = self.files.entry(path).or_insert((edge.at, content));
            if known.0 <= edge.at {
                *known = (edge.at, content);
            }
        };
        let manifest = edge.content.filter(|_| edge.is_collection()).map(|digest| view.manifest(&digest)).transpose()?.flatten();
        match manifest {
            Some(manifest) => {
                for (path, member) in manifest.0 {
                    see(edge.path.join(&path), (!removed).then_some(member.digest));
                }
            }
            None => see(edge.path.clone(), edge.content.filter(|_| !removed)),
        }
        Ok(())
    }
}

/// The root's own collection is written `./`; its members stand without it.
fn unrooted(path: &FilePath) -> FilePath {
    if path.as_bytes() == b"./" { FilePath::default() } else { path.clone() }
}

impl Present for Past {
    fn content(&self, path: &FilePath) -> Now {
        self.files.get(path).and_then(|(_, content)| *content).map_or(Now::Missing, Now::File)
    }

    fn names(&self, folder: &FilePath) -> Option<Vec<FilePath>> {
        let (listed, names) = self.folders.get(folder).cloned().unwrap_or((Time(i64::MIN), BTreeSet::new()));
        let mut names = names;
        let prefix = unrooted(folder);
        let from = self.files.range(prefix.clone()..).take_while(|(path, _)| path.as_bytes().starts_with(prefix.as_bytes()));
        for (path, (at, content)) in from.filter(|(_, (at, _))| *at > listed) {
            let inside = &path.as_bytes()[prefix.as_bytes().len()..];
            let end = inside.iter().position(|byte| *byte == b'/').map_or(inside.len(), |slash| slash + 1);
            let name = FilePath::new(&inside[..end]);
            if content.is_some() {
                names.insert(name);
            } else if end == inside.len() && *at > listed {
                names.remove(&name);
            }
        }
        Some(names.into_iter().collect())
    }

    fn exists(&self, path: &FilePath) -> bool {
        self.content(path) != Now::Missing
    }
}
