//! All that made a thing, or all that it touches, from the graph in memory: the numbers, the bare graph, and a page of what it consists of.

use std::collections::HashMap;

use keizu_graph::Direction;
use keizu_graph::picture::CardKind;
use keizu_ledger::picture::vocabulary;
use keizu_ledger::trace_node_json;
use serde_json::{Map, Value, json};

use super::in_memory;
use crate::ask::Ask;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::table::{Kind, Param, needed, optional};

pub(crate) const PARAMS: &[Param] = &[
    needed("of", Kind::Thing, "What is asked about"),
    optional("down", Kind::Flag, "What was made from it, instead of what made it"),
    optional("links", Kind::Flag, "Tell the links between all that was found as well"),
    optional("limit", Kind::Count, "How many of its members are described"),
    optional("after", Kind::Text, "Go on after this one: the `next` of the answer before"),
];

/// Members that one answer describes.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;

/// Members are numbered from 0, the nearest first: the same number in `kind`, in `from` and `to`, and (counted from `after`) in `nodes`.
pub(crate) fn closure(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let direction = if ask.query.flag("down")? { Direction::Down } else { Direction::Up };
    let wants_links = ask.query.flag("links")?;
    let limit = ask.query.limit(LIMIT, LIMIT_MAX)?;
    let after = match ask.query.get("after") {
        None => 0,
        Some(text) => text.parse().map_err(|_| Fault::wrong("after", "there is nothing to go on after; ask for the first page"))?,
    };
    let thing = ask.thing(ask.query.need("of")?)?;
    let root = ask.view().start(&thing)?;
    let index = ask.state.tail.index();
    let index = in_memory(ask, &index).ok_or_else(Fault::busy)?;
    let whole = ask.ledger.whole();
    let found = index.closure(&whole, &root, direction)?;
    if found.ids.is_empty() && found.apart.is_empty() {
        return Err(Fault::missing(format!("nothing that was read or made is known of {}", crate::ask::spelled(&thing))));
    }
    let code = |id: &u32| index.kind(*id).map_or(CardKind::Run, CardKind::Artifact).code();
    let kinds: Map<String, Value> = found.artifacts.iter().map(|(kind, count)| (kind.word().to_owned(), json!(count))).collect();
    let page = found.ids.get(after..).unwrap_or_default();
    let page = &page[..page.len().min(limit)];
    let next = (after + page.len() < found.ids.len()).then(|| (after + page.len()).to_string());
    let mut answer = json!({
        "counts": {"all": found.ids.len() + found.apart.len(), "runs": found.runs, "artifacts": kinds, "apart": found.apart.len()},
        "kind": found.ids.iter().map(code).collect::<Vec<_>>(),
        "kinds": vocabulary().kinds,
        "nodes": index.describe(&whole, page)?.iter().map(trace_node_json).collect::<Vec<_>>(),
        "next": next,
        "seq": index.next() - 1,
    });
    if wants_links && let Value::Object(fields) = &mut answer {
        let place: HashMap<u32, usize> = found.ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let (mut from, mut to) = (Vec::new(), Vec::new());
        for (at, id) in found.ids.iter().enumerate() {
            // everything that lies further on that way was found as well
            for other in index.neighbours(*id, direction).iter().filter_map(|other| place.get(other)) {
                let (source, target) = if direction == Direction::Up { (*other, at) } else { (at, *other) };
                from.push(source);
                to.push(target);
            }
        }
        fields.insert("links".to_owned(), json!({"from": from, "to": to}));
    }
    Ok(Reply::Json(answer))
}
