//! The first page: what there is, what needs a look, what runs now.

use serde_json::json;

use super::{json, page};
use crate::answers::record::brief;
use crate::ask::Ask;
use crate::fault::Fault;
use crate::reply::Reply;

/// Models on the first page.
const MODELS: usize = 50;
/// Things that need a look.
const LOOKS: usize = 5;

pub(crate) fn home(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let names = ask.view().models()?;
    let (names, next) = page(names, ask.query.get("after"), ask.query.limit(MODELS, 200)?, |name: &String| name.clone())?;
    let overview = ask.ledger.overview(&names, &ask.now, LOOKS)?;
    Ok(Reply::Json(json!({
        "project": ask.ledger.project(),
        "record": brief(ask)?,
        "models": json(&overview.models)?,
        "look": json(&overview.look)?,
        "running": json(&*ask.standing.running)?,
        "next": next,
    })))
}
