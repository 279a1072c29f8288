//! Keizu's words: ids, nodes, records, and their canonical bytes.
//!
//! A [`Record`] is one immutable statement: *this run used that artifact*, *this name points there*. It is [sealed](Record::seal) into
//! commitments, one a field, whose hash is its [`RecordId`]; the ids are the leaves of a [Merkle tree](merkle), whose root stands in a
//! signed [checkpoint](note). So any field can later be withheld while the rest still verifies.
//!
//! ```text
//! NodeId ─┐
//! Value  ─┼─► Record ──seal──► Sealed ──id──► leaf ──► Frontier ──root──► Checkpoint ──sign──► note
//! Time   ─┘   (body: the fixed vocabulary of each kind)
//! ```
//!
//! Nothing here reads, writes, waits or knows the time.
//!
//! ```
//! use keizu_record::{Digest, Kind, RefSecret, Record, RunId, Sealed, Time};
//! let record = Record::new(Kind::Used, RunId::new([1; 16]), Time(0), Time(1)).with_object(Digest::of(b"label,x\n"));
//! let sealed = record.seal(&RefSecret([2; 32]), [3; 32])?;
//! assert_eq!(Sealed::decode(&sealed.encode())?.id, sealed.id);
//! # Ok::<(), keizu_record::SealError>(())
//! ```
#![forbid(unsafe_code)]

pub mod body;
pub mod brief;
mod digest;
pub mod manifest;
pub mod merkle;
mod node;
pub mod note;
mod path;
mod record;
pub mod seal;
mod time;
mod value;
mod wire;

pub use brief::Brief;
pub use digest::{Digest, Hash, NodeRef, ParseIdError, RecordId, RunId, Sha256, hex, unhex};
pub use node::{Name, NodeId};
pub use path::FilePath;
pub use record::{Authority, Entry, Group, Kind, Record, Side};
pub use seal::{RefSecret, SealError, Sealed};
pub use time::Time;
pub use value::{LIST_DEPTH_MAX, Value};
