//! How things stand to what is there now, and what would make them fresh: `keizu status --json`, `keizu refresh --dry-run --json`.

use keizu_ledger::status::Asked;
use serde_json::json;

use super::json;
use crate::ask::Ask;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::table::{Kind, Param, optional};

const THING: Param = optional("thing", Kind::Thing, "Of this alone; else of all");
const ENVIRONMENT: Param = optional("environment", Kind::Flag, "Compare installed packages as well");
/// How a thing may stand.
const STATES: &[&str] = &["fresh", "stale", "late", "unknown"];

pub(crate) const PLAN: &[Param] = &[THING, ENVIRONMENT];
pub(crate) const STATUS: &[Param] =
    &[THING, ENVIRONMENT, optional("states", Kind::Words, "Only things that stand so: fresh, stale, late, unknown")];

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
    let states = ask.query.words("states", |word| STATES.iter().find(|known| **known == word).copied(), STATES)?;
    let mut status = ask.ledger.status(&asked, &mut |_| {})?;
    ask.ledger.grade(&mut status, &asked, &ask.now)?;
    if !states.is_empty() {
        status.rows.retain(|row| states.contains(&row.state.as_str()));
    }
    let remedy = status.remedy.map(|remedy| json!({"steps": remedy.steps, "of": remedy.of, "took_micros": remedy.took_micros}));
    Ok(Reply::Json(json!({"rows": json(&status.rows)?, "remedy": remedy, "recorded": status.recorded})))
}
