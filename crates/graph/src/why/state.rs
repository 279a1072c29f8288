//! The states of a thing: each time it was made, with each run that measured it.

use std::collections::{BTreeMap, BTreeSet};

use keizu_record::body::{ArtifactKind, Role, RunBegan};
use keizu_record::{FilePath, RecordId, RunId, Time};

use super::{Comparer, Making, Measuring, State};
use crate::measure::{Measure, measured};
use crate::node::{Node, describe};
use crate::root::{self, Root};
use crate::vertex::{Place, Vertex};
use crate::{Detail, Source};

impl<S: Source> Comparer<'_, S> {
    /// Each time that the things were made or came to be where they are, oldest first. A content that was written twice is two makings; a reading
    /// alone counts only where no write of that content at that place was seen.
    ///
    /// # Errors
    /// When the source fails.
    pub fn makings(&mut self, roots: &[Root]) -> Result<Vec<Making>, S::Error> {
        let mut seen: BTreeMap<Vertex, Option<Time>> = BTreeMap::new();
        for found in roots {
            for vertex in root::find(&mut self.loader, found)? {
                seen.entry(vertex).or_default();
            }
            let (project, path, only) = match found {
                Root::Place { project, path } => (project, path, None),
                Root::Named(named) => match &named.path {
                    Some(path) => (&named.project, path, Some(named.content)),
                    None => continue,
                },
                _ => continue,
            };
            for (at, vertex) in root::sightings(&mut self.loader, project, path)? {
                if only.is_none_or(|content| self.loader.linked.content(&vertex) == content) {
                    seen.entry(vertex).or_default().get_or_insert(at);
                }
            }
        }
        seen.retain(|vertex, _| vertex.run().is_none());
        let vertices: Vec<Vertex> = seen.keys().cloned().collect();
        let nodes = describe(&mut self.loader, &vertices)?;
        let with_times = nodes.into_iter().map(|node| {
            let at = node.at.or_else(|| seen.get(&node.vertex).copied().flatten());
            Node { at, ..node }
        });
        let mut makings: Vec<Making> = with_times.filter_map(|node| self.making(node)).collect();
        let written: BTreeSet<(Place, _)> =
            makings.iter().filter(|making| making.run.is_some()).map(|making| (making.place.clone(), making.content)).collect();
        makings.retain(|making| making.run.is_some() || !written.contains(&(making.place.clone(), making.content)));
        makings.sort_by(|x, y| (x.at, &x.vertex).cmp(&(y.at, &y.vertex)));
        Ok(makings)
    }

    fn making(&self, node: Node) -> Option<Making> {
        let run = self.loader.linked.maker(&node.vertex);
        let Detail::Artifact(artifact) = node.detail else { return None };
        if artifact.removed {
            return None;
        }
        Some(Making {
            place: Place::new(&artifact.project, artifact.path.clone().unwrap_or_default()),
            content: artifact.digest,
            size: artifact.size,
            kind: artifact.kind,
            run,
            at: node.at.unwrap_or(Time(0)),
            vertex: node.vertex,
        })
    }

    /// The states of one making: one for each run that measured it, oldest first; one without when none did.
    ///
    /// # Errors
    /// When the source fails.
    pub fn states(&mut self, making: &Making) -> Result<Vec<State>, S::Error> {
        let measures = match making.kind {
            ArtifactKind::Model => measured(&mut self.loader, std::slice::from_ref(&making.vertex))?,
            _ => Vec::new(),
        };
        let mut by_run: BTreeMap<RunId, Measuring> = BTreeMap::new();
        for measure in &measures {
            let several = measures.iter().filter(|other| other.run.vertex == measure.run.vertex).count() > 1;
            add(&mut by_run, measure, several);
        }
        let mut all: Vec<Measuring> = by_run.into_values().collect();
        all.sort_by_key(|by| (by.at, by.run));
        let state = |measuring| State { making: Some(making.clone()), run: making.run, measuring };
        Ok(if all.is_empty() { vec![state(None)] } else { all.into_iter().map(|by| state(Some(by))).collect() })
    }

    /// The state that a run stands for. One that measured a model stands for that model and its measure; one that made models, for the last of
    /// them; any other, for itself.
    ///
    /// # Errors
    /// When the source fails.
    pub fn of_run(&mut self, run: RunId) -> Result<State, S::Error> {
        self.loader.runs([run])?;
        let facts = &self.loader.linked.facts;
        let is = |kind: ArtifactKind| facts.made_by(&run).filter(move |made| made.edge.kind == kind && !made.edge.removed);
        let made = is(ArtifactKind::Model).max_by_key(|made| made.order()).map(|made| Vertex::Write(made.id));
        let measures = is(ArtifactKind::Evaluation).next().is_some();
        let read: Vec<RecordId> =
            facts.used_by(&run).filter(|used| measures && used.edge.kind == ArtifactKind::Model).map(|used| used.id).collect();
        self.loader.resolve(read.iter().copied())?;
        let read = read.iter().find_map(|id| Some(self.loader.linked.resolution(id)?.vertex.clone()));
        let Some(vertex) = made.or(read) else { return Ok(State { making: None, run: Some(run), measuring: None }) };
        let node = describe(&mut self.loader, std::slice::from_ref(&vertex))?.remove(0);
        let Some(making) = self.making(node) else { return Ok(State { making: None, run: Some(run), measuring: None }) };
        let mut states = self.states(&making)?;
        states.retain(|state| state.measuring.as_ref().is_some_and(|by| by.run == run));
        Ok(states.pop().unwrap_or(State { run: Some(run), making: Some(making), measuring: None }))
    }

    /// How a run began.
    ///
    /// # Errors
    /// When the source fails.
    pub fn began(&mut self, run: RunId) -> Result<Option<RunBegan>, S::Error> {
        self.loader.runs([run])?;
        Ok(self.loader.linked.facts.began(&run).cloned())
    }

    /// Whether a run was seen reading a file of this role.
    ///
    /// # Errors
    /// When the source fails.
    pub fn reads(&mut self, run: RunId, role: Role) -> Result<bool, S::Error> {
        self.loader.runs([run])?;
        Ok(self.loader.linked.facts.used_by(&run).any(|used| used.edge.role == role))
    }
}

/// `several`: the run wrote several documents, whose numbers may have the same names.
fn add(by_run: &mut BTreeMap<RunId, Measuring>, measure: &Measure, several: bool) {
    let Some(run) = measure.run.vertex.run() else { return };
    let at = measure.evaluation.at.unwrap_or(Time(0));
    let entry =
        by_run.entry(run).or_insert_with(|| Measuring { run, at, evaluations: Vec::new(), metrics: BTreeMap::new(), on: BTreeSet::new() });
    entry.at = entry.at.max(at);
    let document = named(&measure.evaluation);
    let before = document.as_ref().filter(|_| several).map(|(path, _)| format!("{path}:")).unwrap_or_default();
    for (name, value) in &measure.metrics {
        entry.metrics.insert(format!("{before}{name}"), value.clone());
    }
    entry.evaluations.extend(document);
    entry.on.extend(measure.on.iter().filter_map(named));
}

fn named(node: &Node) -> Option<(FilePath, Option<keizu_record::Digest>)> {
    let artifact = node.artifact()?;
    Some((artifact.path.clone().unwrap_or_default(), artifact.digest))
}
