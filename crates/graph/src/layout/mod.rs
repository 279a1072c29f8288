//! Where things stand in a picture: layers from left to right, as data flows. Pure numbers; the same plan gives the same picture on every
//! machine, in whatever order its parts are given.
//!
//! ```text
//! layer 0      1       2         3      4         artifacts on even layers, runs on odd ones
//! [raw]──────(run)──[features]─(run)──[model]
//! [config]────────╌╌lane╌╌─────╯                  a long edge runs in a lane, shared by all edges of its source
//! ```

mod layers;
mod order;
mod place;

use std::collections::HashMap;

use keizu_record::Time;

pub use place::{LANE_PITCH, ROW_GAP};

/// Space between two layers.
pub const LAYER_GAP: i32 = 48;
/// Space around the picture.
pub const MARGIN: i32 = 24;

/// What is to be laid out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Cards.
    pub cards: Vec<Card>,
    /// Links between cards, by index; data flows from → to.
    pub links: Vec<(usize, usize)>,
}

/// A node's card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Identity: the same in the next picture.
    pub id: String,
    /// When it came to be: decides what nothing else decides.
    pub at: Option<Time>,
    /// Runs stand between artifacts.
    pub run: bool,
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
}

/// Where everything stands. Pixels, y downwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width of the whole.
    pub width: i32,
    /// Height of the whole.
    pub height: i32,
    /// Cards, in the order of the plan.
    pub spots: Vec<Spot>,
    /// Links, in the order of the plan.
    pub routes: Vec<Route>,
    /// y of the lanes, by source and layer: what a warm start needs.
    pub lanes: HashMap<(String, usize), i32>,
}

/// Where a card stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Its layer.
    pub layer: usize,
    /// Left edge.
    pub x: i32,
    /// Middle.
    pub y: i32,
}

/// How a link runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// From the right edge of one card, by its lanes, to the left edge of the other: straight across a layer and turning between
    /// layers, in turn. Of a link that closes a cycle, the two ends.
    pub points: Vec<(i32, i32)>,
    /// Whether it closes a cycle, and so runs from right to left.
    pub back: bool,
}

/// Lays out a plan. With the picture that was shown before (and the plan that it shows), cards that stood there keep their place: only
/// layers that something new stands in move.
pub fn layout(plan: &Plan, near: Option<(&Plan, &Picture)>) -> Picture {
    let web = layers::Web::new(plan);
    let y = match near {
        Some((plan, picture)) => place::warm(&web, &known(plan, picture)),
        None => place::cold(&web, &order::order(&web)),
    };
    draw(plan, &web, &y)
}

/// y of what stands in a picture, by identity.
type Known = (HashMap<String, i32>, HashMap<(String, usize), i32>);

fn known(plan: &Plan, picture: &Picture) -> Known {
    let cards = plan.cards.iter().zip(&picture.spots).map(|(item, spot)| (item.id.clone(), spot.y));
    (cards.collect(), picture.lanes.clone())
}

fn draw(plan: &Plan, web: &layers::Web, y: &[i32]) -> Picture {
    let mut widths = vec![0; web.layers.len()];
    for (at, item) in plan.cards.iter().enumerate() {
        let layer = web.points[at].layer;
        widths[layer] = widths[layer].max(item.width);
    }
    let mut lefts = Vec::with_capacity(widths.len());
    let mut x = MARGIN;
    for width in &widths {
        lefts.push(x);
        // an empty layer (a run between artifacts that are joined directly) takes no room
        x += if *width > 0 { width + LAYER_GAP } else { 0 };
    }
    let spot = |at: usize| {
        let layer = web.points[at].layer;
        Spot { layer, x: lefts[layer] + (widths[layer] - plan.cards[at].width) / 2, y: y[at] }
    };
    let spots: Vec<Spot> = (0..plan.cards.len()).map(spot).collect();
    let routes = web.routes.iter().map(|route| Route { points: points(plan, web, &spots, y, (&lefts, &widths), route), back: route.back });
    let bottom = |(item, spot): (&Card, &Spot)| spot.y + item.height / 2;
    let lowest = plan.cards.iter().zip(&spots).map(bottom).chain(y.iter().copied()).max().unwrap_or(0);
    let right = plan.cards.iter().zip(&spots).map(|(item, spot)| spot.x + item.width).max().unwrap_or(0);
    Picture { width: right + MARGIN, height: lowest + MARGIN, routes: routes.collect(), lanes: web.lanes(y, plan), spots }
}

fn points(
    plan: &Plan,
    web: &layers::Web,
    spots: &[Spot],
    y: &[i32],
    (lefts, widths): (&[i32], &[i32]),
    route: &layers::Route,
) -> Vec<(i32, i32)> {
    let (from, to) = (route.from, route.to);
    let (out, into) = ((spots[from].x + plan.cards[from].width, spots[from].y), (spots[to].x, spots[to].y));
    if route.back {
        return vec![out, into];
    }
    // straight past wider cards of the layer: a link turns only between layers
    let mut points = vec![out, (lefts[spots[from].layer] + widths[spots[from].layer], out.1)];
    for lane in &route.lanes {
        let layer = web.points[*lane].layer;
        if widths[layer] > 0 {
            points.push((lefts[layer], y[*lane]));
            points.push((lefts[layer] + widths[layer], y[*lane]));
        }
    }
    points.extend([(lefts[spots[to].layer], into.1), into]);
    points
}
