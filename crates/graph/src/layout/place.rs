//! How far down each point of a layer stands: as near to its neighbours' mean as the order and the space between cards allow.

use super::layers::Web;
use super::{Known, MARGIN};

/// Space between two cards of a layer.
pub const ROW_GAP: i32 = 10;
/// Height of a lane.
pub const LANE_PITCH: i32 = 14;

const ROUNDS: usize = 8;
/// What stood there before does not give way to what is new.
const KEPT_WEIGHT: f64 = 1e6;

/// From the order alone.
pub(super) fn cold(web: &Web, order: &[Vec<usize>]) -> Vec<i32> {
    let mut y = vec![0.0; web.points.len()];
    for layer in order {
        let offsets = offsets(web, layer);
        for (point, offset) in layer.iter().zip(offsets) {
            y[*point] = offset;
        }
    }
    for round in 0..ROUNDS {
        let count = order.len();
        for step in 0..count {
            let layer = &order[if round % 2 == 0 { step } else { count - 1 - step }];
            let wanted: Vec<(f64, f64)> = layer.iter().map(|point| (mean(web, &y, *point).unwrap_or(y[*point]), 1.0)).collect();
            settle(web, layer, &wanted, &mut y);
        }
    }
    down(web, &y)
}

/// What is known keeps its place; what is new stands at its neighbours' mean and moves its own layer.
pub(super) fn warm(web: &Web, known: &Known) -> Vec<i32> {
    let old = |at: usize| {
        let point = &web.points[at];
        match &point.lane {
            Some(source) => known.1.get(&(source.clone(), point.layer)),
            None => known.0.get(&web.ids[at]),
        }
    };
    let mut y: Vec<Option<f64>> = (0..web.points.len()).map(|at| old(at).map(|y| f64::from(*y))).collect();
    let fresh: Vec<bool> = y.iter().map(Option::is_none).collect();
    // neighbours of the new may be new themselves: from the left, then from the right
    let layers = || web.layers.iter().chain(web.layers.iter().rev());
    for at in layers().flatten() {
        if fresh[*at] && y[*at].is_none() {
            let near: Vec<f64> = web.left[*at].iter().chain(&web.right[*at]).filter_map(|near| y[*near]).collect();
            y[*at] = (!near.is_empty()).then(|| near.iter().sum::<f64>() / near.len() as f64);
        }
    }
    let mut y: Vec<f64> = y.into_iter().map(|y| y.unwrap_or(f64::from(MARGIN))).collect();
    for layer in &web.layers {
        if !layer.iter().any(|at| fresh[*at]) && fits(web, layer, &y) {
            continue;
        }
        let mut layer = layer.clone();
        layer.sort_by(|a, b| y[*a].total_cmp(&y[*b]).then(web.points[*a].rank.cmp(&web.points[*b].rank)));
        let wanted: Vec<(f64, f64)> = layer.iter().map(|at| (y[*at], if fresh[*at] { 1.0 } else { KEPT_WEIGHT })).collect();
        settle(web, &layer, &wanted, &mut y);
    }
    if y.iter().zip(&web.points).all(|(y, point)| *y >= f64::from(MARGIN + point.height / 2)) {
        return y.iter().map(|y| whole(*y)).collect();
    }
    down(web, &y)
}

/// Whether nothing in the layer overlaps.
fn fits(web: &Web, layer: &[usize], y: &[f64]) -> bool {
    let mut sorted = layer.to_vec();
    sorted.sort_by(|a, b| y[*a].total_cmp(&y[*b]));
    sorted.windows(2).all(|pair| y[pair[1]] - y[pair[0]] >= pitch(web, pair[0], pair[1]))
}

fn pitch(web: &Web, above: usize, below: usize) -> f64 {
    let half = |at: usize| match &web.points[at].lane {
        Some(_) => LANE_PITCH / 2,
        None => (web.points[at].height + ROW_GAP + 1) / 2,
    };
    f64::from(half(above) + half(below))
}

/// The tightest places, from the top.
fn offsets(web: &Web, layer: &[usize]) -> Vec<f64> {
    let mut offsets = Vec::with_capacity(layer.len());
    for (at, point) in layer.iter().enumerate() {
        let above = if at == 0 { 0.0 } else { offsets[at - 1] + pitch(web, layer[at - 1], *point) };
        offsets.push(above);
    }
    offsets
}

fn mean(web: &Web, y: &[f64], point: usize) -> Option<f64> {
    let near = || web.left[point].iter().chain(&web.right[point]);
    let count = near().count();
    (count > 0).then(|| near().map(|near| y[*near]).sum::<f64>() / count as f64)
}

/// Isotonic regression (pool adjacent violators) towards what is wanted: (y, weight).
fn settle(web: &Web, layer: &[usize], wanted: &[(f64, f64)], y: &mut [f64]) {
    let offsets = offsets(web, layer);
    // blocks of (weighted sum, weight, how many)
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for ((want, weight), offset) in wanted.iter().zip(&offsets) {
        let mut block = ((want - offset) * weight, *weight, 1);
        while let Some(last) = blocks.last() {
            if last.0 / last.1 <= block.0 / block.1 {
                break;
            }
            block = (block.0 + last.0, block.1 + last.1, block.2 + last.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    let levels = blocks.iter().flat_map(|(sum, weight, count)| std::iter::repeat_n(sum / weight, *count));
    for ((point, offset), level) in layer.iter().zip(&offsets).zip(levels) {
        y[*point] = level + offset;
    }
}

/// Whole pixels, the topmost box at the margin.
fn down(web: &Web, y: &[f64]) -> Vec<i32> {
    let top = y.iter().zip(&web.points).map(|(y, point)| y - f64::from(point.height) / 2.0).fold(f64::INFINITY, f64::min);
    y.iter().map(|y| whole(y - top) + MARGIN).collect()
}

/// The nearest whole pixel, halves always downwards in the picture: so what keeps a distance of whole pixels still does.
fn whole(y: f64) -> i32 {
    (y + 0.5).floor() as i32
}
