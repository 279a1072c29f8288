//! What became of the rows.

use std::collections::HashMap;

use super::chain::Chain;
use super::concentrate::values;
use super::multiset;
use super::pairing::Pair;
use super::partners::{self, Partners};
use super::rows::{InPlace, Which, side_by_side};
use crate::difference::{Flip, RowCounts};
use crate::profile::{Column, Profile};
use crate::value::{Kind, Value};
use crate::{Error, Limits};

/// Changed rows that are held to find out what they have in common. Of more, nothing is said.
const MARKED_MAX: u64 = 4_000_000;
/// Kinds of changes of a label that are told apart, and that are told.
const FLIPS_MAX: usize = 10_000;
const FLIPS_TOLD: usize = 20;
/// The share of changed rows that one column alone must explain to be what was changed.
const LABEL_SHARE: f64 = 0.9;

/// What became of the rows of two tables.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub counts: RowCounts,
    pub reordered: bool,
    /// By pair: rows in which it changed.
    pub cells: Option<Vec<u64>>,
    /// By pair: cells that differ at the same place, if both tables have as many rows.
    pub by_place: Option<Vec<u64>>,
    /// By pair: rows in which it alone changed.
    alone: Vec<u64>,
    /// Changed rows with their partners, unless they stand in the same place.
    partners: Vec<Partners>,
    in_place: bool,
    /// Row numbers.
    pub added: Vec<u64>,
    pub removed: Vec<u64>,
}

/// Rows of the table after with the groups that they belong to, and what became of the label.
pub(crate) struct Changed {
    pub rows: Vec<(u64, u16)>,
    pub flips: Vec<Flip>,
}

impl Outcome {
    pub fn of(
        old: &mut Chain,
        new: &mut Chain,
        pairs: &[Pair],
        (was, is): (&Profile, &Profile),
        limits: &Limits,
    ) -> Result<Outcome, Error> {
        let none = vec![0; pairs.len()];
        if pairs.is_empty() {
            let counts = RowCounts { added: is.rows, removed: was.rows, changed: 0, equal: 0, matched: false };
            return Ok(Outcome { counts, ..Outcome::default() });
        }
        let as_many = was.rows == is.rows;
        let (mut together, mut by_place) = (None, None);
        if as_many {
            let place = InPlace::of(old, new, pairs)?;
            by_place = Some(place.cells.clone());
            if place.rows == 0 || place.is_reordered() {
                let counts = RowCounts { equal: is.rows, matched: true, ..RowCounts::default() };
                return Ok(Outcome {
                    counts,
                    reordered: place.rows > 0,
                    cells: Some(none.clone()),
                    by_place,
                    alone: none,
                    ..Outcome::default()
                });
            }
            if place.belongs_together(pairs.len()) {
                if place.rows * 2 <= is.rows {
                    return Ok(Outcome::in_place(place, is.rows));
                }
                together = Some(place);
            }
        }
        let unmatched = multiset::unmatched(old, new, pairs, (was.rows, is.rows), limits)?;
        // as few rows differ in place as differ at all
        if let Some(place) = together.filter(|place| place.rows as f64 <= unmatched.added as f64 * 1.1) {
            return Ok(Outcome::in_place(place, is.rows));
        }
        let equal = is.rows - unmatched.added;
        if !unmatched.whole {
            let counts = RowCounts { added: unmatched.added, removed: unmatched.removed, changed: 0, equal, matched: false };
            return Ok(Outcome { counts, by_place, ..Outcome::default() });
        }
        let found = partners::find(old, new, pairs, &unmatched, &keys(pairs, was, is), as_many)?;
        let (mut cells, mut alone) = (none.clone(), none);
        for partners in &found.partners {
            partners.changed.iter().for_each(|column| cells[*column as usize] += 1);
            if let [only] = partners.changed[..] {
                alone[only as usize] += 1;
            }
        }
        let (added, removed, changed) = (found.added.len() as u64, found.removed.len() as u64, found.partners.len() as u64);
        Ok(Outcome {
            counts: RowCounts { added, removed, changed, equal, matched: true },
            reordered: false,
            cells: Some(cells),
            by_place,
            alone,
            partners: found.partners,
            in_place: false,
            added: found.added,
            removed: found.removed,
        })
    }

    fn in_place(place: InPlace, rows: u64) -> Outcome {
        let counts = RowCounts { added: 0, removed: 0, changed: place.rows, equal: rows - place.rows, matched: true };
        Outcome {
            counts,
            by_place: Some(place.cells.clone()),
            cells: Some(place.cells),
            alone: place.alone,
            in_place: true,
            ..Outcome::default()
        }
    }

    /// The column in which nearly all changed rows changed, and nothing else of them, with how many those are.
    pub fn label(&self) -> Option<(usize, u64)> {
        let (column, rows) = self.alone.iter().copied().enumerate().max_by_key(|(column, rows)| (*rows, std::cmp::Reverse(*column)))?;
        (rows > 0 && rows as f64 >= LABEL_SHARE * self.counts.changed as f64).then_some((column, rows))
    }

