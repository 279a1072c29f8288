//! From a thing to the run that made it.

use std::collections::BTreeSet;

use keizu_graph::{Detail, LinkKind, Options, Trace};
use keizu_record::{Digest, FilePath, NodeId, RunId, Time};

use crate::thing::Thing;
use crate::{Error, View};

/// What is to be made again.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// What the judgement is about: the content, else the run.
    pub subject: NodeId,
    /// The run that made it; none when no run was seen to.
    pub run: Option<RunId>,
    /// Where it stood.
    pub path: Option<FilePath>,
    /// Its content.
    pub content: Option<Digest>,
}

/// The newest making of a thing.
///
/// # Errors
/// When the store fails, or the thing is nothing that is made.
pub fn target(view: &View<'_>, thing: &Thing) -> Result<Target, Error> {
    if let Thing::Run(run) = thing {
        return Ok(Target { subject: (*run).into(), run: Some(*run), path: None, content: None });
    }
    let answer = view.trace(thing, &Options { depth: Some(1), ..Options::default() })?;
    let made = answer.roots.iter().filter_map(|root| {
        let Detail::Artifact(artifact) = &answer.nodes[*root].detail else { return None };
        let maker = maker(&answer, *root);
        Some((maker.map(|(at, _)| at), maker.map(|(_, run)| run), artifact))
    });
    let Some((_, run, artifact)) = made.max_by_key(|(at, run, _)| (*at, *run)) else {
        return Err(Error::Unfit("nothing is recorded of it".to_owned()));
    };
    let Some(content) = artifact.digest else {
        return Err(Error::Unfit("its content was not seen, so there is nothing to compare with".to_owned()));
    };
    Ok(Target { subject: content.into(), run, path: artifact.path.clone(), content: Some(content) })
}

/// The latest run from which an occurrence came, through folders and copies.
fn maker(answer: &Trace, root: usize) -> Option<(Time, RunId)> {
    let mut met = BTreeSet::from([root]);
    let mut open = vec![root];
    let mut found = None;
    while let Some(at) = open.pop() {
        let above = answer.edges.iter().filter(|edge| edge.to == at && edge.kind != LinkKind::Derived);
        for edge in above {
            let node = &answer.nodes[edge.from];
            match node.vertex.run() {
                Some(run) => found = found.max(Some((node.at.unwrap_or(Time(0)), run))),
                None if met.insert(edge.from) => open.push(edge.from),
                None => {}
            }
        }
    }
    found
}
