//! Outlines and icons of cards, by kind; the ways of links.

use std::fmt::Write as _;

use keizu_record::body::ArtifactKind;

use crate::layout::Metrics;

use super::super::{CardKind, Edge, Picture};

/// Depth of points and cut corners.
const POINT: i32 = 12;

/// The outline of an artifact's card whose left edge and middle are given.
pub(super) fn outline(kind: ArtifactKind, metrics: &Metrics, x: i32, y: i32) -> String {
    let (w, h) = (metrics.card_width, metrics.card_height);
    let (top, bottom, right) = (y - h / 2, y + h / 2, x + w);
    match kind {
        ArtifactKind::Model => {
            format!("M{} {top}H{}L{right} {y}L{} {bottom}H{}L{x} {y}z", x + POINT, right - POINT, right - POINT, x + POINT)
        }
        ArtifactKind::Code => format!("M{x} {top}H{}L{right} {}V{bottom}H{x}z", right - POINT, top + POINT),
        ArtifactKind::Evaluation => format!("M{} {top}H{right}V{bottom}H{}L{x} {y}z", x + POINT, x + POINT),
        _ => {
            let r = 6;
            format!(
                "M{} {top}H{}a{r} {r} 0 0 1 {r} {r}V{}a{r} {r} 0 0 1 -{r} {r}H{}a{r} {r} 0 0 1 -{r} -{r}V{}a{r} {r} 0 0 1 {r} -{r}z",
                x + r,
                right - r,
                bottom - r,
                x + r,
                top + r
            )
        }
    }
}

/// Where the text begins, and where it must end, from the card's left edge.
pub(super) fn text_span(kind: ArtifactKind, metrics: &Metrics) -> (i32, i32) {
    match kind {
        ArtifactKind::Model => (41, metrics.card_width - POINT - 2),
        ArtifactKind::Evaluation => (41, metrics.card_width - 8),
        ArtifactKind::Code => (37, metrics.card_width - POINT),
        _ => (37, metrics.card_width - 8),
    }
}

/// An icon of 16 pixels around (0, 0).
pub(super) fn icon(kind: CardKind) -> &'static str {
    match kind {
        CardKind::Run => "M-4 -6.5L7 0L-4 6.5z",
        CardKind::Artifact(ArtifactKind::Data) => {
            "M-6 -4.5a6 2.5 0 0 1 12 0a6 2.5 0 0 1 -12 0V4.5a6 2.5 0 0 0 12 0V-4.5M-6 0a6 2.5 0 0 0 12 0"
        }
        CardKind::Artifact(ArtifactKind::Code) => "M-3 -5L-7.5 0L-3 5M3 -5L7.5 0L3 5",
        CardKind::Artifact(ArtifactKind::Model) => "M-3.5 -6.5H3.5L7.5 0L3.5 6.5H-3.5L-7.5 0z",
        CardKind::Artifact(ArtifactKind::Environment) => "M0 -6.5L7.5 -2.5L0 1.5L-7.5 -2.5zM-7.5 1L0 5L7.5 1M-7.5 4L0 8L7.5 4",
        CardKind::Artifact(ArtifactKind::Evaluation) => "M0 -7.5L7.5 0L0 7.5L-7.5 0zM-3 0L-1 2.2L3 -2",
        CardKind::Artifact(ArtifactKind::Config) => "M-7 -4H7M-7 4H7M-3 -6.5V-1.5M3 1.5V6.5",
        CardKind::Artifact(ArtifactKind::Document) => "M-5 -7H3L6 -4V7H-5zM-2 -1H3M-2 3H3",
        CardKind::Artifact(ArtifactKind::Other) => "M-5 -7H2L6 -3V7H-5z",
    }
}

/// Where links leave a card, or arrive at it.
fn end(picture: &Picture, metrics: &Metrics, card: usize, leaving: bool) -> (i32, i32) {
    let (x, y) = (picture.x(card), picture.cards[card].y);
    match (picture.cards[card].kind, leaving) {
        (CardKind::Run, true) => (x + metrics.knot_radius, y),
        (CardKind::Run, false) => (x - metrics.knot_radius, y),
        (CardKind::Artifact(_), true) => (x + metrics.card_width, y),
        (CardKind::Artifact(_), false) => (x, y),
    }
}

/// The way of a link: straight in its lanes, curved between them; what closes a cycle loops above.
pub(super) fn way(picture: &Picture, metrics: &Metrics, edge: &Edge) -> String {
    let (from, to) = (end(picture, metrics, edge.from, true), end(picture, metrics, edge.to, false));
    let mut out = format!("M{} {}", from.0, from.1);
    if edge.back {
        let top = from.1.min(to.1) - metrics.row_pitch;
        let _ = write!(out, "C{} {top} {} {top} {} {}", from.0 + 60, to.0 - 60, to.0, to.1);
        return out;
    }
    let mut at = from;
    let first = picture.cards[edge.from].layer;
    let mut turn = |to: (i32, i32)| {
        let middle = (at.0 + to.0) / 2;
        let _ = match at.1 == to.1 {
            true => write!(out, "H{}", to.0),
            false => write!(out, "C{middle} {} {middle} {} {} {}", at.1, to.1, to.0, to.1),
        };
        at = to;
    };
    for (hop, y) in edge.lane.iter().enumerate() {
        let layer = first + 1 + hop as u32;
        let x = metrics.x(layer);
        let (left, right) =
            if layer.is_multiple_of(2) { (x, x + metrics.card_width) } else { (x - metrics.knot_radius, x + metrics.knot_radius) };
        turn((left, *y));
        turn((right, *y));
    }
    turn(to);
    out
}
