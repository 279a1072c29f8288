//! Drawings as text.

mod common;

use common::{History, content, edge, flights, place};
use keizu_graph::export::Drawing;
use keizu_graph::{Direction, Root};
use keizu_record::body::{ArtifactKind, Edge};
use keizu_record::{Authority, Kind};

fn hostile() -> History {
    let mut h = History::default();
    let run = h.began(1, 0, "python \"a\\b\".py <x> & #y;");
    h.used(run, 1, "a\"b\\c\n<script>.csv", content("x"));
    h.push_edge(Kind::Used, Edge { authority: Authority::Declared, ..edge(run, 1, "日本\u{202E}語.csv", content("y")) });
    h.push_edge(Kind::Made, Edge { kind: ArtifactKind::Model, ..edge(run, 2, "m.bin", content("m")) });
    h
}

fn digests(text: &str) -> String {
    let short = |name: &str| content(name).short(8);
    text.replace("@m", &short("m")).replace("@x", &short("x")).replace("@y", &short("y"))
}

#[test]
fn dot() {
    let drawing = Drawing::new(&hostile().trace(Direction::Up, place("m.bin")), true);
    assert_eq!(
        drawing.dot(),
        digests(
            r#"digraph keizu {
  rankdir=LR;
  node [fontname="sans-serif", shape=box];
  edge [fontname="sans-serif", fontsize=10];
  n0 [label="m.bin\n@m · 1.0 kB", shape=hexagon, penwidth=2];
  n1 [label="python \"a\\b\".py <x> & #y;\nrun:010101 · running", shape=ellipse];
  n2 [label="a\"b\\c\\x0A<script>.csv\n@x · 1.0 kB", shape=box];
  n3 [label="日本\\u{202e}語.csv\n@y · 1.0 kB", shape=box];
  n1 -> n0 [style=solid];
  n2 -> n1 [style=solid];
  n3 -> n1 [label="(declared)", style=dashed];
}
"#
        )
    );
}

#[test]
fn mermaid() {
    let drawing = Drawing::new(&hostile().trace(Direction::Up, place("m.bin")), true);
    assert_eq!(
        drawing.mermaid(),
        digests(
            r#"flowchart LR
  n0{{"m.bin<br/>@m · 1.0 kB"}}
  n1(["python #34;a#92;b#34;.py #60;x#62; #38; #35;y;<br/>run:010101 · running"])
  n2["a#34;b#92;c#92;x0A#60;script#62;.csv<br/>@x · 1.0 kB"]
  n3["日本#92;u#123;202e#125;語.csv<br/>@y · 1.0 kB"]
  n1 --> n0
  n2 --> n1
  n3 -.->|"(declared)"| n1
"#
        )
    );
}

#[test]
fn similar_things_are_drawn_once() {
    let trace = flights(365).trace(Direction::Up, place("models/delay.joblib"));
    let drawing = Drawing::new(&trace, true);
    let names: Vec<&str> = drawing.shapes.iter().map(|shape| shape.name.as_str()).collect();
    assert!(names.contains(&"365 runs python ingest.py --day …"), "{names:?}");
    assert!(names.contains(&"365 files daily/*.csv"), "{names:?}");
    assert!(drawing.shapes.len() < 20, "{names:?}");
    assert_eq!(drawing.shapes.iter().map(|shape| shape.nodes.len()).sum::<usize>(), trace.nodes.len());
    assert_eq!(Drawing::new(&trace, false).shapes.len(), trace.nodes.len());
}

#[test]
fn an_empty_answer_is_drawn_too() {
    let drawing = Drawing::new(&History::default().trace(Direction::Up, Root::Content(content("never"))), true);
    assert_eq!(drawing.mermaid(), "flowchart LR\n");
}

#[test]
#[ignore = "writes pictures to look at, to the folder in KEIZU_PICTURES"]
fn pictures() {
    let folder = std::path::PathBuf::from(std::env::var_os("KEIZU_PICTURES").expect("KEIZU_PICTURES is set"));
    for (name, trace) in [
        ("flights", flights(365).trace(Direction::Up, place("models/delay.joblib"))),
        ("touches", flights(4).trace(Direction::Down, place("daily/2.csv"))),
        ("hostile", hostile().trace(Direction::Up, place("m.bin"))),
    ] {
        let drawing = Drawing::new(&trace, true);
        std::fs::write(folder.join(format!("{name}.dot")), drawing.dot()).unwrap();
        std::fs::write(folder.join(format!("{name}.mmd")), drawing.mermaid()).unwrap();
    }
}
