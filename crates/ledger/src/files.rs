//! A file as it stands: what tells its states apart, and its content by way of the digest cache.

use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use keizu_capture::event::Stat;
use keizu_record::Digest;
use keizu_store::cache::{Cache, FileState};
use nix::sys::stat::{FileStat, SFlag};

use crate::ledger::now;

/// Bytes read at once.
pub(crate) const PIECE_BYTES: usize = 1 << 18;
/// A file is remembered only if it was left alone for so long before it was read ("racy git").
const SETTLED_NANOS: i64 = 20_000_000;

pub(crate) fn stat(metadata: &std::fs::Metadata) -> Stat {
    Stat {
        dev: metadata.dev(),
        ino: metadata.ino(),
        size: metadata.size(),
        mtime: metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec(),
        ctime: metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec(),
        folder: metadata.is_dir(),
    }
}

/// The same of a system call's answer.
pub(crate) fn stat_of(found: &FileStat) -> Stat {
    Stat {
        dev: found.st_dev,
        ino: found.st_ino,
        size: found.st_size.cast_unsigned(),
        mtime: found.st_mtime * 1_000_000_000 + found.st_mtime_nsec,
        ctime: found.st_ctime * 1_000_000_000 + found.st_ctime_nsec,
        folder: found.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFDIR.bits(),
    }
}

/// A file's stat as the cache knows files.
pub(crate) fn state(stat: &Stat) -> FileState {
    FileState { dev: stat.dev, ino: stat.ino, size: stat.size, mtime: stat.mtime, ctime: stat.ctime }
}

/// Whether the file has been left alone for long enough that its state tells its content.
pub(crate) fn is_settled(stat: &Stat) -> bool {
    now().micros() * 1_000 - stat.mtime.max(stat.ctime) > SETTLED_NANOS
}

/// The content of a file, read whole.
pub(crate) fn hash(path: &Path) -> io::Result<Digest> {
    digest(&mut fs_err::File::open(path)?, &mut vec![0; PIECE_BYTES])
}

/// The content, and whether it may be remembered for this state of the file.
pub(crate) fn hash_as(path: &Path, stood: &Stat, piece: &mut [u8]) -> io::Result<(Digest, bool)> {
    let mut file = fs_err::File::open(path)?;
    let before = stat(&file.metadata()?);
    let digest = digest(&mut file, piece)?;
    let same = before == *stood && stat(&file.metadata()?) == before;
    Ok((digest, same && is_settled(&before)))
}

fn digest(file: &mut fs_err::File, piece: &mut [u8]) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    loop {
        match file.read(piece)? {
            0 => return Ok(Digest::new(*hasher.finalize().as_bytes())),
            count => _ = hasher.update(&piece[..count]),
        }
    }
}

/// The content of the file at a path; none when there is no file. Read only when the cache does not know it.
pub(crate) fn digest_of(cache: &mut Cache, path: &Path) -> io::Result<Option<Digest>> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Ok(None),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(error),
    };
    let stood = stat(&metadata);
    if let Some(known) = cache.get(&state(&stood)) {
        return Ok(Some(known));
    }
    let (digest, lasts) = hash_as(path, &stood, &mut vec![0; PIECE_BYTES])?;
    if lasts {
        cache.put(state(&stood), digest);
    }
    Ok(Some(digest))
}

/// Whether a file holds a content now. One that may not be read holds nothing for us; a size spares reading files of another.
pub(crate) fn holds(cache: &mut Cache, path: &Path, digest: &Digest, size: Option<u64>) -> bool {
    let may = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && size.is_none_or(|size| size == metadata.len()));
    may && digest_of(cache, path).ok().flatten() == Some(*digest)
}
