//! Wide graphs: a folder of many files, each written by its own run.

mod common;

use std::time::Instant;

use common::{flights, place};
use keizu_graph::export::Drawing;
use keizu_graph::tree::tree;
use keizu_graph::{Direction, Entries, Index, Options, Root, trace};

/// Prints how long things take; `KEIZU_FILES` says how many files.
#[test]
#[ignore = "measures; run with --release"]
fn how_long_a_wide_folder_takes() {
    let files = std::env::var("KEIZU_FILES").ok().and_then(|files| files.parse().ok()).unwrap_or(50_000);
    let history = flights(files);
    let clock = Instant::now();
    let entries = Entries::new(history.entries.iter().cloned(), history.manifests.values());
    let Ok(index) = Index::build(&entries);
    println!("index of {} vertices: {:?}", index.len(), clock.elapsed());
    for (what, root, direction) in
        [("up from the model", place("models/delay.joblib"), Direction::Up), ("down from one day", place("daily/7.csv"), Direction::Down)]
    {
        let clock = Instant::now();
        let Ok(found) = trace(&entries, &root, &Options { direction, ..Options::default() });
        println!("{what}: walk {} nodes, {} links: {:?}", found.nodes.len(), found.edges.len(), clock.elapsed());
        let clock = Instant::now();
        println!("  tree of {} roots: {:?}", tree(&found, true).roots.len(), clock.elapsed());
        let clock = Instant::now();
        println!("  drawing of {} shapes: {:?}", Drawing::new(&found, true).shapes.len(), clock.elapsed());
        let clock = Instant::now();
        let Ok(closure) = index.closure(&entries, &root, direction);
        println!("  closure of {}: {:?}", closure.ids.len(), clock.elapsed());
    }
    let Ok(found) = trace(&entries, &Root::Run(common::run(3)), &Options { depth: Some(1), ..Options::default() });
    println!("one level: {} nodes", found.nodes.len());
}
