//! What measured a model.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};
use keizu_record::body::{ArtifactKind, Named, Role};
use keizu_record::{Digest, NodeId, RecordId, RunId, Value};

use crate::Source;
use crate::facts::{Facts, Touch};
use crate::load::Loader;
use crate::node::{Node, describe};
use crate::root::{self, Root};
use crate::vertex::{Vertex, unique};

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

/// The newest evaluation of a model, without what it was measured on.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// The document.
    pub content: Option<Digest>,
    /// Its numbers.
    pub metrics: BTreeMap<String, Value>,
}

/// What the last of [`Trace::measured`](crate::Trace::measured) says of each version; nothing where none measured it. However many
/// versions there are, a few calls.
///
/// # Errors
/// When the source fails.
pub fn numbers<S: Source>(source: &S, versions: &[Named]) -> Result<Vec<Option<Numbers>>, S::Error> {
    let mut loader = Loader::of_writes(source);
    loader.runs(versions.iter().filter_map(|named| named.run))?;
    let mut roots: Vec<Vec<Vertex>> = Vec::with_capacity(versions.len());
    for named in versions {
        roots.push(root::find(&mut loader, &Root::Named(named.clone()))?);
    }
    let all: Vec<Vertex> = unique(roots.iter().flatten().cloned());
    let models: HashSet<Vertex> =
        all.iter().zip(describe(&mut loader, &all)?).filter(|(_, node)| node.is_model()).map(|(vertex, _)| vertex.clone()).collect();
    roots.iter_mut().filter(|of| !of.iter().any(|root| models.contains(root))).for_each(Vec::clear);
    let runs = measuring(&mut loader, &roots)?;
    let newest: Vec<Option<Touch>> = runs.iter().map(|runs| evaluations(&loader.linked.facts, runs).pop()).collect();
    let documents = newest.iter().flatten().filter_map(|made| made.edge.content).map(NodeId::Artifact);
    loader.told_of(documents.collect())?;
    let facts = &loader.linked.facts;
    let bare = newest.iter().flatten().filter(|made| own_metrics(facts, made).is_empty()).map(|made| NodeId::Run(made.edge.run));
    loader.told_of(bare.collect())?;
    let facts = &loader.linked.facts;
    Ok(newest.into_iter().map(|made| made.map(|made| Numbers { content: made.edge.content, metrics: metrics(facts, &made) })).collect())
}

/// *Measured by*: evaluations by runs that read one of these models, or made it; newest last.
pub(crate) fn measured<S: Source>(loader: &mut Loader<'_, S>, models: &[Vertex]) -> Result<Vec<Measure>, S::Error> {
    let runs = measuring(loader, &[models.to_vec()])?.pop().unwrap_or_default();
    let found = evaluations(&loader.linked.facts, &runs);
    let contents: Vec<Digest> = found.iter().filter_map(|made| made.edge.content).collect();
    loader.parents_of(&contents)?;
    let used = found.iter().flat_map(|made| loader.linked.facts.used_by(&made.edge.run)).map(|used| used.id);
    let used: Vec<RecordId> = unique(used);
    loader.resolve(used)?;
    found.iter().map(|made| measure(loader, made)).collect()
}

/// Of each group of models, the runs that read one of them, or made it.
fn measuring<S: Source>(loader: &mut Loader<'_, S>, groups: &[Vec<Vertex>]) -> Result<Vec<Vec<RunId>>, S::Error> {
    let all: Vec<Vertex> = unique(groups.iter().flatten().cloned());
    let mut readers: HashMap<Vertex, Vec<RunId>> = HashMap::default();
    for (model, run) in loader.users(&all)? {
        readers.entry(model).or_default().push(run);
    }
    let of = |models: &Vec<Vertex>| -> Vec<RunId> {
        let read = models.iter().filter_map(|model| readers.get(model)).flatten().copied();
        unique(read.chain(models.iter().filter_map(|model| loader.linked.maker(model))))
    };
    let runs: Vec<Vec<RunId>> = groups.iter().map(of).collect();
    loader.runs(runs.iter().flatten().copied())?;
    Ok(runs)
}

/// What these runs made and left that is an evaluation, oldest first.
fn evaluations(facts: &Facts, runs: &[RunId]) -> Vec<Touch> {
    let made =
        runs.iter().flat_map(|run| facts.made_by(run)).filter(|made| made.edge.kind == ArtifactKind::Evaluation && !made.edge.removed);
    let mut found: Vec<Touch> = made.cloned().collect();
    found.sort_by_key(Touch::order);
    found
}

/// The numbers of a document; where it has none of its own, of the run that wrote it.
fn metrics(facts: &Facts, made: &Touch) -> BTreeMap<String, Value> {
    let own = own_metrics(facts, made);
    if own.is_empty() { facts.metrics(&NodeId::Run(made.edge.run)) } else { own }
}

fn own_metrics(facts: &Facts, made: &Touch) -> BTreeMap<String, Value> {
    made.edge.content.map(|content| facts.metrics(&NodeId::Artifact(content))).unwrap_or_default()
}

fn measure<S: Source>(loader: &mut Loader<'_, S>, made: &Touch) -> Result<Measure, S::Error> {
    let run = made.edge.run;
    let facts = &loader.linked.facts;
    let metrics = metrics(facts, made);
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
