//! How far down each point of a layer stands: as near to its neighbours' mean as the order and the space between cards allow.

use super::web::Web;
use super::{Known, Metrics};

const ROUNDS: usize = 8;
/// In the last of them the lanes of a card are drawn to one height: a long link turns where it ends, and nowhere else.
const STRAIGHT_ROUNDS: usize = 4;
/// How much more that counts than where a card would stand.
const STRAIGHT_WEIGHT: f64 = 50.0;
/// What stood there before does not give way to what is new.
const KEPT_WEIGHT: f64 = 1e6;
/// The main line is straight, and gives way to nothing else: all of it is drawn to one height.
const MAIN_WEIGHT: f64 = 1e12;
/// Lanes are straight, before cards are.
const LANE_WEIGHT: f64 = 4.0;
/// What hangs on the main line hangs near it.
const BESIDE_MAIN_WEIGHT: f64 = 2.0;

/// From the order alone.
pub(super) fn cold(web: &Web, metrics: &Metrics, order: &[Vec<u32>]) -> Vec<i32> {
    let mut y = vec![0.0; web.points.len()];
    let mut settler = Settler::default();
    for layer in order {
        // the main line at 0, all else above and below it
        settler.offset(web, layer);
        let main = layer.iter().position(|point| web.points[*point as usize].main);
        let base = settler.offsets.get(main.unwrap_or(layer.len() / 2)).copied().unwrap_or_default();
        for (point, offset) in layer.iter().zip(&settler.offsets) {
            y[*point as usize] = offset - base;
        }
    }
    let count = order.len();
    let mut heights = vec![None; web.points.len()];
    for round in 0..ROUNDS {
        if round + STRAIGHT_ROUNDS >= ROUNDS {
            level(web, &y, &mut heights);
        }
        for step in 0..count {
            let layer = &order[if round % 2 == 0 { step } else { count - 1 - step }];
            settler.wanted.clear();
            settler.wanted.extend(layer.iter().map(|point| match heights[*point as usize] {
                Some(height) => (height, STRAIGHT_WEIGHT),
                None => wanted(web, &y, *point),
            }));
            settler.settle(web, layer, &mut y);
        }
    }
    down(web, metrics, &y)
}

/// The height at which the lanes of each card would be straight.
fn level(web: &Web, y: &[f64], heights: &mut [Option<f64>]) {
    for card in 0..web.cards() {
        let lanes = web.lanes_of(card);
        let count = lanes.len();
        if count < 2 || web.points[lanes.start].main {
            continue;
        }
        let mean = y[lanes.clone()].iter().sum::<f64>() / count as f64;
        heights[lanes].fill(Some(mean));
    }
}

/// Where a point would stand by itself, and how much that counts.
fn wanted(web: &Web, y: &[f64], at: u32) -> (f64, f64) {
    let point = &web.points[at as usize];
    if point.main {
        return (0.0, MAIN_WEIGHT);
    }
    let (mut sum, mut weight) = (0.0, 0.0);
    for near in web.left.of(at).iter().chain(web.right.of(at)) {
        let other = &web.points[*near as usize];
        let pull = match (point.lane && other.lane, other.main) {
            (true, _) => LANE_WEIGHT,
            (false, true) => BESIDE_MAIN_WEIGHT,
            (false, false) => 1.0,
        };
        sum += y[*near as usize] * pull;
        weight += pull;
    }
    if weight > 0.0 { (sum / weight, 1.0) } else { (y[at as usize], 1.0) }
}

