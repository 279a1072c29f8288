//! Contents that Keizu itself writes: the manifest of a folder, and a sorted list of names. Their digest is the identity of the collection,
//! the listing, the set of absences.
//!
//! ```text
//! manifest   "keizu manifest v1\n" ‖ u32 count ‖ (lp(path) ‖ u64 size ‖ BLAKE3[32]) × count       sorted by path, each once
//! names      "keizu names v1\n" ‖ u32 count ‖ lp(name) × count                                    sorted, each once
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::path::FilePath;
use crate::wire::{Reader, Writer};

const MANIFEST: &[u8] = b"keizu manifest v1\n";
const NAMES: &[u8] = b"keizu names v1\n";

/// The members of a collection, by path relative to its folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest(pub BTreeMap<FilePath, Member>);

/// One member of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Bytes.
    pub size: u64,
    /// Content.
    pub digest: Digest,
}

/// A file inside a collection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Membership {
    /// The collection's digest.
    pub collection: Digest,
    /// Relative to the collection's folder.
    pub path: FilePath,
    /// The file's content.
    pub member: Digest,
    /// Bytes.
    pub size: u64,
}

/// A set of names: of a folder's entries, of files that were looked for and not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names(pub BTreeSet<FilePath>);

impl Manifest {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.raw(MANIFEST).u32(self.0.len() as u32);
        for (path, member) in &self.0 {
            out.lp(path.as_bytes()).u64(member.size).raw(member.digest.as_bytes());
        }
        out.into_bytes()
    }

    /// Reads canonical bytes; `None` for any others.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes.strip_prefix(MANIFEST)?);
        let count = input.u32()?;
        let mut members: Vec<(FilePath, Member)> = Vec::new();
        for _ in 0..count {
            let path = FilePath::new(input.lp()?);
            let member = Member { size: input.u64()?, digest: Digest::new(input.array()?) };
            ascending(members.last().map(|(path, _)| path), &path)?;
            members.push((path, member));
        }
        input.is_empty().then(|| Self(members.into_iter().collect()))
    }

    /// The collection's identity.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.encode())
    }

    /// Bytes of all members.
    pub fn size(&self) -> u64 {
        self.0.values().map(|member| member.size).sum()
    }
}

impl Names {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.raw(NAMES).u32(self.0.len() as u32);
        for name in &self.0 {
            out.lp(name.as_bytes());
        }
        out.into_bytes()
    }

    /// Reads canonical bytes; `None` for any others.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes.strip_prefix(NAMES)?);
        let count = input.u32()?;
        let mut names: Vec<FilePath> = Vec::new();
        for _ in 0..count {
            let name = FilePath::new(input.lp()?);
            ascending(names.last(), &name)?;
            names.push(name);
        }
        input.is_empty().then(|| Self(names.into_iter().collect()))
    }

    /// Its identity.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.encode())
    }
}

fn ascending(last: Option<&FilePath>, next: &FilePath) -> Option<()> {
    last.is_none_or(|last| last < next).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_path() -> impl Strategy<Value = FilePath> {
        prop::collection::vec(any::<u8>(), 0..12).prop_map(FilePath::new)
    }

    proptest! {
        #[test]
        fn manifests_round_trip(entries in prop::collection::btree_map(any_path(), (any::<u64>(), any::<[u8; 32]>()), 0..20)) {
            let manifest =
                Manifest(entries.into_iter().map(|(path, (size, digest))| (path, Member { size, digest: Digest::new(digest) })).collect());
            prop_assert_eq!(Manifest::decode(&manifest.encode()), Some(manifest));
        }

        #[test]
        fn names_round_trip(names in prop::collection::btree_set(any_path(), 0..20)) {
            let names = Names(names);
            prop_assert_eq!(Names::decode(&names.encode()), Some(names));
        }

        #[test]
        fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Manifest::decode(&[MANIFEST, &bytes].concat());
            let _ = Names::decode(&[NAMES, &bytes].concat());
        }
    }
}
