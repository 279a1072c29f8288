//! The whole record as a source of the graph in memory.

use keizu_graph::{Index, Outline, Source};
use keizu_record::brief::Line;
use keizu_record::manifest::Membership;
use keizu_record::{Digest, Entry, Kind, NodeId, Side};
use keizu_store::Store;

use crate::{Error, Ledger, View};

/// The record as it is now, from end to end: for whoever asks many questions, and keeps an [`Index`].
pub struct Whole<'a> {
    view: View<'a>,
    store: &'a dyn Store,
}

impl Ledger {
    /// What an [`Index`] is built from, and asks for what it does not hold itself.
    pub fn whole(&self) -> Whole<'_> {
        Whole { view: View::over(self, self.store(), None), store: self.store() }
    }
}

impl Whole<'_> {
    /// The graph of the whole record, in memory.
    ///
    /// # Errors
    /// When the store fails.
    pub fn index(&self) -> Result<Index, Error> {
        Index::build(self)
    }
}

impl Source for Whole<'_> {
    type Error = Error;

    fn select(&self, side: Side, nodes: &[NodeId], kinds: &[Kind]) -> Result<Vec<Entry>, Error> {
        self.view.select(side, nodes, kinds)
    }

    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, Error> {
        Source::collections_of(&self.view, members)
    }

    fn members_of(&self, collections: &[Digest]) -> Result<Vec<Membership>, Error> {
        self.view.members_of(collections)
    }
}

impl Outline for Whole<'_> {
    fn lines(&self, from: u64, visit: &mut dyn FnMut(&Line)) -> Result<(), Error> {
        Ok(self.store.lines(from, visit)?)
    }

    fn held(&self, visit: &mut dyn FnMut(u32)) -> Result<(), Error> {
        Ok(self.store.held(visit)?)
    }

    fn numbers(&self, nodes: &[NodeId]) -> Result<Vec<Option<u32>>, Error> {
        Ok(self.store.numbers(nodes)?)
    }

    fn numbered(&self, numbers: &[u32]) -> Result<Vec<Option<NodeId>>, Error> {
        Ok(self.store.numbered(numbers)?)
    }

    fn at(&self, positions: &[u64]) -> Result<Vec<Entry>, Error> {
        Ok(self.store.at(positions)?)
    }
}
