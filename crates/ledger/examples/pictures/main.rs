//! Pictures of made-up lineage of any size: how long they take, and, with a folder, the answers to draw.
//!
//! `cargo run --release -p keizu-ledger --example pictures -- [FOLDER] 200 2000 13500 100000`
#![expect(clippy::print_stdout, reason = "it reports to whoever started it")]
#![forbid(unsafe_code)]

mod lineage;

use std::path::PathBuf;
use std::time::Instant;

use keizu_graph::layout::Metrics;
use keizu_graph::picture::{Before, Picture, Query};
use keizu_ledger::picture::answer;

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let sizes: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let folder = words.iter().find(|word| word.parse::<usize>().is_err()).map(PathBuf::from);
    for size in sizes {
        let clock = Instant::now();
        let mut kin = lineage::lineage(size);
        println!("{size}: {} things, {} links, made up in {:?}", kin.nodes.len(), kin.edges.len(), clock.elapsed());
        let folded = measured("folded", || Picture::new(&kin, &Query::default(), &Metrics::PAGE, None));
        let query = Query { fold: false, ..Query::default() };
        let whole = measured("unfolded", || Picture::new(&kin, &query, &Metrics::PAGE, None));
        println!("  {} cards, {} of {} folded", whole.cards.len(), folded.cards.len(), folded.counts.folded);
        if let Some(folder) = &folder {
            let name = |what: &str| folder.join(format!("graph-{size}{what}.json"));
            fs_err::write(name("-folded"), serde_json::to_string(&answer(&kin, &folded))?)?;
            let answer = answer(&kin, &whole);
            fs_err::write(name(""), serde_json::to_string(&answer)?)?;
            if answer.in_parts() {
                let lines: Vec<String> = answer.lines().map(|line| line.to_string()).collect();
                fs_err::write(folder.join(format!("graph-{size}.ndjson")), lines.join("\n") + "\n")?;
            }
        }
        let before = Before::from(&whole);
        lineage::grow(&mut kin);
        let warm = measured("one more, warm", || Picture::new(&kin, &query, &Metrics::PAGE, Some(&before)));
        let moved = |picture: &Picture| {
            let old: std::collections::HashMap<&str, i32> = whole.cards.iter().map(|card| (card.id.as_str(), card.y)).collect();
            let half = Metrics::PAGE.row_pitch / 2;
            picture.cards.iter().filter(|card| old.get(card.id.as_str()).is_some_and(|y| (y - card.y).abs() > half)).count()
        };
        let cold = Picture::new(&kin, &query, &Metrics::PAGE, None);
        println!("  moved by more than half a row: {} cold, {} warm", moved(&cold), moved(&warm));
    }
    Ok(())
}

/// The best of three.
fn measured(what: &str, mut make: impl FnMut() -> Picture) -> Picture {
    let mut best = None;
    let mut last = Picture::default();
    for _ in 0..3 {
        let clock = Instant::now();
        last = make();
        let took = clock.elapsed();
        best = Some(best.map_or(took, |best: std::time::Duration| best.min(took)));
    }
    println!("  {what}: {:?}", best.unwrap_or_default());
    last
}
