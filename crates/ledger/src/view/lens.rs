//! The record as it is looked at: as it is, or as of a moment. Every answer reads through here, so that no question can forget when it
//! was asked.

use std::collections::HashSet;

use keizu_record::manifest::Membership;
use keizu_record::{Authority, Digest, Entry, Kind, NodeId, Side};
use keizu_store::{Error, Read, Select};

use crate::as_of::AsOf;

/// How many entries or nodes are looked through at once where a limit was asked for.
const PAGE: usize = 1_024;

/// A store, seen as of a moment.
#[derive(Clone, Copy)]
pub(crate) struct Lens<'a> {
    store: &'a dyn Read,
    as_of: Option<AsOf>,
}

impl<'a> Lens<'a> {
    pub(crate) fn new(store: &'a dyn Read, as_of: Option<AsOf>) -> Self {
        Self { store, as_of }
    }

    pub(crate) fn as_of(&self) -> Option<AsOf> {
        self.as_of
    }

    /// Those of the nodes of which some entry of the moment speaks.
    fn known(&self, nodes: Vec<NodeId>) -> Result<Vec<NodeId>, Error> {
        let mut known: HashSet<NodeId> = HashSet::new();
        for side in [Side::Subject, Side::Object, Side::Place] {
            let open: Vec<NodeId> = nodes.iter().filter(|node| !known.contains(*node)).cloned().collect();
            let entries = self.select(&Select { nodes: Some((side, open)), ..Select::default() })?;
            known.extend(entries.into_iter().filter(|entry| !self.is_beyond(entry)).filter_map(|entry| match side {
                Side::Subject => Some(entry.record.subject),
                Side::Object => entry.record.object,
                Side::Place => entry.record.place(),
            }));
        }
        Ok(nodes.into_iter().filter(|node| known.contains(node)).collect())
    }

    /// Whether it is seen only for what it takes back.
    fn is_beyond(&self, entry: &Entry) -> bool {
        matches!(self.as_of, Some(AsOf::Happened(time)) if entry.record.happened > time)
    }

    /// The next entries of a selection, in its order: at most `count` of them looked at. The last position tells where to go on.
    fn page(&self, select: &Select, count: usize) -> Result<(Vec<Entry>, Option<u64>), Error> {
        let page = self.store.select(&Select { limit: Some(count), ..select.clone() })?;
        let last = (page.len() == count).then(|| page.last().map(|entry| entry.position)).flatten();
        Ok((page, last))
    }
}

impl Read for Lens<'_> {
    fn select(&self, select: &Select) -> Result<Vec<Entry>, Error> {
        let as_of = match self.as_of {
            None => return self.store.select(select),
            Some(AsOf::Entries(count)) => {
                let upto = select.upto.unwrap_or(u64::MAX).min(count);
                return self.store.select(&Select { upto: Some(upto), ..select.clone() });
            }
            Some(as_of) => as_of,
        };
        let by_subject = matches!(select.nodes, Some((Side::Subject, _)));
        let Some(limit) = select.limit else {
            return Ok(self.store.select(select)?.into_iter().filter_map(|entry| seen(entry, as_of, by_subject)).collect());
        };
        let (mut found, mut rest) = (Vec::new(), select.clone());
        while found.len() < limit {
            let (page, last) = self.page(&rest, PAGE.max(limit))?;
            found.extend(page.into_iter().filter_map(|entry| seen(entry, as_of, by_subject)).take(limit - found.len()));
            match last {
                None => break,
                // positions begin with 1
                Some(last) if select.newest_first => rest.upto = Some(last - 1),
                Some(last) => rest.after = Some(last),
            }
        }
        Ok(found)
    }

    fn nodes(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<NodeId>, Error> {
        if self.as_of.is_none() {
            return self.store.nodes(from, to, limit);
        }
        let (mut found, mut from) = (Vec::new(), from.to_vec());
        while found.len() < limit {
            let page = self.store.nodes(&from, to, PAGE)?;
            let Some(last) = page.last().filter(|_| page.len() == PAGE).map(NodeId::encode) else {
                found.extend(self.known(page)?);
                break;
            };
            found.extend(self.known(page)?);
            // the first id after the last
            from = [last.as_slice(), &[0]].concat();
        }
        found.truncate(limit);
        Ok(found)
    }

    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, Error> {
        let mut all = self.store.collections_of(members)?;
        if self.as_of.is_none() || all.is_empty() {
            return Ok(all);
        }
        let collections: HashSet<NodeId> = all.iter().map(|membership| membership.collection.into()).collect();
        let kinds = vec![Kind::Used, Kind::Made, Kind::Named];
        let entries =
            self.select(&Select { nodes: Some((Side::Object, collections.into_iter().collect())), kinds, ..Select::default() })?;
        // the names in a folder, and what was not there, are no collections
        let is_collection =
            |entry: &&Entry| entry.record.fact("members").is_some() && !matches!(entry.record.text("role"), Some("listing" | "absent"));
        let known: HashSet<Digest> = entries.iter().filter(is_collection).filter_map(|entry| entry.record.artifact()).collect();
        all.retain(|membership| known.contains(&membership.collection));
        Ok(all)
    }
}

/// The entry as of the moment; `None` when it was not there.
///
/// On the clock of what happened, what is known today counts: a retraction or a correction takes back what it cites whenever it was
/// written. One that says
/// that the thing happened only later leaves nothing but that; it is asked for by its subject, which is that of what it cites.
fn seen(mut entry: Entry, as_of: AsOf, by_subject: bool) -> Option<Entry> {
    let record = &mut entry.record;
    let there = match as_of {
        AsOf::Entries(count) => entry.position <= count,
        AsOf::Recorded(time) => record.recorded <= time,
        AsOf::Happened(time) if record.happened <= time => true,
        AsOf::Happened(_) => {
            let takes_back = record.kind == Kind::Retracted || (record.authority == Authority::Corrected && !record.cites.is_empty());
            if !takes_back || !by_subject {
                return None;
            }
            record.kind = Kind::Retracted;
            record.object = None;
            record.entries.clear();
            true
        }
    };
    there.then_some(entry)
}

#[cfg(test)]
mod tests;
