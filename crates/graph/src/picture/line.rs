//! The main line: from raw data by the largest contents to the focus, and on to where it went; and what columns are to people.

use keizu_record::Authority;
use keizu_record::body::{ArtifactKind, Role};

use crate::rows::Rows;

use super::code::EdgeRole;
use super::{CardKind, Edge};

/// What a column is to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnRole {
    /// Where it came from.
    Source,
    /// Prepared from that.
    Prepared,
    /// What trained the model.
    Trained,
    /// The model asked for.
    Model,
    /// Something else that was asked for.
    This,
    /// Where it went.
    Went,
}

impl ColumnRole {
    /// The word in answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Prepared => "prepared",
            Self::Trained => "trained",
            Self::Model => "model",
            Self::This => "this",
            Self::Went => "went",
        }
    }

    /// What an artifact's column is, of those from the left one to the right one (layers), when the focus stands in `focus`.
    pub(super) fn of(layer: u32, focus: Option<(u32, CardKind)>) -> Self {
        let Some((focus, kind)) = focus else { return if layer == 0 { Self::Source } else { Self::Prepared } };
        let model = kind == CardKind::Artifact(ArtifactKind::Model);
        match layer.cmp(&focus) {
            std::cmp::Ordering::Greater => Self::Went,
            std::cmp::Ordering::Equal if model => Self::Model,
            std::cmp::Ordering::Equal => Self::This,
            std::cmp::Ordering::Less if model && layer + 2 == focus => Self::Trained,
            std::cmp::Ordering::Less if layer == 0 => Self::Source,
            std::cmp::Ordering::Less => Self::Prepared,
        }
    }
}

/// What the main line needs to know of a card.
pub(super) struct Weighed {
    pub kind: CardKind,
    pub bytes: u64,
    /// The later the greater.
    pub rank: u32,
}

impl Weighed {
    fn flows(&self) -> bool {
        matches!(self.kind, CardKind::Artifact(ArtifactKind::Data | ArtifactKind::Model))
    }

    fn is_run(&self) -> bool {
        self.kind == CardKind::Run
    }
}

/// The main line through the focus, from left to right.
pub(super) fn main_line(cards: &[Weighed], edges: &[Edge], focus: usize) -> Vec<usize> {
    let of =
        |end: fn(&Edge) -> usize| Rows::new(cards.len(), edges.iter().enumerate().map(move |(at, edge)| (end(edge) as u32, at as u32)));
    let mut line = Line { cards, edges, seen: vec![false; cards.len()] };
    line.seen[focus] = true;
    let into = of(|edge| edge.to);
    let mut main = line.follow(focus, &into, |edge| edge.from);
    main.reverse();
    main.push(focus);
    let out = of(|edge| edge.from);
    main.extend(line.follow(focus, &out, |edge| edge.to));
    main
}

struct Line<'l> {
    cards: &'l [Weighed],
    edges: &'l [Edge],
    seen: Vec<bool>,
}

impl Line<'_> {
    /// The way from a card to one side; it never ends with a run.
    fn follow(&mut self, focus: usize, rows: &Rows, far: fn(&Edge) -> usize) -> Vec<usize> {
        let mut way = Vec::new();
        let mut at = focus;
        while let Some(next) = self.best(at, rows, far) {
            self.seen[next] = true;
            way.push(next);
            at = next;
        }
        while way.last().is_some_and(|last| self.cards[*last].is_run()) {
            way.pop();
        }
        way
    }

    /// From an artifact to the run; from a run to the largest content that was seen; from an artifact that no run made to where it was before.
    fn best(&self, at: usize, rows: &Rows, far: fn(&Edge) -> usize) -> Option<usize> {
        let ways = rows.of(at as u32).iter().map(|edge| &self.edges[*edge as usize]).filter(|edge| !self.seen[far(edge)]);
        let runs_first = !self.cards[at].is_run();
        let good = ways.filter(|edge| self.cards[far(edge)].is_run() || (self.cards[far(edge)].flows() && is_flow(edge.role)));
        let key = |edge: &&Edge| {
            let card = &self.cards[far(edge)];
            let leads = runs_first && card.is_run() && self.leads(far(edge), rows, far);
            let input = edge.role != EdgeRole::Role(Role::EvaluationData);
            (leads, edge.by == Authority::Observed, input, card.bytes, card.rank)
        };
        good.max_by_key(key).map(far)
    }

    /// Whether contents lie behind a run.
    fn leads(&self, run: usize, rows: &Rows, far: fn(&Edge) -> usize) -> bool {
        rows.of(run as u32)
            .iter()
            .map(|edge| &self.edges[*edge as usize])
            .any(|edge| self.cards[far(edge)].flows() && !self.seen[far(edge)])
    }
}

fn is_flow(role: EdgeRole) -> bool {
    !matches!(role, EdgeRole::Role(Role::Code | Role::Config | Role::Environment | Role::Intermediate))
}
