//! Where the bytes of a content are: kept, or still standing at a path.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io::{self, Cursor, Read as _, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use keizu_graph::Place;
use keizu_profile::Bytes;
use keizu_record::body::{Edge, RunBegan};
use keizu_record::{Digest, Kind, Side};
use keizu_store::cache::{Cache, FileState};

use crate::{Error, Ledger};

/// Kept contents up to this size are read into memory; larger ones go through a temporary file.
const MEMORY_BYTES_MAX: u64 = 64 << 20;
/// Other places at which a content is looked for.
const PLACES_MAX: usize = 64;

/// Looks for contents.
pub(super) struct Contents<'l> {
    ledger: &'l Ledger,
    cache: RefCell<Cache>,
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
        let cache = Cache::open(&ledger.home().folder().join("cache.db"));
        Self { ledger, cache: RefCell::new(cache) }
    }

    /// The content: kept, else at the place where it was read, else wherever else it was met.
    pub fn find(&self, digest: &Digest, size: Option<u64>, place: &Place) -> Result<Option<Found>, Error> {
        if let Some(size) = self.ledger.objects().size(digest)? {
            return Ok(Some(Found::Kept(*digest, size)));
        }
        let own = self.absolute(place);
        if let Some(path) = own.filter(|path| self.is(path, digest, size)) {
            return Ok(Some(Found::At(path)));
        }
        for path in self.elsewhere(digest)? {
            if self.is(&path, digest, size) {
                return Ok(Some(Found::At(path)));
            }
        }
        Ok(None)
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

    /// Other places at which the content was met, alone or in a folder.
    fn elsewhere(&self, digest: &Digest) -> Result<Vec<PathBuf>, Error> {
        let view = self.ledger.view();
        let holders = keizu_graph::Source::collections_of(&view, &[*digest])?;
        let nodes = std::iter::once(*digest).chain(holders.iter().map(|holder| holder.collection)).take(PLACES_MAX);
        let entries = view.entries(Side::Object, nodes.map(Into::into).collect(), &[Kind::Used, Kind::Made])?;
        let mut paths: Vec<PathBuf> = Vec::new();
        for edge in entries.iter().filter_map(|entry| Edge::read(&entry.record)) {
            let whole: Vec<_> = match edge.content {
                Some(content) if content == *digest => vec![edge.path.clone()],
                Some(content) => {
                    let inside = holders.iter().filter(|holder| holder.collection == content);
                    inside.map(|holder| crate::view::join(&edge.path, &holder.path)).collect()
                }
                None => Vec::new(),
            };
            for path in whole {
                let root = if path.is_absolute() { None } else { self.root_of(&edge)? };
                let relative = Path::new(OsStr::from_bytes(path.as_bytes()));
                let full = root.map_or_else(|| relative.to_path_buf(), |root| root.join(relative));
                if full.is_absolute() && !paths.contains(&full) && paths.len() < PLACES_MAX {
                    paths.push(full);
                }
            }
        }
        Ok(paths)
    }

    fn root_of(&self, edge: &Edge) -> Result<Option<PathBuf>, Error> {
        if edge.project == self.ledger.project() {
            return Ok(Some(self.ledger.home().root().to_path_buf()));
        }
        let began = self.ledger.view().entries(Side::Subject, vec![edge.run.into()], &[Kind::RunBegan])?;
        let began = began.iter().find_map(|entry| RunBegan::read(&entry.record));
        Ok(began.map(|began| PathBuf::from(OsStr::from_bytes(began.root.as_bytes()))))
    }

    /// Whether a file has this content now.
    fn is(&self, path: &Path, digest: &Digest, size: Option<u64>) -> bool {
        let Ok(meta) = fs_err::metadata(path) else { return false };
        if !meta.is_file() || size.is_some_and(|size| size != meta.len()) {
            return false;
        }
        let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        let state = FileState {
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.len(),
            mtime: nanos(meta.mtime(), meta.mtime_nsec()),
            ctime: nanos(meta.ctime(), meta.ctime_nsec()),
        };
        if let Some(known) = self.cache.borrow().get(&state) {
            return known == *digest;
        }
        let mut hasher = blake3::Hasher::new();
        let read = fs_err::File::open(path).and_then(|file| hasher.update_reader(file).map(|_| ()));
        read.is_ok() && hasher.finalize().as_bytes() == digest.as_bytes()
    }
}
