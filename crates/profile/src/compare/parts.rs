//! Parts of a table of several files: which came, went or changed.

use std::collections::BTreeMap;

use super::chain::Chain;
use super::digest::spread;
use super::pairing::Pair;
use super::rows::{Digests, Rows, Which};
use crate::difference::{PartChange, PartState, Side};
use crate::{Error, Part};

/// The rows of a part: how many, in whatever order, and in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    rows: u64,
    any_order: u64,
    in_order: u64,
}

/// Nothing for two single files.
pub(crate) fn changes(
    before: &[Part],
    after: &[Part],
    (old, new): (&mut Chain, &mut Chain),
    pairs: &[Pair],
) -> Result<Vec<PartChange>, Error> {
    if before.len() < 2 && after.len() < 2 {
        return Ok(Vec::new());
    }
    let (was, is) = (sums(before, old, pairs, Which::Before)?, sums(after, new, pairs, Which::After)?);
    let mut names: BTreeMap<&str, (Option<Sums>, Option<Sums>)> = BTreeMap::new();
    before.iter().zip(was).for_each(|(part, sums)| names.entry(&part.name).or_default().0 = Some(sums));
    after.iter().zip(is).for_each(|(part, sums)| names.entry(&part.name).or_default().1 = Some(sums));
    let changes = names.into_iter().filter_map(|(name, (was, is))| {
        let state = match (was, is) {
            (None, _) => PartState::Added,
            (_, None) => PartState::Removed,
            (Some(was), Some(is)) if was == is => return None,
            (Some(was), Some(is)) if was.any_order == is.any_order && was.rows == is.rows => PartState::Reordered,
            _ => PartState::Changed,
        };
        let rows = Side { before: was.map(|sums| sums.rows), after: is.map(|sums| sums.rows) };
        Some(PartChange { name: name.to_owned(), state, rows })
    });
    Ok(changes.collect())
}

fn sums(parts: &[Part], table: &mut Chain, pairs: &[Pair], which: Which) -> Result<Vec<Sums>, Error> {
    let mut sums = vec![Sums::default(); parts.len()];
    let mut rows = Rows::new(table, pairs, which)?;
    let mut batch = Digests::default();
    while rows.next(&mut batch)? {
        let sum = &mut sums[batch.part];
        sum.rows += batch.rows.len() as u64;
        for row in &batch.rows {
            sum.any_order = sum.any_order.wrapping_add(spread(*row));
            sum.in_order = spread(sum.in_order.rotate_left(7) ^ row);
        }
    }
    Ok(sums)
}
