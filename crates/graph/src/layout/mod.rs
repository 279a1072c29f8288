//! Where things stand in a picture: layers from left to right, as data flows. Pure numbers; the same plan gives the same picture on every
//! machine, in whatever order its parts are given.
//!
//! ```text
//! layer 0      1       2         3      4         artifacts on even layers, runs on odd ones: a knot in the gap between two columns
//! [raw]──────(run)──[features]─(run)──[model]
//! [config]────────╌╌lane╌╌─────╯                  a long link runs in a lane, shared by all links of its source
//! ```

mod order;
mod place;
mod web;

/// Pixels of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metrics {
    /// Width of an artifact's card.
    pub card_width: i32,
    /// Height of an artifact's card.
    pub card_height: i32,
    /// From the middle of a card to the middle of the next one below.
    pub row_pitch: i32,
    /// From the left edge of a column to the left edge of the next.
    pub column_pitch: i32,
    /// Radius of a run's knot.
    pub knot_radius: i32,
    /// From the middle of a knot to the middle of the next one below: what is written under it has room.
    pub knot_pitch: i32,
    /// Height of a lane.
    pub lane_pitch: i32,
    /// Space around the picture.
    pub margin: i32,
}

impl Metrics {
    /// Those of the page and of the pictures that are kept.
    pub const PAGE: Self = Self {
        card_width: 164,
        card_height: 46,
        row_pitch: 56,
        column_pitch: 256,
        knot_radius: 17,
        knot_pitch: 78,
        lane_pitch: 14,
        margin: 30,
    };

    /// Room that a knot takes above its middle, and below, where its name is.
    pub const fn knot_room(&self) -> (i32, i32) {
        let above = self.knot_radius + 5;
        (above, self.knot_pitch - above)
    }

    /// Where a layer stands: the left edge of its cards, or the middle of its knots.
    pub const fn x(&self, layer: u32) -> i32 {
        let left = self.margin + (layer / 2) as i32 * self.column_pitch;
        if layer.is_multiple_of(2) { left } else { left + (self.column_pitch + self.card_width) / 2 }
    }
}

/// What is to be laid out. Cards are numbers from 0 on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Whether each card is a run.
    pub runs: Vec<bool>,
    /// Decides what nothing else decides, and so is different for each card: the earlier the lower.
    pub ranks: Vec<u32>,
    /// Links between cards; data flows from → to.
    pub links: Vec<(u32, u32)>,
    /// Cards of the main line, from left to right: it is straight.
    pub main: Vec<u32>,
}

/// What stood in the picture that was shown before, as far as it stands in this one too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// y of the cards, by number.
    pub cards: Vec<Option<i32>>,
    /// y of the lanes that leave each card, in the first layer to its right, the next, …
    pub lanes: Vec<Vec<i32>>,
}

/// Where everything stands. Pixels, y downwards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Laid {
    /// Width of the whole.
    pub width: i32,
    /// Height of the whole.
    pub height: i32,
    /// Layer of each card.
    pub layers: Vec<u32>,
    /// Middle of each card.
    pub y: Vec<i32>,
    /// y of the lanes that leave each card, in the first layer to its right, the next, …: all links of a card share them.
    pub lanes: Vec<Vec<i32>>,
    /// Whether each link closes a cycle, and so runs from right to left.
    pub back: Vec<bool>,
    /// The main line, as far as it goes right.
    pub main: Vec<u32>,
}

impl Laid {
    /// y of the lanes in which a link crosses the layers between its ends; none for one that closes a cycle.
    pub fn lane(&self, (from, to): (u32, u32)) -> &[i32] {
        let (left, right) = (self.layers[from as usize], self.layers[to as usize]);
        let hops = (right.saturating_sub(left) as usize).saturating_sub(1);
        let lanes = &self.lanes[from as usize];
        &lanes[..hops.min(lanes.len())]
    }
}

/// Lays out a plan. What stood in the picture that was shown before keeps its place: only layers that something new stands in move.
pub fn layout(plan: &Plan, metrics: &Metrics, near: Option<&Known>) -> Laid {
    let web = web::Web::new(plan, metrics);
    let y = match near {
        Some(known) => place::warm(&web, metrics, known),
        None => place::cold(&web, metrics, &order::order(&web)),
    };
    let cards = plan.runs.len();
    let half = |run: bool| if run { metrics.knot_room().1 } else { metrics.card_height / 2 };
    let lowest = plan.runs.iter().zip(&y).map(|(run, y)| y + half(*run)).chain(y.iter().copied()).max().unwrap_or(0);
    let columns = (web.layers.len().max(1) as i32 + 1) / 2;
    let width = 2 * metrics.margin + (columns - 1) * metrics.column_pitch + metrics.card_width;
    // a run at the right end has its knot in a gap that no column closes
    let open = if web.layers.len().is_multiple_of(2) && !web.layers.is_empty() { metrics.column_pitch - metrics.card_width } else { 0 };
    let layers: Vec<u32> = web.points[..cards].iter().map(|point| point.layer).collect();
    Laid {
        width: width + open,
        height: lowest + metrics.margin,
        main: web::rightwards(&plan.main, &layers),
        layers,
        lanes: (0..cards).map(|at| y[web.lanes_of(at)].to_vec()).collect(),
        back: web.back,
        y: y[..cards].to_vec(),
    }
}
