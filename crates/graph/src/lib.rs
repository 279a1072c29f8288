//! Answers lineage questions: a pure function of entries.
#![forbid(unsafe_code)]

use keizu_record::manifest::Membership;
use keizu_record::{Digest, Entry, Kind, NodeId, Side};

/// Where entries come from: a store, walked level by level, or the index in memory. Same answers from both.
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
