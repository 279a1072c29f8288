//! The store in one SQLite file.
//!
//! ```text
//! .keizu/
//!   keizu.db      log_origin, log, log_checkpoint: the truth      fold_*: the index, folded again when missing
//!   checkpoint    the latest signed note of the own log: a second witness against a cut tail
//!   keys/own      what signs and blinds in the own log (see `keys`)
//! ```
//!
//! WAL, so that readers never wait for a writer; appends take the write lock at once (`BEGIN IMMEDIATE`), so that a draft sees what it is
//! appended to, and are flushed to the disk before they are reported.

mod connect;
mod fold;
mod keys;
mod outline;
mod read;
mod witness;

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keizu_record::manifest::Membership;
use keizu_record::note::{Checkpoint, PublicKey};
use keizu_record::{Digest, Entry, NodeId, Record, RecordId};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use self::connect::Database;
pub use self::connect::FORMAT;
use self::fold::{Fold, Stop};
use self::keys::Keys;
use self::read::{Index, Names};
use crate::{APPEND_RECORDS_MAX, Draft, Error, Objects, Origin, RawEntry, Read, Receipt, Select, Store};

/// A store in a folder (`.keizu`), shared with other processes.
pub struct SqliteStore {
    folder: PathBuf,
    database: Database,
    objects: Arc<dyn Objects>,
    keys: Option<Keys>,
    names: Names,
    /// Whether the index was found current; what other processes append, they index.
    folded: Cell<bool>,
}

impl SqliteStore {
    /// Opens the store in `folder`. An index that is missing or behind is folded again; when the log itself is too damaged for that, the
    /// store opens all the same, so that it can be verified, and says so at the first question to the index.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none; [`Error::TooNew`], [`Error::FileSystem`] and others, with nothing changed.
    pub fn open(folder: &Path, objects: Arc<dyn Objects>) -> Result<Self, Error> {
        Self::start(folder, objects, Keys::read(folder)?, false)
    }

