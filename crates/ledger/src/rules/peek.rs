//! What the rules may look at beside the account: contents on the disk, checked against what the account says of them.

use std::io::{Cursor, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use keizu_capture::account::Content;
use keizu_record::Digest;

use crate::recognise::ReadSeek;

/// Up to this size a content is read as a whole and compared with its digest.
const CHECKED_BYTES_MAX: u64 = 8 << 20;

/// A file as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Its content.
    pub content: Content,
    /// Its last modification, seconds since the epoch.
    pub mtime_seconds: i64,
}

/// Reads contents that the account names.
pub trait Peek {
    /// The content, when the file still holds it: its size always, its digest unless it is large.
    fn open(&self, path: &Path, content: &Content) -> Option<Box<dyn ReadSeek>>;
    /// The file as it is now.
    fn look(&self, path: &Path) -> Option<Look>;
}

/// The files themselves.
#[derive(Debug, Clone, Copy)]
pub struct Disk;

impl Peek for Disk {
    fn open(&self, path: &Path, content: &Content) -> Option<Box<dyn ReadSeek>> {
        let mut file = fs_err::File::open(path).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() != content.size {
            return None;
        }
        if content.size > CHECKED_BYTES_MAX {
            return Some(Box::new(file));
        }
        let mut bytes = Vec::new();
        (&mut file).take(content.size + 1).read_to_end(&mut bytes).ok()?;
        (Digest::of(&bytes) == content.digest).then(|| Box::new(Cursor::new(bytes)) as Box<dyn ReadSeek>)
    }

    fn look(&self, path: &Path) -> Option<Look> {
        let file = fs_err::File::open(path).ok()?;
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() > CHECKED_BYTES_MAX {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(CHECKED_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
        let content = Content { digest: Digest::of(&bytes), size: bytes.len() as u64 };
        Some(Look { content, mtime_seconds: metadata.mtime() })
    }
}

/// The whole of a small content.
pub fn whole(peek: &dyn Peek, path: &Path, content: &Content) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    peek.open(path, content)?.take(content.size).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
