//! What can go wrong in the store.

use std::path::{Path, PathBuf};

use keizu_record::{Digest, SealError};

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written; the message names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The database refused.
    #[error("{}: cannot {doing}", path.display())]
    Database {
        /// Which.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Others held the lock for too long.
    #[error("{}: others have been writing for {seconds} s", path.display())]
    Busy {
        /// Which database.
        path: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// No room left.
    #[error("{}: no space left; nothing was recorded", path.display())]
    Full {
        /// Which database.
        path: PathBuf,
    },
    /// There is no record here.
    #[error("{}: no record is kept here", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The database was deleted or replaced while it was open.
    #[error("{}: was deleted or replaced while it was in use", path.display())]
    Gone {
        /// Which database.
        path: PathBuf,
    },
    /// The record was written by a later version.
    #[error("the record in {} was written by a newer Keizu (format {found}; this one reads up to {known})", path.display())]
    TooNew {
        /// The folder.
        path: PathBuf,
        /// Format that was found.
        found: u32,
        /// The latest that is known.
        known: u32,
    },
    /// The database is not one of ours, or its layout was altered.
    #[error("{}: {what}", path.display())]
    Layout {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The file system cannot hold a database that several processes use.
    #[error("{} lies on {kind}, where several processes cannot safely share a database", path.display())]
    FileSystem {
        /// The folder.
        path: PathBuf,
        /// What kind it is.
        kind: &'static str,
    },
    /// The store can be read only.
    #[error("{} can only be read: {why}", path.display())]
    ReadOnly {
        /// Which.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// The key that signs is not there, or is not the log's.
    #[error("{}: {what}", path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// An entry of a log is not what was written.
    #[error("entry {} of log {origin} is damaged: {what}", index + 1)]
    Damaged {
        /// Which log.
        origin: String,
        /// Which entry, from 0.
        index: u64,
        /// What is wrong.
        what: String,
    },
    /// The log's head does not match its checkpoint.
    #[error("log {origin} does not match its checkpoint {size}: {what}")]
    Head {
        /// Which log.
        origin: String,
        /// Which checkpoint.
        size: u64,
        /// What is wrong.
        what: String,
    },
    /// A record that the format cannot hold.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Too many records at once.
    #[error("{count} records in one append; at most {max} are possible")]
    TooMany {
        /// How many.
        count: usize,
        /// How many are possible.
        max: usize,
    },
    /// A content that is not what it was said to be.
    #[error("the content is {found}, not {expected}")]
    Content {
        /// What it should have been.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// No random bytes.
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
    /// The draft failed; nothing was recorded.
    #[error(transparent)]
    Draft(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The failure of a draft, to come back from the append that called it.
    pub fn draft(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Draft(error.into())
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::TooNew { .. } => "nothing was changed. Upgrade, or set KEIZU_STORE to another record.",
            Self::FileSystem { .. } => "set KEIZU_STORE to a folder on a local disk.",
            Self::Full { .. } => "free some space and run it again.",
            Self::Damaged { .. } | Self::Head { .. } => "`keizu verify` tells what is intact.",
            Self::Busy { .. } => "try again when the other commands have finished.",
            Self::Key { .. } => "put the key back from a copy; without it the log can be read, not continued.",
            _ => return None,
        })
    }

    pub(crate) fn io(path: &Path, error: std::io::Error) -> Self {
        Self::Io(std::io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }
}
