//! A picture as SVG: one file, readable in light and dark, without scripts, the same bytes whatever fonts are present. It says what it proves.

mod shape;
mod style;
mod text;

use std::fmt::Write as _;

use keizu_record::Authority;
use keizu_record::body::ArtifactKind;

use super::{Card, CardKind, ColumnRole, Edge, Picture, State, Why};
use crate::layout::Metrics;
use text::{NAME, SMALL, SUB, cut, escaped, width};

/// Room for the heads of the columns.
const HEADS: i32 = 64;
/// Room for the legend.
const FOOT: i32 = 58;

/// What is written around a picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caption {
    /// What it shows.
    pub title: String,
    /// As of when, if not now.
    pub as_of: Option<String>,
    /// The record that it was made from: entries, and the root of its log.
    pub record: Option<(u64, String)>,
}

/// What is written on a card, or under a knot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// In the first line.
    pub name: String,
    /// In the second.
    pub sub: String,
    /// The whole of it, for who asks.
    pub full: String,
    /// Over a column of runs: when.
    pub time: String,
}

/// Draws a picture. `labels`: of its cards, in their order.
pub fn svg(picture: &Picture, metrics: &Metrics, labels: &[Label], caption: &Caption) -> String {
    let legend = legend(picture);
    let proof = proof(caption);
    let least = legend_width(&legend).max(width(&proof, SMALL)) + 2 * metrics.margin;
    let (w, h) = (picture.width.max(least).max(320), picture.height + HEADS + FOOT);
    let runs = picture.cards.iter().filter(|card| card.kind == CardKind::Run).count();
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" aria-labelledby=\"t d\">"
    );
    let _ = writeln!(out, "<title id=\"t\">{}</title>", escaped(&caption.title));
    let things = picture.cards.len() - runs;
    let _ = writeln!(
        out,
        "<desc id=\"d\">{things} {}, {runs} {}{}; data flows from left to right{}</desc>",
        if things == 1 { "thing" } else { "things" },
        if runs == 1 { "run" } else { "runs" },
        grouped(picture),
        if proof.is_empty() { String::new() } else { format!("; {}", escaped(&proof)) },
    );
    let _ = writeln!(out, "<style>{}</style>", style::style());
    let _ = writeln!(out, "<rect class=\"paper\" width=\"{w}\" height=\"{h}\"/>");
    heads(picture, metrics, labels, &mut out);
    let _ = writeln!(out, "<g transform=\"translate(0 {HEADS})\">");
    edges(picture, metrics, &mut out);
    for (at, label) in (0..picture.cards.len()).zip(labels) {
        match picture.cards[at].kind {
            CardKind::Run => knot(picture, metrics, at, label, &mut out),
            CardKind::Artifact(kind) => card(picture, metrics, (at, kind), label, &mut out),
        }
    }
    out.push_str("</g>\n");
    foot(&legend, &proof, metrics, (w, h), &mut out);
    out.push_str("</svg>\n");
    out
}

fn grouped(picture: &Picture) -> String {
    let counts = &picture.counts;
    let parts = [(counts.folded, "grouped"), (counts.beyond, "not drawn"), (counts.cut, "left out")];
    parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!(", {count} {word}")).collect()
}

/// What columns are, and when runs began.
fn heads(picture: &Picture, metrics: &Metrics, labels: &[Label], out: &mut String) {
    let mut last = None;
    for layer in &picture.layers {
        let Some(role) = layer.role.filter(|role| last != Some(*role)) else { continue };
        last = Some(role);
        let word = match role {
            ColumnRole::Source => "Where it came from",
            ColumnRole::Prepared => "Prepared",
            ColumnRole::Trained => "What trained it",
            ColumnRole::Model => "The model",
            ColumnRole::This => "This",
            ColumnRole::Went => "Where it went",
        };
        let _ = writeln!(out, "<text class=\"h\" x=\"{}\" y=\"30\">{word}</text>", layer.x);
    }
    let right = picture.width - metrics.margin;
    let _ = writeln!(out, "<path class=\"q\" d=\"M{} 42H{right}\"/>", metrics.margin);
    for (at, layer) in picture.layers.iter().enumerate() {
        let of_layer = |(card, _): &(&Card, &Label)| card.layer as usize == at && card.kind == CardKind::Run;
        let first =
            picture.cards.iter().zip(labels).filter(of_layer).filter(|(_, label)| !label.time.is_empty()).min_by_key(|(card, _)| card.at);
        if let Some((_, label)) = first {
            let _ = writeln!(
                out,
                "<path class=\"q\" d=\"M{0} 42v5\"/><text class=\"w m\" x=\"{0}\" y=\"60\">{1}</text>",
                layer.x,
                escaped(&label.time)
            );
        }
    }
}