    /// Makes what is missing of a store in `folder`, and opens it. `host` begins the name of its log.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn create(folder: &Path, host: &str, objects: Arc<dyn Objects>) -> Result<Self, Error> {
        fs_err::create_dir_all(folder)?;
        Self::start(folder, objects, Some(Keys::make(folder, host)?), true)
    }

    fn start(folder: &Path, objects: Arc<dyn Objects>, keys: Option<Keys>, make: bool) -> Result<Self, Error> {
        let database = Database::open(folder, make)?;
        let store = Self { folder: folder.to_owned(), database, objects, keys, names: Names::default(), folded: Cell::new(false) };
        store.know_own_log()?;
        match store.fold() {
            Ok(()) | Err(Error::Damaged { .. } | Error::ReadOnly { .. }) => Ok(store),
            Err(error) => Err(error),
        }
    }

    /// The public key of the own log; none when this store cannot append.
    pub fn own(&self) -> Option<PublicKey> {
        self.keys.as_ref().map(Keys::public)
    }

    /// The note that was last left beside the database, if any: a witness for [`crate::verify`].
    pub fn witness(&self) -> Result<Option<String>, Error> {
        Ok(witness::read(&self.folder)?)
    }

    /// Fails when the database under the name is not the one that is open: it was deleted or replaced.
    ///
    /// # Errors
    /// [`Error::Gone`].
    pub fn still_there(&self) -> Result<(), Error> {
        self.database.still_there()
    }

    /// Folds the log again beside what the index says now, and tells whether they are equal, byte for byte. A different index is replaced.
    pub fn check_index(&mut self) -> Result<bool, Error> {
        let before = fold::digest(&self.database.connection).ok();
        self.refold()?;
        let after = fold::digest(&self.database.connection).map_err(|error| self.database.error("read its index", error))?;
        Ok(before == Some(after))
    }

    /// Writes the own log's name and key into the table of logs, when they are not there yet.
    fn know_own_log(&self) -> Result<(), Error> {
        let Some(own) = self.own() else { return Ok(()) };
        let failed = |error| self.database.error("name its log", error);
        if self.number(&self.database.connection, &own.name)?.is_some() || !self.database.writable {
            return Ok(());
        }
        let step = self.database.begin()?;
        let insert = "INSERT INTO log_origin (number, name, key) SELECT coalesce(max(number), 0) + 1, $1, $2 FROM log_origin \
            WHERE true ON CONFLICT (name) DO NOTHING";
        step.execute(insert, params![own.name, own.bytes]).map_err(failed)?;
        step.commit().map_err(failed)
    }

    /// Number and key of a log.
    fn number(&self, connection: &Connection, name: &str) -> Result<Option<(i64, Vec<u8>)>, Error> {
        let query = "SELECT number, key FROM log_origin WHERE name = $1";
        let found = connection.query_row(query, [name], |row| Ok((row.get(0)?, row.get(1)?))).optional();
        found.map_err(|error| self.database.error("read its logs", error))
    }

    /// Brings the index up to the log.
    fn fold(&self) -> Result<(), Error> {
        if self.folded.get() {
            return Ok(());
        }
        let failed = |error| self.database.error("read its index", error);
        if !fold::is_current(&self.database.connection).map_err(failed)? {
            let step = self.database.begin()?;
            self.fold_in(&step)?;
            step.commit().map_err(failed)?;
        }
        self.folded.set(true);
        Ok(())
    }

    /// The same, inside a transaction.
    fn fold_in(&self, step: &Transaction<'_>) -> Result<(), Error> {
        if fold::is_current(step).map_err(|error| self.database.error("read its index", error))? {
            return Ok(());
        }
        self.stopped(fold::all(step, &*self.objects))
    }

    fn stopped<T>(&self, result: Result<T, Stop>) -> Result<T, Error> {
        result.map_err(|stop| match stop {
            Stop::Engine(error) => self.database.error("fold its log", error),
            Stop::Other(error) => error,
        })
    }

    fn index(&self) -> Result<Index<'_>, Error> {
        self.fold()?;
        Ok(Index { database: &self.database, names: &self.names })
    }

    fn own_keys(&self, connection: &Connection) -> Result<(&Keys, i64), Error> {
        let path = keys::path(&self.folder);
        let Some(keys) = &self.keys else { return Err(Error::Key { path, what: "the key that signs this log cannot be read".into() }) };
        let own = keys.public();
        match self.number(connection, &own.name)? {
            Some((number, key)) if key == own.bytes => Ok((keys, number)),
            _ => Err(Error::Key { path, what: format!("is not the key of the log {}", own.name) }),
        }
    }

    /// Seals and writes the records of a draft, inside a transaction.
    fn write(&self, step: &Transaction<'_>, records: Vec<Record>) -> Result<Receipt, Stop> {
        let (keys, origin) = self.own_keys(step)?;
        let mut fold = Fold::begin(step, &*self.objects)?;
        let mut size = self.head(step, &mut fold, keys, origin)?;
        let mut position: i64 = step.query_row("SELECT coalesce(max(position), 0) FROM log", [], |row| row.get(0))?;
        let mut insert = step.prepare_cached("INSERT INTO log (position, origin, place, id, bytes) VALUES ($1, $2, $3, $4, $5)")?;
        let mut ids = Vec::with_capacity(records.len());
        for record in records {
            let (sealed, bytes) = record.seal_encoded(&keys.refs, keys::random()?).map_err(Error::Seal)?;
            position += 1;
            insert.execute(params![position, origin, size.cast_signed(), sealed.id.as_bytes(), bytes])?;
            fold.entry(position, &sealed.record)?;
            fold.leaf(origin, &sealed.id)?;
            ids.push(sealed.id);
            size += 1;
        }
        let root = fold.frontier(origin)?.root();
        let checkpoint = keys.key.sign(&Checkpoint { origin: keys.public().name, size, root });
        fold.end()?;
        let insert = "INSERT INTO log_checkpoint (origin, size, note) VALUES ($1, $2, $3)";
        step.execute(insert, params![origin, size.cast_signed(), checkpoint])?;
        Ok(Receipt { ids, size, checkpoint })
    }

    /// The size of the own log, after a look whether its tree, its length and its last checkpoint agree: nothing is signed on top of a log
    /// that was altered.
    fn head(&self, step: &Connection, fold: &mut Fold<'_>, keys: &Keys, origin: i64) -> Result<u64, Stop> {
        let frontier = fold.frontier(origin)?;
        let (size, root) = (frontier.size(), frontier.root());
        let own = keys.public();
        let off = |what: String| Stop::Other(Error::Head { origin: own.name.clone(), size, what });
        let length: i64 = step.query_row("SELECT coalesce(max(place) + 1, 0) FROM log WHERE origin = $1", [origin], |row| row.get(0))?;
        if length.cast_unsigned() != size {
            return Err(off(format!("the log has {length} entries")));
        }
        let latest = "SELECT note FROM log_checkpoint WHERE origin = $1 ORDER BY size DESC LIMIT 1";
        let note: Option<String> = step.query_row(latest, [origin], |row| row.get(0)).optional()?;
        match note.map(|note| own.open(&note)) {
            None if size == 0 => Ok(0),
            None => Err(off("there is no checkpoint".into())),
            Some(Ok(checkpoint)) if checkpoint == (Checkpoint { origin: own.name.clone(), size, root }) => Ok(size),
            Some(Ok(checkpoint)) => Err(off(format!("the last checkpoint says {} entries with root {}", checkpoint.size, checkpoint.root))),
            Some(Err(error)) => Err(off(error.to_string())),
        }
    }

    /// What an empty draft gives: the log as it is.
    fn nothing(&self, step: &Connection) -> Result<Receipt, Stop> {
        let (keys, origin) = self.own_keys(step)?;
        let mut fold = Fold::begin(step, &*self.objects)?;
        let size = self.head(step, &mut fold, keys, origin)?;
        let root = fold.frontier(origin)?.root();
        // Ed25519 is deterministic: this is the note that the last append signed
        Ok(Receipt { ids: Vec::new(), size, checkpoint: keys.key.sign(&Checkpoint { origin: keys.public().name, size, root }) })
    }
}

