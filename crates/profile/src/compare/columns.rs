//! Each column of both tables, described side by side.

use super::pairing::Pair;
use super::spread;
use crate::categories::{Categories, Counted};
use crate::difference::{ColumnChange, Drift, Side};
use crate::drift::counts::{self, Base, Smoothing};
use crate::drift::{samples, tests};
use crate::profile::{Column, Profile, Samples};
use crate::value::Value;

/// Values that are told of those that came or went.
const VALUES_TOLD: usize = 20;
/// Above that many categories, a test of their counts says nothing.
const TESTED_MAX: usize = 1000;

pub(crate) fn changes(
    pairs: &[Pair],
    (was, is): (&Profile, &Profile),
    samples: (&Samples, &Samples),
    cells: Option<&[u64]>,
) -> Vec<ColumnChange> {
    let mut changes: Vec<ColumnChange> = pairs
        .iter()
        .enumerate()
        .map(|(at, pair)| {
            let (before, after) = (&was.columns[pair.before], &is.columns[pair.after]);
            let drift = drift(before, after, &samples.0[pair.before], &samples.1[pair.after]);
            let (new_values, vanished_values) = came_and_went(before, after);
            ColumnChange {
                name: after.name.clone(),
                kind: after.kind,
                cells_changed: cells.map(|cells| cells[at]),
                missing: Side { before: before.null + before.nan, after: after.null + after.nan },
                infinite: Side { before: before.infinite, after: after.infinite },
                min: Side { before: before.min.clone(), after: after.min.clone() },
                max: Side { before: before.max.clone(), after: after.max.clone() },
                mean: Side { before: before.mean(), after: after.mean() },
                distinct: Side { before: before.distinct.count, after: after.distinct.count },
                drift,
                spread: spread::of(before, after),
                new_values,
                vanished_values,
                concentrated: None,
            }
        })
        .collect();
    correct(&mut changes, |drift| drift.p, |drift, q| drift.q = Some(q));
    correct(&mut changes, |drift| drift.missing_p, |drift, q| drift.missing_q = Some(q));
    spread::keep_most_moved(&mut changes);
    changes
}

fn correct(changes: &mut [ColumnChange], p: impl Fn(&Drift) -> Option<f64>, set: impl Fn(&mut Drift, f64)) {
    let all: Vec<f64> = changes.iter().filter_map(|change| p(&change.drift)).collect();
    let mut corrected = tests::benjamini_hochberg(&all).into_iter();
    for change in changes.iter_mut().filter(|change| p(&change.drift).is_some()) {
        if let Some(q) = corrected.next() {
            set(&mut change.drift, q);
        }
    }
}

fn drift(before: &Column, after: &Column, old: &[f64], new: &[f64]) -> Drift {
    let mut drift = Drift::default();
    if let Some((_, p)) = tests::shares((before.null + before.nan, before.count), (after.null + after.nan, after.count)) {
        drift.missing_p = Some(p);
    }
    if before.kind.is_ordered() && after.kind.is_ordered() {
        of_numbers(&mut drift, before, after, old, new);
    }
    // few different values are categories, even if they are numbers
    if let Some((was, is)) = listed(before, after) {
        let test = tests::chi2(&was, &is);
        let (n, m) = (was.iter().sum(), is.iter().sum());
        if drift.ks.is_none() || was.len() <= crate::bins::CUTS {
            drift.p = test.map(|test| test.p).or(drift.p);
        }
        drift.cramers_v = test.and_then(|test| tests::cramers_v(&test, n, m));
        if drift.psi.is_none() {
            drift.psi = counts::psi(&was, &is, Smoothing::Add(0.5));
            drift.psi_limit = tests::psi_limit(was.len(), n, m, 0.99);
            drift.js = counts::js_distance(&was, &is, Base::Two);
        }
    }
    drift
}

fn of_numbers(drift: &mut Drift, before: &Column, after: &Column, old: &[f64], new: &[f64]) {
    if let (Some(was), Some(is)) = (&before.bins, &after.bins)
        && was.edges == is.edges
    {
        drift.psi = counts::psi(&was.counts, &is.counts, Smoothing::Add(0.5));
        drift.psi_limit = tests::psi_limit(was.counts.len(), was.total(), is.total(), 0.99);
        drift.js = counts::js_distance(&was.counts, &is.counts, Base::Two);
    }
    if let Some(ks) = samples::ks(old, new) {
        drift.ks = Some(ks.statistic);
        drift.p = samples::ks_p_asymptotic(ks.statistic, old.len(), new.len());
    }
    drift.wasserstein = samples::wasserstein(old, new);
    let deviation = before.moments.and_then(|moments| moments.deviation());
    drift.wasserstein_normed = drift.wasserstein.zip(deviation).and_then(|(far, deviation)| samples::normed(far, deviation));
    let finite = |column: &Column| column.present() - column.infinite;
    drift.sampled = (old.len() as u64) < finite(before) || (new.len() as u64) < finite(after);
}

/// The counts of both over the values that either has, if they are all known and few.
fn listed(before: &Column, after: &Column) -> Option<(Vec<u64>, Vec<u64>)> {
    let (was, is) = (exact(before)?, exact(after)?);
    let mut both: std::collections::BTreeMap<&Value, (u64, u64)> = std::collections::BTreeMap::new();
    was.counts.iter().for_each(|counted| both.entry(&counted.value).or_default().0 += counted.count);
    is.counts.iter().for_each(|counted| both.entry(&counted.value).or_default().1 += counted.count);
    (!both.is_empty() && both.len() <= TESTED_MAX && before.kind == after.kind).then(|| both.into_values().unzip())
}

pub(super) fn exact(column: &Column) -> Option<&Categories> {
    column.categories.as_ref().filter(|categories| categories.exact)
}

/// Values with their counts, that only one side has: (new, vanished).
type Came = (Vec<(Value, u64)>, Vec<(Value, u64)>);

fn came_and_went(before: &Column, after: &Column) -> Came {
    let (Some(was), Some(is)) = (exact(before), exact(after)) else { return Came::default() };
    if before.kind != after.kind {
        return Came::default();
    }
    let only = |of: &Categories, not: &Categories| {
        let known: std::collections::HashSet<&Value> = not.counts.iter().map(|counted| &counted.value).collect();
        let new = of.counts.iter().filter(|Counted { value, .. }| !known.contains(value));
        new.take(VALUES_TOLD).map(|counted| (counted.value.clone(), counted.count)).collect()
    };
    (only(is, was), only(was, is))
}
