//! Family trees: the picture of one, and the bare trace.

use keizu_graph::Direction;

use super::options;
use crate::ask::Ask;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::table::{Kind, Param, needed, optional};

pub(crate) const TRACE: &[Param] = &[
    needed("thing", Kind::Thing, "What is asked about"),
    optional("down", Kind::Flag, "What was made from it, instead of what made it"),
    optional("depth", Kind::Steps, "Pass so many runs only"),
    optional("kinds", Kind::Words, "Follow only artifacts of these kinds"),
    optional("by", Kind::Words, "Follow only what these say"),
];

pub(crate) const PARAMS: &[Param] = &[needed("focus", Kind::Thing, "What is asked about")];

/// `keizu trace --json`.
pub(crate) fn trace(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let direction = if ask.query.flag("down")? { Direction::Down } else { Direction::Up };
    let options = options(&ask.query, direction)?;
    let thing = ask.thing(ask.query.need("thing")?)?;
    let trace = ask.view().trace(&thing, &options)?;
    Ok(Reply::Json(keizu_ledger::trace_json(&trace)))
}

pub(crate) fn graph(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let _ = ask.query.need("focus")?;
    Err(Fault::new(hyper::StatusCode::NOT_IMPLEMENTED, "graph", "this server draws no pictures"))
}
