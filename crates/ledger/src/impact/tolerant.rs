//! A source that goes on where a record can't be read, and says which.

use std::cell::RefCell;
use std::collections::BTreeSet;

use keizu_graph::Source;
use keizu_record::manifest::Membership;
use keizu_record::{Digest, Entry, Kind, NodeId, Side};
use keizu_store::Select;

use crate::{Error, View};

/// Positions are looked for below this: no store holds as many entries.
const POSITIONS_END: u64 = 1 << 48;

/// A view, and what was found to be damaged in it.
pub(super) struct Tolerant<'v, 'a> {
    view: &'v View<'a>,
    damaged: RefCell<BTreeSet<String>>,
}

impl<'v, 'a> Tolerant<'v, 'a> {
    pub fn new(view: &'v View<'a>) -> Self {
        Self { view, damaged: RefCell::default() }
    }

    /// What can't be read, each once.
    pub fn unreadable(self) -> Vec<String> {
        self.damaged.into_inner().into_iter().collect()
    }

    /// All that can be read of a selection: where one record fails, its half of the log is halved until only that record is left out.
    fn readable(&self, select: &Select, (after, upto): (u64, u64), found: &mut Vec<Entry>) -> Result<(), Error> {
        let part = Select { after: Some(after), upto: Some(upto), ..select.clone() };
        match self.view.store().select(&part) {
            Ok(entries) => found.extend(entries),
            Err(error @ keizu_store::Error::Damaged { .. }) => {
                if upto - after <= 1 {
                    self.damaged.borrow_mut().insert(error.to_string());
                    return Ok(());
                }
                let middle = after + (upto - after) / 2;
                self.readable(select, (after, middle), found)?;
                self.readable(select, (middle, upto), found)?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

impl Source for Tolerant<'_, '_> {
    type Error = Error;

    fn select(&self, side: Side, nodes: &[NodeId], kinds: &[Kind]) -> Result<Vec<Entry>, Error> {
        let select = Select { nodes: Some((side, nodes.to_vec())), kinds: kinds.to_vec(), ..Select::default() };
        let mut found = Vec::new();
        self.readable(&select, (0, POSITIONS_END), &mut found)?;
        Ok(found)
    }

    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, Error> {
        self.view.collections_of(members)
    }

    fn members_of(&self, collections: &[Digest]) -> Result<Vec<Membership>, Error> {
        self.view.members_of(collections)
    }
}
