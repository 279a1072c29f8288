//! What an index of the graph needs to know of a record besides its ends and its time, in one number.
//!
//! ```text
//! bit    0..4   role, 15: none            bit 14   absolute: its path is
//!        4..8   artifact's kind           bit 15   target: symbolic links lead elsewhere
//!        8..11  authority                 bit 16   collection: stands for many files
//!       11..14  (free)                    bit 17   edge: reads as a `used` or `made`
//!       20..26  size: its bits, 63:       bit 18   reading: names a content at a place, and no run that wrote it
//!               not known                 bit 19   mends: corrects or retracts what it cites
//!                                         bit 26   kin: tells a model's parent
//!                                         bit 27   content: the object is an artifact
//! ```
//!
//! It is folded, never sealed: its bytes may change with any version.

use crate::body::{ArtifactKind, Role};
use crate::node::{Name, NodeId};
use crate::record::{Authority, Kind, Record};
use crate::time::Time;

/// A size that is not known.
pub const SIZE_UNKNOWN: u8 = 63;

/// A record in brief.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    /// What part the artifact played; none when no word of ours was told.
    pub role: Option<Role>,
    /// What the artifact is.
    pub artifact: ArtifactKind,
    /// Who says so.
    pub authority: Authority,
    /// How many bits its size has: 6 for 32 to 63 bytes. [`SIZE_UNKNOWN`] when it was not told.
    pub size_bits: u8,
    /// Its path begins at the root of the file system.
    pub absolute: bool,
    /// Its path leads elsewhere through symbolic links.
    pub target: bool,
    /// It stands for many files.
    pub collection: bool,
    /// It reads as a [`crate::body::Edge`].
    pub edge: bool,
    /// It names a content at a place, and no run that wrote it.
    pub reading: bool,
    /// It corrects or retracts what it cites.
    pub mends: bool,
    /// It tells a model's parent.
    pub kin: bool,
    /// Its object is an artifact.
    pub content: bool,
}

/// An entry in brief. Nodes and projects are numbers that the source of the entry gives them, by first appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Its place in the store.
    pub position: u64,
    /// What it states.
    pub kind: Kind,
    /// What it speaks of.
    pub subject: u32,
    /// The other end.
    pub object: Option<u32>,
    /// The path at which its artifact stood, as a node.
    pub place: Option<u32>,
    /// The project of that path.
    pub project: Option<u32>,
    /// When it happened.
    pub happened: Time,
    /// The rest.
    pub brief: Brief,
}

impl Line {
    /// The content that it speaks of.
    pub fn content(&self) -> Option<u32> {
        self.object.filter(|_| self.brief.content)
    }
}

impl Brief {
    /// Of a record.
    pub fn of(record: &Record) -> Self {
        let role = record.text("role").and_then(Role::from_word);
        let edge = matches!(record.kind, Kind::Used | Kind::Made) && record.run().is_some() && record.path("path").is_some();
        let path = match (&record.subject, record.fact("path")) {
            (NodeId::Name(Name::Path { path, .. }), _) if record.kind == Kind::Named => Some(path.as_bytes()),
            (_, path) => path.and_then(crate::Value::as_name),
        };
        let content = record.artifact().is_some();
        let size = record.int("size").and_then(|size| u64::try_from(size).ok());
        Self {
            role,
            artifact: record.text("kind").and_then(ArtifactKind::from_word).unwrap_or(ArtifactKind::Other),
            authority: record.authority,
            size_bits: size.map_or(SIZE_UNKNOWN, |size| (u64::BITS - size.leading_zeros()).min(u32::from(SIZE_UNKNOWN) - 1) as u8),
            absolute: path.is_some_and(|path| path.first() == Some(&b'/')),
            target: record.fact("target").is_some(),
            collection: record.fact("members").is_some() && !matches!(role, Some(Role::Listing | Role::Absent)),
            edge,
            reading: record.kind == Kind::Named
                && content
                && path.is_some()
                && record.bytes("run").and_then(crate::RunId::from_slice).is_none(),
            mends: !record.cites.is_empty() && (record.authority == Authority::Corrected || record.kind == Kind::Retracted),
            kin: record.kind == Kind::Described && content && record.text("relation").is_some(),
            content,
        }
    }

    /// Whether it is a read or a write of which lineage speaks: the names in a folder, what was not there, and what a stream was redirected to are not
    /// read.
    pub fn is_lineage(&self, kind: Kind) -> bool {
        let read = !matches!(self.role, Some(Role::Listing | Role::Absent | Role::Redirection));
        self.edge && (kind == Kind::Made || (kind == Kind::Used && read))
    }