    /// Changed columns, the most changed first.
    pub fn most_changed(&self, most: usize) -> Vec<usize> {
        let mut columns: Vec<(usize, u64)> = self.cells.iter().flatten().copied().enumerate().filter(|(_, cells)| *cells > 0).collect();
        columns.sort_by_key(|(column, cells)| (std::cmp::Reverse(*cells), *column));
        columns.into_iter().take(most).map(|(column, _)| column).collect()
    }

    /// The changed rows: group n is the n-th of these columns; after them comes the label alone. Nothing if they are too many.
    pub fn changed_rows(
        &self,
        (old, new): (&mut Chain, &mut Chain),
        pairs: &[Pair],
        top: &[usize],
        label: Option<(usize, u64)>,
    ) -> Result<Option<Changed>, Error> {
        if self.counts.changed > MARKED_MAX {
            return Ok(None);
        }
        let group: HashMap<usize, u16> = top.iter().enumerate().map(|(at, column)| (*column, 1 << at)).collect();
        let of_label = 1u16 << top.len();
        let mark = |changed: &mut dyn Iterator<Item = usize>| {
            let (mut groups, mut count, mut last) = (0u16, 0, 0);
            for column in changed {
                (groups, count, last) = (groups | group.get(&column).copied().unwrap_or(0), count + 1, column);
            }
            let alone = count == 1 && label.is_some_and(|(column, _)| column == last);
            (if alone { groups | of_label } else { groups }, alone)
        };
        let mut changed = Changed { rows: Vec::new(), flips: Vec::new() };
        let mut flips = Flips::default();
        if self.in_place {
            side_by_side(old, new, pairs, |before, i, after, j, stretch| {
                for row in 0..stretch {
                    if before.rows[i + row] == after.rows[j + row] {
                        continue;
                    }
                    let mut columns = (0..pairs.len()).filter(|column| before.cells[*column][i + row] != after.cells[*column][j + row]);
                    let (groups, alone) = mark(&mut columns);
                    changed.rows.push((after.first + (j + row) as u64, groups));
                    if let (true, Some((column, _)), Some(was), Some(is)) = (alone, label, &before.batch, &after.batch) {
                        let pair = &pairs[column];
                        flips.add(was.cells[pair.before].value(i + row), is.cells[pair.after].value(j + row));
                    }
                }
            })?;
        } else {
            let mut flipped: Vec<(u64, u64)> = Vec::new();
            for partners in &self.partners {
                let (groups, alone) = mark(&mut partners.changed.iter().map(|column| *column as usize));
                changed.rows.push((partners.after, groups));
                if alone {
                    flipped.push((partners.before, partners.after));
                }
            }
            if let Some((column, _)) = label {
                flips = Flips::of(old, new, &pairs[column], flipped)?;
            }
        }
        changed.flips = flips.finish();
        Ok(Some(changed))
    }
}

/// From what to what the cells of a column changed.
#[derive(Default)]
struct Flips {
    counts: HashMap<(Option<Value>, Option<Value>), u64>,
}

impl Flips {
    fn of(old: &mut Chain, new: &mut Chain, pair: &Pair, mut rows: Vec<(u64, u64)>) -> Result<Flips, Error> {
        let is = values(new, pair, Which::After, &rows.iter().map(|(_, after)| *after).collect::<Vec<_>>())?;
        let mut to: Vec<(u64, Option<Value>)> = rows.iter().map(|(before, _)| *before).zip(is).collect();
        to.sort_by_key(|(before, _)| *before);
        rows.sort_unstable();
        let was = values(old, pair, Which::Before, &rows.iter().map(|(before, _)| *before).collect::<Vec<_>>())?;
        let mut flips = Flips::default();
        was.into_iter().zip(to).for_each(|(was, (_, is))| flips.add(was, is));
        Ok(flips)
    }

    fn add(&mut self, from: Option<Value>, to: Option<Value>) {
        if self.counts.len() < FLIPS_MAX {
            *self.counts.entry((from, to)).or_default() += 1;
        } else if let Some(count) = self.counts.get_mut(&(from, to)) {
            *count += 1;
        }
    }

    fn finish(self) -> Vec<Flip> {
        let mut flips: Vec<Flip> = self.counts.into_iter().map(|((from, to), rows)| Flip { from, to, rows }).collect();
        flips.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| (&a.from, &a.to).cmp(&(&b.from, &b.to))));
        flips.truncate(FLIPS_TOLD);
        flips
    }
}

/// Pairs of columns in which nearly every row has a value of its own, those named so first.
fn keys(pairs: &[Pair], was: &Profile, is: &Profile) -> Vec<usize> {
    let tells = |column: &Column| {
        let whole = matches!(column.kind, Kind::Integer | Kind::Text | Kind::Time);
        whole && column.null == 0 && column.count > 0 && column.distinct.count as f64 >= 0.95 * column.count as f64
    };
    let mut keys: Vec<usize> =
        (0..pairs.len()).filter(|at| tells(&was.columns[pairs[*at].before]) && tells(&is.columns[pairs[*at].after])).collect();
    let named = |at: usize| {
        let name = is.columns[pairs[at].after].name.to_lowercase();
        name == "id" || name.ends_with("_id") || name.ends_with("key") || name.contains("uuid")
    };
    keys.sort_by_key(|at| (!named(*at), *at));
    keys
}
