//! Contents in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::io::{self, Read, Write as _};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fs_err as fs;
use keizu_record::{Digest, unhex};
use tempfile::TempPath;

use super::{Objects, copy};
use crate::Error;

/// From so many new contents on, the whole file system is flushed instead of each file.
const FLUSH_EACH_MAX: usize = 256;
/// What is left in `incoming` for so long was left by a process that died.
const ABANDONED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Contents in a folder, each in a file named after its digest.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    read_only: bool,
    incoming: Mutex<Incoming>,
}

/// What was put and is not yet under its name.
#[derive(Debug, Default)]
struct Incoming {
    swept: bool,
    files: BTreeMap<Digest, (TempPath, u64)>,
}

impl Folder {
    /// The folder at `root`, which is made at the first content.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), read_only: false, incoming: Mutex::default() }
    }

    /// The folder at `root`, which nothing is put into.
    pub fn read_only(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), read_only: true, incoming: Mutex::default() }
    }

    /// Where a content lies once it is durable.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join(&hex[..2]).join(&hex[2..])
    }

    fn incoming(&self) -> MutexGuard<'_, Incoming> {
        self.incoming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writable(&self) -> Result<(), Error> {
        if self.read_only { Err(Error::ReadOnly { path: self.root.clone(), why: "it was opened for reading" }) } else { Ok(()) }
    }

    /// The folder for what is being written; the first time, rid of what dead processes left there.
    fn desk(&self) -> io::Result<PathBuf> {
        let desk = self.root.join("incoming");
        fs::create_dir_all(&desk)?;
        if !std::mem::replace(&mut self.incoming().swept, true) {
            let old = SystemTime::now() - ABANDONED;
            for file in fs::read_dir(&desk)?.flatten() {
                if file.metadata().and_then(|meta| meta.modified()).is_ok_and(|at| at < old) {
                    let _ = fs::remove_file(file.path());
                }
            }
        }
        Ok(desk)
    }
}

impl Objects for Folder {
    fn put(&self, digest: &Digest, content: &mut dyn Read) -> Result<u64, Error> {
        self.writable()?;
        if let Some(size) = self.size(digest)? {
            return Ok(size);
        }
        let desk = self.desk()?;
        let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o444)).tempfile_in(&desk)?;
        let (found, size) = copy(content, |chunk| file.as_file_mut().write_all(chunk).map_err(|e| named(&desk, e)))?;
        if found != *digest {
            return Err(Error::Content { expected: *digest, found });
        }
        // of two that were written at once the first stays: somebody may be about to open it
        self.incoming().files.entry(*digest).or_insert_with(|| (file.into_temp_path(), size));
        Ok(size)
    }

    fn open(&self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, Error> {
        let path = self.incoming().files.get(digest).map(|(path, _)| path.to_path_buf()).unwrap_or_else(|| self.path(digest));
        match absent_is_none(fs::File::open(path))? {
            Some(file) => Ok(Some(Box::new(file))),
            // it may have moved to its name in between
            None => Ok(absent_is_none(fs::File::open(self.path(digest)))?.map(|file| Box::new(file) as Box<dyn Read + Send>)),
        }
    }

    fn size(&self, digest: &Digest) -> Result<Option<u64>, Error> {
        if let Some((_, size)) = self.incoming().files.get(digest) {
            return Ok(Some(*size));
        }
        Ok(absent_is_none(fs::metadata(self.path(digest)))?.filter(|meta| meta.is_file()).map(|meta| meta.len()))
    }

    fn remove(&self, digest: &Digest) -> Result<bool, Error> {
        self.writable()?;
        let pending = self.incoming().files.remove(digest).is_some();
        let kept = absent_is_none(fs::remove_file(self.path(digest)))?.is_some();
        Ok(pending || kept)
    }

    fn list(&self, visit: &mut dyn FnMut(Digest, u64) -> ControlFlow<()>) -> Result<(), Error> {
        let mut pending: Vec<(Digest, u64)> = self.incoming().files.iter().map(|(digest, (_, size))| (*digest, *size)).collect();
        pending.reverse();
        for first in 0..=u8::MAX {
            let mut shard = shard(&self.root, first)?;
            while pending.last().is_some_and(|(digest, _)| digest.as_bytes()[0] == first) {
                shard.extend(pending.pop());
            }
            shard.sort_unstable();
            shard.dedup_by_key(|(digest, _)| *digest);
            for (digest, size) in shard {
                if visit(digest, size).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        // the lock is held to the end: who finds a content put here by another thread may rely on it once its own sync returns
        let mut incoming = self.incoming();
        if incoming.files.is_empty() {
            return Ok(());
        }
        let many = incoming.files.len() > FLUSH_EACH_MAX;
        if many {
            flush_all(&self.root)?;
        } else {
            for (path, _) in incoming.files.values() {
                fs::File::open(path)?.sync_data()?;
            }
        }
        let mut folders = BTreeSet::from([self.root.clone()]);
        while let Some((digest, (file, size))) = incoming.files.pop_first() {
            let path = self.path(&digest);
            if let Some(folder) = path.parent()
                && folders.insert(folder.to_owned())
            {
                fs::create_dir_all(folder)?;
            }
            if let Err(error) = file.persist(&path) {
                incoming.files.insert(digest, (error.path, size));
                return Err(Error::io(&path, error.error));
            }
        }
        if many {
            flush_all(&self.root)?;
        } else {
            for folder in folders {
                fs::File::open(folder)?.sync_all()?;
            }
        }
        Ok(())
    }
}

/// What was put and never synced is not lost with the handle.
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = self.sync();
    }
}

fn shard(root: &Path, first: u8) -> Result<Vec<(Digest, u64)>, Error> {
    let prefix = format!("{first:02x}");
    let mut found = Vec::new();
    let Some(files) = absent_is_none(fs::read_dir(root.join(&prefix)))? else { return Ok(found) };
    for file in files {
        let file = file?;
        let digest =
            file.file_name().to_str().and_then(|rest| unhex(&format!("{prefix}{rest}"))).and_then(|bytes| Digest::from_slice(&bytes));
        let meta = file.metadata()?;
        if let Some(digest) = digest.filter(|_| meta.is_file()) {
            found.push((digest, meta.len()));
        }
    }
    Ok(found)
}

fn flush_all(root: &Path) -> io::Result<()> {
    let root_file = fs::File::open(root)?;
    nix::unistd::syncfs(root_file.file()).map_err(|errno| named(root, errno.into()))
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
