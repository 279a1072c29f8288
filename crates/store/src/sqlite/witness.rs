//! The latest checkpoint of the own log, in a file beside the database. It is written after the append is durable: it may be older than
//! the log, never newer; a log that is shorter than its witness was cut.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use fs_err as fs;
use keizu_record::note::Checkpoint;

fn path(folder: &Path) -> PathBuf {
    folder.join("checkpoint")
}

/// The note, when there is one.
pub(super) fn read(folder: &Path) -> io::Result<Option<String>> {
    match fs::read(path(folder)) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces the note by a later one; one that is later already stays.
pub(super) fn write(folder: &Path, size: u64, note: &str) -> io::Result<()> {
    // appends are ordered by the database, this is not: without the lock the older of two notes could come last
    let lock = fs::File::open(folder)?;
    lock.file().lock()?;
    if read(folder)?.and_then(|old| size_of(&old)).is_some_and(|old| old >= size) {
        return Ok(());
    }
    // one name is enough under the lock, and what a killed process left is written over
    let fresh = folder.join("checkpoint.new");
    let mut file = fs::File::create(&fresh)?;
    file.write_all(note.as_bytes())?;
    // an empty file after a power cut would look like tampering
    file.sync_data()?;
    fs::rename(&fresh, path(folder))
}

fn size_of(note: &str) -> Option<u64> {
    let (text, _) = note.rsplit_once("\n\n")?;
    Checkpoint::parse(&format!("{text}\n")).ok().map(|checkpoint| checkpoint.size)
}
