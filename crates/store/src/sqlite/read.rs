//! Reading the index. The statements are plain enough for PostgreSQL as well: `$n`, blobs, integers.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use keizu_record::manifest::Membership;
use keizu_record::{Digest, Entry, FilePath, NodeId, RecordId, Sealed, Side};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::connect::Database;
use super::fold;
use crate::{Error, Read, Select};

/// Ids in one statement.
pub(super) const IDS_MAX: usize = 16_384;

/// Names of logs by their numbers, which never change.
pub(super) type Names = RefCell<HashMap<i64, Arc<str>>>;

/// The index, seen from inside a transaction or outside.
pub(super) struct Index<'a> {
    pub(super) database: &'a Database,
    pub(super) names: &'a Names,
}

impl Read for Index<'_> {
    fn select(&self, select: &Select) -> Result<Vec<Entry>, Error> {
        let Some((side, nodes)) = &select.nodes else { return self.part(select, None) };
        let nodes: BTreeSet<Vec<u8>> = nodes.iter().map(NodeId::encode).collect();
        let nodes: Vec<Vec<u8>> = nodes.into_iter().collect();
        let mut chunks = nodes.chunks(IDS_MAX);
        let Some(first) = chunks.next() else { return Ok(Vec::new()) };
        let mut entries = self.part(select, Some((*side, first)))?;
        if nodes.len() > IDS_MAX {
            for chunk in chunks {
                entries.extend(self.part(select, Some((*side, chunk)))?);
            }
            // at one side of an entry stands one node: no entry was found twice
            entries.sort_unstable_by_key(|entry| entry.position);
            if select.newest_first {
                entries.reverse();
            }
            entries.truncate(select.limit.unwrap_or(usize::MAX));
        }
        Ok(entries)
    }

    fn nodes(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<NodeId>, Error> {
        let text = "SELECT id FROM fold_node WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3";
        let read = |row: &Row<'_>| row.get::<_, Vec<u8>>(0);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let ids = self.rows(text, params![from, to, limit], read)?;
        ids.iter().map(|id| NodeId::decode(id).ok_or_else(|| self.layout("the index holds a node that is none"))).collect()
    }

    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, Error> {
        let members: BTreeSet<&Digest> = members.iter().collect();
        let members: Vec<Value> = members.into_iter().map(|digest| Value::Blob(digest.as_bytes().to_vec())).collect();
        let mut found = Vec::new();
        for chunk in members.chunks(IDS_MAX) {
            let (list, ids) = id_list(chunk, 1);
            let text = format!(
                "SELECT c.digest, m.path, m.member, m.size FROM fold_member m JOIN fold_collection c ON c.number = m.collection WHERE m.member IN ({list})"
            );
            let read = |row: &Row<'_>| {
                Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, [u8; 32]>(2)?, row.get::<_, i64>(3)?))
            };
            for (collection, path, member, size) in self.rows(&text, params_from_iter(ids), read)? {
                let (collection, member) = (Digest::new(collection), Digest::new(member));
                found.push(Membership { collection, path: FilePath::new(path), member, size: size.cast_unsigned() });
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

impl Index<'_> {
    /// One statement: the entries at these nodes, or all.
    fn part(&self, select: &Select, nodes: Option<(Side, &[Vec<u8>])>) -> Result<Vec<Entry>, Error> {
        let (text, values) = statement(select, nodes);
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
        self.rows(&text, params_from_iter(values), read)?.into_iter().map(|row| self.entry(row)).collect()
    }

    pub(super) fn entry(&self, (position, origin, place, id, bytes): (i64, i64, i64, Vec<u8>, Vec<u8>)) -> Result<Entry, Error> {
        let name = self.name(origin)?;
        let (position, index) = (position.cast_unsigned(), place.cast_unsigned());
        let damaged = |what: String| Error::Damaged { origin: name.to_string(), index, what };
        let id = RecordId::from_slice(&id).ok_or_else(|| damaged("its id is not 32 bytes".into()))?;
        let record = Sealed::decode_trusted(id, &bytes).map_err(|error| damaged(error.to_string()))?.record;
        Ok(Entry { position, origin: name, index, id, record })
    }

    fn name(&self, origin: i64) -> Result<Arc<str>, Error> {
        if let Some(name) = self.names.borrow().get(&origin) {
            return Ok(name.clone());
        }
        let name: Arc<str> = fold::origin_name(&self.database.connection, origin).into();
        self.names.borrow_mut().insert(origin, name.clone());
        Ok(name)
    }

    pub(super) fn rows<T>(
        &self,
        text: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Error> {
        let rows = query(&self.database.connection, text, values, read);
        rows.map_err(|error| self.database.error("read its index", error))
    }

    pub(super) fn layout(&self, what: &str) -> Error {
        Error::Layout { path: self.database.path.clone(), what: what.to_owned() }
    }
}

fn query<T>(
    connection: &Connection,
    text: &str,
    values: impl rusqlite::Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut query = connection.prepare_cached(text)?;
    query.query_map(values, read)?.collect()
}

/// `$first, $first+1, …` for these ids. As many as the next power of two, the last one repeated, so that there are few different texts.
pub(super) fn id_list(ids: &[Value], first: usize) -> (String, Vec<Value>) {
    let mut values = ids.to_vec();
    if let Some(last) = ids.last() {
        values.resize(ids.len().next_power_of_two(), last.clone());
    }
    let mut list = String::new();
    for at in 0..values.len() {
        // SQLite looks a `$n` up among all names before it; a `?n` it just counts
        let _ = write!(list, "{}?{}", if at == 0 { "" } else { ", " }, first + at);
    }
    (list, values)
}

/// The text and the values of a selection. The limit is taken on the index alone, before any record is read.
fn statement(select: &Select, nodes: Option<(Side, &[Vec<u8>])>) -> (String, Vec<Value>) {
    let integer = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let order = if select.newest_first { "DESC" } else { "ASC" };
    let mut values = vec![integer(select.after.unwrap_or(0)), integer(select.upto.unwrap_or(u64::MAX))];
    let mut filter = String::from("position > $1 AND position <= $2");
    if !select.kinds.is_empty() {
        let kinds: BTreeSet<u8> = select.kinds.iter().map(|kind| kind.code()).collect();
        let kinds: Vec<String> = kinds.iter().map(u8::to_string).collect();
        // nodes are always fewer than the entries of a kind; the sign keeps the planner from going through all of these instead
        let sign = if nodes.is_some() { "+" } else { "" };
        let _ = write!(filter, " AND {sign}kind IN ({})", kinds.join(", "));
    }
    if let Some((side, ids)) = nodes {
        let column = match side {
            Side::Subject => "subject",
            Side::Object => "object",
            Side::Place => "place",
        };
        let ids: Vec<Value> = ids.iter().map(|id| Value::Blob(id.clone())).collect();
        let (list, ids) = id_list(&ids, values.len() + 1);
        // one node: its entries lie in order in the index, and need not be sorted
        let _ = match ids.len() {
            1 => write!(filter, " AND {column} = (SELECT number FROM fold_node WHERE id = {list})"),
            _ => write!(filter, " AND {column} IN (SELECT number FROM fold_node WHERE id IN ({list}))"),
        };
        values.extend(ids);
    }
    let mut limit = String::new();
    if let Some(count) = select.limit {
        values.push(integer(count as u64));
        let _ = write!(limit, " LIMIT ${}", values.len());
    }
    let text = format!(
        "SELECT l.position, l.origin, l.place, l.id, l.bytes FROM \
        (SELECT position FROM fold_entry WHERE {filter} ORDER BY position {order}{limit}) e \
        JOIN log l ON l.position = e.position ORDER BY l.position {order}"
    );
    (text, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keizu_record::Kind;

    /// How SQLite answers a selection in an empty index, of which it knows no statistics.
    fn plan(select: &Select, nodes: usize) -> String {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("migrations/0001_log.sql")).unwrap();
        fold::clear(&connection).unwrap();
        let ids: Vec<Vec<u8>> = (0..nodes).map(|n| n.to_be_bytes().to_vec()).collect();
        let (text, values) = statement(select, (nodes > 0).then_some((Side::Subject, &ids)));
        let rows = query(&connection, &format!("EXPLAIN QUERY PLAN {text}"), params_from_iter(values), |row| row.get::<_, String>(3));
        rows.unwrap().join("\n")
    }

    #[test]
    fn selections_go_through_the_index() {
        let newest = Select { newest_first: true, limit: Some(3), ..Select::default() };
        let one = plan(&newest, 1);
        assert!(one.contains("fold_entry_subject (subject=? AND position>? AND position<?)"), "{one}");
        let many = plan(&newest, 300);
        assert!(many.contains("fold_entry_subject (subject=?") && many.contains("fold_node_1 (id=?)"), "{many}");
        for nodes in [1, 300] {
            let some = plan(&Select { kinds: vec![Kind::Used, Kind::Made], ..Select::default() }, nodes);
            assert!(some.contains("fold_entry_subject (subject=?"), "{some}");
        }
        let kind = plan(&Select { kinds: vec![Kind::RunBegan], ..newest }, 0);
        assert!(kind.contains("fold_entry_kind (kind=? AND position>? AND position<?)"), "{kind}");
        for plan in [one, many, kind] {
            assert!(plan.contains("SEARCH l USING INTEGER PRIMARY KEY"), "{plan}");
        }
    }

    #[test]
    fn few_texts_ask_for_any_number_of_nodes() {
        let counts = (0..=12).flat_map(|power| [(1 << power) / 2 + 1, 1 << power]);
        let texts: BTreeSet<String> =
            counts.map(|count| statement(&Select::default(), Some((Side::Object, &vec![vec![0]; count]))).0).collect();
        assert_eq!(texts.len(), 13);
    }
}
