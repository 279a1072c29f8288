//! The family tree as a picture: what stands around a thing, folded until people can read it, and laid out.
//!
//! ```text
//! Kin (nodes, links around a focus) ──filters──► kept ──fold──► groups ──depth──► cards ──layout──► Picture
//! ```
//!
//! Nothing is ever dropped without a count: what a card does not show of its parents and children it counts, a fold counts what it holds, and
//! what filters cut off is counted by [`Counts::cut`].

mod code;
mod crowd;
mod draw;
mod fold;
mod kin;
mod line;
mod look;
mod sides;
mod sight;
mod svg;
mod words;

use std::collections::BTreeSet;

use foldhash::HashMap;
use keizu_record::body::ArtifactKind;
use keizu_record::{Authority, Digest, Time};

use crate::layout::{Known, Laid, Metrics, Plan, layout};
use crate::vertex::Vertex;

pub use code::{CardKind, EdgeRole, State, Why};
pub use kin::{Kin, gather};
pub use line::ColumnRole;
pub use svg::{Caption, Label, svg};
pub use words::{Arg, Note, name, note};

/// How many cards a picture has by default, before somebody opens more.
pub const CARDS_MAX: usize = 60;
/// How many members of a fold are shown when it is opened; the rest is opened in its turn.
pub const OPEN_MAX: usize = 200;
/// How many things are laid out at most.
pub const NODES_MAX: usize = 200_000;
/// Of the layout: another number, another picture of the same things.
const VERSION: u32 = 1;

/// What is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// How many runs to pass towards what made the focus; none: all.
    pub up: Option<u32>,
    /// How many runs to pass towards what was made from it; none: all.
    pub down: Option<u32>,
    /// Show only artifacts of these kinds, and the runs between them; empty: all.
    pub kinds: Vec<ArtifactKind>,
    /// Follow only what these say; empty: all.
    pub by: Vec<Authority>,
    /// Whether to fold until [`Query::cards_max`] are left.
    pub fold: bool,
    /// What is open: ids of folds; `up.ID` and `down.ID` for the hidden parents or children of a card.
    pub open: BTreeSet<String>,
    /// How many cards there are before anything is opened.
    pub cards_max: usize,
    /// How many things are walked to.
    pub nodes_max: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            up: None,
            down: None,
            kinds: Vec::new(),
            by: Vec::new(),
            fold: true,
            open: BTreeSet::new(),
            cards_max: CARDS_MAX,
            nodes_max: NODES_MAX,
        }
    }
}

/// What is shown, and where.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Picture {
    /// Stands for what is shown: the same things, the same text.
    pub id: String,
    /// The card asked for; none when nothing is known of it.
    pub focus: Option<usize>,
    /// Cards, from left to right, then from top to bottom.
    pub cards: Vec<Card>,
    /// Links between cards, by index. Sorted.
    pub edges: Vec<Edge>,
    /// What is folded.
    pub folds: Vec<Fold>,
    /// Cards of the main line: from raw data by the largest contents to the focus, and on.
    pub main: Vec<usize>,
    /// Layers, from left to right.
    pub layers: Vec<Layer>,
    /// Pixels.
    pub width: i32,
    /// Pixels.
    pub height: i32,
    /// How many of what.
    pub counts: Counts,
}

/// One thing, or one fold of many.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Identity: the same in the next picture, and fit for an address.
    pub id: String,
    /// What it is.
    pub kind: CardKind,
    /// The things it stands for, as indices of [`Kin::nodes`]; that which it is named by first.
    pub nodes: Vec<usize>,
    /// Index of its layer.
    pub layer: u32,
    /// Middle.
    pub y: i32,
    /// The fold that it is.
    pub fold: Option<usize>,
    /// How many direct parents are not shown.
    pub up: u32,
    /// How many direct children are not shown.
    pub down: u32,
    /// How it is.
    pub state: State,
    /// When it came to be; of a fold: the last.
    pub at: Option<Time>,
}

