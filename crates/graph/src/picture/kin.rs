//! What stands around a thing: brought from a source, both ways, with one generation more than is shown, so that what is not shown can be
//! counted.

use std::collections::BTreeSet;

use crate::Source;
use crate::load::Loader;
use crate::node::{Node, describe};
use crate::root::{self, Root};
use crate::vertex::{Link, Vertex};
use crate::walk::{Direction, Options, Reached, Trace, walk};
use foldhash::HashMap;

use super::{Query, id_of};

/// Where more than so many things are found, neighbours beside the way are not looked for.
const BESIDE_MAX: usize = 2_000;

/// Things around a focus, and all links between them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kin {
    /// The occurrences asked for, as indices of nodes; empty when nothing is known of the root.
    pub roots: Vec<usize>,
    /// All things.
    pub nodes: Vec<Node>,
    /// All links between them, as indices of nodes; data flows from → to. Sorted.
    pub edges: Vec<Link<usize>>,
    /// Whether there is more than was asked for at most.
    pub truncated: bool,
}

impl From<&Trace> for Kin {
    fn from(trace: &Trace) -> Self {
        Self { roots: trace.roots.clone(), nodes: trace.nodes.clone(), edges: trace.edges.clone(), truncated: trace.truncated }
    }
}

/// Brings what stands around a root: what made it, what was made from it, and what stands beside.
///
/// # Errors
/// When the source fails. An unknown root is no error: the answer is empty.
pub fn gather<S: Source>(source: &S, root: &Root, query: &Query) -> Result<Kin, S::Error> {
    let mut loader = Loader::new(source);
    let roots = root::find(&mut loader, root)?;
    let mut reached = Reached::default();
    for (direction, depth) in [(Direction::Up, query.up), (Direction::Down, query.down)] {
        go(&mut loader, &mut reached, &roots, direction, depth.map(|depth| depth.saturating_add(1)), query)?;
    }
    if reached.order.len() <= BESIDE_MAX {
        beside(&mut loader, &mut reached)?;
        open(&mut loader, &mut reached, query)?;
    }
    let nodes = describe(&mut loader, &reached.order)?;
    let roots = roots.iter().map(|root| reached.at[root]).collect();
    Ok(Kin { roots, nodes, edges: reached.edges(), truncated: reached.truncated })
}

fn go<S: Source>(
    loader: &mut Loader<'_, S>,
    reached: &mut Reached,
    from: &[Vertex],
    direction: Direction,
    depth: Option<u32>,
    query: &Query,
) -> Result<(), S::Error> {
    let options = Options { direction, depth, nodes_max: query.nodes_max, ..Options::default() };
    reached.join(walk(loader, from, &options)?, query.nodes_max);
    Ok(())
}

/// The neighbours of what was found: other readers of what it was made from, other things that its readers read.
fn beside<S: Source>(loader: &mut Loader<'_, S>, reached: &mut Reached) -> Result<(), S::Error> {
    let found = reached.order.clone();
    let down = loader.down(&found)?;
    let up = loader.up(&found)?;
    let links: BTreeSet<Link> = up.into_iter().chain(down).collect();
    let fresh = links.iter().flat_map(|link| [&link.from, &link.to]).filter(|vertex| !reached.at.contains_key(vertex));
    if fresh.collect::<BTreeSet<_>>().len() > BESIDE_MAX {
        return Ok(());
    }
    for link in &links {
        reached.add(&link.from, usize::MAX);
        reached.add(&link.to, usize::MAX);
    }
    reached.links.extend(links);
    Ok(())
}

/// One generation more where somebody opened a card to one side.
fn open<S: Source>(loader: &mut Loader<'_, S>, reached: &mut Reached, query: &Query) -> Result<(), S::Error> {
    let mut wanted: Vec<(Direction, &str)> = query.open.iter().filter_map(|text| side(text)).collect();
    while !wanted.is_empty() && reached.order.len() <= query.nodes_max {
        let ids: HashMap<String, &Vertex> = reached.order.iter().map(|vertex| (id_of(vertex), vertex)).collect();
        let (found, rest): (Vec<_>, Vec<_>) = wanted.iter().copied().partition(|(_, id)| ids.contains_key(*id));
        let found: Vec<(Direction, Vertex)> = found.into_iter().map(|(direction, id)| (direction, ids[id].clone())).collect();
        if found.is_empty() {
            break;
        }
        for (direction, vertex) in found {
            // one generation is shown, the next is counted
            go(loader, reached, &[vertex], direction, Some(2), query)?;
        }
        wanted = rest;
    }
    Ok(())
}

/// `up.ID` and `down.ID`.
pub(super) fn side(text: &str) -> Option<(Direction, &str)> {
    match text.split_once('.')? {
        ("up", id) => Some((Direction::Up, id)),
        ("down", id) => Some((Direction::Down, id)),
        _ => None,
    }
}
