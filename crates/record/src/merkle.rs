//! The Merkle tree of RFC 6962 over record ids: `leaf = SHA-256(0x00 ‖ record id)`, `node = SHA-256(0x01 ‖ left ‖ right)`.

use sha2::{Digest as _, Sha256 as Hasher};

use crate::digest::{Hash, RecordId};

/// The leaf of a record.
pub fn leaf(id: &RecordId) -> Hash {
    Hash::new(Hasher::new().chain_update([0]).chain_update(id.as_bytes()).finalize().into())
}

/// The parent of two subtrees.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Hash::new(Hasher::new().chain_update([1]).chain_update(left.as_bytes()).chain_update(right.as_bytes()).finalize().into())
}

/// The root of the empty tree: SHA-256 of nothing (RFC 6962 §2.1).
pub fn empty_root() -> Hash {
    Hash::new(Hasher::digest([]).into())
}

/// The frontier of a tree: the roots of its perfect subtrees, largest first. Enough to append and to compute the root; O(log n) hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// From its parts: `peaks` must be as many as `size` has one bits.
    pub fn from_parts(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the perfect subtrees, largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut size = self.size;
        while size & 1 == 1 {
            let left = self.peaks.pop().expect("invariant: one peak per one bit of the size");
            hash = node(&left, &hash);
            size >>= 1;
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the whole tree.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => empty_root(),
            Some(last) => peaks.fold(*last, |right, left| node(left, &right)),
        }
    }
}

/// The root over leaves.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// The largest power of two below `size`.
fn split(size: usize) -> usize {
    debug_assert!(size > 1);
    1 << (usize::BITS - 1 - (size - 1).leading_zeros())
}

/// The audit path of the leaf at `index`, bottom up (RFC 6962 §2.1.1). Empty when `index` is outside.
pub fn inclusion_proof(leaves: &[Hash], index: usize) -> Vec<Hash> {
    if leaves.len() <= 1 || index >= leaves.len() {
        return Vec::new();
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut path, sibling) =
        if index < at { (inclusion_proof(left, index), root(right)) } else { (inclusion_proof(right, index - at), root(left)) };
    path.push(sibling);
    path
}

/// Whether `path` proves that `leaf` stands at `index` of the tree of `size` leaves with `root` (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut fnode, mut snode, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            hash = node(sibling, &hash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    snode == 0 && hash == *root
}

/// The proof that the tree of the first `old` leaves is a prefix of the whole (RFC 6962 §2.1.2). Empty for `old` = 0 or all.
pub fn consistency_proof(leaves: &[Hash], old: usize) -> Vec<Hash> {
    fn subproof(leaves: &[Hash], old: usize, whole: bool) -> Vec<Hash> {
        if old == leaves.len() {
            return if whole { Vec::new() } else { vec![root(leaves)] };
        }
        let at = split(leaves.len());
        let (left, right) = leaves.split_at(at);
        let (mut path, sibling) =
            if old <= at { (subproof(left, old, whole), root(right)) } else { (subproof(right, old - at, false), root(left)) };
        path.push(sibling);
        path
    }
    if old == 0 || old >= leaves.len() { Vec::new() } else { subproof(leaves, old, true) }
}

/// Whether `path` proves that the tree (`old`, `old_root`) is a prefix of (`new`, `new_root`) (RFC 9162 §2.1.4.2).
pub fn verify_consistency(old: u64, old_root: &Hash, new: u64, new_root: &Hash, path: &[Hash]) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return path.is_empty() && *old_root == empty_root();
    }
    let mut path = path.iter();
    let (mut fnode, mut snode) = (old - 1, new - 1);
    while fnode & 1 == 1 {
        fnode >>= 1;
        snode >>= 1;
    }
    // a perfect old tree is its own first node
    let first = if old.is_power_of_two() { Some(old_root) } else { path.next() };
    let Some(first) = first else { return false };
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in path {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            old_hash = node(sibling, &old_hash);
            new_hash = node(sibling, &new_hash);
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            new_hash = node(&new_hash, sibling);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    snode == 0 && old_hash == *old_root && new_hash == *new_root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|n| leaf(&RecordId::new([n as u8; 32]))).collect()
    }

    #[test]
    fn the_empty_tree_is_the_hash_of_nothing() {
        assert_eq!(root(&[]).hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Frontier::default().root(), root(&[]));
    }

    #[test]
    fn every_proof_of_every_small_tree_holds_and_no_other() {
        for size in 1..=40usize {
            let all = leaves(size);
            let whole = root(&all);
            for index in 0..size {
                let path = inclusion_proof(&all, index);
                assert!(verify_inclusion(&all[index], index as u64, size as u64, &path, &whole));
                for wrong in (0..size).filter(|wrong| *wrong != index) {
                    assert!(!verify_inclusion(&all[index], wrong as u64, size as u64, &path, &whole));
                }
            }
            for old in 0..=size {
                let path = consistency_proof(&all, old);
                assert!(verify_consistency(old as u64, &root(&all[..old]), size as u64, &whole, &path), "{old} of {size}");
                if old > 0 && old < size {
                    assert!(!verify_consistency(old as u64, &root(&all[1..=old]), size as u64, &whole, &path));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_frontier_grows_to_the_same_root(count in 0usize..300) {
            let all = leaves(count);
            let mut frontier = Frontier::default();
            for leaf in &all {
                frontier.push(*leaf);
            }
            prop_assert_eq!(frontier.root(), root(&all));
            prop_assert_eq!(Frontier::from_parts(frontier.size(), frontier.peaks().to_vec()), Some(frontier));
        }
    }
}
