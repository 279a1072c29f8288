//! Recording content without a run: `keizu add`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use keizu_capture::event::Stat;
use keizu_record::body::{ArtifactKind, Named};
use keizu_record::manifest::{Manifest, Member};
use keizu_record::{Authority, Digest, FilePath, Kind, Name, Side};
use keizu_store::Select;

use crate::files::{is_settled, stat, state};
use crate::ledger::now;
use crate::profiles::Budget;
use crate::rules::{self, Room};
use crate::{Error, FOLDER, Ledger};

/// Files hashed side by side.
const WORKERS: usize = 4;
/// Bytes read at once.
const PIECE_BYTES: usize = 1 << 20;
/// How far an add has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AddProgress {
    /// Files found.
    pub files: u64,
    /// Files done.
    pub files_done: u64,
    /// Bytes found.
    pub bytes: u64,
    /// Bytes done.
    pub bytes_done: u64,
}

/// One path that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Relative to the project's root, or absolute.
    pub path: FilePath,
    /// Its content.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// Members, when it is a folder.
    pub members: Option<u64>,
    /// The record knew this content at this path already; nothing was written.
    pub known: bool,
}

struct Found {
    file: PathBuf,
    stat: Stat,
    known: Option<Digest>,
    keep: bool,
}

struct Hashed {
    at: usize,
    digest: Digest,
    settled: bool,
}

impl Ledger {
    /// Records the content of files and of whole folders.
    ///
    /// # Errors
    /// When a path does not exist, can't be read or changes while it is read, or the store fails. Then nothing is recorded.
    pub fn add(&mut self, paths: &[PathBuf], progress: &mut dyn FnMut(&AddProgress)) -> Result<Vec<Added>, Error> {
        let mut found = Vec::new();
        let mut spans = Vec::new();
        let room = Room::default();
        for path in paths {
            let start = found.len();
            let folder = self.walk(path, &room, &mut found)?;
            spans.push((path.clone(), folder, start..found.len()));
        }
        let digests = self.hash_all(&found, progress)?;
        let mut added = Vec::new();
        for (path, folder, span) in spans {
            added.push(self.describe(&path, folder, &found[span.clone()], &digests[span])?);
        }
        let (mut records, recorded) = (Vec::new(), now());
        for (added, kind) in &mut added {
            added.known = self.knows(added)?;
            if !added.known {
                records.push(named(self.project(), added, *kind).to_record(recorded));
            }
        }
        if !records.is_empty() {
            self.append(|_| Ok(records.clone()))?;
        }
        let data = added.iter().filter(|(_, kind)| *kind == ArtifactKind::Data).map(|(added, _)| added);
        let files = data.map(|added| self.view().files_of(added.path.clone(), added.digest, added.size, added.members.is_some()));
        let files = files.collect::<Result<Vec<_>, Error>>()?.concat();
        self.profile(files, Budget::ADD)?;
        self.cache().flush();
        Ok(added.into_iter().map(|(added, _)| added).collect())
    }

    /// Collects the files at or below a path; whether it is a folder.
    fn walk(&mut self, path: &Path, room: &Room, found: &mut Vec<Found>) -> Result<bool, Error> {
        let metadata = fs_err::metadata(path)?;
        if !metadata.is_dir() {
            self.find(path, &metadata, room, found)?;
            return Ok(false);
        }
        let walk = walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name();
        let ours = |entry: &walkdir::DirEntry| entry.depth() > 0 && matches!(entry.file_name().to_str(), Some(FOLDER | ".git"));
        for entry in walk.into_iter().filter_entry(|entry| !ours(entry)) {
            let entry = entry.map_err(std::io::Error::from)?;
            if entry.file_type().is_dir() || self.config().ignores(&self.written(entry.path())?) {
                continue;
            }
            let metadata = entry.metadata().map_err(std::io::Error::from)?;
            // sockets, pipes and devices have no content
            if metadata.is_file() {
                self.find(entry.path(), &metadata, room, found)?;
            }
        }
        Ok(true)
    }

    fn find(&mut self, file: &Path, metadata: &std::fs::Metadata, room: &Room, found: &mut Vec<Found>) -> Result<(), Error> {
        if !metadata.is_file() {
            return Err(Error::Unfit(format!("{} is neither a file nor a folder", file.display())));
        }
        let stat = stat(metadata);
        let keep = room.keeps(&self.written(file)?, stat.size, self.config());
        let mut known = self.cache().get(&state(&stat));
        if keep
            && let Some(digest) = known
            && !self.objects().has(&digest)?
        {
            known = None;
        }
        found.push(Found { file: file.to_path_buf(), stat, known, keep });
        Ok(())
    }

