//! Why a thing is not what it was: `keizu why --json`.

use keizu_ledger::Thing;
use keizu_ledger::why::Question;

use crate::ask::Ask;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::table::{Kind, Param, needed, optional};

pub(crate) const PARAMS: &[Param] =
    &[needed("a", Kind::Thing, "What is asked about"), optional("b", Kind::Thing, "What it is held against; else what came before it")];

pub(crate) fn why(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let typed = ask.query.need("a")?;
    let a = ask.thing(typed)?;
    let b = ask.query.get("b").map(|typed| ask.thing(typed)).transpose()?;
    let pinned = matches!(a, Thing::Version(_)) && typed.contains('@');
    Ok(Reply::Json(ask.ledger.why(&Question { a, b, pinned })?.as_json()))
}