/// Plain links first, then the main line on top of them.
fn edges(picture: &Picture, metrics: &Metrics, out: &mut String) {
    let mut place = vec![usize::MAX; picture.cards.len()];
    picture.main.iter().enumerate().for_each(|(at, card)| place[*card] = at);
    let is_main = |edge: &Edge| place[edge.from] != usize::MAX && place[edge.from] + 1 == place[edge.to];
    for main in [false, true] {
        for edge in picture.edges.iter().filter(|edge| is_main(edge) == main) {
            let of = [edge.by.word(), if main { " main" } else { "" }, if edge.back { " back" } else { "" }].concat();
            let _ = writeln!(out, "<path class=\"a {of}\" d=\"{}\"/>", shape::way(picture, metrics, edge));
        }
    }
}

/// How a card looks beside its kind.
fn classes(picture: &Picture, at: usize) -> String {
    let card = &picture.cards[at];
    let focus = if picture.focus == Some(at) { " focus" } else { "" };
    let bad = matches!(card.state, State::Failed | State::Killed | State::Lost | State::Faulty | State::Deleted);
    format!("{}{focus}{}", card.kind.word(), if bad { " bad" } else { "" })
}

fn knot(picture: &Picture, metrics: &Metrics, at: usize, label: &Label, out: &mut String) {
    let (x, y, r) = (picture.x(at), picture.cards[at].y, metrics.knot_radius);
    let _ = writeln!(out, "<g class=\"{}\"><title>{}</title>", classes(picture, at), escaped(&label.full));
    if picture.focus == Some(at) {
        let _ = writeln!(out, "<circle class=\"halo\" cx=\"{x}\" cy=\"{y}\" r=\"{}\"/>", r + 3);
    }
    if is_stack(picture, at) {
        let _ = writeln!(out, "<circle class=\"c\" cx=\"{}\" cy=\"{}\" r=\"{r}\"/>", x + 4, y + 4);
    }
    let _ = writeln!(out, "<circle class=\"c\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>");
    let _ = writeln!(out, "<path class=\"i\" transform=\"translate({x} {y})\" d=\"{}\"/>", shape::icon(CardKind::Run));
    let room = metrics.column_pitch - metrics.card_width;
    let _ = writeln!(out, "<text class=\"n m\" x=\"{x}\" y=\"{}\">{}</text>", y + r + 16, escaped(&cut(&label.name, NAME, room)));
    if !label.sub.is_empty() {
        let _ = writeln!(out, "<text class=\"k2 m\" x=\"{x}\" y=\"{}\">{}</text>", y + r + 31, escaped(&cut(&label.sub, SUB, room)));
    }
    tabs(&picture.cards[at], (x - r - 2, x + r + 2, y - r), out);
    out.push_str("</g>\n");
}

