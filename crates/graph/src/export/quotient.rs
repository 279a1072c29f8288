//! Which nodes of a drawing become one: those that look alike and whose neighbours look alike.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::{SERIES_MIN, stem};
use crate::vertex::Vertex;
use crate::walk::Trace;
use foldhash::{HashMap, HashSet};

/// How far likeness looks.
const ROUNDS_MAX: usize = 12;

/// Groups of nodes, each in order, ordered by their first.
pub(super) fn groups(trace: &Trace) -> Vec<Vec<usize>> {
    let mut near = vec![Vec::new(); trace.nodes.len()];
    for link in &trace.edges {
        near[link.from].push((false, link.to, link.kind, link.authority));
        near[link.to].push((true, link.from, link.kind, link.authority));
    }
    let roots: HashSet<usize> = trace.roots.iter().copied().collect();
    let mut classes = numbered((0..trace.nodes.len()).map(|at| look(trace, at, &roots)));
    for _ in 0..ROUNDS_MAX {
        // neighbours as a set: one day more does not make a folder another kind of thing
        let refined = numbered((0..trace.nodes.len()).map(|at| {
            let around: BTreeSet<_> = near[at].iter().map(|(up, far, kind, by)| (*up, classes[*far], *kind, *by)).collect();
            (classes[at], around)
        }));
        let (before, after) = (count(&classes), count(&refined));
        classes = refined;
        if before == after {
            break;
        }
    }
    let mut found: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (node, class) in classes.iter().enumerate() {
        found.entry(*class).or_default().push(node);
    }
    let folded =
        |nodes: Vec<usize>| if nodes.len() >= SERIES_MIN { vec![nodes] } else { nodes.into_iter().map(|node| vec![node]).collect() };
    let mut groups: Vec<Vec<usize>> = found.into_values().flat_map(folded).collect();
    groups.sort();
    groups
}

/// What a node looks like by itself; roots look like nothing else.
type Look = (Option<usize>, &'static str, Vec<Vec<u8>>, Vec<u8>, String, bool);

fn look(trace: &Trace, at: usize, roots: &HashSet<usize>) -> Look {
    let node = &trace.nodes[at];
    let root = roots.contains(&at).then_some(at);
    if let Some(run) = node.run() {
        return (root, node.kind(), stem(&run.command).to_vec(), Vec::new(), String::new(), false);
    }
    let path = node.artifact().and_then(|artifact| artifact.path.clone()).unwrap_or_default();
    let source = matches!(node.vertex, Vertex::Source { .. });
    (root, node.kind(), Vec::new(), path.folder().to_vec(), path.extension(), source)
}

/// Equal things get equal numbers, in the order of their first.
fn numbered<T: std::hash::Hash + Eq>(items: impl Iterator<Item = T>) -> Vec<usize> {
    let mut numbers = HashMap::default();
    items
        .map(|item| {
            let next = numbers.len();
            *numbers.entry(item).or_insert(next)
        })
        .collect()
}

fn count(classes: &[usize]) -> usize {
    classes.iter().max().map_or(0, |greatest| greatest + 1)
}
