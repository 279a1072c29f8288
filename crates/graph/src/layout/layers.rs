//! Layers: longest path, runs between artifacts, cycles broken, long links in lanes.

use std::collections::HashMap;

use super::Plan;

/// The plan in layers: cards first (by the index in the plan), then lanes.
pub(super) struct Web {
    pub points: Vec<Point>,
    /// Identities of the cards.
    pub ids: Vec<String>,
    /// Points by layer.
    pub layers: Vec<Vec<usize>>,
    /// Neighbours to the left and right.
    pub left: Vec<Vec<usize>>,
    pub right: Vec<Vec<usize>>,
    pub routes: Vec<Route>,
}

/// A box, or a lane in one layer.
pub(super) struct Point {
    pub layer: usize,
    /// Place in the order that decides what nothing else decides.
    pub rank: usize,
    pub height: i32,
    /// Of a lane: its source's identity.
    pub lane: Option<String>,
}

/// One link of the plan.
pub(super) struct Route {
    pub from: usize,
    pub to: usize,
    pub lanes: Vec<usize>,
    pub back: bool,
}

impl Web {
    pub fn new(plan: &Plan) -> Self {
        let ranks = ranks(plan);
        let back = back_links(plan, &ranks);
        let forward: Vec<(usize, usize)> = plan.links.iter().zip(&back).filter(|(_, back)| !**back).map(|(link, _)| *link).collect();
        let layer = layers(plan, &forward);
        let points: Vec<Point> = plan
            .cards
            .iter()
            .enumerate()
            .map(|(at, item)| Point { layer: layer[at], rank: ranks[at], height: item.height, lane: None })
            .collect();
        let size = points.len();
        let ids = plan.cards.iter().map(|item| item.id.clone()).collect();
        let mut web =
            Self { points, ids, layers: Vec::new(), left: vec![Vec::new(); size], right: vec![Vec::new(); size], routes: Vec::new() };
        web.route(plan, &back);
        let count = web.points.iter().map(|point| point.layer + 1).max().unwrap_or(0);
        web.layers = vec![Vec::new(); count];
        let mut all: Vec<usize> = (0..web.points.len()).collect();
        all.sort_by_key(|at| (web.points[*at].rank, web.points[*at].lane.is_some()));
        for at in all {
            web.layers[web.points[at].layer].push(at);
        }
        // sums of fractions depend on their order
        let key = |at: &usize| (web.points[*at].rank, web.points[*at].layer);
        for neighbours in web.left.iter_mut().chain(&mut web.right) {
            neighbours.sort_unstable_by_key(key);
            neighbours.dedup();
        }
        web
    }

    fn route(&mut self, plan: &Plan, back: &[bool]) {
        let mut lanes: HashMap<(usize, usize), usize> = HashMap::new();
        for (&(from, to), &back) in plan.links.iter().zip(back) {
            let mut through = Vec::new();
            if !back {
                let mut last = from;
                for layer in self.points[from].layer + 1..self.points[to].layer {
                    let lane = *lanes.entry((from, layer)).or_insert_with(|| self.lane(plan, from, layer));
                    self.join(last, lane);
                    through.push(lane);
                    last = lane;
                }
                self.join(last, to);
            }
            self.routes.push(Route { from, to, lanes: through, back });
        }
    }

    fn lane(&mut self, plan: &Plan, from: usize, layer: usize) -> usize {
        let rank = self.points[from].rank;
        self.points.push(Point { layer, rank, height: 0, lane: Some(plan.cards[from].id.clone()) });
        self.left.push(Vec::new());
        self.right.push(Vec::new());
        self.points.len() - 1
    }

    fn join(&mut self, from: usize, to: usize) {
        self.right[from].push(to);
        self.left[to].push(from);
    }

    /// y of the lanes, by source and layer.
    pub fn lanes(&self, y: &[i32], plan: &Plan) -> HashMap<(String, usize), i32> {
        let lanes = self.points.iter().zip(y).skip(plan.cards.len());
        lanes.filter_map(|(point, y)| Some(((point.lane.clone()?, point.layer), *y))).collect()
    }
}

/// Order in time, then by identity.
fn ranks(plan: &Plan) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.cards.len()).collect();
    order.sort_by_key(|at| (plan.cards[*at].at, &plan.cards[*at].id));
    let mut ranks = vec![0; order.len()];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at] = rank;
    }
    ranks
}

/// Links that close a cycle: those that a search in depth, the earliest box first, finds leading back to where it came from.
fn back_links(plan: &Plan, ranks: &[usize]) -> Vec<bool> {
    let mut next: Vec<Vec<(usize, usize)>> = vec![Vec::new(); plan.cards.len()];
    for (at, (from, to)) in plan.links.iter().enumerate() {
        next[*from].push((*to, at));
    }
    for links in &mut next {
        links.sort_by_key(|(to, at)| (ranks[*to], *at));
    }
    let mut order: Vec<usize> = (0..plan.cards.len()).collect();
    order.sort_by_key(|at| ranks[*at]);
    let (mut open, mut done) = (vec![false; plan.cards.len()], vec![false; plan.cards.len()]);
    let mut back = vec![false; plan.links.len()];
    for root in order {
        // no recursion: chains are long
        let mut path: Vec<(usize, usize)> = if done[root] { Vec::new() } else { vec![(root, 0)] };
        while let Some((at, step)) = path.last_mut() {
            open[*at] = true;
            if let Some((to, link)) = next[*at].get(*step) {
                *step += 1;
                back[*link] = open[*to];
                if !open[*to] && !done[*to] {
                    path.push((*to, 0));
                }
            } else {
                open[*at] = false;
                done[*at] = true;
                path.pop();
            }
        }
    }
    back
}

/// Longest path from the left; what nothing leads to stands just before its first use.
fn layers(plan: &Plan, forward: &[(usize, usize)]) -> Vec<usize> {
    let size = plan.cards.len();
    let (mut next, mut waiting) = (vec![Vec::new(); size], vec![0_usize; size]);
    for (from, to) in forward {
        next[*from].push(*to);
        waiting[*to] += 1;
    }
    let first = |at: usize| usize::from(plan.cards[at].run);
    let mut layer: Vec<usize> = (0..size).map(first).collect();
    let sources: Vec<usize> = (0..size).filter(|at| waiting[*at] == 0).collect();
    let mut ready = sources.clone();
    while let Some(at) = ready.pop() {
        for to in &next[at] {
            let least = layer[at] + 1;
            // artifacts on even layers, runs on odd ones
            let least = least + usize::from(least % 2 != first(*to));
            layer[*to] = layer[*to].max(least);
            waiting[*to] -= 1;
            if waiting[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    for at in sources {
        if let Some(use_layer) = next[at].iter().map(|to| layer[*to]).min() {
            let most = use_layer - 1;
            layer[at] = layer[at].max(most - usize::from(most % 2 != first(at)));
        }
    }
    layer
}
