//! Neighbours by vertex: compressed rows, and a patch over them for what changed since.

use std::collections::HashMap;

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
    pub fn of(&self, at: u32) -> &[u32] {
        self.patch.get(&at).map_or_else(|| self.row(at), Vec::as_slice)
    }

    fn row(&self, at: u32) -> &[u32] {
        let at = at as usize;
        match (self.offsets.get(at), self.offsets.get(at + 1)) {
            (Some(from), Some(to)) => &self.targets[*from as usize..*to as usize],
            _ => &[],
        }
    }

    pub fn set(&mut self, at: u32, row: Vec<u32>) {
        self.patch.insert(at, row);
    }

    pub fn insert(&mut self, at: u32, target: u32) {
        let row = self.patched(at);
        if let Err(place) = row.binary_search(&target) {
            row.insert(place, target);
        }
    }

    pub fn remove(&mut self, at: u32, target: u32) {
        let row = self.patched(at);
        if let Ok(place) = row.binary_search(&target) {
            row.remove(place);
        }
    }

    fn patched(&mut self, at: u32) -> &mut Vec<u32> {
        let row = if self.patch.contains_key(&at) { Vec::new() } else { self.row(at).to_vec() };
        self.patch.entry(at).or_insert(row)
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
        *self = Self { offsets, targets, patch: HashMap::new() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
