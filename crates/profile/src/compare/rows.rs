//! The rows of one table as digests, and two of them row by row.

use super::chain::Chain;
use super::digest;
use super::pairing::Pair;
use crate::Error;
use crate::table::{Batch, Table};

/// Which side of each pair a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Before,
    After,
}

impl Pair {
    pub fn at(&self, which: Which) -> usize {
        match which {
            Which::Before => self.before,
            Which::After => self.after,
        }
    }
}

/// A table's rows, digested batch by batch.
pub(crate) struct Rows<'t, 'p> {
    table: &'t mut Chain<'p>,
    pairs: &'t [Pair],
    which: Which,
}

/// The digests of a batch: of each cell by column, and of each row.
#[derive(Default)]
pub(crate) struct Digests {
    pub first: u64,
    pub rows: Vec<u64>,
    pub cells: Vec<Vec<u64>>,
    pub part: usize,
    pub batch: Option<Batch>,
}

impl<'t, 'p> Rows<'t, 'p> {
    pub fn new(table: &'t mut Chain<'p>, pairs: &'t [Pair], which: Which) -> Result<Rows<'t, 'p>, Error> {
        table.rewind(&|at| pairs.iter().any(|pair| pair.at(which) == at))?;
        Ok(Rows { table, pairs, which })
    }

    /// The next batch; false at the end.
    pub fn next(&mut self, into: &mut Digests) -> Result<bool, Error> {
        into.first += into.rows.len() as u64;
        let Some(batch) = self.table.next()? else {
            into.rows.clear();
            return Ok(false);
        };
        into.part = self.table.part();
        into.rows.clear();
        into.rows.resize(batch.rows, 0);
        into.cells.resize_with(self.pairs.len(), Vec::new);
        for (column, (pair, cells)) in self.pairs.iter().zip(&mut into.cells).enumerate() {
            digest::cells(&batch.cells[pair.at(self.which)], pair.mode, batch.rows, cells);
            for (row, cell) in into.rows.iter_mut().zip(cells.iter()) {
                *row = row.wrapping_add(digest::mix(*cell, column));
            }
        }
        into.batch = Some(batch);
        Ok(true)
    }
}

/// Two tables side by side, in stretches that lie in one batch of each.
pub(crate) fn side_by_side(
    before: &mut Chain,
    after: &mut Chain,
    pairs: &[Pair],
    mut see: impl FnMut(&Digests, usize, &Digests, usize, usize),
) -> Result<(), Error> {
    let (mut left, mut right) = (Digests::default(), Digests::default());
    let (mut old, mut new) = (Rows::new(before, pairs, Which::Before)?, Rows::new(after, pairs, Which::After)?);
    let (mut i, mut j) = (0, 0);
    loop {
        while i == left.rows.len() {
            i = 0;
            if !old.next(&mut left)? {
                return Ok(());
            }
        }
        while j == right.rows.len() {
            j = 0;
            if !new.next(&mut right)? {
                return Ok(());
            }
        }
        let stretch = (left.rows.len() - i).min(right.rows.len() - j);
        see(&left, i, &right, j, stretch);
        (i, j) = (i + stretch, j + stretch);
    }
}

/// What two tables of equally many rows have in common, place by place.
#[derive(Debug, Default)]
pub(crate) struct InPlace {
    /// Rows that differ.
    pub rows: u64,
    /// By pair: rows in which it differs.
    pub cells: Vec<u64>,
    /// By pair: rows in which it alone differs.
    pub alone: Vec<u64>,
    /// Cells that are equal in the rows that differ.
    agree: u64,
    /// Cells that are equal to those of the next row of the other table, over as many.
    by_chance: u64,
    chances: u64,
    /// The rows of each side as sums, which tell whether they are the same in another order.
    sums: [u64; 2],
}

impl InPlace {
    pub fn of(before: &mut Chain, after: &mut Chain, pairs: &[Pair]) -> Result<InPlace, Error> {
        let mut found = InPlace { cells: vec![0; pairs.len()], alone: vec![0; pairs.len()], ..InPlace::default() };
        let (mut count, mut last): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        side_by_side(before, after, pairs, |old, i, new, j, stretch| {
            count.clear();
            count.resize(stretch, 0);
            last.clear();
            last.resize(stretch, 0);
            for (column, (a, b)) in old.cells.iter().zip(&new.cells).enumerate() {
                let (a, b) = (&a[i..i + stretch], &b[j..j + stretch]);
                for row in 0..stretch {
                    if a[row] != b[row] {
                        count[row] += 1;
                        last[row] = column as u32;
                        found.cells[column] += 1;
                    }
                }
                found.by_chance += a.iter().zip(b.iter().skip(1)).filter(|(a, b)| a == b).count() as u64;
                found.chances += stretch.saturating_sub(1) as u64;
            }
            for (count, last) in count.iter().zip(&last).filter(|(count, _)| **count > 0) {
                found.rows += 1;
                found.agree += pairs.len() as u64 - u64::from(*count);
                found.alone[*last as usize] += u64::from(*count == 1);
            }
            for (sum, rows) in found.sums.iter_mut().zip([&old.rows[i..i + stretch], &new.rows[j..j + stretch]]) {
                *sum = rows.iter().fold(*sum, |sum, row| sum.wrapping_add(digest::spread(*row)));
            }
        })?;
        Ok(found)
    }

    /// The same rows in another order.
    pub fn is_reordered(&self) -> bool {
        self.rows > 0 && self.sums[0] == self.sums[1]
    }

    /// The rows that differ still have more in common with those in their place than with any others: they were changed, not replaced.
    pub fn belongs_together(&self, columns: usize) -> bool {
        let agreement = self.agree as f64 / (self.rows * columns as u64).max(1) as f64;
        let chance = self.by_chance as f64 / self.chances.max(1) as f64;
        columns == 1 || agreement > chance + (1.0 - chance) / 4.0
    }
}
