//! The walk: level by level through a source, a fixed number of calls a level.

use foldhash::HashMap;
use keizu_record::Authority;
use keizu_record::body::ArtifactKind;

use crate::Source;
use crate::load::Loader;
use crate::measure::{Measure, measured};
use crate::node::{Node, describe};
use crate::root::{self, Root};
use crate::vertex::{Link, LinkKind, Vertex, unique};

/// How many nodes an answer has at most, unless told otherwise.
pub const NODES_MAX: usize = 1_000_000;

/// Which way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// What made this?
    #[default]
    Up,
    /// What does this touch?
    Down,
}

/// What to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Which way.
    pub direction: Direction,
    /// How many runs to pass at most on the way from the root; `None`: all.
    pub depth: Option<u32>,
    /// Follow only artifacts that were of these kinds to the runs that read and wrote them; empty: all.
    pub kinds: Vec<ArtifactKind>,
    /// Follow only what these say; empty: all.
    pub authorities: Vec<Authority>,
    /// How many nodes the answer has at most.
    pub nodes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { direction: Direction::Up, depth: None, kinds: Vec::new(), authorities: Vec::new(), nodes_max: NODES_MAX }
    }
}

/// The part of the graph that answers a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Which way it goes.
    pub direction: Direction,
    /// The occurrences asked for, as indices of nodes; empty when nothing is known of the root.
    pub roots: Vec<usize>,
    /// All nodes, the nearest to the root first.
    pub nodes: Vec<Node>,
    /// All links between them, as indices of nodes; data flows from → to. Sorted.
    pub edges: Vec<Link<usize>>,
    /// Whether there is more than the limits let through (`nodes_max`; never `depth`, which was asked for).
    pub truncated: bool,
    /// What measured the model, when the root is one and the question was what made it.
    pub measured: Vec<Measure>,
}

/// Answers what made the root, or what it touches. Diamonds are visited once, and cycles (two runs that read each other's files) end.
///
/// # Errors
/// When the source fails. An unknown root is no error: the answer is empty.
pub fn trace<S: Source>(source: &S, root: &Root, options: &Options) -> Result<Trace, S::Error> {
    let mut loader = Loader::new(source);
    let roots = root::find(&mut loader, root)?;
    let reached = walk(&mut loader, &roots, options)?;
    let nodes = describe(&mut loader, &reached.order)?;
    let is_model = roots.iter().any(|root| nodes[reached.at[root]].is_model());
    let measured = match options.direction {
        Direction::Up if is_model => measured(&mut loader, &roots)?,
        _ => Vec::new(),
    };
    Ok(Trace {
        direction: options.direction,
        roots: roots.iter().map(|root| reached.at[root]).collect(),
        nodes,
        edges: reached.edges(),
        truncated: reached.truncated,
        measured,
    })
}

/// What a walk has reached.
#[derive(Default)]
pub(crate) struct Reached {
    pub order: Vec<Vertex>,
    pub at: HashMap<Vertex, usize>,
    /// Some of them more than once.
    pub links: Vec<Link>,
    pub truncated: bool,
}

impl Reached {
    /// Adds what another walk has reached.
    pub fn join(&mut self, other: Self, nodes_max: usize) {
        if self.order.is_empty() {
            *self = other;
            return;
        }
        for vertex in &other.order {
            self.add(vertex, nodes_max);
        }
        self.links.extend(other.links);
        self.truncated |= other.truncated;
    }

    /// Adds a vertex, unless it is known or there are too many; says whether it did.
    pub fn add(&mut self, vertex: &Vertex, nodes_max: usize) -> bool {
        if self.at.contains_key(vertex) {
            return false;
        }
        if self.order.len() >= nodes_max {
            self.truncated = true;
            return false;
        }
        self.at.insert(vertex.clone(), self.order.len());
        self.order.push(vertex.clone());
        true
    }

    /// Links with both ends inside.
    pub fn edges(&self) -> Vec<Link<usize>> {
        let inside = self.links.iter().filter_map(|link| {
            Some(Link {
                from: *self.at.get(&link.from)?,
                to: *self.at.get(&link.to)?,
                kind: link.kind,
                role: link.role,
                artifact: link.artifact,
                authority: link.authority,
                rule: link.rule.clone(),
                relation: link.relation.clone(),
                changed: link.changed.clone(),
            })
        });
        unique(inside)
    }
}

/// Generations: an artifact is as far from the root as the run that was passed last; all of one generation comes before the next.
pub(crate) fn walk<S: Source>(loader: &mut Loader<'_, S>, roots: &[Vertex], options: &Options) -> Result<Reached, S::Error> {
    let mut reached = Reached::default();
    // roots are the question: they stand in the answer whatever its limit
    let (mut runs, mut artifacts): (Vec<Vertex>, Vec<Vertex>) = roots.iter().cloned().partition(|root| root.run().is_some());
    for root in roots {
        reached.add(root, usize::MAX);
    }
    let mut generation = 0;
    loop {
        while !artifacts.is_empty() {
            let found = expand(loader, &artifacts, options)?;
            artifacts = Vec::new();
            for vertex in take(&mut reached, found, options.direction) {
                // the next generation is beyond the limit, but its links to what is known already are not
                if vertex.run().is_none() {
                    if reached.add(&vertex, options.nodes_max) {
                        artifacts.push(vertex);
                    }
                } else if options.depth.is_none_or(|depth| generation < depth) && reached.add(&vertex, options.nodes_max) {
                    runs.push(vertex);
                }
            }
        }
        generation += 1;
        if runs.is_empty() || options.depth.is_some_and(|depth| generation > depth) {
            return Ok(reached);
        }
        let found = expand(loader, &std::mem::take(&mut runs), options)?;
        for vertex in take(&mut reached, found, options.direction) {
            if reached.add(&vertex, options.nodes_max) {
                artifacts.push(vertex);
            }
        }
    }
}

/// The links of one level that the question lets through.
pub(crate) fn expand<S: Source>(loader: &mut Loader<'_, S>, vertices: &[Vertex], options: &Options) -> Result<Vec<Link>, S::Error> {
    let mut links = match options.direction {
        Direction::Up => loader.up(vertices)?,
        Direction::Down => loader.down(vertices)?,
    };
    links.retain(|link| admits(options, link));
    Ok(links)
}

/// Whether the filters of the question let a link through.
pub(crate) fn admits<V>(options: &Options, link: &Link<V>) -> bool {
    let kind = options.kinds.is_empty() || link.artifact.is_none_or(|kind| options.kinds.contains(&kind));
    let derived = link.kind != LinkKind::Derived || options.kinds.is_empty() || options.kinds.contains(&ArtifactKind::Model);
    kind && derived && (options.authorities.is_empty() || options.authorities.contains(&link.authority))
}

/// Keeps links, and gives what stands at their other ends, each once, in order.
fn take(reached: &mut Reached, links: Vec<Link>, direction: Direction) -> Vec<Vertex> {
    let ends = unique(links.iter().map(|link| match direction {
        Direction::Up => &link.from,
        Direction::Down => &link.to,
    }));
    let ends = ends.into_iter().cloned().collect();
    reached.links.extend(links);
    ends
}
