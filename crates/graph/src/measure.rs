//! What measured a model.

use std::collections::BTreeMap;

use keizu_record::body::{ArtifactKind, Role};
use keizu_record::{Digest, NodeId, RecordId, RunId, Value};

use crate::Source;
use crate::facts::Touch;
use crate::load::Loader;
use crate::node::{Node, describe};
use crate::vertex::{LinkKind, Vertex, unique};

/// One evaluation of a model: numbers that a run wrote which read the model, or made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// The evaluation.
    pub evaluation: Node,
    /// The run that wrote it.
    pub run: Node,
    /// Its numbers.
    pub metrics: BTreeMap<String, Value>,
    /// The data on which the model was measured.
    pub on: Vec<Node>,
}

/// *Measured by*: evaluations by runs that read one of these models, or made it; newest last.
pub(crate) fn measured<S: Source>(loader: &mut Loader<'_, S>, models: &[Vertex]) -> Result<Vec<Measure>, S::Error> {
    let readers = loader.down(models)?.into_iter().filter(|link| link.kind == LinkKind::Used).filter_map(|link| link.to.run());
    let makers = models.iter().filter_map(|model| loader.linked.maker(model));
    let runs: Vec<RunId> = unique(readers.chain(makers));
    loader.runs(runs.iter().copied())?;
    let facts = &loader.linked.facts;
    let made =
        runs.iter().flat_map(|run| facts.made_by(run)).filter(|made| made.edge.kind == ArtifactKind::Evaluation && !made.edge.removed);
    let mut found: Vec<Touch> = made.cloned().collect();
    found.sort_by_key(Touch::order);
    let contents: Vec<Digest> = found.iter().filter_map(|made| made.edge.content).collect();
    loader.parents_of(&contents)?;
    let used = found.iter().flat_map(|made| loader.linked.facts.used_by(&made.edge.run)).map(|used| used.id);
    let used: Vec<RecordId> = unique(used);
    loader.resolve(used)?;
    found.iter().map(|made| measure(loader, made)).collect()
}

fn measure<S: Source>(loader: &mut Loader<'_, S>, made: &Touch) -> Result<Measure, S::Error> {
    let run = made.edge.run;
    let facts = &loader.linked.facts;
    let mut metrics = made.edge.content.map(|content| facts.metrics(&NodeId::Artifact(content))).unwrap_or_default();
    if metrics.is_empty() {
        metrics = facts.metrics(&NodeId::Run(run));
    }
    let on = unique(measured_on(facts.used_by(&run)).into_iter().filter_map(|id| Some(loader.linked.resolution(&id)?.vertex.clone())));
    let vertices: Vec<Vertex> = [Vertex::Write(made.id), Vertex::Run(run)].into_iter().chain(on).collect();
    let mut nodes = describe(loader, &vertices)?.into_iter();
    let evaluation = nodes.next().expect("invariant: a node for each vertex");
    let run = nodes.next().expect("invariant: a node for each vertex");
    Ok(Measure { evaluation, run, metrics, on: nodes.collect() })
}

/// What was read as evaluation data; where nothing is marked so, all data that was read.
fn measured_on<'a>(used: impl Iterator<Item = &'a Touch>) -> Vec<RecordId> {
    let used: Vec<&Touch> = used.collect();
    let of = |test: &dyn Fn(&Touch) -> bool| -> Vec<RecordId> { used.iter().filter(|used| test(used)).map(|used| used.id).collect() };
    let marked = of(&|used| used.edge.role == Role::EvaluationData);
    if marked.is_empty() { of(&|used| used.edge.role == Role::Input && used.edge.kind == ArtifactKind::Data) } else { marked }
}
