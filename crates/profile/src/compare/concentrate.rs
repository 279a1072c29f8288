//! What rows have in common that others do not.

use std::collections::HashMap;

use super::chain::Chain;
use super::pairing::Pair;
use super::rows::Which;
use crate::Error;
use crate::difference::Concentrated;
use crate::profile::Profile;
use crate::table::{Batch, Table};
use crate::value::{Kind, Value};

/// Distinct values of a column that may say where something happened.
const VALUES_MAX: u64 = 1000;
/// Nearly all.
const INSIDE_MIN: f64 = 0.95;
/// The chance of such a coincidence, over all values that are looked at.
const CHANCE_MAX: f64 = 1e-3;
/// Groups that are told apart at once.
pub(crate) const GROUPS_MAX: usize = 16;

/// Rows by number, each with the groups it belongs to, in the order of the table.
pub(crate) struct Marks {
    pub rows: Vec<(u64, u16)>,
    pub groups: usize,
    /// By group: the column, by its place in the table, that says nothing of it, since it is what changed.
    pub not: Vec<Option<usize>>,
}

/// For each group, the value or the range of one column that its rows share and the others do not.
pub(crate) fn concentrate(table: &mut Chain, profile: &Profile, marks: &Marks) -> Result<Vec<Option<Concentrated>>, Error> {
    let sizes: Vec<u64> = (0..marks.groups).map(|group| marks.rows.iter().filter(|(_, of)| of >> group & 1 == 1).count() as u64).collect();
    if sizes.iter().all(|size| *size == 0) {
        return Ok(vec![None; marks.groups]);
    }
    let listed = |at: usize| {
        let column = &profile.columns[at];
        column.distinct.exact
            && (2..=VALUES_MAX).contains(&column.distinct.count)
            && column.categories.is_some()
            && column.kind != Kind::Real
    };
    let ordered = |at: usize| matches!(profile.columns[at].kind, Kind::Integer | Kind::Time) && profile.columns[at].distinct.count > 2;
    let candidates: Vec<usize> = (0..profile.columns.len()).filter(|at| listed(*at) || ordered(*at)).collect();
    let mut seen: Vec<Vec<Seen>> = vec![vec![Seen::default(); candidates.len()]; marks.groups];
    each_marked(table, &candidates, marks, |batch, row, groups| {
        for (place, at) in candidates.iter().enumerate() {
            let Some(value) = batch.cells[*at].value(row) else { continue };
            for (group, seen) in seen.iter_mut().enumerate().filter(|(group, _)| groups >> group & 1 == 1) {
                if marks.not[group] != Some(*at) {
                    seen[place].add(&value, listed(*at));
                }
            }
        }
    })?;
    let mut found: Vec<Option<Concentrated>> = Vec::new();
    for (seen, size) in seen.iter().zip(&sizes) {
        let single = candidates.iter().zip(seen).filter(|(at, _)| listed(**at)).filter_map(|(at, seen)| single(profile, *at, seen, *size));
        found.push(single.max_by(|a, b| (a.inside - a.outside).total_cmp(&(b.inside - b.outside))));
    }
    if found.iter().zip(&sizes).any(|(found, size)| found.is_none() && *size > 0) {
        ranges(table, profile, marks, &candidates, &seen, &sizes, &mut found)?;
    }
    Ok(found)
}

/// What a group's rows hold in one column.
#[derive(Debug, Clone, Default)]
struct Seen {
    counts: HashMap<Value, u64>,
    span: Option<(Value, Value)>,
    rows: u64,
}

impl Seen {
    fn add(&mut self, value: &Value, listed: bool) {
        self.rows += 1;
        match &mut self.span {
            None => self.span = Some((value.clone(), value.clone())),
            Some((low, high)) => {
                if value < low {
                    *low = value.clone();
                }
                if value > high {
                    *high = value.clone();
                }
            }
        }
        if listed {
            match self.counts.get_mut(value) {
                Some(count) => *count += 1,
                None => drop(self.counts.insert(value.clone(), 1)),
            }
        }
    }
}

