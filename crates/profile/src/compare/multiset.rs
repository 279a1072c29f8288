//! Rows of two tables that have no equal one in the other, in bounded memory.

use super::chain::Chain;
use super::pairing::Pair;
use super::rows::{Digests, Rows, Which};
use crate::{Error, Limits};

/// The rows of each side without an equal one: digest and how often, sorted.
#[derive(Debug, Default)]
pub(crate) struct Unmatched {
    pub before: Vec<(u64, u64)>,
    pub after: Vec<(u64, u64)>,
    /// How many rows those are; where they are too many to hold, the lists are empty.
    pub removed: u64,
    pub added: u64,
    pub whole: bool,
}

/// Takes as many passes over both tables as their digests do not fit into the limit at once.
pub(crate) fn unmatched(
    before: &mut Chain,
    after: &mut Chain,
    pairs: &[Pair],
    rows: (u64, u64),
    limits: &Limits,
) -> Result<Unmatched, Error> {
    let passes = (rows.0.max(rows.1)).div_ceil(limits.row_digests_max as u64).max(1);
    let held_max = limits.changed_cells_max / pairs.len().max(1);
    let mut found = Unmatched { whole: true, ..Unmatched::default() };
    for pass in 0..passes {
        let old = digests(before, pairs, Which::Before, pass, passes)?;
        let new = digests(after, pairs, Which::After, pass, passes)?;
        differences(&old, &new, |digest, was, is| {
            let (removed, added) = (was.saturating_sub(is), is.saturating_sub(was));
            found.removed += removed;
            found.added += added;
            if found.whole && removed > 0 {
                found.before.push((digest, removed));
            }
            if found.whole && added > 0 {
                found.after.push((digest, added));
            }
        });
        if found.whole && found.removed.max(found.added) > held_max as u64 {
            found.whole = false;
            found.before = Vec::new();
            found.after = Vec::new();
        }
    }
    Ok(found)
}

fn digests(table: &mut Chain, pairs: &[Pair], which: Which, pass: u64, passes: u64) -> Result<Vec<u64>, Error> {
    let mut rows = Rows::new(table, pairs, which)?;
    let (mut batch, mut kept) = (Digests::default(), Vec::new());
    while rows.next(&mut batch)? {
        // the digests of a pass lie next to each other, so that the passes come out sorted
        kept.extend(batch.rows.iter().filter(|row| (u128::from(**row) * u128::from(passes)) >> 64 == u128::from(pass)));
    }
    kept.sort_unstable();
    Ok(kept)
}

/// Each digest of either, with how often each has it, where that differs.
fn differences(old: &[u64], new: &[u64], mut see: impl FnMut(u64, u64, u64)) {
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let digest = match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) => *a.min(b),
            (Some(only), None) | (None, Some(only)) => *only,
            (None, None) => return,
        };
        let run = |all: &[u64], at: usize| all[at..].iter().take_while(|other| **other == digest).count();
        let (was, is) = (run(old, i), run(new, j));
        (i, j) = (i + was, j + is);
        if was != is {
            see(digest, was as u64, is as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_as_a_map_does(mut old in prop::collection::vec(0u64..20, 0..60), mut new in prop::collection::vec(0u64..20, 0..60)) {
            let count = |of: &[u64], value: u64| of.iter().filter(|other| **other == value).count() as u64;
            let expected: Vec<_> = (0..20).map(|v| (v, count(&old, v), count(&new, v))).filter(|(_, a, b)| a != b).collect();
            old.sort_unstable();
            new.sort_unstable();
            let mut found = Vec::new();
            differences(&old, &new, |digest, was, is| found.push((digest, was, is)));
            prop_assert_eq!(found, expected);
        }
    }
}
