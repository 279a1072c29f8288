//! Contents, by digest.
//!
//! ```text
//! objects/ab/cdef…      a content: BLAKE3-256 in hex, two digits and the rest; its bytes as they are
//! objects/incoming/     what is being written
//! ```
//!
//! A content appears under its name only when its bytes are durable, so that a crash leaves no half of one.

mod folder;
mod memory;

use std::io::{self, Read};
use std::ops::ControlFlow;

use keizu_record::Digest;

pub use folder::Folder;
pub use memory::Memory;

use crate::Error;

/// Keeps contents. What is put is seen by this keeper at once, and by others and after a crash from the next [`Objects::sync`] on.
pub trait Objects: Send + Sync {
    /// Keeps a content that is said to have this digest; gives its size. What is kept already is not read again.
    ///
    /// # Errors
    /// [`Error::Content`] when the bytes are others: nothing is kept then.
    fn put(&self, digest: &Digest, content: &mut dyn Read) -> Result<u64, Error>;
    /// A content's bytes; none when it is not kept.
    fn open(&self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, Error>;
    /// A content's size; none when it is not kept.
    fn size(&self, digest: &Digest) -> Result<Option<u64>, Error>;
    /// Forgets a content; whether it was there.
    fn remove(&self, digest: &Digest) -> Result<bool, Error>;
    /// All contents with their sizes, ascending by digest.
    fn list(&self, visit: &mut dyn FnMut(Digest, u64) -> ControlFlow<()>) -> Result<(), Error>;
    /// Makes durable, and visible to all, what was put.
    fn sync(&self) -> Result<(), Error>;

    /// Keeps a content that is in memory; gives its digest.
    fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let digest = Digest::of(bytes);
        self.put(&digest, &mut &*bytes)?;
        Ok(digest)
    }

    /// Whether a content is kept.
    fn has(&self, digest: &Digest) -> Result<bool, Error> {
        Ok(self.size(digest)?.is_some())
    }

    /// A whole content in memory; none when it is not kept. Meant for manifests, code and settings, which are small.
    fn bytes(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        let Some(mut content) = self.open(digest)? else { return Ok(None) };
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}

/// Copies a content and says what it was: its digest and size. A failure to write is told apart from one to read by `sink`.
fn copy(content: &mut dyn Read, mut sink: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<(Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let count = match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
        sink(&buffer[..count])?;
        size += count as u64;
    }
    Ok((Digest::new(*hasher.finalize().as_bytes()), size))
}
