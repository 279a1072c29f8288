//! Keeps the record: append, read, fold.
//!
//! ```text
//!  draft ──append──► log (one per origin, append-only) ──fold──► index: nodes, entries by subject, object and place, members
//!                     │                                             │
//!                     └── checkpoint, signed                        └── select, nodes, collections_of
//!  contents ────────► objects (by digest)
//! ```
//!
//! The log is the truth. Every other table is a fold over it (and over the manifests kept as objects): delete them, and the next open
//! folds the log again, to the same bytes.
//!
//! ```
//! use std::sync::Arc;
//! use keizu_record::{Digest, Kind, Record, RunId, Time};
//! use keizu_store::{Read, Select, SqliteStore, Store, objects};
//!
//! let folder = tempfile::tempdir()?;
//! let mut store = SqliteStore::create(folder.path(), "laptop", Arc::new(objects::Memory::default()))?;
//! let used = Record::new(Kind::Used, RunId::new([1; 16]), Time(0), Time(1)).with_object(Digest::of(b"label,x\n"));
//! let receipt = store.append(&mut |_| Ok(vec![used.clone()]))?;
//! let entries = store.select(&Select::default())?;
//! assert_eq!((entries[0].id, &entries[0].record), (receipt.ids[0], &used));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod cache;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
pub mod objects;
pub mod sqlite;
pub mod verify;

use std::ops::ControlFlow;
use std::sync::Arc;

use keizu_record::brief::Line;
use keizu_record::manifest::Membership;
use keizu_record::note::PublicKey;
use keizu_record::{Digest, Entry, Kind, NodeId, Record, RecordId, Side};

pub use cache::Cache;
pub use error::Error;
pub use objects::Objects;
pub use sqlite::SqliteStore;

/// The most records of one append.
pub const APPEND_RECORDS_MAX: usize = 1 << 20;

/// A set of records to look up in the index.
#[derive(Debug, Clone, Default)]
pub struct Select {
    /// Records at one of whose ends one of these nodes stands. `None`: any.
    pub nodes: Option<(Side, Vec<NodeId>)>,
    /// Of these kinds; empty: all.
    pub kinds: Vec<Kind>,
    /// Only entries after this position; the first position is 1.
    pub after: Option<u64>,
    /// Only entries up to this position.
    pub upto: Option<u64>,
    /// Newest first, instead of oldest first.
    pub newest_first: bool,
    /// At most so many; `None`: all.
    pub limit: Option<usize>,
}

/// One log of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its name, which signs its checkpoints.
    pub name: Arc<str>,
    /// Its public key.
    pub key: PublicKey,
    /// Number of records.
    pub size: u64,
    /// Whether this store may append to it.
    pub own: bool,
}

/// An entry as the log keeps it, unchecked: what `verify` reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEntry {
    /// Place in the log, from 0, as stored.
    pub index: u64,
    /// The id, as stored.
    pub id: RecordId,
    /// The bytes of [`keizu_record::Sealed::encode`], as stored.
    pub bytes: Vec<u8>,
}

/// What was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Ids, in the order of the draft.
    pub ids: Vec<RecordId>,
    /// The log's size afterwards.
    pub size: u64,
    /// The checkpoint over it: a signed note.
    pub checkpoint: String,
}

/// Reads that a draft may make, inside the transaction that appends it, and that everybody may make outside one.
pub trait Read {
    /// Entries of the index, in order of position.
    fn select(&self, select: &Select) -> Result<Vec<Entry>, Error>;
    /// Nodes whose canonical bytes lie in `from..to`, ascending, at most `limit`.
    fn nodes(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<NodeId>, Error>;
    /// Collections that hold one of these contents, with the paths at which they hold it.
    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, Error>;
}

/// The records that an append is to write, made while the log is locked.
pub type Draft<'a> = dyn FnMut(&dyn Read) -> Result<Vec<Record>, Error> + 'a;

/// The index in brief, from which a graph in memory is built: every node has a number, by first appearance.
pub trait Outline {
    /// All entries from a position on, in order of position.
    fn lines(&self, from: u64, visit: &mut dyn FnMut(&Line)) -> Result<(), Error>;
    /// Contents that have a number, and are members of a collection. In no order, each once.
    fn held(&self, visit: &mut dyn FnMut(u32)) -> Result<(), Error>;
    /// Numbers of nodes, in their order.
    fn numbers(&self, nodes: &[NodeId]) -> Result<Vec<Option<u32>>, Error>;
    /// Nodes by their numbers, in their order.
    fn numbered(&self, numbers: &[u32]) -> Result<Vec<Option<NodeId>>, Error>;
    /// Entries by their positions, in order of position.
    fn at(&self, positions: &[u64]) -> Result<Vec<Entry>, Error>;
}

/// Keeps logs and their index. Every engine passes one suite, the module `conformance` (feature of the same name).
pub trait Store: Read + Outline {
    /// Appends to the own log, folds, signs a checkpoint; all or nothing, durable when it returns. Appends of other processes wait.
    ///
    /// The draft is called at most once. An empty one writes nothing. Its own failure comes back as [`Error::Draft`] or as it was given.
    fn append(&mut self, draft: &mut Draft<'_>) -> Result<Receipt, Error>;
    /// All logs.
    fn origins(&self) -> Result<Vec<Origin>, Error>;
    /// The raw entries of a log from an index on, in order of index.
    fn log(&self, origin: &str, from: u64, visit: &mut dyn FnMut(RawEntry) -> ControlFlow<()>) -> Result<(), Error>;
    /// Signed checkpoints of a log, by size, ascending.
    fn checkpoints(&self, origin: &str) -> Result<Vec<String>, Error>;
    /// Deletes everything that is folded and folds the logs again.
    fn refold(&mut self) -> Result<(), Error>;
}
