//! What the index of a history costs, and how fast it answers; and the same questions walked through the store. One JSON object on stdout.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use keizu_graph::{Direction, Index, Options, Root, trace};
use keizu_ledger::{Home, Ledger, Whole};
use keizu_record::Digest;
use keizu_store::objects::Folder;
use keizu_store::{SqliteStore, Store};
use serde_json::{Value, json};

use crate::generate::{Generator, Shape, output, raw};

/// Each answer is asked for so many times; the median counts.
const TIMES: usize = 15;
/// A page of hits.
const PAGE: usize = 100;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What is asked: what made the last file of the first team, and what does the first file from outside of the second team touch?
pub fn roots(shape: Shape) -> [Digest; 2] {
    let teams = Generator::new(shape);
    let last = |team: usize| teams.team(team).unwrap_or(1) - 1;
    let second = u64::from(teams.team(1).is_some());
    [output(0, last(0), 0), raw(second, 0)]
}

/// Measures, and prints.
pub fn measure(folder: &Path, shape: Shape) -> Outcome<()> {
    let home = Home::find(folder)?.ok_or("there is no record in the folder")?;
    let ledger = Ledger::open(&home)?;
    let whole = ledger.whole();
    let before = memory("VmRSS:");
    let clock = Instant::now();
    let mut index = whole.index()?;
    let built = clock.elapsed().as_secs_f64();
    let (peak, resident) = (memory("VmHWM:"), memory("VmRSS:"));
    let [closure, impact] = roots(shape);
    let mut out = json!({
        "entries": index.next() - 1,
        "vertices": index.len(),
        "links": index.links(),
        "build_s": built,
        "index_bytes": index.bytes(),
        "resident_before": before,
        "resident_peak": peak,
        "resident_after": resident,
        "closure": answer(&index, &whole, closure, Direction::Up)?,
        "impact": answer(&index, &whole, impact, Direction::Down)?,
    });
    out["closure"]["walk_ms"] = walk(&whole, closure, Direction::Up)?;
    out["tail_ms"] = tail(&home, &mut index, &whole, shape)?;
    println!("{}", serde_json::to_string_pretty(&out)?);
    Ok(())
}

fn answer(index: &Index, whole: &Whole<'_>, root: Digest, direction: Direction) -> Outcome<Value> {
    let root = Root::Content(root);
    let (start, found) = timed(|| index.start(whole, &root, direction));
    let from = found?.ids;
    let mut hits = Vec::new();
    let (reach, ()) = timed(|| {
        hits.clear();
        index.reach(&from, direction, &mut |id, _| {
            hits.push(id);
            ControlFlow::Continue(())
        });
    });
    let page = &hits[..hits.len().min(PAGE)];
    let (described, nodes) = timed(|| index.describe(whole, page));
    Ok(json!({
        "hits": hits.len(),
        "runs": hits.iter().filter(|id| index.kind(**id).is_none()).count(),
        "start_ms": start,
        "reach_ms": reach,
        "page": nodes?.len(),
        "page_ms": described,
    }))
}

/// The same question, level by level through the store.
fn walk(whole: &Whole<'_>, root: Digest, direction: Direction) -> Outcome<Value> {
    let clock = Instant::now();
    let trace = trace(whole, &Root::Content(root), &Options { direction, ..Options::default() })?;
    Ok(json!({ "nodes": trace.nodes.len(), "links": trace.edges.len(), "ms": clock.elapsed().as_secs_f64() * 1e3 }))
}

/// How long the index takes to hear of one more run.
fn tail(home: &Home, index: &mut Index, whole: &Whole<'_>, shape: Shape) -> Outcome<Value> {
    let objects = Arc::new(Folder::new(home.folder().join("objects")));
    let mut store = SqliteStore::open(home.folder(), objects)?;
    let number = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut records = Generator::new(shape).one_more(number).records;
    let count = records.len();
    let appended = Instant::now();
    store.append(&mut |_| Ok(std::mem::take(&mut records)))?;
    let append = appended.elapsed().as_secs_f64() * 1e3;
    let clock = Instant::now();
    index.extend(whole, &[])?;
    Ok(json!({ "records": count, "append_ms": append, "extend_ms": clock.elapsed().as_secs_f64() * 1e3 }))
}

/// The median of several times, in milliseconds, and what came of the last.
pub fn timed<T>(mut ask: impl FnMut() -> T) -> (f64, T) {
    let mut last = None;
    let mut times: Vec<f64> = (0..TIMES)
        .map(|_| {
            let clock = Instant::now();
            last = Some(ask());
            clock.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[TIMES / 2], last.expect("invariant: it was asked at least once"))
}

/// A figure of this process, in bytes.
pub fn memory(key: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