    fn hash_all(&mut self, found: &[Found], progress: &mut dyn FnMut(&AddProgress)) -> Result<Vec<Digest>, Error> {
        let mut far =
            AddProgress { files: found.len() as u64, bytes: found.iter().map(|file| file.stat.size).sum(), ..AddProgress::default() };
        let mut digests: Vec<Option<Digest>> = found.iter().map(|file| file.known).collect();
        for file in found.iter().filter(|file| file.known.is_some()) {
            far.files_done += 1;
            far.bytes_done += file.stat.size;
        }
        progress(&far);
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::sync_channel::<Result<Step, Error>>(256);
        let mut learned = Vec::new();
        let objects = self.objects();
        std::thread::scope(|scope| -> Result<(), Error> {
            for _ in 0..WORKERS {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || work(found, next, objects, &sender));
            }
            drop(sender);
            for step in receiver {
                match step {
                    Ok(Step::Bytes(bytes)) => far.bytes_done += bytes,
                    Ok(Step::Done(hashed)) => {
                        digests[hashed.at] = Some(hashed.digest);
                        far.files_done += 1;
                        if hashed.settled {
                            learned.push((found[hashed.at].stat, hashed.digest));
                        }
                    }
                    Err(error) => {
                        next.store(found.len(), Ordering::Relaxed);
                        return Err(error);
                    }
                }
                progress(&far);
            }
            Ok(())
        })?;
        for (stat, digest) in learned {
            self.cache().put(state(&stat), digest);
        }
        Ok(digests.into_iter().map(|digest| digest.expect("invariant: every file was hashed, or an error returned")).collect())
    }

    fn describe(&self, path: &Path, folder: bool, found: &[Found], digests: &[Digest]) -> Result<(Added, ArtifactKind), Error> {
        let written = self.written(path)?;
        if !folder {
            let size = found[0].stat.size;
            let kind = rules::kind_of(&written, size, self.config());
            return Ok((Added { path: written, digest: digests[0], size, members: None, known: false }, kind));
        }
        let mut members = BTreeMap::new();
        for (file, digest) in found.iter().zip(digests) {
            let inside = file.file.strip_prefix(path).unwrap_or(&file.file);
            members.insert(FilePath::new(inside.as_os_str().as_bytes()), Member { size: file.stat.size, digest: *digest });
        }
        let manifest = Manifest(members);
        let bytes = manifest.encode();
        let digest = Digest::of(&bytes);
        self.objects().put_bytes(&bytes)?;
        let path = FilePath::new([written.as_bytes(), b"/"].concat());
        let added = Added { path, digest, size: manifest.size(), members: Some(manifest.0.len() as u64), known: false };
        Ok((added, ArtifactKind::Data))
    }

    /// Whether the newest that the record knows of this path is this content.
    fn knows(&self, added: &Added) -> Result<bool, Error> {
        let name = Name::Path { project: self.project().to_owned(), path: added.path.clone() };
        let select = Select {
            nodes: Some((Side::Subject, vec![name.into()])),
            kinds: vec![Kind::Named],
            newest_first: true,
            limit: Some(1),
            ..Select::default()
        };
        Ok(self.store().select(&select)?.first().is_some_and(|entry| entry.record.artifact() == Some(added.digest)))
    }

    /// A path as the record writes it.
    pub(crate) fn written(&self, path: &Path) -> Result<FilePath, Error> {
        let absolute = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => {
                let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
                fs_err::canonicalize(parent)?.join(name)
            }
            _ => fs_err::canonicalize(path)?,
        };
        let inside = absolute.strip_prefix(self.home().root()).unwrap_or(&absolute);
        Ok(FilePath::new(inside.as_os_str().as_bytes()))
    }
}

enum Step {
    Bytes(u64),
    Done(Hashed),
}

fn work(found: &[Found], next: &AtomicUsize, objects: &dyn keizu_store::objects::Objects, sender: &mpsc::SyncSender<Result<Step, Error>>) {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(file) = found.get(at) else { return };
        if file.known.is_some() {
            continue;
        }
        let step = hash(at, file, &mut piece, objects, &mut |bytes| sender.send(Ok(Step::Bytes(bytes))).is_ok()).map(Step::Done);
        if sender.send(step).is_err() {
            return;
        }
    }
}

fn hash(
    at: usize,
    found: &Found,
    piece: &mut [u8],
    objects: &dyn keizu_store::objects::Objects,
    done: &mut dyn FnMut(u64) -> bool,
) -> Result<Hashed, Error> {
    let mut file = fs_err::File::open(&found.file)?;
    let before = stat(&file.metadata()?);
    let mut hasher = blake3::Hasher::new();
    loop {
        let count = file.read(piece)?;
        if count == 0 {
            break;
        }
        hasher.update(&piece[..count]);
        done(count as u64);
    }
    let digest = Digest::new(*hasher.finalize().as_bytes());
    if before != found.stat || stat(&file.metadata()?) != before {
        return Err(Error::Unfit(format!("{} changed while it was read; add it again when it is at rest", found.file.display())));
    }
    if found.keep {
        objects.put(&digest, &mut fs_err::File::open(&found.file)?)?;
    }
    Ok(Hashed { at, digest, settled: is_settled(&before) })
}

fn named(project: &str, added: &Added, kind: ArtifactKind) -> Named {
    Named {
        name: Name::Path { project: project.to_owned(), path: added.path.clone() },
        at: now(),
        authority: Authority::Observed,
        rule: None,
        content: Some(added.digest),
        version: None,
        run: None,
        project: project.to_owned(),
        path: Some(added.path.clone()),
        kind,
        size: Some(added.size),
        members: added.members,
        note: None,
    }
}
