//! From the log to the index. Deterministic: nodes and collections are numbered by first appearance, so the same log and the same manifests
//! give the same rows, byte for byte.

use std::collections::HashMap;

use keizu_record::manifest::Manifest;
use keizu_record::merkle::{Frontier, leaf};
use keizu_record::{Brief, Digest, Hash, Kind, NodeId, Record, RecordId, Sealed};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{Error, Objects};

/// Raised when `fold.sql`, or what is folded, changes: what an older version folded is then folded again.
const LAYOUT: i64 = 3;

const TABLES: &[&str] = &["fold_state", "fold_frontier", "fold_node", "fold_project", "fold_entry", "fold_collection", "fold_member"];

/// Nodes whose numbers are remembered while folding.
const REMEMBERED_MAX: usize = 200_000;

/// Why a fold stops.
pub(super) enum Stop {
    /// The engine.
    Engine(rusqlite::Error),
    /// Anything else.
    Other(Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Whether the index is there and speaks of the whole log, as far as its counters tell.
pub(super) fn is_current(connection: &Connection) -> rusqlite::Result<bool> {
    let count = format!("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('{}')", TABLES.join("', '"));
    if connection.query_row(&count, [], |row| row.get::<_, i64>(0))? != TABLES.len() as i64 {
        return Ok(false);
    }
    let state = "SELECT s.layout = $1 AND s.position = (SELECT coalesce(max(position), 0) FROM log) \
        AND s.position = (SELECT coalesce(max(position), 0) FROM fold_entry) \
        AND s.nodes = (SELECT coalesce(max(number), 0) FROM fold_node) \
        AND s.collections = (SELECT coalesce(max(number), 0) FROM fold_collection) FROM fold_state s";
    Ok(connection.prepare_cached(state)?.query_row([LAYOUT], |row| row.get(0)).optional()?.unwrap_or(false))
}

/// Drops the index and makes it again, empty.
pub(super) fn clear(connection: &Connection) -> rusqlite::Result<()> {
    for table in TABLES {
        connection.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
    }
    connection.execute_batch(include_str!("fold.sql"))?;
    connection.execute("INSERT INTO fold_state (layout, position, nodes, collections) VALUES ($1, 0, 0, 0)", [LAYOUT])?;
    Ok(())
}

/// Folds the whole log into an index that is made anew.
pub(super) fn all(connection: &Connection, objects: &dyn Objects) -> Result<(), Stop> {
    clear(connection)?;
    let mut fold = Fold::begin(connection, objects)?;
    let mut log = connection.prepare("SELECT position, origin, place, id, bytes FROM log ORDER BY position")?;
    let mut rows = log.query([])?;
    while let Some(row) = rows.next()? {
        let (position, origin, place): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let damaged = |what: String| Error::Damaged { origin: origin_name(connection, origin), index: place.cast_unsigned(), what };
        let id = row.get_ref(3)?.as_blob().ok().and_then(RecordId::from_slice).ok_or_else(|| damaged("its id is not 32 bytes".into()))?;
        let bytes = row.get_ref(4)?.as_blob().map_err(|error| damaged(error.to_string()))?;
        let sealed = Sealed::decode_trusted(id, bytes).map_err(|error| damaged(error.to_string()))?;
        fold.entry(position, &sealed.record)?;
        fold.leaf(origin, &id)?;
    }
    fold.end()
}

pub(super) fn origin_name(connection: &Connection, number: i64) -> String {
    let name = connection.query_row("SELECT name FROM log_origin WHERE number = $1", [number], |row| row.get(0));
    name.unwrap_or_else(|_| format!("no. {number}"))
}

/// Every row of the index, hashed: equal when and only when the index is.
pub(super) fn digest(connection: &Connection) -> rusqlite::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    for table in TABLES {
        hasher.update(table.as_bytes());
        let mut query = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))?;
        let columns = query.column_count();
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                use rusqlite::types::ValueRef;
                match row.get_ref(column)? {
                    ValueRef::Null => hasher.update(b"n"),
                    ValueRef::Integer(int) => hasher.update(b"i").update(&int.to_be_bytes()),
                    ValueRef::Real(real) => hasher.update(b"r").update(&real.to_bits().to_be_bytes()),
                    ValueRef::Text(bytes) => hasher.update(b"t").update(&(bytes.len() as u64).to_be_bytes()).update(bytes),
                    ValueRef::Blob(bytes) => hasher.update(b"b").update(&(bytes.len() as u64).to_be_bytes()).update(bytes),
                };
            }
        }
    }
    Ok(Digest::new(*hasher.finalize().as_bytes()))
}