impl Read for SqliteStore {
    fn select(&self, select: &Select) -> Result<Vec<Entry>, Error> {
        self.index()?.select(select)
    }

    fn nodes(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<NodeId>, Error> {
        self.index()?.nodes(from, to, limit)
    }

    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, Error> {
        self.index()?.collections_of(members)
    }
}

impl Store for SqliteStore {
    fn append(&mut self, draft: &mut Draft<'_>) -> Result<Receipt, Error> {
        self.database.still_there()?;
        // what a record names is durable before the record is; most of it before others have to wait for the lock
        self.objects.sync()?;
        let step = self.database.begin()?;
        self.fold_in(&step)?;
        let records = draft(&Index { database: &self.database, names: &self.names })?;
        if records.is_empty() {
            return self.stopped(self.nothing(&step));
        }
        if records.len() > APPEND_RECORDS_MAX {
            return Err(Error::TooMany { count: records.len(), max: APPEND_RECORDS_MAX });
        }
        self.objects.sync()?;
        let receipt = self.stopped(self.write(&step, records))?;
        step.commit().map_err(|error| self.database.error("write to its log", error))?;
        self.database.still_there()?;
        // the records are kept whatever happens here; a witness may be older than its log
        let _ = witness::write(&self.folder, receipt.size, &receipt.checkpoint);
        Ok(receipt)
    }

    fn origins(&self) -> Result<Vec<Origin>, Error> {
        let failed = |error| self.database.error("read its logs", error);
        let text = "SELECT o.name, o.key, (SELECT coalesce(max(place) + 1, 0) FROM log WHERE origin = o.number) FROM log_origin o ORDER BY o.number";
        let mut query = self.database.connection.prepare_cached(text).map_err(failed)?;
        let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, i64>(2)?)));
        let rows = rows.and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>).map_err(failed)?;
        let own = self.own();
        let origin = |(name, key, size): (String, Vec<u8>, i64)| {
            let bytes = key.try_into();
            let bytes = bytes
                .map_err(|_| Error::Layout { path: self.database.path.clone(), what: format!("the key of log {name} is not 32 bytes") })?;
            let key = PublicKey { name, bytes };
            Ok(Origin { name: key.name.as_str().into(), size: size.cast_unsigned(), own: own.as_ref() == Some(&key), key })
        };
        rows.into_iter().map(origin).collect()
    }

    fn log(&self, origin: &str, from: u64, visit: &mut dyn FnMut(RawEntry) -> ControlFlow<()>) -> Result<(), Error> {
        let failed = |error| self.database.error("read its log", error);
        let Some((number, _)) = self.number(&self.database.connection, origin)? else { return Ok(()) };
        let text = "SELECT place, position, id, bytes FROM log WHERE origin = $1 AND place >= $2 ORDER BY place";
        let mut query = self.database.connection.prepare(text).map_err(failed)?;
        let mut rows = query.query(params![number, i64::try_from(from).unwrap_or(i64::MAX)]).map_err(failed)?;
        let mut last = 0;
        while let Some(row) = rows.next().map_err(failed)? {
            let index = row.get::<_, i64>(0).map_err(failed)?.cast_unsigned();
            let damaged = |what: &str| Error::Damaged { origin: origin.to_owned(), index, what: what.into() };
            let position = row.get::<_, i64>(1).map_err(failed)?;
            if position <= last {
                return Err(damaged("it arrived before the one that it follows"));
            }
            last = position;
            let blob = |column, what| row.get_ref(column).map_err(failed).and_then(|value| value.as_blob().map_err(|_| damaged(what)));
            let id = RecordId::from_slice(blob(2, "its id is not bytes")?).ok_or_else(|| damaged("its id is not 32 bytes"))?;
            let bytes = blob(3, "it is not bytes")?.to_vec();
            if visit(RawEntry { index, id, bytes }).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn checkpoints(&self, origin: &str) -> Result<Vec<String>, Error> {
        let failed = |error| self.database.error("read its checkpoints", error);
        let Some((number, _)) = self.number(&self.database.connection, origin)? else { return Ok(Vec::new()) };
        let text = "SELECT note FROM log_checkpoint WHERE origin = $1 ORDER BY size";
        let mut query = self.database.connection.prepare_cached(text).map_err(failed)?;
        let rows = query.query_map([number], |row| row.get(0)).map_err(failed)?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    fn refold(&mut self) -> Result<(), Error> {
        self.folded.set(false);
        let step = self.database.begin()?;
        self.stopped(fold::all(&step, &*self.objects))?;
        step.commit().map_err(|error| self.database.error("fold its log", error))?;
        self.folded.set(true);
        Ok(())
    }
}
