//! Lists, page by page.

use keizu_ledger::Thing;
use keizu_ledger::answer::NameDetail;
use serde_json::json;

use super::page;
use crate::ask::Ask;
use crate::fault::Fault;
use crate::reply::Reply;

/// Items of a page, when nothing else is asked for.
const USUAL: usize = 100;
/// Items of a page at most.
pub(crate) const MAX: usize = 1_000;

/// What ran, newest first: the rows of `keizu log --json`.
pub(crate) fn runs(ask: &Ask<'_>) -> Result<Reply, Fault> {
    let (view, limit) = (ask.view(), ask.query.limit(USUAL, MAX)?);
    // one more, to know whether there is more
    let mut rows = match ask.query.get("after") {
        None => view.runs(Some(limit + 1))?,
        Some(after) => match ask.thing(after)? {
            Thing::Run(run) => view.runs_before(run, limit + 1)?,
            _ => return Err(Fault::wrong("after", "after is a run: the `next` of the page before")),
        },
    };
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.id.clone());
    Ok(Reply::Json(json!({"runs": rows, "next": next})))
}

/// All models.
pub(crate) fn models(ask: &Ask<'_>) -> Result<Reply, Fault> {
    named(ask, "models", "model:")
}

/// All named datasets.
pub(crate) fn data(ask: &Ask<'_>) -> Result<Reply, Fault> {
    named(ask, "data", "data:")
}

fn named(ask: &Ask<'_>, called: &str, prefix: &str) -> Result<Reply, Fault> {
    let names = ask.view().names()?.into_iter().filter(|name| name.name.starts_with(prefix)).collect();
    let (names, next) = page(names, ask.query.get("after"), ask.query.limit(USUAL, MAX)?, |name: &NameDetail| name.name.clone())?;
    let row = |name: &NameDetail| {
        let newest = name.versions.first();
        json!({
            "name": name.name,
            "thing": newest.map(|version| version.name.as_str()),
            "versions": name.versions.len(),
            "aliases": name.aliases,
            "newest": newest,
        })
    };
    let rows: Vec<_> = names.iter().map(row).collect();
    Ok(Reply::Json(json!({called: rows, "next": next})))
}
