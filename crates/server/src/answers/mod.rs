//! One file a question. Each asks the ledger what the command line asks it, and hands on what it says.

pub(crate) mod closure;
pub(crate) mod events;
pub(crate) mod graph;
pub(crate) mod home;
pub(crate) mod impact;
pub(crate) mod lists;
pub(crate) mod record;
pub(crate) mod search;
pub(crate) mod status;
pub(crate) mod things;
pub(crate) mod why;

use keizu_graph::{Index, Options};
use keizu_record::Authority;
use keizu_record::body::ArtifactKind;
use serde_json::Value;

use crate::ask::Ask;
use crate::fault::Fault;
use crate::query::Query;

/// A value as JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<Value, Fault> {
    serde_json::to_value(value).map_err(|error| Fault::failed(error.to_string()))
}

/// Who must say so, for what is to be followed: `by=observed,declared`.
pub(crate) fn authorities(query: &Query) -> Result<Vec<Authority>, Fault> {
    let known: Vec<&str> = Authority::ALL.iter().map(|authority| authority.word()).collect();
    query.words("by", Authority::from_word, &known)
}

/// Kinds of artifacts that are to be followed: `kinds=data,model`.
pub(crate) fn kinds(query: &Query) -> Result<Vec<ArtifactKind>, Fault> {
    let known: Vec<&str> = ArtifactKind::ALL.iter().map(|kind| kind.word()).collect();
    query.words("kinds", ArtifactKind::from_word, &known)
}

/// Which way, how far, and what to follow.
pub(crate) fn options(query: &Query, direction: keizu_graph::Direction) -> Result<Options, Fault> {
    let depth = query.steps("depth")?.flatten();
    Ok(Options { direction, depth, kinds: kinds(query)?, authorities: authorities(query)?, ..Options::default() })
}

/// The graph in memory, when it can answer: it holds the whole record, as it is now. None of the past, and while a long tail is being added.
pub(crate) fn in_memory<'a>(ask: &Ask<'_>, index: &'a Option<Index>) -> Option<&'a Index> {
    index.as_ref().filter(|index| ask.as_of().is_none() && index.next() > ask.standing.position)
}

/// A page of a list: `limit` items after the one whose key is `after`, and where to go on.
pub(crate) fn page<T>(
    items: Vec<T>,
    after: Option<&str>,
    limit: usize,
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), Fault> {
    let begin = match after {
        None => 0,
        Some(after) => {
            let at = items.iter().position(|item| key(item) == after);
            at.ok_or_else(|| Fault::wrong("after", "there is nothing to go on after; ask for the first page"))? + 1
        }
    };
    let more = items.len() > begin.saturating_add(limit);
    let items: Vec<T> = items.into_iter().skip(begin).take(limit).collect();
    let next = items.last().filter(|_| more).map(key);
    Ok((items, next))
}
