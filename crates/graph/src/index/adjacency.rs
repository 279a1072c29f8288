//! Neighbours by vertex: compressed rows, and a patch over them for what changed since.

use foldhash::HashMap;
/// A patch is folded into the rows when it has more than this share of them.
const PATCH_SHARE: usize = 4;
/// A patch this small is left as it is.
const PATCH_ROWS_MIN: usize = 1_024;

/// Rows of sorted neighbours.
#[derive(Debug, Default)]
pub(super) struct Adjacency {
    /// Row `v` is `targets[offsets[v]..offsets[v + 1]]`.
    offsets: Vec<u32>,
    targets: Vec<u32>,
    /// Rows that changed, whole.
    patch: HashMap<u32, Vec<u32>>,
}

impl Adjacency {
    /// Rows from pairs of a vertex and its neighbour, in any order, some of them more than once. The pairs are gone through twice.
    pub fn new<I: Iterator<Item = (u32, u32)>>(vertices: usize, pairs: impl Fn() -> I) -> Self {
        let mut offsets = vec![0_u32; vertices + 1];
        for (at, _) in pairs() {
            offsets[at as usize + 1] += 1;
        }
        let mut sum = 0_u32;
        for offset in &mut offsets {
            sum = sum.checked_add(*offset).expect("invariant: fewer than 2^32 links");
            *offset = sum;
        }
        let mut targets = vec![0_u32; sum as usize];
        // filling moves each offset to the end of its row: the end of the row before is its beginning
        for (at, target) in pairs() {
            let next = &mut offsets[at as usize];
            targets[*next as usize] = target;
            *next += 1;
        }
        let (mut from, mut kept) = (0_usize, 0_usize);
        for end in &mut offsets[..vertices] {
            let to = *end as usize;
            targets[from..to].sort_unstable();
            *end = kept as u32;
            for at in from..to {
                if at == from || targets[at] != targets[at - 1] {
                    targets[kept] = targets[at];
                    kept += 1;
                }
            }
            from = to;
        }
        offsets[vertices] = kept as u32;
        targets.truncate(kept);
        targets.shrink_to_fit();
        Self { offsets, targets, patch: HashMap::default() }
    }

    pub fn of(&self, at: u32) -> &[u32] {
        match self.patch.is_empty() {
            true => self.row(at),
            false => self.patch.get(&at).map_or_else(|| self.row(at), Vec::as_slice),
        }
    }

    fn row(&self, at: u32) -> &[u32] {
        let at = at as usize;
        match (self.offsets.get(at), self.offsets.get(at + 1)) {
            (Some(from), Some(to)) => &self.targets[*from as usize..*to as usize],
            _ => &[],
        }
    }

    pub fn insert(&mut self, at: u32, target: u32) {
        if let Err(place) = self.of(at).binary_search(&target) {
            self.patched(at).insert(place, target);
        }
    }

    pub fn remove(&mut self, at: u32, target: u32) {
        if let Ok(place) = self.of(at).binary_search(&target) {
            self.patched(at).remove(place);
        }
    }

    fn patched(&mut self, at: u32) -> &mut Vec<u32> {
        let row = if self.patch.contains_key(&at) { Vec::new() } else { self.row(at).to_vec() };
        self.patch.entry(at).or_insert(row)
    }

    /// How many links there are.
    pub fn len(&self) -> usize {
        let patched: usize = self.patch.iter().map(|(at, row)| row.len().wrapping_sub(self.row(*at).len())).fold(0, usize::wrapping_add);
        self.targets.len().wrapping_add(patched)
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let rows: usize = self.patch.values().map(|row| row.capacity() * 4 + 32).sum();
        (self.offsets.capacity() + self.targets.capacity()) * 4 + rows
    }

    /// Folds the patch into the rows when it has grown large.
    pub fn settle(&mut self, vertices: usize) {
        if self.patch.len() < PATCH_ROWS_MIN.max(vertices / PATCH_SHARE) {
            return;
        }
        let mut offsets = Vec::with_capacity(vertices + 1);
        let mut targets = Vec::with_capacity(self.targets.len());
        offsets.push(0);
        for at in 0..vertices as u32 {
            targets.extend_from_slice(self.of(at));
            offsets.push(u32::try_from(targets.len()).expect("invariant: fewer than 2^32 links"));
        }
        *self = Self { offsets, targets, patch: HashMap::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn rows_survive_being_folded() {
        let mut adjacency = Adjacency::default();
        for at in 0..5_000_u32 {
            adjacency.insert(at, at / 2);
            adjacency.insert(at, 7);
        }
        adjacency.settle(5_000);
        assert!(adjacency.patch.is_empty());
        assert_eq!(adjacency.of(4_000), [7, 2_000]);
        adjacency.remove(4_000, 7);
        adjacency.insert(5_001, 1);
        assert_eq!((adjacency.of(4_000), adjacency.of(5_001), adjacency.of(6_000)), ([2_000].as_slice(), [1].as_slice(), [].as_slice()));
    }

    proptest! {
        #[test]
        fn rows_are_the_pairs(pairs in prop::collection::vec((0..12_u32, 0..12_u32), 0..60)) {
            let rows = Adjacency::new(12, || pairs.iter().copied());
            let set: BTreeSet<(u32, u32)> = pairs.iter().copied().collect();
            for at in 0..12 {
                let expected: Vec<u32> = set.iter().filter(|(from, _)| *from == at).map(|(_, to)| *to).collect();
                prop_assert_eq!(rows.of(at), expected.as_slice());
            }
            prop_assert_eq!(rows.len(), set.len());
        }
    }
}
