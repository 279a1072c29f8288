//! What became of the rows without an equal one: a partner is looked for by a key, by all cells but one, and by place.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::chain::Chain;
use super::digest;
use super::multiset::Unmatched;
use super::pairing::Pair;
use super::rows::{Digests, Rows, Which};
use crate::Error;

type Map<V> = HashMap<u64, V, FixedState>;

/// A row that was changed: its number in either table, and the pairs of columns in which it was.
#[derive(Debug, Clone)]
pub(crate) struct Partners {
    pub before: u64,
    pub after: u64,
    pub changed: Vec<u32>,
}

/// The rows of one side without an equal one.
#[derive(Debug, Default)]
struct Loose {
    /// Their numbers in the table.
    rows: Vec<u64>,
    digests: Vec<u64>,
    /// Row after row.
    cells: Vec<u64>,
    columns: usize,
    free: Vec<bool>,
}

impl Loose {
    fn of(table: &mut Chain, pairs: &[Pair], which: Which, unmatched: &[(u64, u64)]) -> Result<Loose, Error> {
        let mut left: Map<u64> = unmatched.iter().copied().collect();
        let mut loose = Loose { columns: pairs.len(), ..Loose::default() };
        let mut rows = Rows::new(table, pairs, which)?;
        let mut batch = Digests::default();
        while rows.next(&mut batch)? {
            for (at, digest) in batch.rows.iter().enumerate() {
                let Some(count) = left.get_mut(digest).filter(|count| **count > 0) else { continue };
                *count -= 1;
                loose.rows.push(batch.first + at as u64);
                loose.digests.push(*digest);
                loose.cells.extend(batch.cells.iter().map(|column| column[at]));
            }
        }
        loose.free = vec![true; loose.rows.len()];
        Ok(loose)
    }

    fn cell(&self, row: usize, column: usize) -> u64 {
        self.cells[row * self.columns + column]
    }

    fn free(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.rows.len()).filter(|row| self.free[*row])
    }

    /// The digest of the row without one column.
    fn without(&self, row: usize, column: usize) -> u64 {
        self.digests[row].wrapping_sub(digest::mix(self.cell(row, column), column))
    }
}

/// The rows that were changed, and the numbers of those that remain: (removed, added).
pub(crate) struct Found {
    pub partners: Vec<Partners>,
    pub removed: Vec<u64>,
    pub added: Vec<u64>,
}

/// `keys`: pairs of columns whose values tell rows apart, the likeliest first. `in_place`: both tables have as many rows.
pub(crate) fn find(
    before: &mut Chain,
    after: &mut Chain,
    pairs: &[Pair],
    unmatched: &Unmatched,
    keys: &[usize],
    in_place: bool,
) -> Result<Found, Error> {
    let mut old = Loose::of(before, pairs, Which::Before, &unmatched.before)?;
    let mut new = Loose::of(after, pairs, Which::After, &unmatched.after)?;
    let mut matches: Vec<(usize, usize)> = Vec::new();
    by_key(&mut old, &mut new, keys, &mut matches);
    by_all_but_one(&mut old, &mut new, &mut matches);
    if in_place {
        by_place(&mut old, &mut new, &mut matches);
    }
    let changed = |(i, j): (usize, usize)| {
        (0..pairs.len()).filter(|column| old.cell(i, *column) != new.cell(j, *column)).map(|column| column as u32).collect()
    };
    let mut partners: Vec<Partners> =
        matches.iter().map(|(i, j)| Partners { before: old.rows[*i], after: new.rows[*j], changed: changed((*i, *j)) }).collect();
    partners.sort_unstable_by_key(|partners| partners.after);
    let rest = |side: &Loose| side.free().map(|row| side.rows[row]).collect();
    Ok(Found { partners, removed: rest(&old), added: rest(&new) })
}

/// The first key that finds a partner for at least half of the rows it could.
fn by_key(old: &mut Loose, new: &mut Loose, keys: &[usize], matches: &mut Vec<(usize, usize)>) {
    for &key in keys {
        let mut by: Map<Option<usize>> = Map::with_hasher(FixedState::with_seed(2));
        for row in old.free() {
            by.entry(old.cell(row, key)).and_modify(|at| *at = None).or_insert(Some(row));
        }
        let mut seen: Map<u32> = Map::with_hasher(FixedState::with_seed(3));
        new.free().for_each(|row| *seen.entry(new.cell(row, key)).or_default() += 1);
        let found: Vec<(usize, usize)> = new
            .free()
            .filter(|row| seen[&new.cell(*row, key)] == 1)
            .filter_map(|row| Some((by.get(&new.cell(row, key)).copied().flatten()?, row)))
            .collect();
        if !found.is_empty() && found.len() * 2 >= old.free().count().min(new.free().count()) {
            take(old, new, found, matches);
            return;
        }
    }
}

fn take(old: &mut Loose, new: &mut Loose, found: Vec<(usize, usize)>, matches: &mut Vec<(usize, usize)>) {
    for (i, j) in found {
        if old.free[i] && new.free[j] {
            (old.free[i], new.free[j]) = (false, false);
            matches.push((i, j));
        }
    }
}

/// Rows of which exactly one cell changed. The column that explains most comes first.
fn by_all_but_one(old: &mut Loose, new: &mut Loose, matches: &mut Vec<(usize, usize)>) {
    if old.columns < 2 || old.free().next().is_none() || new.free().next().is_none() {
        return;
    }
    let mut order: Vec<(usize, usize)> =
        (0..old.columns).map(|column| (alike(old, new, column).len(), column)).filter(|(count, _)| *count > 0).collect();
    order.sort_unstable_by_key(|(count, column)| (std::cmp::Reverse(*count), *column));
    for (_, column) in order {
        let found = alike(old, new, column);
        take(old, new, found, matches);
    }
}

/// One to one, in the order of the rows.
fn alike(old: &Loose, new: &Loose, column: usize) -> Vec<(usize, usize)> {
    let mut by: Map<Vec<usize>> = Map::with_hasher(FixedState::with_seed(4));
    // from the end, so that the first is the last of each list
    for row in (0..old.rows.len()).rev().filter(|row| old.free[*row]) {
        by.entry(old.without(row, column)).or_default().push(row);
    }
    new.free().filter_map(|row| Some((by.get_mut(&new.without(row, column))?.pop()?, row))).collect()
}

/// Rows at the same place of which at least half of the cells are the same.
fn by_place(old: &mut Loose, new: &mut Loose, matches: &mut Vec<(usize, usize)>) {
    let places: Map<usize> = old.free().map(|row| (old.rows[row], row)).collect();
    let same = |i: usize, j: usize| (0..old.columns).filter(|column| old.cell(i, *column) == new.cell(j, *column)).count();
    let found: Vec<(usize, usize)> =
        new.free().filter_map(|row| Some((*places.get(&new.rows[row])?, row))).filter(|(i, j)| same(*i, *j) * 2 >= old.columns).collect();
    take(old, new, found, matches);
}
