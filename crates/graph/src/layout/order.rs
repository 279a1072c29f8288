//! The order within each layer: few crossings, by barycentres.

use super::layers::Web;

/// How often the layers are swept, to and fro.
const SWEEPS_MAX: usize = 14;

/// The points of each layer, from top to bottom.
pub(super) fn order(web: &Web) -> Vec<Vec<usize>> {
    let mut order = first(web);
    let mut best = (crossings(web, &order), order.clone());
    for sweep in 0..SWEEPS_MAX {
        if best.0 == 0 {
            break;
        }
        let rightwards = sweep % 2 == 0;
        let count = order.len();
        for step in 1..count {
            let layer = if rightwards { step } else { count - 1 - step };
            sweep_layer(web, &mut order, layer, rightwards);
        }
        let found = crossings(web, &order);
        if found < best.0 {
            best = (found, order.clone());
        }
    }
    best.1
}

/// Depth first from the left, so that what hangs together stands together.
fn first(web: &Web) -> Vec<Vec<usize>> {
    let mut order = vec![Vec::new(); web.layers.len()];
    let mut seen = vec![false; web.points.len()];
    let mut path: Vec<usize> = web.layers.iter().flatten().copied().rev().collect();
    while let Some(at) = path.pop() {
        if std::mem::replace(&mut seen[at], true) {
            continue;
        }
        order[web.points[at].layer].push(at);
        let mut next: Vec<usize> = web.right[at].iter().chain(&web.left[at]).copied().filter(|next| !seen[*next]).collect();
        next.sort_by_key(|next| (web.points[*next].rank, web.points[*next].layer));
        path.extend(next.into_iter().rev());
    }
    order
}

fn sweep_layer(web: &Web, order: &mut [Vec<usize>], layer: usize, rightwards: bool) {
    let beside = if rightwards { layer - 1 } else { layer + 1 };
    let mut place = vec![0.0; web.points.len()];
    for (at, point) in order[beside].iter().enumerate() {
        place[*point] = at as f64;
    }
    let neighbours = if rightwards { &web.left } else { &web.right };
    let mean = |point: usize, own: usize| {
        let list = &neighbours[point];
        if list.is_empty() {
            return own as f64;
        }
        list.iter().map(|neighbour| place[*neighbour]).sum::<f64>() / list.len() as f64
    };
    let mut keyed: Vec<(f64, usize, usize)> =
        order[layer].iter().enumerate().map(|(own, point)| (mean(*point, own), own, *point)).collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    order[layer] = keyed.into_iter().map(|(_, _, point)| point).collect();
}

/// Links between neighbouring layers that cross, counted by a Fenwick tree.
pub(super) fn crossings(web: &Web, order: &[Vec<usize>]) -> u64 {
    let mut place = vec![0; web.points.len()];
    for layer in order {
        for (at, point) in layer.iter().enumerate() {
            place[*point] = at;
        }
    }
    let mut total = 0;
    for pair in order.windows(2) {
        let mut counts = vec![0_u64; pair[1].len() + 1];
        let mut seen = 0;
        for point in &pair[0] {
            let mut ends: Vec<usize> = web.right[*point].iter().map(|next| place[*next]).collect();
            ends.sort_unstable();
            for end in &ends {
                total += seen - prefix(&counts, *end);
            }
            for end in ends {
                add(&mut counts, end);
                seen += 1;
            }
        }
    }
    total
}

/// How many ends lie at `at` or above it.
fn prefix(counts: &[u64], at: usize) -> u64 {
    let (mut sum, mut slot) = (0, at + 1);
    while slot > 0 {
        sum += counts[slot];
        slot &= slot - 1;
    }
    sum
}

fn add(counts: &mut [u64], at: usize) {
    let mut slot = at + 1;
    while slot < counts.len() {
        counts[slot] += 1;
        slot += slot & slot.wrapping_neg();
    }
}
