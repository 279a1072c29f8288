//! Mermaid flowcharts.

use keizu_record::Authority;

use super::Drawing;

pub(super) fn write(drawing: &Drawing) -> String {
    let mut out = String::from("flowchart LR\n");
    for (at, shape) in drawing.shapes.iter().enumerate() {
        let (open, close) = match shape.kind {
            "run" => ("([\"", "\"])"),
            "model" => ("{{\"", "\"}}"),
            "code" => ("[/\"", "\"/]"),
            "evaluation" => ("{\"", "\"}"),
            _ => ("[\"", "\"]"),
        };
        let lines: Vec<String> =
            [&shape.name, &shape.detail].into_iter().filter(|line| !line.is_empty()).map(|line| escaped(line)).collect();
        out.push_str(&format!("  n{at}{open}{}{close}\n", lines.join("<br/>")));
    }
    for arrow in &drawing.arrows {
        let line = if matches!(arrow.authority, Authority::Observed | Authority::Corrected) { "-->" } else { "-.->" };
        let label = if arrow.label.is_empty() { String::new() } else { format!("|\"{}\"|", escaped(&arrow.label)) };
        out.push_str(&format!("  n{} {line}{label} n{}\n", arrow.from, arrow.to));
    }
    out
}

/// Inside quotes, all that Mermaid or HTML would read as more than text becomes an entity.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | '{' | '}' | '[' | ']' | '|' => {
                out.push_str(&format!("#{};", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}