fn single(profile: &Profile, at: usize, seen: &Seen, size: u64) -> Option<Concentrated> {
    let (value, count) = seen.counts.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)))?;
    let column = &profile.columns[at];
    let all = column.categories.as_ref()?.count_of(value);
    shared(profile, at, (value.clone(), value.clone()), *count, all.saturating_sub(*count), size)
}

/// Judges a share inside against a share outside.
fn shared(profile: &Profile, at: usize, span: (Value, Value), inside: u64, outside: u64, size: u64) -> Option<Concentrated> {
    let others = profile.rows.saturating_sub(size);
    let (within, without) = (inside as f64 / size.max(1) as f64, outside as f64 / others.max(1) as f64);
    let chance =
        ((inside + outside) as f64 / profile.rows.max(1) as f64).powf(inside as f64) * (profile.columns.len() as u64 * VALUES_MAX) as f64;
    let told = others > 0 && within >= INSIDE_MIN && without <= within / 2.0 && chance <= CHANCE_MAX;
    told.then(|| Concentrated { column: profile.columns[at].name.clone(), from: span.0, to: span.1, inside: within, outside: without })
}

fn ranges(
    table: &mut Chain,
    profile: &Profile,
    marks: &Marks,
    candidates: &[usize],
    seen: &[Vec<Seen>],
    sizes: &[u64],
    found: &mut [Option<Concentrated>],
) -> Result<(), Error> {
    let narrow = |group: usize, place: usize| {
        let column = &profile.columns[candidates[place]];
        let span = seen[group][place].span.clone()?;
        let whole = column.max.as_ref()?.as_f64()? - column.min.as_ref()?.as_f64()?;
        let part = span.1.as_f64()? - span.0.as_f64()?;
        let ordered = matches!(column.kind, Kind::Integer | Kind::Time) && column.distinct.count > 2;
        (ordered && found[group].is_none() && seen[group][place].rows == sizes[group] && sizes[group] > 0 && part < whole / 2.0)
            .then_some((group, place, span))
    };
    let asked: Vec<(usize, usize, (Value, Value))> = (0..marks.groups)
        .flat_map(|group| (0..candidates.len()).map(move |place| (group, place)))
        .filter_map(|(group, place)| narrow(group, place))
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let mut inside = vec![0u64; asked.len()];
    let wanted: Vec<usize> = asked.iter().map(|(_, place, _)| candidates[*place]).collect();
    table.rewind(&|at| wanted.contains(&at))?;
    while let Some(batch) = table.next()? {
        for ((count, at), (.., span)) in inside.iter_mut().zip(&wanted).zip(&asked) {
            let values = (0..batch.cells[*at].len()).filter_map(|row| batch.cells[*at].value(row));
            *count += values.filter(|value| *value >= span.0 && *value <= span.1).count() as u64;
        }
    }
    for ((group, place, span), all) in asked.into_iter().zip(inside) {
        let size = sizes[group];
        let Some(next) = shared(profile, candidates[place], span, size, all.saturating_sub(size), size) else { continue };
        if found[group].as_ref().is_none_or(|best| next.outside < best.outside) {
            found[group] = Some(next);
        }
    }
    Ok(())
}

fn each_marked(table: &mut Chain, columns: &[usize], marks: &Marks, mut see: impl FnMut(&Batch, usize, u16)) -> Result<(), Error> {
    table.rewind(&|at| columns.contains(&at))?;
    let (mut first, mut next) = (0u64, 0);
    while let Some(batch) = table.next()? {
        let end = first + batch.rows as u64;
        while let Some((row, groups)) = marks.rows.get(next).filter(|(row, _)| *row < end) {
            see(&batch, (row - first) as usize, *groups);
            next += 1;
        }
        first = end;
    }
    Ok(())
}

/// The values of one column in the rows of these numbers, which ascend.
pub(crate) fn values(table: &mut Chain, pair: &Pair, which: Which, rows: &[u64]) -> Result<Vec<Option<Value>>, Error> {
    let marks = Marks { rows: rows.iter().map(|row| (*row, 1)).collect(), groups: 1, not: vec![None] };
    let mut values = Vec::with_capacity(rows.len());
    each_marked(table, &[pair.at(which)], &marks, |batch, row, _| values.push(batch.cells[pair.at(which)].value(row)))?;
    Ok(values)
}