    /// As one number.
    pub fn pack(&self) -> i64 {
        let role = self.role.and_then(|role| Role::ALL.iter().position(|known| *known == role)).unwrap_or(15);
        let artifact = ArtifactKind::ALL.iter().position(|known| *known == self.artifact).unwrap_or_default();
        let flags = [self.absolute, self.target, self.collection, self.edge, self.reading, self.mends];
        let mut bits = role as i64 | (artifact as i64) << 4 | i64::from(self.authority.code()) << 8 | i64::from(self.size_bits) << 20;
        for (at, flag) in flags.into_iter().enumerate() {
            bits |= i64::from(flag) << (14 + at);
        }
        bits | i64::from(self.kin) << 26 | i64::from(self.content) << 27
    }

    /// From [`Brief::pack`]; `None` for a number that it does not make.
    pub fn unpack(bits: i64) -> Option<Self> {
        let flag = |at: u32| bits >> at & 1 == 1;
        let brief = Self {
            role: Role::ALL.get((bits & 15) as usize).copied(),
            artifact: *ArtifactKind::ALL.get((bits >> 4 & 15) as usize)?,
            authority: Authority::from_code((bits >> 8 & 7) as u8)?,
            size_bits: (bits >> 20 & 63) as u8,
            absolute: flag(14),
            target: flag(15),
            collection: flag(16),
            edge: flag(17),
            reading: flag(18),
            mends: flag(19),
            kin: flag(26),
            content: flag(27),
        };
        (brief.pack() == bits).then_some(brief)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::{Edge, Named};
    use crate::{Digest, RunId};
    use proptest::prelude::*;

    fn edge() -> Edge {
        Edge {
            run: RunId::new([1; 16]),
            at: Time(6),
            authority: Authority::Inferred,
            rule: None,
            project: "flights".into(),
            path: "/srv/x/".into(),
            target: Some("y".into()),
            content: Some(Digest::of(b"x")),
            size: Some(32),
            members: Some(365),
            kind: ArtifactKind::Model,
            role: Role::EvaluationData,
            format: None,
            sha256: None,
            changed: None,
            unseen: None,
            unchanged: false,
            removed: false,
        }
    }

    #[test]
    fn it_says_what_the_bodies_say() {
        let brief = Brief::of(&edge().to_record(Kind::Used, Time(8)));
        assert_eq!((brief.role, brief.artifact, brief.authority), (Some(Role::EvaluationData), ArtifactKind::Model, Authority::Inferred));
        assert_eq!(brief.size_bits, 6);
        assert!(brief.absolute && brief.target && brief.collection && brief.edge && brief.content && brief.is_lineage(Kind::Used));
        assert!(!brief.reading && !brief.mends && !brief.kin);
        let listing = Brief::of(&Edge { role: Role::Listing, path: "d/".into(), target: None, ..edge() }.to_record(Kind::Used, Time(8)));
        assert!(!listing.collection && !listing.absolute && !listing.target && !listing.is_lineage(Kind::Used));
        let small = Brief::of(&Edge { size: Some(31), ..edge() }.to_record(Kind::Made, Time(8)));
        assert_eq!(small.size_bits, 5);
        let unseen = Brief::of(&Edge { size: None, content: None, ..edge() }.to_record(Kind::Made, Time(8)));
        assert!(unseen.size_bits == SIZE_UNKNOWN && !unseen.content);
        let named = Named {
            name: Name::Path { project: "flights".into(), path: "/a".into() },
            at: Time(9),
            authority: Authority::Declared,
            rule: None,
            content: Some(Digest::of(b"x")),
            version: None,
            run: None,
            project: "flights".into(),
            path: None,
            kind: ArtifactKind::Data,
            size: Some(1),
            members: None,
            note: None,
        };
        let brief = Brief::of(&named.to_record(Time(9)));
        assert!(brief.reading && brief.absolute && !brief.collection && !brief.edge);
        assert!(!Brief::of(&Named { run: Some(RunId::new([1; 16])), ..named }.to_record(Time(9))).reading);
    }

    proptest! {
        #[test]
        fn it_is_one_number(bits in 0..1_i64 << 28) {
            if let Some(brief) = Brief::unpack(bits) {
                prop_assert_eq!(brief.pack(), bits);
            }
        }
    }

    #[test]
    fn every_brief_comes_back() {
        let records = [
            edge().to_record(Kind::Used, Time(8)),
            edge().to_record(Kind::Made, Time(8)),
            Record::new(Kind::Retracted, RunId::new([1; 16]), Time(0), Time(0)),
        ];
        for brief in records.iter().map(Brief::of) {
            assert_eq!(Brief::unpack(brief.pack()), Some(brief));
        }
    }
}
