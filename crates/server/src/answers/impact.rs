//! What a thing touches: how many of what first, then each as it is found.

use std::io;
use std::ops::ControlFlow;

use keizu_graph::Direction;
use keizu_ledger::Thing;
use keizu_ledger::impact::Wanted;
use serde_json::{Value, json};

use super::{authorities, in_memory};
use crate::ask::Ask;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::table::{Kind, Param, needed, optional};

pub(crate) const PARAMS: &[Param] = &[
    needed("of", Kind::Thing, "What is asked about"),
    optional("paths", Kind::Flag, "Say of each over which way it is reached"),
    optional("depth", Kind::Steps, "Pass so many runs only"),
    optional("by", Kind::Words, "Follow only what these say"),
    optional("limit", Kind::Count, "Tell so many only, and then the numbers of all"),
];

/// Lines between two flushes.
const FLUSHED: usize = 64;

/// Lines: `{"counts": …}` at once, from the graph in memory (null where it can't tell: of the past, or with filters); `{"hit": …}` for each;
/// `{"told": …}` at the end.
pub(crate) fn impact(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let depth = ask.query.steps("depth")?.flatten();
    let wanted = Wanted { depth, authorities: authorities(&ask.query)?, ways: ask.query.flag("paths")? };
    let limit = ask.query.number("limit")?.unwrap_or(u64::MAX);
    let thing = ask.thing(ask.query.need("of")?)?;
    if matches!(thing, Thing::Party(_)) {
        return Err(Fault::wrong("unfit", "a party is nothing that was made"));
    }
    let plain = wanted.depth.is_none() && wanted.authorities.is_empty();
    let counts = if plain { counts(ask, &thing)? } else { Value::Null };
    Ok(Reply::Lines(Box::new(move |ask, out| {
        line(out, &json!({"counts": counts}))?;
        out.flush()?;
        let (mut told, mut failed) = (0, Ok(()));
        let result = ask.view().impact(&thing, &wanted, &mut |hit| {
            if told >= limit {
                return ControlFlow::Continue(());
            }
            told += u64::from(!hit.root);
            failed = serde_json::to_value(&hit).map_err(io::Error::from).and_then(|hit| line(out, &json!({"hit": hit})));
            if failed.is_ok() && told.is_multiple_of(FLUSHED as u64) {
                failed = out.flush();
            }
            if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        failed?;
        match result {
            Ok(all) => line(out, &json!({"told": serde_json::to_value(&all)?})),
            Err(error) => line(out, &Fault::from(error).json()),
        }
    })))
}

/// How many of each kind, in the twinkling of an eye.
fn counts(ask: &Ask<'_>, thing: &Thing) -> Result<Value, Fault> {
    let root = ask.view().start(thing)?;
    let index = ask.state.tail.index();
    let Some(index) = in_memory(ask, &index) else { return Ok(Value::Null) };
    let whole = ask.ledger.whole();
    let roots = index.start(&whole, &root, Direction::Down)?;
    let closure = index.closure(&whole, &root, Direction::Down)?;
    let kinds: serde_json::Map<String, Value> =
        closure.artifacts.iter().map(|(kind, count)| (kind.word().to_owned(), json!(count))).collect();
    let all = closure.runs + closure.artifacts.values().sum::<usize>();
    Ok(json!({"all": all, "runs": closure.runs, "artifacts": kinds, "roots": roots.ids.len() + roots.apart.len()}))
}

fn line(out: &mut dyn io::Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
