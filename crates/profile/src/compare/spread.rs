//! How a column's values are spread in both tables, from what was counted when they were described: nothing is read for it.

use std::collections::BTreeMap;

use super::columns::exact;
use crate::bins::CUTS;
use crate::difference::{ColumnChange, Side, Spread, SpreadBins, SpreadValues};
use crate::profile::Column;
use crate::value::{Kind, Value};

/// Words that are told one by one.
const WORDS_TOLD: usize = 12;
/// Columns whose spread is told: a table may have thousands.
const COLUMNS_TOLD: usize = 256;

/// Nothing where either side's counts are not known, where the two hold different things, and where each value occurs once.
pub(super) fn of(before: &Column, after: &Column) -> Option<Spread> {
    let numbers = |kind: Kind| matches!(kind, Kind::Integer | Kind::Real);
    if before.kind != after.kind && !(numbers(before.kind) && numbers(after.kind)) {
        return None;
    }
    values(before, after).map(Spread::Values).or_else(|| bins(before, after).map(Spread::Bins))
}

fn values(before: &Column, after: &Column) -> Option<SpreadValues> {
    if before.kind != after.kind {
        return None;
    }
    let (was, is) = (exact(before)?, exact(after)?);
    let mut both: BTreeMap<&Value, Side<u64>> = BTreeMap::new();
    was.counts.iter().for_each(|counted| both.entry(&counted.value).or_default().before += counted.count);
    is.counts.iter().for_each(|counted| both.entry(&counted.value).or_default().after += counted.count);
    let (n, m) = (u128::from(was.total()), u128::from(is.total()));
    let mut counts: Vec<(&Value, Side<u64>)> = both.into_iter().collect();
    let mut other = Side { before: was.other, after: is.other };
    if before.kind.is_ordered() && counts.len() > CUTS {
        // more of them have bins
        return None;
    }
    if before.kind == Kind::Text {
        if counts.iter().all(|(_, side)| side.before.max(side.after) < 2) {
            return None;
        }
        // shares of n and of m, as counts of n·m; a side without a cell has no share
        counts.sort_by_key(|(_, side)| std::cmp::Reverse((u128::from(side.before) * m.max(1)).max(u128::from(side.after) * n.max(1))));
        for (_, side) in counts.drain(WORDS_TOLD.min(counts.len())..) {
            other.before += side.before;
            other.after += side.after;
        }
    }
    (!counts.is_empty()).then(|| SpreadValues { counts: counts.into_iter().map(|(value, side)| (value.clone(), side)).collect(), other })
}

fn bins(before: &Column, after: &Column) -> Option<SpreadBins> {
    let (was, is) = (before.bins.as_ref()?, after.bins.as_ref()?);
    if was.edges != is.edges || was.edges.is_empty() {
        return None;
    }
    let range = |column: &Column| column.min.as_ref().and_then(Value::as_f64).zip(column.max.as_ref().and_then(Value::as_f64));
    Some(SpreadBins {
        edges: was.edges.clone(),
        range: Side { before: range(before), after: range(after) },
        counts: Side { before: was.counts.clone(), after: is.counts.clone() },
    })
}

/// Of a table of very many columns, only those that moved most keep theirs.
pub(super) fn keep_most_moved(changes: &mut [ColumnChange]) {
    let mut told: Vec<usize> = (0..changes.len()).filter(|at| changes[*at].spread.is_some()).collect();
    if told.len() <= COLUMNS_TOLD {
        return;
    }
    let moved = |at: usize| changes[at].drift.js.unwrap_or(0.0);
    told.sort_by(|a, b| moved(*b).total_cmp(&moved(*a)).then(a.cmp(b)));
    for at in told.drain(COLUMNS_TOLD..) {
        changes[at].spread = None;
    }
}
