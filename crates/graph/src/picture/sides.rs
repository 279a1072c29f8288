//! What of a kin is looked at, on which side of the focus it stands, and how far from it.

use std::collections::VecDeque;

use crate::node::Detail;
use crate::rows::Rows;
use crate::vertex::LinkKind;

use super::{Kin, Query};

/// Where a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Side {
    /// Filters took it away.
    Gone,
    /// It made the focus, or is the focus; so many runs are passed on the way.
    Up(u32),
    /// It was made from the focus.
    Down(u32),
    /// It is neither, but stands beside something that is.
    Beside,
}

/// What filters leave of a kin.
pub(super) struct Kept<'k> {
    pub kin: &'k Kin,
    pub sides: Vec<Side>,
    /// The order in which things came to be; each its own.
    pub ranks: Vec<u32>,
    /// Links that are left, as indices of [`Kin::edges`].
    pub links: Vec<u32>,
    /// Links that leave and arrive at each node.
    pub out: Rows,
    pub into: Rows,
    pub cut: usize,
    pub cut_links: usize,
}

impl<'k> Kept<'k> {
    pub fn new(kin: &'k Kin, query: &Query) -> Self {
        let count = kin.nodes.len();
        let all: Vec<u32> = (0..kin.edges.len() as u32).collect();
        let mut kept = Self {
            kin,
            sides: Vec::new(),
            ranks: ranks(kin),
            links: all,
            out: Rows::default(),
            into: Rows::default(),
            cut: 0,
            cut_links: 0,
        };
        let mut here = vec![true; count];
        kept.join(&here);
        let before = kept.sides.clone();
        if query.kinds.is_empty() && query.by.is_empty() {
            return kept;
        }
        for (at, node) in kin.nodes.iter().enumerate() {
            let Detail::Artifact(artifact) = &node.detail else { continue };
            here[at] = query.kinds.is_empty() || query.kinds.contains(&artifact.kind) || kin.roots.contains(&at);
        }
        let links = kept.links.len();
        kept.links.retain(|link| {
            let link = &kin.edges[*link as usize];
            here[link.from] && here[link.to] && (query.by.is_empty() || query.by.contains(&link.authority))
        });
        kept.cut_links = links - kept.links.len();
        kept.join(&here);
        let lost = |(before, after): &(&Side, &Side)| {
            let on_way = matches!(before, Side::Up(_) | Side::Down(_));
            on_way && !matches!(after, Side::Up(_) | Side::Down(_))
        };
        kept.cut = before.iter().zip(&kept.sides).filter(lost).count();
        kept
    }

    /// Rows of the links, and sides by them.
    fn join(&mut self, here: &[bool]) {
        let count = here.len();
        self.drop_told();
        let edges = &self.kin.edges;
        self.out = Rows::new(count, self.links.iter().map(|link| (edges[*link as usize].from as u32, *link)));
        self.into = Rows::new(count, self.links.iter().map(|link| (edges[*link as usize].to as u32, *link)));
        let up = self.distances(|kept, at| kept.into.of(at).iter().map(|link| kept.kin.edges[*link as usize].from as u32).collect());
        let down = self.distances(|kept, at| kept.out.of(at).iter().map(|link| kept.kin.edges[*link as usize].to as u32).collect());
        self.sides = (0..count)
            .map(|at| match (here[at], up[at], down[at]) {
                (false, ..) => Side::Gone,
                (_, Some(up), _) => Side::Up(up),
                (_, _, Some(down)) => Side::Down(down),
                _ => Side::Beside,
            })
            .collect();
    }

    /// That one model came from another is not drawn where a run between them shows it.
    fn drop_told(&mut self) {
        let edges = &self.kin.edges;
        if !self.links.iter().any(|link| edges[*link as usize].kind == LinkKind::Derived) {
            return;
        }
        let of = |link: &u32| &edges[*link as usize];
        let made: std::collections::HashSet<(usize, usize)> =
            self.links.iter().map(of).filter(|link| link.kind == LinkKind::Made).map(|link| (link.to, link.from)).collect();
        let makers: std::collections::HashMap<usize, usize> = made.iter().copied().collect();
        let used: std::collections::HashSet<(usize, usize)> =
            self.links.iter().map(of).filter(|link| link.kind == LinkKind::Used).map(|link| (link.from, link.to)).collect();
        let told = |link: &u32| {
            let link = of(link);
            link.kind == LinkKind::Derived && makers.get(&link.to).is_some_and(|run| used.contains(&(link.from, *run)))
        };
        let kept: Vec<u32> = self.links.iter().copied().filter(|link| !told(link)).collect();
        self.links = kept;
    }

    /// Runs passed on the way from the roots; a root that is a run counts itself.
    fn distances(&self, next: impl Fn(&Self, u32) -> Vec<u32>) -> Vec<Option<u32>> {
        let mut found: Vec<Option<u32>> = vec![None; self.kin.nodes.len()];
        let is_run = |at: usize| self.kin.nodes[at].run().is_some();
        let mut open: VecDeque<(u32, u32)> = VecDeque::new();
        for root in &self.kin.roots {
            open.push_back((*root as u32, u32::from(is_run(*root))));
        }
        while let Some((at, passed)) = open.pop_front() {
            if found[at as usize].is_some_and(|known| known <= passed) {
                continue;
            }
            found[at as usize] = Some(passed);
            for to in next(self, at) {
                match is_run(to as usize) {
                    true => open.push_back((to, passed + 1)),
                    false => open.push_front((to, passed)),
                }
            }
        }
        found
    }
}

fn ranks(kin: &Kin) -> Vec<u32> {
    let mut order: Vec<u32> = (0..kin.nodes.len() as u32).collect();
    order.sort_unstable_by_key(|at| (kin.nodes[*at as usize].at, kin.nodes[*at as usize].id.as_str()));
    let mut ranks = vec![0; order.len()];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at as usize] = rank as u32;
    }
    ranks
}
