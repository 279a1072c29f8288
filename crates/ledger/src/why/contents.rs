//! Where the bytes of a content are: kept, or still standing at a path.

use std::ffi::OsStr;
use std::io::{self, Cursor, Read as _, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use keizu_graph::Place;
use keizu_profile::Bytes;
use keizu_record::Digest;

use crate::contents::elsewhere;
use crate::files::holds;
use crate::{Error, Ledger};

/// Kept contents up to this size are read into memory; larger ones go through a temporary file.
const MEMORY_BYTES_MAX: u64 = 64 << 20;

/// Looks for contents.
pub(super) struct Contents<'l> {
    ledger: &'l Ledger,
}

/// A content that can be read.
pub(super) enum Found {
    /// Among the objects.
    Kept(Digest, u64),
    /// A file.
    At(PathBuf),
}

impl<'l> Contents<'l> {
    pub fn new(ledger: &'l Ledger) -> Self {
        Self { ledger }
    }

    /// The content: kept, else at the place where it was read, else wherever else it was met.
    pub fn find(&self, digest: &Digest, size: Option<u64>, place: &Place) -> Result<Option<Found>, Error> {
        if let Some(size) = self.ledger.objects().size(digest)? {
            return Ok(Some(Found::Kept(*digest, size)));
        }
        let own = self.absolute(place).filter(|path| holds(&mut self.ledger.cache(), path, digest, size));
        let found = match own {
            Some(path) => Some(path),
            None => elsewhere(self.ledger, digest, size)?,
        };
        Ok(found.map(Found::At))
    }

    /// A small content as text; none when it is not there, too large or no text.
    pub fn text(&self, digest: &Digest, place: &Place) -> Result<Option<String>, Error> {
        let Some(found) = self.find(digest, None, place)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let limit = super::code::TEXT_BYTES_MAX as u64;
        self.open(&found)?.take(limit + 1).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= limit).then(|| String::from_utf8(bytes).ok()).flatten())
    }

    /// Its bytes.
    pub fn open(&self, found: &Found) -> io::Result<Box<dyn Bytes>> {
        match found {
            Found::At(path) => Ok(Box::new(io::BufReader::new(fs_err::File::open(path)?))),
            Found::Kept(digest, size) => {
                let mut reader = self
                    .ledger
                    .objects()
                    .open(digest)
                    .map_err(io::Error::other)?
                    .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{digest} is no longer kept")))?;
                if *size <= MEMORY_BYTES_MAX {
                    let mut bytes = Vec::new();
                    reader.read_to_end(&mut bytes)?;
                    return Ok(Box::new(Cursor::new(bytes)));
                }
                let mut file = tempfile::tempfile()?;
                io::copy(&mut reader, &mut file)?;
                file.flush()?;
                file.rewind()?;
                Ok(Box::new(io::BufReader::new(file)))
            }
        }
    }

    fn absolute(&self, place: &Place) -> Option<PathBuf> {
        let path = Path::new(OsStr::from_bytes(place.path.as_bytes()));
        if place.path.is_absolute() {
            return Some(path.to_path_buf());
        }
        (place.project == self.ledger.project() && !place.path.as_bytes().is_empty()).then(|| self.ledger.home().root().join(path))
    }
}
