//! Where a recorded content can be had from: what was kept, or a file that still holds it.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use keizu_capture::event::Stat;
use keizu_record::{Digest, FilePath, Kind, Name, NodeId, Side};

use crate::ledger::{now, state};
use crate::view::{Met, join};
use crate::{Error, Ledger};

/// Bytes read at once.
const PIECE_BYTES: usize = 1 << 18;
/// A file younger than this when it was hashed may change again within the same tick of its clock.
const SETTLED_NANOS: i64 = 2_000_000_000;
/// Places at which a content is looked for.
const PLACES_MAX: usize = 64;

/// Where a content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supply {
    /// In the record.
    Kept,
    /// In a file that stands there now.
    Present(PathBuf),
    /// Nowhere that is known.
    Nowhere,
}

/// A path of the record in this project, as the file system knows it.
pub fn full(root: &Path, path: &FilePath) -> PathBuf {
    root.join(std::ffi::OsStr::from_bytes(path.as_bytes()))
}

/// The content of the file at a path, by way of the cache; none when there is no file.
///
/// # Errors
/// When the file is there and can't be read.
pub fn digest_of(ledger: &mut Ledger, path: &Path) -> std::io::Result<Option<Digest>> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(error),
    };
    let stat = stat(&metadata);
    if let Some(digest) = ledger.cache().get(&state(&stat)) {
        return Ok(Some(digest));
    }
    let digest = hash(path)?;
    if now().micros() * 1_000 - stat.mtime.max(stat.ctime) > SETTLED_NANOS {
        ledger.cache().put(state(&stat), digest);
    }
    Ok(Some(digest))
}

/// The content of a file, read whole.
///
/// # Errors
/// When it can't be read.
pub fn hash(path: &Path) -> std::io::Result<Digest> {
    let mut file = fs_err::File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Digest::new(*hasher.finalize().as_bytes())),
            count => hasher.update(&piece[..count]),
        };
    }
}

fn stat(metadata: &std::fs::Metadata) -> Stat {
    Stat {
        dev: metadata.dev(),
        ino: metadata.ino(),
        size: metadata.size(),
        mtime: metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec(),
        ctime: metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec(),
        folder: metadata.is_dir(),
    }
}

/// Where a content that stood at `path` can be had from. A size spares reading files of another.
///
/// # Errors
/// When the record or a file can't be read.
pub fn supply(ledger: &mut Ledger, path: &FilePath, digest: &Digest, size: Option<u64>) -> Result<Supply, Error> {
    let here = full(ledger.home().root(), path);
    if holds(ledger, &here, digest, size)? {
        return Ok(Supply::Present(here));
    }
    if ledger.objects().has(digest)? {
        return Ok(Supply::Kept);
    }
    for place in places(ledger, digest)? {
        if place != here && holds(ledger, &place, digest, size)? {
            return Ok(Supply::Present(place));
        }
    }
    Ok(Supply::Nowhere)
}

fn holds(ledger: &mut Ledger, file: &Path, digest: &Digest, size: Option<u64>) -> Result<bool, Error> {
    match std::fs::metadata(file) {
        Ok(metadata) if metadata.is_file() && size.is_none_or(|size| size == metadata.len()) => {}
        _ => return Ok(false),
    }
    // a file that may not be read holds nothing for us
    Ok(digest_of(ledger, file).ok().flatten() == Some(*digest))
}

/// Everywhere that the record met this content.
fn places(ledger: &Ledger, digest: &Digest) -> Result<BTreeSet<PathBuf>, Error> {
    let (view, root) = (ledger.view(), ledger.home().root());
    let memberships = ledger.store().collections_of(&[*digest])?;
    let folders: BTreeSet<NodeId> = memberships.iter().map(|membership| membership.collection.into()).collect();
    let nodes: Vec<NodeId> = std::iter::once((*digest).into()).chain(folders).collect();
    let mut places = BTreeSet::new();
    for entry in view.entries(Side::Object, nodes, &[Kind::Used, Kind::Made, Kind::Named])? {
        let (project, path) = match Met::read(&entry) {
            Some(Met::Edge(_, edge)) => (edge.project, edge.path),
            Some(Met::Named(named)) => match (named.name, named.path) {
                (Name::Path { project, path }, _) => (project, path),
                (_, Some(path)) => (named.project, path),
                _ => continue,
            },
            None => continue,
        };
        if project != ledger.project() && !path.is_absolute() {
            continue;
        }
        let inside = memberships.iter().filter(|membership| Some(membership.collection) == entry.record.artifact());
        places.extend(inside.map(|membership| full(root, &join(&path, &membership.path))));
        places.insert(full(root, &path));
        if places.len() > PLACES_MAX {
            break;
        }
    }
    Ok(places)
}

