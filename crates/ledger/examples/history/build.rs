//! From the generator into a store, in large appends.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use keizu_record::Record;
use keizu_store::objects::{Folder, Objects};
use keizu_store::{SqliteStore, Store};

use crate::generate::{Generator, Shape, Step};

/// Records of one append.
const BATCH: usize = 500_000;

/// Makes the store `folder/.keizu`, or goes on with it where it was left.
pub fn build(folder: &Path, shape: Shape) -> Result<(), Box<dyn std::error::Error>> {
    let generator = Generator::new(shape);
    let runs = generator.runs();
    append(folder, "bench", runs, generator)
}

/// The same for any history.
pub fn append(folder: &Path, origin: &str, runs: usize, steps: impl Iterator<Item = Step>) -> Result<(), Box<dyn std::error::Error>> {
    let home = folder.join(".keizu");
    std::fs::create_dir_all(&home)?;
    let objects: Arc<dyn Objects> = Arc::new(Folder::new(home.join("objects")));
    let mut store = SqliteStore::create(&home, origin, Arc::clone(&objects))?;
    let clock = Instant::now();
    let there: u64 = store.origins()?.iter().map(|origin| origin.size).sum();
    let (mut batch, mut total): (Vec<Record>, usize) = (Vec::with_capacity(BATCH + 64), 0);
    for (at, step) in steps.enumerate() {
        // the same shape makes the same records: those that are there already are skipped
        if (total as u64) < there {
            total += step.records.len();
            continue;
        }
        for manifest in &step.manifests {
            objects.put_bytes(&manifest.encode())?;
        }
        batch.extend(step.records);
        if batch.len() >= BATCH || at + 1 == runs {
            total += batch.len();
            let (count, started) = (batch.len(), Instant::now());
            let mut records = std::mem::replace(&mut batch, Vec::with_capacity(BATCH + 64));
            store.append(&mut |_| Ok(std::mem::take(&mut records)))?;
            let rate = count as f64 / started.elapsed().as_secs_f64();
            eprintln!(
                "{total} records, {} of {runs} runs, {:.0} s, this append {rate:.0} records/s",
                at + 1,
                clock.elapsed().as_secs_f64()
            );
        }
    }
    let made = (total as u64).saturating_sub(there);
    println!("{}", serde_json::json!({ "records": total, "made": made, "seconds": clock.elapsed().as_secs_f64() }));
    Ok(())
}
