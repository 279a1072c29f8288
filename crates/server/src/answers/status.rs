//! How things stand to what is there now, and what would make them fresh: `keizu status --json`, `keizu refresh --dry-run --json`.

use keizu_ledger::status::Asked;
use serde_json::json;

use super::json;
use crate::ask::Ask;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::table::{Kind, Param, optional};

pub(crate) const PARAMS: &[Param] = &[
    optional("thing", Kind::Thing, "Of this alone; else of all"),
    optional("environment", Kind::Flag, "Compare installed packages as well"),
];

/// What would be run to make things fresh, and why. Nothing is.
pub(crate) fn plan(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let proposal = ask.ledger.propose(&asked(ask)?, &ask.state.here, &mut |_| {})?;
    Ok(Reply::Json(json!({"steps": json(&proposal.steps)?, "of": proposal.of, "unknown": proposal.unknown, "recorded": proposal.recorded})))
}

fn asked(ask: &Ask<'_>) -> Result<Asked, Fault> {
    let things = ask.query.get("thing").map(|typed| ask.thing(typed)).transpose()?.into_iter().collect();
    Ok(Asked { things, environment: ask.query.flag("environment")? })
}

pub(crate) fn status(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let asked = asked(ask)?;
    let mut status = ask.ledger.status(&asked, &mut |_| {})?;
    ask.ledger.grade(&mut status, &asked, &ask.now)?;
    let remedy = status.remedy.map(|remedy| json!({"steps": remedy.steps, "of": remedy.of, "took_micros": remedy.took_micros}));
    Ok(Reply::Json(json!({"rows": json(&status.rows)?, "remedy": remedy, "recorded": status.recorded})))
}
