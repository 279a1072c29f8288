//! One content, wherever it was met.

use std::collections::{BTreeMap, HashMap};

use keizu_record::body::{ArtifactKind, RunBegan};
use keizu_record::{Digest, Entry, FilePath, Group, Kind, Name, NodeId, RunId, Side};

use keizu_store::Read as _;

use super::run::words;
use super::{Met, View};
use crate::Error;
use crate::answer::{self, ArtifactDetail, FileRow, OccurrenceRow, rfc3339};

const MEETINGS: &[Kind] = &[Kind::Used, Kind::Made, Kind::Named];

impl View<'_> {
    /// A content: what it is, and every time it was used, made or named, also inside a collection.
    ///
    /// # Errors
    /// When the store fails, or no record speaks of the content.
    pub fn artifact(&self, digest: &Digest) -> Result<ArtifactDetail, Error> {
        let mut met = self.entries(Side::Object, vec![(*digest).into()], MEETINGS)?;
        let memberships = self.store.collections_of(&[*digest])?;
        let mut inside: HashMap<Digest, Vec<FilePath>> = HashMap::new();
        for membership in &memberships {
            inside.entry(membership.collection).or_default().push(membership.path.clone());
        }
        let collections: Vec<NodeId> = inside.keys().map(|collection| (*collection).into()).collect();
        let through = self.entries(Side::Object, collections, MEETINGS)?;
        met.sort_by_key(|entry| entry.position);
        let mut rows = self.occurrences(&met, &HashMap::new())?;
        rows.extend(self.occurrences(&through, &inside)?);
        rows.sort_by(|a, b| (&a.at, &a.path, &a.what).cmp(&(&b.at, &b.path, &b.what)));
        if rows.is_empty() {
            return Err(Error::Unknown { what: format!("no record speaks of {digest}"), nearest: Vec::new() });
        }
        let size = size_of(&met).or_else(|| memberships.first().map(|membership| membership.size));
        let kind = kind_of(&met).or_else(|| kind_of(&through)).unwrap_or(ArtifactKind::Other);
        Ok(ArtifactDetail {
            digest: digest.to_string(),
            size,
            kind: kind.to_string(),
            kept: self.objects.has(digest)?,
            occurrences: rows,
            members: self.members(digest)?,
            metrics: self.metrics(digest)?,
            judged: self.judgements(*digest)?,
        })
    }

    /// What stands at a path: its newest content, and what happened to the path.
    ///
    /// # Errors
    /// When the store fails, or no record speaks of the path.
    pub fn place(&self, project: &str, path: &FilePath) -> Result<ArtifactDetail, Error> {
        let node = Name::Path { project: project.to_owned(), path: path.clone() };
        let met = self.entries(Side::Place, vec![node.into()], MEETINGS)?;
        let newest = met
            .iter()
            .filter(|entry| entry.record.artifact().is_some() && !is_pointer(entry))
            .max_by_key(|entry| (entry.record.happened, entry.position))
            .and_then(|entry| entry.record.artifact());
        match newest {
            Some(digest) => {
                let whole = self.artifact(&digest)?;
                let rows = self.occurrences(&met, &HashMap::new())?;
                Ok(ArtifactDetail { occurrences: rows, ..whole })
            }
            None => Err(Error::Unknown { what: format!("no content was seen at {path}"), nearest: Vec::new() }),
        }
    }

    fn occurrences(&self, entries: &[Entry], inside: &HashMap<Digest, Vec<FilePath>>) -> Result<Vec<OccurrenceRow>, Error> {
        let commands = self.commands(entries.iter().filter_map(|entry| entry.record.run()))?;
        let mut rows = Vec::new();
        for entry in entries {
            let Some(met) = Met::read(entry) else { continue };
            let (what, run, place, content) = match &met {
                Met::Edge(kind, edge) => (kind.word(), Some(edge.run), edge.path.clone(), edge.content),
                Met::Named(named) => {
                    (Kind::Named.word(), named.run, FilePath::from(NodeId::from(named.name.clone()).to_string().as_str()), named.content)
                }
            };
            let paths = match content.and_then(|content| inside.get(&content)) {
                Some(members) if matches!(met, Met::Edge(..)) => members.iter().map(|member| place.join(member)).collect(),
                Some(_) | None => vec![place],
            };
            rows.extend(paths.into_iter().map(|path| OccurrenceRow {
                what: what.to_owned(),
                run: run.map(|run| run.to_string()),
                command: run.and_then(|run| commands.get(&run).cloned()).unwrap_or_default(),
                path: path.to_string(),
                at: rfc3339(entry.record.happened),
                authority: entry.record.authority.to_string(),
                rule: entry.record.rule.clone(),
            }));
        }
        Ok(rows)
    }

    fn commands(&self, runs: impl Iterator<Item = RunId>) -> Result<HashMap<RunId, Vec<String>>, Error> {
        let nodes: std::collections::BTreeSet<NodeId> = runs.map(NodeId::from).collect();
        let began = self.entries(Side::Subject, nodes.into_iter().collect(), &[Kind::RunBegan])?;
        Ok(began.iter().filter_map(|entry| RunBegan::read(&entry.record)).map(|began| (began.run, words(&began.command))).collect())
    }

    fn members(&self, digest: &Digest) -> Result<Option<Vec<FileRow>>, Error> {
        if !self.is_collection(digest)? {
            return Ok(None);
        }
        Ok(self.manifest(digest)?.map(|manifest| {
            let rows = manifest.0.into_iter().map(|(path, member)| FileRow {
                path: path.to_string(),
                digest: Some(member.digest.to_string()),
                size: Some(member.size),
                ..FileRow::default()
            });
            rows.collect()
        }))
    }

    fn metrics(&self, digest: &Digest) -> Result<BTreeMap<String, serde_json::Value>, Error> {
        let described = self.entries(Side::Subject, vec![(*digest).into()], &[Kind::Described])?;
        let metrics = described.iter().flat_map(|entry| entry.record.group(Group::Metric));
        Ok(metrics.map(|(key, value)| (key.to_owned(), answer::json(value))).collect())
    }
}

/// Whether it points a model's, dataset's or alias's name at a content that stood at a path before: nothing came to the path by it.
pub(crate) fn is_pointer(entry: &Entry) -> bool {
    entry.record.kind == Kind::Named && !matches!(entry.record.subject, NodeId::Name(Name::Path { .. }))
}

fn size_of(met: &[Entry]) -> Option<u64> {
    met.iter().rev().find_map(|entry| entry.record.int("size").and_then(|size| u64::try_from(size).ok()))
}

/// What the newest meeting calls it; data rather than *other* where they differ.
fn kind_of(met: &[Entry]) -> Option<ArtifactKind> {
    let mut kinds = met.iter().rev().filter_map(|entry| entry.record.text("kind").and_then(ArtifactKind::from_word));
    let newest = kinds.next()?;
    Some(if newest == ArtifactKind::Other { kinds.find(|kind| *kind != ArtifactKind::Other).unwrap_or(newest) } else { newest })
}
