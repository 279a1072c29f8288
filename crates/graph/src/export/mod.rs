//! A trace as a drawing, and the drawing as text: Graphviz DOT, Mermaid, SVG.

mod dot;
mod label;

pub(crate) use label::plain;
mod mermaid;
mod quotient;

use std::collections::BTreeMap;

use foldhash::HashSet;
use keizu_record::{Authority, Time};

use crate::vertex::LinkKind;
use crate::walk::Trace;

/// A graph that is ready to be drawn: similar nodes folded, labels written.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Nodes.
    pub shapes: Vec<Shape>,
    /// Arrows; data flows from → to.
    pub arrows: Vec<Arrow>,
}

/// One node of a drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Identity: of the first of what it stands for.
    pub id: String,
    /// `run`, or what the artifact is.
    pub kind: &'static str,
    /// What people call it.
    pub name: String,
    /// Digest, size, how many: what is known beside the name; may be empty.
    pub detail: String,
    /// The nodes of the trace that it stands for, in their order.
    pub nodes: Vec<usize>,
    /// When the first of them came to be.
    pub at: Option<Time>,
    /// Whether it was asked for.
    pub root: bool,
}

/// One arrow of a drawing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    /// From this shape.
    pub from: usize,
    /// To this one.
    pub to: usize,
    /// What it says beside its direction; empty for what was plainly seen.
    pub label: String,
    /// Who says so.
    pub authority: Authority,
}

impl Drawing {
    /// The drawing of a trace. `fold`: whether similar nodes become one.
    pub fn new(trace: &Trace, fold: bool) -> Self {
        let groups = if fold { quotient::groups(trace) } else { (0..trace.nodes.len()).map(|node| vec![node]).collect() };
        let mut of = vec![0; trace.nodes.len()];
        for (at, group) in groups.iter().enumerate() {
            group.iter().for_each(|node| of[*node] = at);
        }
        let mut arrows: BTreeMap<(usize, usize, LinkKind), Arrow> = BTreeMap::new();
        for link in &trace.edges {
            let (from, to) = (of[link.from], of[link.to]);
            arrows.entry((from, to, link.kind)).or_insert_with(|| Arrow {
                from,
                to,
                label: label::of_link(link),
                authority: link.authority,
            });
        }
        let roots: HashSet<usize> = trace.roots.iter().copied().collect();
        let shape = |nodes: Vec<usize>| Shape {
            id: trace.nodes[nodes[0]].id.clone(),
            kind: trace.nodes[nodes[0]].kind(),
            name: label::name(trace, &nodes),
            detail: label::detail(trace, &nodes),
            at: nodes.iter().filter_map(|node| trace.nodes[*node].at).min(),
            root: nodes.iter().any(|node| roots.contains(node)),
            nodes,
        };
        Self { shapes: groups.into_iter().map(shape).collect(), arrows: arrows.into_values().collect() }
    }

    /// As Graphviz DOT.
    pub fn dot(&self) -> String {
        dot::write(self)
    }

    /// As a Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        mermaid::write(self)
    }
}
