//! Things by their names.

use super::json;
use crate::ask::Ask;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::table::{Kind, Param, needed, optional};

pub(crate) const PARAMS: &[Param] = &[
    needed("q", Kind::Text, "A part of a name, a path, a command, a run's id or a digest"),
    optional("limit", Kind::Count, "How many at most"),
];

/// Found things at most.
const MAX: usize = 20;

pub(crate) fn search(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let found = ask.view().search(ask.query.need("q")?, ask.query.limit(MAX, MAX)?)?;
    Ok(Reply::Json(serde_json::json!({"found": json(&found)?, "next": null})))
}
