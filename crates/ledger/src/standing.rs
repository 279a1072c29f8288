//! How the record stands: how long it is, what its logs are signed with, and single entries of it. For whoever stays while it grows.

use std::ops::ControlFlow;

use keizu_record::note::Checkpoint;
use keizu_record::{Entry, Hash, Time, merkle};
use keizu_store::Select;
use serde::Serialize;

use crate::answer::rfc3339;
use crate::{Error, Ledger};

/// One log of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogRow {
    /// Its name, which signs its checkpoints.
    pub origin: String,
    /// Whether this record is continued in it.
    pub own: bool,
    /// Entries.
    pub size: u64,
    /// How many signed checkpoints there are.
    pub checkpoints: u64,
    /// Entries that the last checkpoint covers; null when there is none.
    pub signed: Option<u64>,
    /// The root that the last checkpoint signs, in base64, as notes write it.
    pub root: Option<String>,
    /// When the last entry that it covers was recorded: RFC 3339.
    pub signed_at: Option<String>,
    /// The last checkpoint itself: a signed note.
    pub checkpoint: Option<String>,
    /// What signs it: `name+key id`.
    pub signer: String,
}

/// That an entry is in a log: what it takes to check it elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The log.
    pub origin: String,
    /// The entry's place in it, from 0.
    pub index: u64,
    /// The entry's leaf hash.
    pub leaf: Hash,
    /// Entries of the tree in which it is proved.
    pub size: u64,
    /// Hashes beside the way from the leaf to the root.
    pub path: Vec<Hash>,
    /// The root.
    pub root: Hash,
    /// The signed note over it.
    pub checkpoint: String,
}

impl Ledger {
    /// From here on, answers are from the record as it is.
    pub fn back_to_now(&mut self) {
        self.forget_moment();
    }

    /// Whether the database that is open is still the one under its name.
    pub fn is_there(&self) -> bool {
        self.sqlite().still_there().is_ok()
    }

    /// The position of the newest entry; 0 when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn position(&self) -> Result<u64, Error> {
        let newest = self.store().select(&Select { newest_first: true, limit: Some(1), ..Select::default() })?;
        Ok(newest.first().map_or(0, |entry| entry.position))
    }

    /// Entries after a position, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tail(&self, after: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        Ok(self.store().select(&Select { after: Some(after), limit: Some(limit), ..Select::default() })?)
    }

    /// The entry at a position.
    ///
    /// # Errors
    /// When the store fails.
    pub fn entry(&self, position: u64) -> Result<Option<Entry>, Error> {
        Ok(self.store().at(&[position])?.pop())
    }

    /// All logs, the own one first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn logs(&self) -> Result<Vec<LogRow>, Error> {
        let mut rows = Vec::new();
        for origin in self.store().origins()? {
            let notes = self.store().checkpoints(&origin.name)?;
            let last = notes.last().and_then(|note| Some((origin.key.open(note).ok()?, note.clone())));
            let signed_at = match &last {
                Some((checkpoint, _)) => self.recorded(&origin.name, checkpoint.size)?.map(rfc3339),
                None => None,
            };
            rows.push(LogRow {
                origin: origin.name.to_string(),
                own: origin.own,
                size: origin.size,
                checkpoints: notes.len() as u64,
                signed: last.as_ref().map(|(checkpoint, _)| checkpoint.size),
                root: last.as_ref().map(|(checkpoint, _)| checkpoint.root.to_string()),
                signed_at,
                checkpoint: last.map(|(_, note)| note),
                signer: format!("{}+{}", origin.name, keizu_record::hex(&origin.key.id())),
            });
        }
        rows.sort_by_key(|row| !row.own);
        Ok(rows)
    }

    /// When the last of the first `size` entries of a log was recorded.
    fn recorded(&self, origin: &str, size: u64) -> Result<Option<Time>, Error> {
        let Some(last) = size.checked_sub(1) else { return Ok(None) };
        let mut recorded = None;
        self.store().log(origin, last, &mut |entry| {
            recorded = keizu_record::Sealed::decode(&entry.bytes).ok().map(|sealed| sealed.record.recorded);
            ControlFlow::Break(())
        })?;
        Ok(recorded)
    }

    /// That an entry is in its log, under the last checkpoint. `None` when no checkpoint covers it yet.
    ///
    /// # Errors
    /// When the store fails, or the log does not give the root that was signed.
    pub fn proof(&self, entry: &Entry) -> Result<Option<Proof>, Error> {
        let Some(origin) = self.store().origins()?.into_iter().find(|origin| origin.name == entry.origin) else { return Ok(None) };
        let notes = self.store().checkpoints(&origin.name)?;
        let opened = notes.last().and_then(|note| Some((origin.key.open(note).ok()?, note.clone())));
        let Some((Checkpoint { size, root, .. }, checkpoint)) = opened.filter(|(head, _)| head.size > entry.index) else { return Ok(None) };
        let mut leaves = Vec::new();
        self.store().log(&origin.name, 0, &mut |raw| {
            leaves.push(merkle::leaf(&raw.id));
            if leaves.len() as u64 == size { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let index = usize::try_from(entry.index).ok().filter(|index| *index < leaves.len());
        let Some(index) = index else { return Ok(None) };
        let (leaf, path) = (merkle::leaf(&entry.id), merkle::inclusion_proof(&leaves, index));
        if !merkle::verify_inclusion(&leaf, entry.index, size, &path, &root) {
            return Err(Error::Unfit(format!(
                "log {} does not give the root of its checkpoint {size}; `keizu verify` tells why",
                origin.name
            )));
        }
        Ok(Some(Proof { origin: origin.name.to_string(), index: entry.index, leaf, size, path, root, checkpoint }))
    }
}
