//! Graphviz DOT.

use keizu_record::Authority;

use super::Drawing;

pub(super) fn write(drawing: &Drawing) -> String {
    let mut out = String::from(
        "digraph keizu {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", shape=box];\n  edge [fontname=\"sans-serif\", fontsize=10];\n",
    );
    for (at, shape) in drawing.shapes.iter().enumerate() {
        let form = match shape.kind {
            "run" => "ellipse",
            "model" => "hexagon",
            "code" => "note",
            "evaluation" => "diamond",
            _ => "box",
        };
        let bold = if shape.root { ", penwidth=2" } else { "" };
        let lines: Vec<String> =
            [&shape.name, &shape.detail].into_iter().filter(|line| !line.is_empty()).map(|line| quoted(line)).collect();
        out.push_str(&format!("  n{at} [label=\"{}\", shape={form}{bold}];\n", lines.join("\\n")));
    }
    for arrow in &drawing.arrows {
        let label = if arrow.label.is_empty() { String::new() } else { format!("label=\"{}\", ", quoted(&arrow.label)) };
        out.push_str(&format!("  n{} -> n{} [{label}style={}];\n", arrow.from, arrow.to, style(arrow.authority)));
    }
    out.push_str("}\n");
    out
}

const fn style(authority: Authority) -> &'static str {
    match authority {
        Authority::Observed | Authority::Corrected => "solid",
        Authority::Declared | Authority::Imported => "dashed",
        Authority::Inferred => "dotted",
    }
}

/// Inside a quoted string: a backslash would start an escape of DOT's own.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