/// A link between two cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// From this card.
    pub from: usize,
    /// To this one.
    pub to: usize,
    /// Who says so; of several links: most of them, of as many the weaker.
    pub by: Authority,
    /// What part the artifact played in the run, or what joins two artifacts.
    pub role: EdgeRole,
    /// y in each layer that it crosses; empty for one that closes a cycle.
    pub lane: Vec<i32>,
    /// Whether it closes a cycle.
    pub back: bool,
}

/// What is folded into one card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// What opens it.
    pub id: String,
    /// Why.
    pub why: Why,
    /// What its members are.
    pub kind: CardKind,
    /// How many there are.
    pub count: usize,
}

/// A column of cards, or the knots between two columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The left edge of its cards, or the middle of its knots.
    pub x: i32,
    /// What a column is to people; none for runs.
    pub role: Option<ColumnRole>,
    /// When the first and the last of its runs began.
    pub runs: Option<(Time, Time)>,
}

/// How many of what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Things that are folded into cards that stand for more than one.
    pub folded: usize,
    /// Things that are known to be there and not shown, for the depth or since there would be too many.
    pub beyond: usize,
    /// Shown things that the asker may not see.
    pub hidden: usize,
    /// Shown things whose content nobody knows any more.
    pub deleted: usize,
    /// Shown things that were not seen as they should.
    pub faulty: usize,
    /// Things that filters cut off.
    pub cut: usize,
    /// Links that filters took away.
    pub cut_links: usize,
    /// Things by kind, before filters.
    pub kinds: Vec<(CardKind, usize)>,
    /// Links by who says so, before filters.
    pub by: Vec<(Authority, usize)>,
    /// Whether there is more than is walked to.
    pub truncated: bool,
}

/// What stood in the picture that was shown before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Before {
    cards: HashMap<String, (i32, Vec<i32>)>,
}

impl Before {
    /// Of a picture's cards (id, y) and links (from, lanes).
    pub fn new<'b>(cards: impl IntoIterator<Item = (&'b str, i32)>, links: impl IntoIterator<Item = (usize, &'b [i32])>) -> Self {
        let mut ids = Vec::new();
        let mut found = HashMap::default();
        for (id, y) in cards {
            ids.push(id);
            found.insert(id.to_owned(), (y, Vec::new()));
        }
        for (from, lane) in links {
            if let Some((_, lanes)) = ids.get(from).and_then(|id| found.get_mut(*id))
                && lanes.len() < lane.len()
            {
                *lanes = lane.to_vec();
            }
        }
        Self { cards: found }
    }

    fn known(&self, ids: &[String]) -> Option<Known> {
        let of: Vec<Option<&(i32, Vec<i32>)>> = ids.iter().map(|id| self.cards.get(id)).collect();
        of.iter().any(Option::is_some).then(|| Known {
            cards: of.iter().map(|known| known.map(|known| known.0)).collect(),
            lanes: of.iter().map(|known| known.map(|known| known.1.clone()).unwrap_or_default()).collect(),
        })
    }
}

impl From<&Picture> for Before {
    fn from(picture: &Picture) -> Self {
        let cards = picture.cards.iter().map(|card| (card.id.as_str(), card.y));
        Self::new(cards, picture.edges.iter().map(|edge| (edge.from, edge.lane.as_slice())))
    }
}

/// Identity of a thing in pictures: short, and fit for an address.
pub fn id_of(vertex: &Vertex) -> String {
    match vertex {
        Vertex::Run(run) => run.to_string(),
        _ => format!("v:{}", Digest::of(vertex.to_string().as_bytes()).short(20)),
    }
}

impl Picture {
    /// The picture of what stands around a thing. With the picture that was shown before, what stood there keeps its place.
    pub fn new(kin: &Kin, query: &Query, metrics: &Metrics, near: Option<&Before>) -> Self {
        draw::picture(kin, query, metrics, near)
    }

    /// Where a card stands: its left edge, or the middle of a run's knot.
    pub fn x(&self, card: usize) -> i32 {
        self.layers[self.cards[card].layer as usize].x
    }
}

/// Lays out cards of which ids and times are known; the main line is given from left to right.
fn laid(plan: &Plan, ids: &[String], metrics: &Metrics, near: Option<&Before>) -> Laid {
    let known = near.and_then(|before| before.known(ids));
    layout(plan, metrics, known.as_ref())
}
