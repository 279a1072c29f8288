//! Answers lineage questions: a pure function of entries.
//!
//! ```text
//! Source ──select──► Loader ──► Facts ──link──► Linked ──► trace ──► Trace ──► tree, layout, export
//! Outline ──lines──► Index ──► closures of any size        (what stands where is asked of the source)
//! ```
//!
//! The vertices are *occurrences*, not contents ([`Vertex`]): the same bytes, written twice, are two. Links are decided when asked,
//! by named rules (`link`): a read points at the last write of that content at that place before it. Where no such write was
//! seen, the content is a source of its own, joined by equal content to every earlier write of it elsewhere, which is said to be inferred.
//!
//! ```
//! use keizu_graph::{Direction, Entries, Options, Root, trace};
//! use keizu_record::body::{ArtifactKind, Edge, Role};
//! use keizu_record::{Authority, Digest, Entry, Kind, RecordId, RunId, Time};
//!
//! let edge = |run: u8, at, content: &[u8]| Edge {
//!     run: RunId::new([run; 16]), at: Time(at), authority: Authority::Observed, rule: None, project: "flights".into(),
//!     path: "train.csv".into(), target: None, content: Some(Digest::of(content)), size: Some(10), members: None,
//!     kind: ArtifactKind::Data, role: Role::Input, format: None, sha256: None, changed: None, unseen: None,
//!     unchanged: false, removed: false,
//! };
//! // one run writes a file, another reads it
//! let records = [edge(1, 5, b"a,b\n1,2\n").to_record(Kind::Made, Time(6)), edge(2, 7, b"a,b\n1,2\n").to_record(Kind::Used, Time(8))];
//! let entries = records.into_iter().enumerate().map(|(at, record)| Entry {
//!     position: at as u64, origin: "laptop".into(), index: at as u64, id: RecordId::new([at as u8; 32]), record,
//! });
//! let entries = Entries::new(entries, []);
//! let Ok(answer) = trace(&entries, &Root::Run(RunId::new([2; 16])), &Options { direction: Direction::Up, ..Options::default() });
//! assert_eq!(answer.nodes.iter().map(|node| node.kind()).collect::<Vec<_>>(), ["run", "data", "run"]);
//! ```
#![forbid(unsafe_code)]

mod entries;
pub mod export;
mod facts;
mod index;
pub mod layout;
mod link;
mod linked;
mod load;
mod measure;
mod node;
pub mod picture;
mod reach;
mod root;
mod rows;
pub mod stale;
pub mod tree;
mod vertex;
mod walk;
pub mod why;

use keizu_record::brief::Line;
use keizu_record::manifest::Membership;
use keizu_record::{Digest, Entry, Kind, NodeId, Side};

pub use entries::Entries;
pub use index::{Closure, Index};
pub use link::SAME_CONTENT_BYTES_MIN;
pub use measure::{Measure, Numbers, numbers};
pub use node::{ArtifactNode, Detail, Node, RunNode};
pub use reach::{Each, Reached, reach, reach_in};
pub use root::Root;
pub use vertex::{Link, LinkKind, Place, Vertex};
pub use walk::{Direction, NODES_MAX, Options, Trace, trace};

/// Where entries come from: a store, walked level by level, or [`Entries`] in memory. Same answers from both.
pub trait Source {
    /// What may go wrong.
    type Error;
    /// Entries of these kinds at one of whose ends one of the nodes stands, in order of position. One statement a call.
    fn select(&self, side: Side, nodes: &[NodeId], kinds: &[Kind]) -> Result<Vec<Entry>, Self::Error>;
    /// Collections that hold one of these contents.
    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, Self::Error>;
    /// All members of these collections; a collection whose manifest is not kept has none.
    fn members_of(&self, collections: &[Digest]) -> Result<Vec<Membership>, Self::Error>;
}

/// A source that can be read from end to end, in brief: what an [`Index`] is built from. Every node has a number.
pub trait Outline: Source {
    /// All entries from a position on, in order of position.
    fn lines(&self, from: u64, visit: &mut dyn FnMut(&Line)) -> Result<(), Self::Error>;
    /// Contents that have a number, and are members of a collection.
    fn held(&self, visit: &mut dyn FnMut(u32)) -> Result<(), Self::Error>;
    /// Numbers of nodes, in their order.
    fn numbers(&self, nodes: &[NodeId]) -> Result<Vec<Option<u32>>, Self::Error>;
    /// Nodes by their numbers, in their order.
    fn numbered(&self, numbers: &[u32]) -> Result<Vec<Option<NodeId>>, Self::Error>;
    /// Entries by their positions, in order of position.
    fn at(&self, positions: &[u64]) -> Result<Vec<Entry>, Self::Error>;
}
