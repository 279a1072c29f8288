//! SVG: one file, readable in light and dark, without scripts, the same bytes whatever fonts are present.

use std::fmt::Write as _;

use keizu_record::Authority;
use unicode_width::UnicodeWidthChar as _;

use super::{Drawing, Shape};
use crate::layout::{Card, Picture, Plan, Route, Spot, layout};

const CARD_HEIGHT: i32 = 46;
const RUN_HEIGHT: i32 = 40;
const WIDTH_MIN: i32 = 96;
/// A letter of the name, and of the line below it: wider than most, so that no font leaves its card.
const NAME_WIDTH: i32 = 8;
const DETAIL_WIDTH: i32 = 7;
const NAME_COLUMNS_MAX: usize = 34;
const PADDING: i32 = 14;
const LEGEND_HEIGHT: i32 = 28;

/// What no theme changes.
const STYLE: &str = "text{font-family:system-ui,sans-serif;font-size:13px}.detail,.legend,.say{font-size:11px}.card{stroke-width:1.4}\
.root{stroke-width:2.6}.arrow{fill:none;stroke-width:1.4}.declared{stroke-dasharray:7 5}.inferred{stroke-dasharray:1.5 5;stroke-linecap:round}\
.imported{stroke-dasharray:10 3 2 3}";

/// Selector, property, colour in light and in dark. Written out, since not every reader of SVG knows variables.
const COLOURS: &[(&str, &str, &str, &str)] = &[
    (".paper", "fill", "#faf9f6", "#14161a"),
    ("text", "fill", "#1b1e23", "#eceae4"),
    (".detail,.legend,.say", "fill", "#4a5059", "#bcc1c9"),
    (".card", "stroke", "#656b80", "#9aa1a5"),
    (".card", "fill", "#eff0f4", "#262a30"),
    (".data", "stroke", "#0070cc", "#529efb"),
    (".data", "fill", "#e6f1fb", "#152a42"),
    (".code", "stroke", "#523b00", "#f2dd73"),
    (".code", "fill", "#f5eedb", "#2f2b16"),
    (".model", "stroke", "#c04a08", "#ff7a40"),
    (".model", "fill", "#fdeee4", "#3a2114"),
    (".evaluation", "stroke", "#7e1c86", "#eba1e7"),
    (".evaluation", "fill", "#f7e9f8", "#341f36"),
    (".card.run", "stroke", "#1f2228", "#dbdfe4"),
    (".card.run", "fill", "#faf9f6", "#14161a"),
    (".arrow", "stroke", "#83888f", "#727984"),
    (".head", "fill", "#83888f", "#727984"),
    (".back", "stroke", "#8a5300", "#e7b65a"),
];

fn style() -> String {
    let rules = |dark: bool| -> String {
        COLOURS.iter().map(|(of, what, light, night)| format!("{of}{{{what}:{}}}", if dark { night } else { light })).collect()
    };
    format!("{STYLE}{}@media(prefers-color-scheme:dark){{{}}}", rules(false), rules(true))
}

pub(super) fn write(drawing: &Drawing, title: &str) -> String {
    let plan = Plan {
        cards: drawing.shapes.iter().map(card).collect(),
        links: drawing.arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect(),
    };
    let picture = layout(&plan, None);
    let legend = legend(drawing);
    let (width, height) = (picture.width.max(text_width(&legend, DETAIL_WIDTH) + 2 * PADDING), picture.height + LEGEND_HEIGHT);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"t d\">"
    );
    let _ = writeln!(out, "<title id=\"t\">{}</title>", escaped(title));
    let runs = drawing.shapes.iter().filter(|shape| shape.kind == "run").count();
    let _ = writeln!(out, "<desc id=\"d\">{} things, {runs} runs; data flows from left to right</desc>", drawing.shapes.len() - runs);
    let _ = writeln!(out, "<style>{}</style>", style());
    out.push_str(concat!(
        "<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">",
        "<path class=\"head\" d=\"M0 0 8 4 0 8z\"/></marker></defs>\n"
    ));
    let _ = writeln!(out, "<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>");
    arrows(drawing, &picture, &mut out);
    for ((shape, card), spot) in drawing.shapes.iter().zip(&plan.cards).zip(&picture.spots) {
        draw(shape, card, *spot, &mut out);
    }
    if !legend.is_empty() {
        let _ = writeln!(out, "<text class=\"legend\" x=\"{PADDING}\" y=\"{}\">{}</text>", height - PADDING, escaped(&legend));
    }
    out.push_str("</svg>\n");
    out
}

fn card(shape: &Shape) -> Card {
    let name = text_width(&cut(&shape.name), NAME_WIDTH);
    let detail = text_width(&shape.detail, DETAIL_WIDTH);
    let run = shape.kind == "run";
    Card {
        id: shape.id.clone(),
        at: shape.at,
        run,
        width: (name.max(detail) + 2 * PADDING).max(WIDTH_MIN),
        height: if run { RUN_HEIGHT } else { CARD_HEIGHT },
    }
}

fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

fn text_width(text: &str, letter: i32) -> i32 {
    text.chars().map(columns).sum::<usize>() as i32 * letter
}

/// Cut in the middle by the columns it takes.
fn cut(text: &str) -> String {
    if text.chars().map(columns).sum::<usize>() <= NAME_COLUMNS_MAX {
        return text.to_owned();
    }
    let half = (NAME_COLUMNS_MAX - 1) / 2;
    let take = |chars: &mut dyn Iterator<Item = char>| -> Vec<char> {
        let mut left = half;
        let fits = |c: &char| {
            columns(*c) <= left && {
                left -= columns(*c);
                true
            }
        };
        chars.take_while(fits).collect()
    };
    let (head, mut tail) = (take(&mut text.chars()), take(&mut text.chars().rev()));
    tail.reverse();
    head.iter().chain(&['…']).chain(&tail).collect()
}

fn arrows(drawing: &Drawing, picture: &Picture, out: &mut String) {
    for (arrow, route) in drawing.arrows.iter().zip(&picture.routes) {
        let back = if route.back { " back" } else { "" };
        let _ = writeln!(out, "<path class=\"arrow {}{back}\" marker-end=\"url(#head)\" d=\"{}\"/>", arrow.authority.word(), path(route));
        if !arrow.label.is_empty() {
            let (x, y) = label_at(route);
            let _ = writeln!(out, "<text class=\"say\" x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{}</text>", escaped(&cut(&arrow.label)));
        }
    }
}

/// Straight in lanes, curved between layers; what closes a cycle loops above.
fn path(route: &Route) -> String {
    let (x, y) = route.points[0];
    let mut out = format!("M{x} {y}");
    for (at, pair) in route.points.windows(2).enumerate() {
        let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
        if route.back {
            let top = y1.min(y2) - CARD_HEIGHT;
            let _ = write!(out, "C{} {top} {} {top} {x2} {y2}", x1 + 40, x2 - 40);
        } else if y1 == y2 || at % 2 == 0 {
            let _ = write!(out, "L{x2} {y2}");
        } else {
            let middle = (x1 + x2) / 2;
            let _ = write!(out, "C{middle} {y1} {middle} {y2} {x2} {y2}");
        }
    }
    out
}

/// Beside the end of the arrow.
fn label_at(route: &Route) -> (i32, i32) {
    let (x, y) = route.points[route.points.len() - 1];
    (x - 10, y - 6)
}

fn draw(shape: &Shape, card: &Card, spot: Spot, out: &mut String) {
    let (x, y, w, h) = (spot.x, spot.y - card.height / 2, card.width, card.height);
    let root = if shape.root { " root" } else { "" };
    let class = format!("card {}{root}", shape.kind);
    let _ = writeln!(out, "<g><title>{}</title>", escaped(&format!("{} {} {}", shape.kind, shape.name, shape.detail)));
    let outline = match shape.kind {
        "run" => format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"{}\"/>", h / 2),
        "model" => format!(
            "<path class=\"{class}\" d=\"M{} {y}H{}L{} {}L{} {}H{}L{x} {}z\"/>",
            x + 12,
            x + w - 12,
            x + w,
            y + h / 2,
            x + w - 12,
            y + h,
            x + 12,
            y + h / 2
        ),
        "code" => format!("<path class=\"{class}\" d=\"M{x} {y}H{}L{} {}V{}H{x}z\"/>", x + w - 12, x + w, y + 12, y + h),
        "evaluation" => format!("<path class=\"{class}\" d=\"M{} {y}H{}V{}H{}L{x} {}z\"/>", x + 12, x + w, y + h, x + 12, y + h / 2),
        _ => format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"6\"/>"),
    };
    let _ = writeln!(out, "{outline}");
    let first = if shape.detail.is_empty() { spot.y + 5 } else { spot.y - 3 };
    let _ = writeln!(out, "<text x=\"{}\" y=\"{first}\">{}</text>", x + PADDING, escaped(&cut(&shape.name)));
    if !shape.detail.is_empty() {
        let _ = writeln!(out, "<text class=\"detail\" x=\"{}\" y=\"{}\">{}</text>", x + PADDING, spot.y + 13, escaped(&shape.detail));
    }
    out.push_str("</g>\n");
}

/// What the lines mean, of those that are there.
fn legend(drawing: &Drawing) -> String {
    let words = [
        (Authority::Declared, "dashed: declared"),
        (Authority::Inferred, "dotted: inferred"),
        (Authority::Imported, "dash and dot: imported"),
    ];
    let there = words.iter().filter(|(authority, _)| drawing.arrows.iter().any(|arrow| arrow.authority == *authority));
    let there: Vec<&str> = there.map(|(_, word)| *word).collect();
    if there.is_empty() { String::new() } else { format!("solid: observed · {}", there.join(" · ")) }
}

fn escaped(text: &str) -> String {
    super::label::plain(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
