//! A plan in layers: longest path, runs between artifacts, cycles broken, long links in lanes.

use std::ops::Range;

use super::{Metrics, Plan};
use crate::rows::Rows;

/// The plan in layers: cards first (by their numbers), then lanes.
pub(super) struct Web {
    pub points: Vec<Point>,
    /// Points by layer.
    pub layers: Vec<Vec<u32>>,
    /// Neighbours to the left and right.
    pub left: Rows,
    pub right: Rows,
    /// Whether each link closes a cycle.
    pub back: Vec<bool>,
    /// Where the lanes of each card begin; one more for the end.
    first_lanes: Vec<u32>,
}

/// A card, or a lane in one layer.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub layer: u32,
    /// Place in the order that decides what nothing else decides.
    pub rank: u32,
    /// From the middle upwards; nothing for a lane.
    pub rise: i32,
    /// Room that it takes above its middle, and below.
    pub room: (i32, i32),
    pub lane: bool,
    /// Whether it is of the main line.
    pub main: bool,
}

impl Web {
    pub fn new(plan: &Plan, metrics: &Metrics) -> Self {
        let cards = plan.runs.len();
        let next = by_source(plan);
        let back = back_links(plan, &next);
        let layer = layers(plan, &next, &back);
        let mut points: Vec<Point> = (0..cards)
            .map(|at| {
                let (rise, room) = match plan.runs[at] {
                    true => (metrics.knot_radius, metrics.knot_room()),
                    false => (metrics.card_height / 2, (metrics.row_pitch / 2, metrics.row_pitch / 2)),
                };
                Point { layer: layer[at], rank: plan.ranks[at], rise, room, lane: false, main: false }
            })
            .collect();
        let spans = spans(plan, &layer, &back);
        let mut first_lanes = Vec::with_capacity(cards + 1);
        for at in 0..cards {
            first_lanes.push(points.len() as u32);
            for hop in 1..=spans[at] {
                let own = points[at];
                points.push(Point {
                    layer: own.layer + hop,
                    rise: 0,
                    room: (metrics.lane_pitch / 2, metrics.lane_pitch / 2),
                    lane: true,
                    ..own
                });
            }
        }
        first_lanes.push(points.len() as u32);
        mark_main(plan, &layer, &first_lanes, &mut points);
        let pairs = pairs(plan, &layer, &back, &spans, &first_lanes);
        let (left, right) = both_ways(&points, pairs);
        let count = points.iter().map(|point| point.layer + 1).max().unwrap_or(0);
        let mut by_layer = vec![Vec::new(); count as usize];
        let mut all: Vec<u32> = (0..points.len() as u32).collect();
        all.sort_unstable_by_key(|at| key(&points, *at));
        for at in all {
            by_layer[points[at as usize].layer as usize].push(at);
        }
        Self { points, layers: by_layer, left, right, back, first_lanes }
    }

    /// The lanes that leave a card, from left to right.
    pub fn lanes_of(&self, card: usize) -> Range<usize> {
        self.first_lanes[card] as usize..self.first_lanes[card + 1] as usize
    }

    /// How many points are cards.
    pub fn cards(&self) -> usize {
        self.first_lanes.len() - 1
    }
}

/// The same whatever the numbers of the cards.
fn key(points: &[Point], at: u32) -> (u32, bool, u32) {
    let point = &points[at as usize];
    (point.rank, point.lane, point.layer)
}

/// Links of each card, by the rank of what they lead to: (to, number of the link).
fn by_source(plan: &Plan) -> Vec<Vec<(u32, u32)>> {
    let mut next: Vec<Vec<(u32, u32)>> = vec![Vec::new(); plan.runs.len()];
    for (at, (from, to)) in plan.links.iter().enumerate() {
        next[*from as usize].push((*to, at as u32));
    }
    for links in &mut next {
        links.sort_unstable_by_key(|(to, _)| plan.ranks[*to as usize]);
    }
    next
}

/// Links that close a cycle: those that a search in depth, the earliest card first, finds leading back to where it came from.
fn back_links(plan: &Plan, next: &[Vec<(u32, u32)>]) -> Vec<bool> {
    let count = plan.runs.len();
    let mut order: Vec<u32> = (0..count as u32).collect();
    order.sort_unstable_by_key(|at| plan.ranks[*at as usize]);
    let (mut open, mut done) = (vec![false; count], vec![false; count]);
    let mut back = vec![false; plan.links.len()];
    // no recursion: chains are long
    let mut path: Vec<(u32, usize)> = Vec::new();
    for root in order {
        if !done[root as usize] {
            path.push((root, 0));
        }
        while let Some((at, step)) = path.last_mut() {
            let from = *at as usize;
            open[from] = true;
            if let Some((to, link)) = next[from].get(*step) {
                *step += 1;
                back[*link as usize] = open[*to as usize];
                if !open[*to as usize] && !done[*to as usize] {
                    path.push((*to, 0));
                }
            } else {
                open[from] = false;
                done[from] = true;
                path.pop();
            }
        }
    }
    back
}