/// A fold under way, inside a transaction.
pub(super) struct Fold<'a> {
    connection: &'a Connection,
    objects: &'a dyn Objects,
    position: i64,
    nodes: i64,
    collections: i64,
    known: HashMap<Vec<u8>, i64>,
    projects: HashMap<String, i64>,
    frontiers: HashMap<i64, Frontier>,
}

impl<'a> Fold<'a> {
    /// Goes on where the last fold ended.
    pub(super) fn begin(connection: &'a Connection, objects: &'a dyn Objects) -> rusqlite::Result<Self> {
        let (position, nodes, collections) = connection
            .query_row("SELECT position, nodes, collections FROM fold_state", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(Self {
            connection,
            objects,
            position,
            nodes,
            collections,
            known: HashMap::new(),
            projects: HashMap::new(),
            frontiers: HashMap::new(),
        })
    }

    /// Indexes one entry.
    pub(super) fn entry(&mut self, position: i64, record: &Record) -> Result<(), Stop> {
        let subject = self.node(&record.subject)?;
        let object = record.object.as_ref().map(|node| self.node(node)).transpose()?;
        let place = record.place().map(|node| self.node(&node)).transpose()?;
        let project = record.text("project").map(|name| self.project(name)).transpose()?;
        let insert = "INSERT INTO fold_entry (position, kind, subject, object, place, happened, recorded, project, brief) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let mut insert = self.connection.prepare_cached(insert)?;
        let (kind, brief) = (record.kind.code(), Brief::of(record).pack());
        insert.execute(params![position, kind, subject, object, place, record.happened.0, record.recorded.0, project, brief])?;
        if let Some(digest) = collection(record) {
            self.collection(&digest)?;
        }
        self.position = position;
        Ok(())
    }

    /// Adds one leaf to a log's tree.
    pub(super) fn leaf(&mut self, origin: i64, id: &RecordId) -> Result<(), Stop> {
        self.frontier(origin)?.push(leaf(id));
        Ok(())
    }

    /// The tree of a log, so far.
    pub(super) fn frontier(&mut self, origin: i64) -> Result<&mut Frontier, Stop> {
        if !self.frontiers.contains_key(&origin) {
            let read = frontier(self.connection, origin)?;
            self.frontiers.insert(origin, read);
        }
        Ok(self.frontiers.get_mut(&origin).expect("invariant: it was just put there"))
    }

    /// Writes down how far the fold has come.
    pub(super) fn end(self) -> Result<(), Stop> {
        let state = "UPDATE fold_state SET position = $1, nodes = $2, collections = $3";
        self.connection.execute(state, params![self.position, self.nodes, self.collections])?;
        let put = "INSERT INTO fold_frontier (origin, size, peaks) VALUES ($1, $2, $3) \
            ON CONFLICT (origin) DO UPDATE SET size = excluded.size, peaks = excluded.peaks";
        let mut put = self.connection.prepare_cached(put)?;
        for (origin, frontier) in &self.frontiers {
            let peaks: Vec<u8> = frontier.peaks().iter().flat_map(|peak| *peak.as_bytes()).collect();
            put.execute(params![origin, frontier.size().cast_signed(), peaks])?;
        }
        Ok(())
    }

    fn node(&mut self, node: &NodeId) -> rusqlite::Result<i64> {
        let id = node.encode();
        if let Some(number) = self.known.get(&id) {
            return Ok(*number);
        }
        let mut find = self.connection.prepare_cached("SELECT number FROM fold_node WHERE id = $1")?;
        let found = find.query_row([&id], |row| row.get(0)).optional()?;
        let number = match found {
            Some(number) => number,
            None => {
                self.nodes += 1;
                let mut insert = self.connection.prepare_cached("INSERT INTO fold_node (number, id) VALUES ($1, $2)")?;
                insert.execute(params![self.nodes, id])?;
                self.nodes
            }
        };
        if self.known.len() >= REMEMBERED_MAX {
            self.known.clear();
        }
        self.known.insert(id, number);
        Ok(number)
    }

    fn project(&mut self, name: &str) -> rusqlite::Result<i64> {
        if let Some(number) = self.projects.get(name) {
            return Ok(*number);
        }
        let insert = "INSERT INTO fold_project (number, name) SELECT coalesce(max(number), 0) + 1, $1 FROM fold_project \
            WHERE true ON CONFLICT (name) DO NOTHING";
        self.connection.prepare_cached(insert)?.execute([name])?;
        let find = "SELECT number FROM fold_project WHERE name = $1";
        let number = self.connection.prepare_cached(find)?.query_row([name], |row| row.get(0))?;
        self.projects.insert(name.to_owned(), number);
        Ok(number)
    }

    /// Indexes the members of a collection, once. A manifest that is not there is looked for again when the collection is met again.
    fn collection(&mut self, digest: &Digest) -> Result<(), Stop> {
        let find = "SELECT number, opened FROM fold_collection WHERE digest = $1";
        let mut find = self.connection.prepare_cached(find)?;
        let found: Option<(i64, bool)> = find.query_row([digest.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some((_, true)) = found {
            return Ok(());
        }
        let manifest = self.objects.bytes(digest)?.and_then(|bytes| Manifest::decode(&bytes));
        let number = match found {
            Some(_) if manifest.is_none() => return Ok(()),
            Some((number, _)) => number,
            None => {
                self.collections += 1;
                self.collections
            }
        };
        let put = "INSERT INTO fold_collection (number, digest, opened) VALUES ($1, $2, $3) ON CONFLICT (number) DO UPDATE SET opened = excluded.opened";
        self.connection.prepare_cached(put)?.execute(params![number, digest.as_bytes(), manifest.is_some()])?;
        let insert = "INSERT INTO fold_member (collection, path, member, size) VALUES ($1, $2, $3, $4)";
        let mut insert = self.connection.prepare_cached(insert)?;
        for (path, member) in manifest.iter().flat_map(|manifest| &manifest.0) {
            insert.execute(params![number, path.as_bytes(), member.digest.as_bytes(), member.size.cast_signed()])?;
        }
        Ok(())
    }
}

/// The tree of a log, as folded.
fn frontier(connection: &Connection, origin: i64) -> Result<Frontier, Stop> {
    let mut query = connection.prepare_cached("SELECT size, peaks FROM fold_frontier WHERE origin = $1")?;
    let found: Option<(i64, Vec<u8>)> = query.query_row([origin], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((size, peaks)) = found else { return Ok(Frontier::default()) };
    let peaks = peaks.chunks(32).map(Hash::from_slice).collect::<Option<Vec<_>>>();
    let size = size.cast_unsigned();
    let frontier = peaks.and_then(|peaks| Frontier::from_parts(size, peaks));
    let damaged = || Error::Head { origin: origin_name(connection, origin), size, what: "the index of its tree is damaged".into() };
    Ok(frontier.ok_or_else(damaged)?)
}

/// The collection that a record speaks of, when it speaks of one.
fn collection(record: &Record) -> Option<Digest> {
    let speaks = matches!(record.kind, Kind::Used | Kind::Made | Kind::Named) && record.fact("members").is_some();
    let of_files = !matches!(record.text("role"), Some("listing" | "absent"));
    record.artifact().filter(|_| speaks && of_files)
}
