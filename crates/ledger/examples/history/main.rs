//! Builds a synthetic history in a store, through the same door as every other record, and measures answers from it. `bench/history` runs it.
//!
//! `history build FOLDER NODES [EDGES_PER_RUN [SEED]]`, `history measure FOLDER NODES …`, `history roots FOLDER NODES …`, `history lines - NODES …`,
//! `history wide FOLDER NODES`
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports to whoever started it")]
#![forbid(unsafe_code)]
mod build;
mod generate;
mod lines;
mod measure;
mod wide;

use std::path::PathBuf;

use generate::Shape;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| args.get(at).map_or(Ok(default), |text| text.parse());
    let folder = PathBuf::from(args.get(1).ok_or("which folder?")?);
    let shape = Shape {
        nodes: number(2, 100_000)?,
        edges_per_run: number(3, 30)?,
        hub_every: 40,
        hubs: 100,
        folder_every: 500,
        folder_files: 1_000,
        seed: number(4, 1)?,
    };
    match args[0].as_str() {
        "build" => build::build(&folder, shape),
        "measure" => measure::measure(&folder, shape),
        "wide" => {
            let steps: Vec<_> = wide::steps(shape.nodes, shape.seed).collect();
            build::append(&folder, wide::NAME, steps.len(), steps.into_iter())
        }
        "lines" => lines::measure(shape),
        "roots" => {
            let [closure, impact] = measure::roots(shape);
            println!("{closure}\n{impact}");
            Ok(())
        }
        other => Err(format!("{other}? build, wide, measure, lines or roots").into()),
    }
}
