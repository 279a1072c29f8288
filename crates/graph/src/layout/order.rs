//! The order within each layer: few crossings, by barycentres.

use super::web::Web;

/// How often the layers are swept, to and fro.
const SWEEPS_MAX: usize = 14;
/// So many sweeps that better nothing are enough.
const SWEEPS_IDLE_MAX: usize = 4;
/// Of wide pictures nobody sees single crossings: points, all sweeps together.
const SWEPT_MAX: usize = 500_000;

/// The points of each layer, from top to bottom.
pub(super) fn order(web: &Web) -> Vec<Vec<u32>> {
    let mut order = first(web);
    let mut best = (crossings(web, &order), order.clone());
    let (mut place, mut keyed) = (vec![0_u32; web.points.len()], Vec::new());
    let mut idle = 0;
    let sweeps = SWEEPS_MAX.min(SWEPT_MAX / web.points.len().max(1)).max(2);
    for sweep in 0..sweeps {
        if best.0 == 0 || idle >= SWEEPS_IDLE_MAX {
            break;
        }
        let rightwards = sweep % 2 == 0;
        let count = order.len();
        for step in 1..count {
            let layer = if rightwards { step } else { count - 1 - step };
            let beside = if rightwards { layer - 1 } else { layer + 1 };
            number(&order[beside], &mut place);
            sweep_layer(web, &mut order[layer], rightwards, &place, &mut keyed);
        }
        let found = crossings(web, &order);
        idle += 1;
        if found < best.0 {
            idle = 0;
            best = (found, order.clone());
        }
    }
    best.1
}

/// Depth first from the left, so that what hangs together stands together.
fn first(web: &Web) -> Vec<Vec<u32>> {
    let mut order: Vec<Vec<u32>> = web.layers.iter().map(|layer| Vec::with_capacity(layer.len())).collect();
    let mut seen = vec![false; web.points.len()];
    let mut path: Vec<u32> = web.layers.iter().flatten().copied().rev().collect();
    let mut next = Vec::new();
    while let Some(at) = path.pop() {
        if std::mem::replace(&mut seen[at as usize], true) {
            continue;
        }
        order[web.points[at as usize].layer as usize].push(at);
        next.extend(web.right.of(at).iter().chain(web.left.of(at)).copied().filter(|next| !seen[*next as usize]));
        next.sort_unstable_by_key(|next| {
            let point = &web.points[*next as usize];
            (point.rank, point.layer, point.lane)
        });
        path.extend(next.drain(..).rev());
    }
    order
}

fn number(layer: &[u32], place: &mut [u32]) {
    for (at, point) in layer.iter().enumerate() {
        place[*point as usize] = at as u32;
    }
}

fn sweep_layer(web: &Web, layer: &mut [u32], rightwards: bool, place: &[u32], keyed: &mut Vec<(f32, u32, u32)>) {
    let neighbours = if rightwards { &web.left } else { &web.right };
    let mean = |point: u32, own: usize| {
        let list = neighbours.of(point);
        if list.is_empty() {
            return own as f32;
        }
        let sum: u64 = list.iter().map(|neighbour| u64::from(place[*neighbour as usize])).sum();
        (sum as f64 / list.len() as f64) as f32
    };
    keyed.clear();
    keyed.extend(layer.iter().enumerate().map(|(own, point)| (mean(*point, own), own as u32, *point)));
    keyed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    for (slot, (_, _, point)) in layer.iter_mut().zip(keyed.iter()) {
        *slot = *point;
    }
}

/// Links between neighbouring layers that cross, counted by a Fenwick tree.
pub(super) fn crossings(web: &Web, order: &[Vec<u32>]) -> u64 {
    let mut place = vec![0_u32; web.points.len()];
    order.iter().for_each(|layer| number(layer, &mut place));
    let (mut total, mut counts, mut ends) = (0, Vec::new(), Vec::new());
    for pair in order.windows(2) {
        counts.clear();
        counts.resize(pair[1].len() + 1, 0_u32);
        let mut seen = 0_u64;
        for point in &pair[0] {
            ends.clear();
            ends.extend(web.right.of(*point).iter().map(|next| place[*next as usize] as usize));
            ends.sort_unstable();
            total += ends.iter().map(|end| seen - prefix(&counts, *end)).sum::<u64>();
            seen += ends.len() as u64;
            ends.iter().for_each(|end| add(&mut counts, *end));
        }
    }
    total
}

/// How many ends lie at `at` or above it.
fn prefix(counts: &[u32], at: usize) -> u64 {
    let (mut sum, mut slot) = (0, at + 1);
    while slot > 0 {
        sum += u64::from(counts[slot]);
        slot &= slot - 1;
    }
    sum
}

fn add(counts: &mut [u32], at: usize) {
    let mut slot = at + 1;
    while slot < counts.len() {
        counts[slot] += 1;
        slot += slot & slot.wrapping_neg();
    }
}