/// Puts a content at a path, and makes sure that it is that. What stands there is replaced; the new file shares nothing with the old one but,
/// where the file system can, its blocks until one of them is written.
///
/// # Errors
/// When the content is not what was asked for, or something can't be read or written.
pub fn put(ledger: &Ledger, from: &Supply, digest: &Digest, to: &Path, executable: bool) -> Result<(), Error> {
    if let Some(parent) = to.parent() {
        fs_err::create_dir_all(parent)?;
    }
    if to.symlink_metadata().is_ok() {
        fs_err::remove_file(to)?;
    }
    match from {
        Supply::Present(file) => {
            fs_err::copy(file, to)?;
            let mode = to.metadata()?.permissions().mode();
            fs_err::set_permissions(to, std::fs::Permissions::from_mode(mode | 0o600))?;
        }
        Supply::Kept => kept(ledger, digest, to)?,
        Supply::Nowhere => return Err(Error::NotKept(digest.to_string())),
    }
    if executable && !matches!(from, Supply::Present(_)) {
        fs_err::set_permissions(to, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn kept(ledger: &Ledger, digest: &Digest, to: &Path) -> Result<(), Error> {
    let mut reader = ledger.content(digest)?.ok_or_else(|| Error::NotKept(digest.to_string()))?;
    let mut file = fs_err::File::create(to)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match reader.read(&mut piece)? {
            0 => break,
            count => {
                hasher.update(&piece[..count]);
                file.write_all(&piece[..count])?;
            }
        }
    }
    if Digest::new(*hasher.finalize().as_bytes()) != *digest {
        return Err(Error::Unfit(format!("the kept content {digest} was altered; keizu verify --content finds all such contents")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Home;

    fn ledger(folder: &Path) -> Ledger {
        fs_err::create_dir_all(folder.join("project")).unwrap();
        let home = Home::at(&folder.join("project"), &folder.join("project/.keizu")).unwrap();
        Ledger::create(&home, "test").unwrap()
    }

    #[test]
    fn a_content_comes_from_the_file_that_holds_it_else_from_what_was_kept() {
        let temp = tempfile::tempdir().unwrap();
        let mut ledger = ledger(temp.path());
        let root = ledger.home().root().to_path_buf();
        let (path, digest) = (FilePath::from("data/x.csv"), Digest::of(b"a,b\n"));
        assert_eq!(supply(&mut ledger, &path, &digest, Some(4)).unwrap(), Supply::Nowhere);
        ledger.objects().put_bytes(b"a,b\n").unwrap();
        ledger.objects().sync().unwrap();
        assert_eq!(supply(&mut ledger, &path, &digest, Some(4)).unwrap(), Supply::Kept);
        fs_err::create_dir_all(root.join("data")).unwrap();
        fs_err::write(root.join("data/x.csv"), "c,d\n").unwrap();
        assert_eq!(supply(&mut ledger, &path, &digest, Some(4)).unwrap(), Supply::Kept, "another content of the same size");
        fs_err::write(root.join("data/x.csv"), "a,b\n").unwrap();
        assert_eq!(supply(&mut ledger, &path, &digest, Some(4)).unwrap(), Supply::Present(root.join("data/x.csv")));
    }

    #[test]
    fn what_is_put_is_a_file_of_its_own() {
        let temp = tempfile::tempdir().unwrap();
        let ledger = ledger(temp.path());
        let (from, to) = (temp.path().join("from"), temp.path().join("deep/er/to"));
        fs_err::write(&from, "x").unwrap();
        fs_err::set_permissions(&from, std::fs::Permissions::from_mode(0o444)).unwrap();
        put(&ledger, &Supply::Present(from.clone()), &Digest::of(b"x"), &to, false).unwrap();
        fs_err::write(&to, "changed").unwrap();
        assert_eq!(fs_err::read(&from).unwrap(), b"x");
        ledger.objects().put_bytes(b"#!/bin/sh\n").unwrap();
        ledger.objects().sync().unwrap();
        put(&ledger, &Supply::Kept, &Digest::of(b"#!/bin/sh\n"), &to, true).unwrap();
        assert_eq!(to.metadata().unwrap().permissions().mode() & 0o111, 0o111);
        assert!(put(&ledger, &Supply::Nowhere, &Digest::of(b"y"), &to, false).is_err());
    }
}