/// Longest path from the left; what nothing leads to stands just before its first use.
fn layers(plan: &Plan, next: &[Vec<(u32, u32)>], back: &[bool]) -> Vec<u32> {
    let count = plan.runs.len();
    let first = |at: usize| u32::from(plan.runs[at]);
    let mut waiting = vec![0_u32; count];
    for ((_, to), back) in plan.links.iter().zip(back) {
        waiting[*to as usize] += u32::from(!back);
    }
    let forward = |at: usize| next[at].iter().filter(|(_, link)| !back[*link as usize]).map(|(to, _)| *to as usize);
    let mut layer: Vec<u32> = (0..count).map(first).collect();
    let sources: Vec<usize> = (0..count).filter(|at| waiting[*at] == 0).collect();
    let mut ready = sources.clone();
    while let Some(at) = ready.pop() {
        for to in forward(at) {
            let least = layer[at] + 1;
            // artifacts on even layers, runs on odd ones
            layer[to] = layer[to].max(least + u32::from(least % 2 != first(to)));
            waiting[to] -= 1;
            if waiting[to] == 0 {
                ready.push(to);
            }
        }
    }
    for at in sources {
        if let Some(used) = forward(at).map(|to| layer[to]).min() {
            let most = used - 1;
            layer[at] = layer[at].max(most - u32::from(most % 2 != first(at)));
        }
    }
    layer
}

/// How many layers the longest link of each card crosses.
fn spans(plan: &Plan, layer: &[u32], back: &[bool]) -> Vec<u32> {
    let mut spans = vec![0; layer.len()];
    for ((from, to), _) in plan.links.iter().zip(back).filter(|(_, back)| !**back) {
        let crossed = layer[*to as usize] - layer[*from as usize] - 1;
        spans[*from as usize] = crossed.max(spans[*from as usize]);
    }
    spans
}

/// The part of a main line that goes right: a way that comes back is not straight.
pub(super) fn rightwards(main: &[u32], layer: &[u32]) -> Vec<u32> {
    let mut kept: Vec<u32> = Vec::with_capacity(main.len());
    for card in main {
        if kept.last().is_none_or(|last| layer[*last as usize] < layer[*card as usize]) {
            kept.push(*card);
        }
    }
    kept
}

/// Marks the main line, and the lanes in which it runs.
fn mark_main(plan: &Plan, layer: &[u32], first_lanes: &[u32], points: &mut [Point]) {
    let main = rightwards(&plan.main, layer);
    for card in &main {
        points[*card as usize].main = true;
    }
    for pair in main.windows(2) {
        let (from, to) = (pair[0] as usize, pair[1] as usize);
        let crossed = layer[to] - layer[from] - 1;
        let lanes = first_lanes[from]..first_lanes[from + 1].min(first_lanes[from] + crossed);
        lanes.for_each(|lane| points[lane as usize].main = true);
    }
}

/// Neighbours: (left, right).
fn pairs(plan: &Plan, layer: &[u32], back: &[bool], spans: &[u32], first_lanes: &[u32]) -> Vec<(u32, u32)> {
    let mut pairs = Vec::with_capacity(plan.links.len() * 2);
    for (at, span) in spans.iter().enumerate() {
        for hop in 0..*span {
            let lane = first_lanes[at] + hop;
            pairs.push((if hop == 0 { at as u32 } else { lane - 1 }, lane));
        }
    }
    for ((from, to), _) in plan.links.iter().zip(back).filter(|(_, back)| !**back) {
        let crossed = layer[*to as usize] - layer[*from as usize] - 1;
        pairs.push((if crossed == 0 { *from } else { first_lanes[*from as usize] + crossed - 1 }, *to));
    }
    pairs
}

/// Rows both ways; in each the order does not depend on numbers, since sums of fractions depend on their order.
fn both_ways(points: &[Point], mut pairs: Vec<(u32, u32)>) -> (Rows, Rows) {
    pairs.sort_unstable_by_key(|(left, right)| (*left, key(points, *right)));
    pairs.dedup();
    let right = Rows::sorted(points.len(), &pairs);
    let mut turned: Vec<(u32, u32)> = pairs.into_iter().map(|(left, right)| (right, left)).collect();
    turned.sort_unstable_by_key(|(right, left)| (*right, key(points, *left)));
    (Rows::sorted(points.len(), &turned), right)
}
