//! The index in brief. Nodes are the numbers of `fold_node`.

use std::collections::{BTreeSet, HashMap};

use keizu_record::brief::{Brief, Line};
use keizu_record::{Entry, Kind, NodeId, Time};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Row, params, params_from_iter};

use super::SqliteStore;
use super::read::{IDS_MAX, id_list};
use crate::{Error, Outline};

/// The first byte of an artifact's canonical bytes.
const ARTIFACT: u8 = 1;

impl Outline for SqliteStore {
    fn lines(&self, from: u64, visit: &mut dyn FnMut(&Line)) -> Result<(), Error> {
        let index = self.index()?;
        let failed = |error| self.database.error("read its index", error);
        let text = "SELECT position, kind, subject, object, place, project, happened, brief FROM fold_entry WHERE position >= $1 ORDER BY position";
        let mut query = self.database.connection.prepare_cached(text).map_err(failed)?;
        let mut rows = query.query([i64::try_from(from).unwrap_or(i64::MAX)]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            visit(&line(row).map_err(failed)?.ok_or_else(|| index.layout("the index holds a line that is none"))?);
        }
        Ok(())
    }

    fn held(&self, visit: &mut dyn FnMut(u32)) -> Result<(), Error> {
        self.fold()?;
        let connection = &self.database.connection;
        let failed = |error| self.database.error("read its index", error);
        let mut members = connection.prepare_cached("SELECT DISTINCT member FROM fold_member").map_err(failed)?;
        let mut number = connection.prepare_cached("SELECT number FROM fold_node WHERE id = $1").map_err(failed)?;
        let mut rows = members.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let digest = row.get_ref(0).and_then(|member| Ok(member.as_blob()?)).map_err(failed)?;
            let node = [[ARTIFACT].as_slice(), digest].concat();
            if let Some(number) = number.query_row([node], |row| row.get(0)).optional().map_err(failed)? {
                visit(number);
            }
        }
        Ok(())
    }

    fn numbers(&self, nodes: &[NodeId]) -> Result<Vec<Option<u32>>, Error> {
        let index = self.index()?;
        let ids: Vec<Vec<u8>> = nodes.iter().map(NodeId::encode).collect();
        let wanted: Vec<Value> = ids.iter().collect::<BTreeSet<_>>().into_iter().map(|id| Value::Blob(id.clone())).collect();
        let mut found: HashMap<Vec<u8>, u32> = HashMap::with_capacity(wanted.len());
        for chunk in wanted.chunks(IDS_MAX) {
            let (list, values) = id_list(chunk, 1);
            let text = format!("SELECT id, number FROM fold_node WHERE id IN ({list})");
            found.extend(index.rows(&text, params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?);
        }
        Ok(ids.iter().map(|id| found.get(id).copied()).collect())
    }

    fn numbered(&self, numbers: &[u32]) -> Result<Vec<Option<NodeId>>, Error> {
        let index = self.index()?;
        let wanted: Vec<Value> =
            numbers.iter().collect::<BTreeSet<_>>().into_iter().map(|number| Value::Integer(i64::from(*number))).collect();
        let mut found: HashMap<u32, NodeId> = HashMap::with_capacity(wanted.len());
        for chunk in wanted.chunks(IDS_MAX) {
            let (list, values) = id_list(chunk, 1);
            let text = format!("SELECT number, id FROM fold_node WHERE number IN ({list})");
            for (number, id) in index.rows(&text, params_from_iter(values), |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))? {
                found.insert(number, NodeId::decode(&id).ok_or_else(|| index.layout("the index holds a node that is none"))?);
            }
        }
        Ok(numbers.iter().map(|number| found.get(number).cloned()).collect())
    }

    fn at(&self, positions: &[u64]) -> Result<Vec<Entry>, Error> {
        let index = self.index()?;
        let text = "SELECT position, origin, place, id, bytes FROM log WHERE position = $1";
        let mut found = Vec::with_capacity(positions.len());
        for position in positions.iter().collect::<BTreeSet<_>>() {
            let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
            for row in index.rows(text, params![i64::try_from(*position).unwrap_or(i64::MAX)], read)? {
                found.push(index.entry(row)?);
            }
        }
        Ok(found)
    }
}

fn line(row: &Row<'_>) -> rusqlite::Result<Option<Line>> {
    let (Some(kind), Some(brief)) = (Kind::from_code(row.get(1)?), Brief::unpack(row.get(7)?)) else { return Ok(None) };
    let position: i64 = row.get(0)?;
    Ok(Some(Line {
        position: position.cast_unsigned(),
        kind,
        subject: row.get(2)?,
        object: row.get(3)?,
        place: row.get(4)?,
        project: row.get(5)?,
        happened: Time(row.get(6)?),
        brief,
    }))
}