fn card(picture: &Picture, metrics: &Metrics, (at, kind): (usize, ArtifactKind), label: &Label, out: &mut String) {
    let (x, y) = (picture.x(at), picture.cards[at].y);
    let _ = writeln!(out, "<g class=\"{}\"><title>{}</title>", classes(picture, at), escaped(&label.full));
    let outline = shape::outline(kind, metrics, x, y);
    if is_stack(picture, at) {
        let _ = writeln!(out, "<path class=\"c\" d=\"{}\"/>", shape::outline(kind, metrics, x + 4, y + 4));
    }
    let focus = picture.focus == Some(at);
    if focus {
        let _ = writeln!(out, "<path class=\"halo\" d=\"{outline}\"/>");
    }
    let _ = writeln!(out, "<path class=\"c{}\" d=\"{outline}\"/>", if focus { " f" } else { "" });
    if kind == ArtifactKind::Environment {
        let half = metrics.card_height / 2;
        let _ = writeln!(out, "<path class=\"c\" d=\"M{} {}V{}\"/>", x + 4, y - half, y + half);
    }
    let (left, right) = shape::text_span(kind, metrics);
    let _ =
        writeln!(out, "<path class=\"i\" transform=\"translate({} {y})\" d=\"{}\"/>", x + left - 17, shape::icon(picture.cards[at].kind));
    let line = |class: &str, y: i32, text: &str| format!("<text class=\"{class}\" x=\"{}\" y=\"{y}\">{}</text>", x + left, escaped(text));
    let first = if label.sub.is_empty() { y + 5 } else { y - 3 };
    let _ = writeln!(out, "{}", line("n", first, &cut(&label.name, NAME, right - left)));
    if !label.sub.is_empty() {
        let _ = writeln!(out, "{}", line("s", y + 13, &cut(&label.sub, SUB, right - left)));
    }
    tabs(&picture.cards[at], (x, x + metrics.card_width, y), out);
    if let Some(fold) = picture.cards[at].fold.map(|fold| &picture.folds[fold]).filter(|fold| fold.why == Why::Versions) {
        tab(fold.count, (x + 8, y - metrics.card_height / 2), out);
    }
    out.push_str("</g>\n");
}

/// Whether it is drawn as two, one behind the other.
fn is_stack(picture: &Picture, at: usize) -> bool {
    picture.cards[at].fold.is_some_and(|fold| !picture.folds[fold].why.behind_one())
}

/// How many parents and children are not shown.
fn tabs(card: &Card, (left, right, y): (i32, i32, i32), out: &mut String) {
    for (count, x) in [(card.up, left), (card.down, right)] {
        if count > 0 {
            tab(count as usize, (x, y), out);
        }
    }
}

fn tab(count: usize, (x, y): (i32, i32), out: &mut String) {
    let text = format!("+{count}");
    let w = width(&text, SMALL) + 10;
    let _ = writeln!(
        out,
        "<rect class=\"tab\" x=\"{}\" y=\"{}\" width=\"{w}\" height=\"18\" rx=\"9\"/><text class=\"t m\" x=\"{x}\" y=\"{}\">{text}</text>",
        x - w / 2,
        y - 9,
        y + 4
    );
}

/// What the lines mean, with how many of each there are; and what is not drawn.
fn legend(picture: &Picture) -> Vec<(Option<Authority>, String)> {
    let of = |by: &Authority| picture.edges.iter().filter(|edge| edge.by == *by).count();
    let lines = Authority::ALL.iter().map(|by| (*by, of(by))).filter(|(_, count)| *count > 0);
    let mut legend: Vec<(Option<Authority>, String)> = lines.map(|(by, count)| (Some(by), format!("{} {count}", by.word()))).collect();
    let rest = grouped(picture);
    if let Some(rest) = rest.strip_prefix(", ") {
        legend.push((None, rest.replace(", ", " · ")));
    }
    if picture.counts.truncated {
        legend.push((None, "there is more".to_owned()));
    }
    legend
}

fn legend_width(legend: &[(Option<Authority>, String)]) -> i32 {
    legend.iter().map(|(by, text)| width(text, SMALL) + if by.is_some() { 54 } else { 20 }).sum()
}

fn proof(caption: &Caption) -> String {
    let record = caption.record.as_ref().map(|(size, root)| format!("record of {size} entries, root {root}"));
    let as_of = caption.as_of.as_ref().map(|as_of| format!("as of {as_of}"));
    as_of.into_iter().chain(record).collect::<Vec<_>>().join(" · ")
}

fn foot(legend: &[(Option<Authority>, String)], proof: &str, metrics: &Metrics, (w, h): (i32, i32), out: &mut String) {
    let (mut x, y) = (metrics.margin, h - 36);
    for (by, text) in legend {
        if let Some(by) = by {
            let _ = writeln!(out, "<path class=\"a {}\" d=\"M{x} {}H{}\"/>", by.word(), y - 4, x + 28);
            x += 34;
        }
        let _ = writeln!(out, "<text class=\"l\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(text));
        x += width(text, SMALL) + 20;
    }
    if !proof.is_empty() {
        let _ = writeln!(out, "<text class=\"w e\" x=\"{}\" y=\"{}\">{}</text>", w - metrics.margin, h - 14, escaped(proof));
    }
}