/// What is known keeps its place; what is new stands at its neighbours' mean and moves its own layer.
pub(super) fn warm(web: &Web, metrics: &Metrics, known: &Known) -> Vec<i32> {
    let mut y: Vec<Option<f64>> = vec![None; web.points.len()];
    for card in 0..web.cards() {
        y[card] = known.cards.get(card).copied().flatten().map(f64::from);
        if let (Some(lanes), Some(_)) = (known.lanes.get(card), y[card]) {
            for (lane, known) in web.lanes_of(card).zip(lanes) {
                y[lane] = Some(f64::from(*known));
            }
        }
    }
    let fresh: Vec<bool> = y.iter().map(Option::is_none).collect();
    // neighbours of the new may be new themselves: from the left, then from the right
    for at in web.layers.iter().chain(web.layers.iter().rev()).flatten() {
        if y[*at as usize].is_none() {
            let near = || web.left.of(*at).iter().chain(web.right.of(*at)).filter_map(|near| y[*near as usize]);
            let count = near().count();
            y[*at as usize] = (count > 0).then(|| near().sum::<f64>() / count as f64);
        }
    }
    let mut y: Vec<f64> = y.into_iter().map(|y| y.unwrap_or(f64::from(metrics.margin))).collect();
    let mut settler = Settler::default();
    for layer in &web.layers {
        let mut layer = layer.clone();
        layer.sort_by(|a, b| {
            let (one, other) = (&web.points[*a as usize], &web.points[*b as usize]);
            y[*a as usize].total_cmp(&y[*b as usize]).then((one.rank, one.lane).cmp(&(other.rank, other.lane)))
        });
        if !layer.iter().any(|at| fresh[*at as usize]) && fits(web, &layer, &y) {
            continue;
        }
        settler.wanted.clear();
        settler.wanted.extend(layer.iter().map(|at| (y[*at as usize], if fresh[*at as usize] { 1.0 } else { KEPT_WEIGHT })));
        settler.offset(web, &layer);
        settler.settle(web, &layer, &mut y);
    }
    if y.iter().zip(&web.points).all(|(y, point)| *y >= f64::from(metrics.margin + point.rise)) {
        return y.iter().map(|y| whole(*y)).collect();
    }
    down(web, metrics, &y)
}

/// Whether nothing in the layer, from top to bottom, overlaps.
fn fits(web: &Web, layer: &[u32], y: &[f64]) -> bool {
    layer.windows(2).all(|pair| y[pair[1] as usize] - y[pair[0] as usize] >= pitch(web, pair[0], pair[1]))
}

fn pitch(web: &Web, above: u32, below: u32) -> f64 {
    f64::from(web.points[above as usize].room.1 + web.points[below as usize].room.0)
}

/// Isotonic regression (pool adjacent violators) towards what is wanted; its memory is used again.
#[derive(Default)]
struct Settler {
    /// The tightest places, from the top.
    offsets: Vec<f64>,
    /// (y, weight).
    wanted: Vec<(f64, f64)>,
    /// (weighted sum, weight, how many).
    blocks: Vec<(f64, f64, usize)>,
}

impl Settler {
    fn offset(&mut self, web: &Web, layer: &[u32]) {
        self.offsets.clear();
        let mut offset = 0.0;
        for (at, point) in layer.iter().enumerate() {
            if at > 0 {
                offset += pitch(web, layer[at - 1], *point);
            }
            self.offsets.push(offset);
        }
    }

    fn settle(&mut self, web: &Web, layer: &[u32], y: &mut [f64]) {
        self.offset(web, layer);
        self.blocks.clear();
        for ((want, weight), offset) in self.wanted.iter().zip(&self.offsets) {
            let mut block = ((want - offset) * weight, *weight, 1);
            while let Some(last) = self.blocks.last() {
                if last.0 / last.1 <= block.0 / block.1 {
                    break;
                }
                block = (block.0 + last.0, block.1 + last.1, block.2 + last.2);
                self.blocks.pop();
            }
            self.blocks.push(block);
        }
        let levels = self.blocks.iter().flat_map(|(sum, weight, count)| std::iter::repeat_n(sum / weight, *count));
        for ((point, offset), level) in layer.iter().zip(&self.offsets).zip(levels) {
            y[*point as usize] = level + offset;
        }
    }
}

/// Whole pixels, the topmost card at the margin.
fn down(web: &Web, metrics: &Metrics, y: &[f64]) -> Vec<i32> {
    // what is level but for the last digits is level
    let y: Vec<f64> = y.iter().map(|y| (y * 64.0 + 0.5).floor() / 64.0).collect();
    let top = y.iter().zip(&web.points).map(|(y, point)| y - f64::from(point.rise)).fold(f64::INFINITY, f64::min);
    y.iter().map(|y| whole(y - top) + metrics.margin).collect()
}

/// The nearest whole pixel, halves always downwards in the picture: so what keeps a distance of whole pixels still does.
fn whole(y: f64) -> i32 {
    (y + 0.5).floor() as i32
}
