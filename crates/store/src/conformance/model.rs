//! The naive store: a list of entries. And the records that the checks append.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keizu_record::manifest::{Manifest, Member, Membership};
use keizu_record::{Authority, Digest, Entry, FilePath, Group, Kind, Name, NodeId, Record, RunId, Side, Time, Value};

use crate::{Error, Read, Receipt, Select};

/// What a store must answer, computed by looking at everything.
#[derive(Debug, Default)]
pub struct Model {
    /// All entries, in order of position.
    pub entries: Vec<Entry>,
    /// The manifests that are kept.
    pub manifests: BTreeMap<Digest, Manifest>,
}

impl Model {
    /// Takes over what was appended.
    pub fn append(&mut self, origin: &Arc<str>, records: &[Record], receipt: &Receipt) {
        assert_eq!(records.len(), receipt.ids.len(), "one id a record");
        for (record, id) in records.iter().zip(&receipt.ids) {
            let index = self.entries.len() as u64;
            let entry = Entry { position: index + 1, origin: origin.clone(), index, id: *id, record: record.clone() };
            self.entries.push(entry);
        }
        assert_eq!(receipt.size, self.entries.len() as u64, "the receipt's size");
    }
}

impl Read for Model {
    fn select(&self, select: &Select) -> Result<Vec<Entry>, Error> {
        let at = |entry: &Entry, side: Side| match side {
            Side::Subject => Some(entry.record.subject.clone()),
            Side::Object => entry.record.object.clone(),
            Side::Place => entry.record.place(),
        };
        let wanted = |entry: &&Entry| {
            select.nodes.as_ref().is_none_or(|(side, nodes)| at(entry, *side).is_some_and(|node| nodes.contains(&node)))
                && (select.kinds.is_empty() || select.kinds.contains(&entry.record.kind))
                && select.after.is_none_or(|after| entry.position > after)
                && select.upto.is_none_or(|upto| entry.position <= upto)
        };
        let mut found: Vec<Entry> = self.entries.iter().filter(wanted).cloned().collect();
        if select.newest_first {
            found.reverse();
        }
        found.truncate(select.limit.unwrap_or(usize::MAX));
        Ok(found)
    }

    fn nodes(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<NodeId>, Error> {
        let mut all = BTreeSet::new();
        for Entry { record, .. } in &self.entries {
            all.extend([
                Some(record.subject.encode()),
                record.object.as_ref().map(NodeId::encode),
                record.place().map(|node| node.encode()),
            ]);
        }
        let within = all.into_iter().flatten().filter(|id| id.as_slice() >= from && id.as_slice() < to);
        Ok(within.take(limit).map(|id| NodeId::decode(&id).expect("invariant: it was encoded here")).collect())
    }

    fn collections_of(&self, members: &[Digest]) -> Result<Vec<Membership>, Error> {
        let mut found = BTreeSet::new();
        for Entry { record, .. } in &self.entries {
            let is_collection = matches!(record.kind, Kind::Used | Kind::Made | Kind::Named)
                && record.fact("members").is_some()
                && !matches!(record.text("role"), Some("listing" | "absent"));
            let Some(collection) = record.artifact().filter(|_| is_collection) else { continue };
            for (path, member) in self.manifests.get(&collection).iter().flat_map(|manifest| &manifest.0) {
                if members.contains(&member.digest) {
                    found.insert(Membership { collection, path: path.clone(), member: member.digest, size: member.size });
                }
            }
        }
        Ok(found.into_iter().collect())
    }
}

/// Numbers that look random and are the same every time (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }

    /// A node out of few, so that records meet.
    pub fn node(&mut self) -> NodeId {
        let n = self.below(4);
        match self.below(8) {
            0 | 1 => artifact(n).into(),
            2 | 3 => RunId::new([n as u8; 16]).into(),
            4 => Name::Path { project: self.one(&["flights", "fares"]).into(), path: path(n) }.into(),
            5 => self
                .one(&[Name::Model("delay".into()), Name::Data("days".into()), Name::Alias { model: "delay".into(), alias: "best".into() }])
                .into(),
            6 => NodeId::Party(format!("party {n}")),
            _ => self.one(&[NodeId::Remote { uri: "s3://b/k".into(), version: String::new() }, NodeId::Deployment([n as u8; 16])]),
        }
    }

    /// Any record; about one in five speaks of a collection out of few.
    pub fn record(&mut self) -> Record {
        let (happened, recorded) = (Time(self.number() as i64 >> 8), Time(self.number() as i64 >> 8));
        let mut record = Record::new(self.one(Kind::ALL), self.node(), happened, recorded);
        if self.below(3) > 0 {
            record.object = Some(self.node());
        }
        if self.below(3) > 0 {
            record.set(Group::Fact, "project", self.one(&["flights", "fares"]));
            record.set(Group::Fact, "path", Value::name(path(self.below(4)).as_bytes()));
        }
        if self.below(5) == 0 {
            let digest = collection(self.below(4)).digest();
            record.object = Some(digest.into());
            record.kind = self.one(&[Kind::Used, Kind::Made, Kind::Named, Kind::Described]);
            record.set(Group::Fact, "members", 3);
            record.set(Group::Fact, "role", self.one(&["input", "output", "listing", "absent"]));
        }
        record = record.by(self.one(Authority::ALL), self.one(&[None, Some("a rule")]));
        for group in Group::ALL {
            if self.below(4) == 0 {
                record.set(*group, format!("k{}", self.below(3)), self.value(2));
            }
        }
        record
    }

    fn value(&mut self, depth: u8) -> Value {
        match self.below(if depth > 0 { 6 } else { 5 }) {
            0 => Value::Text("héllo\0".into()),
            1 => Value::Bytes(self.number().to_be_bytes().to_vec()),
            2 => Value::Int(self.number() as i64),
            3 => Value::Float(f64::from_bits(self.number())),
            4 => Value::Flag(self.below(2) == 0),
            _ => Value::List((0..self.below(3)).map(|_| self.value(depth - 1)).collect()),
        }
    }

    /// Any question among `entries` entries.
    pub fn select(&mut self, entries: u64) -> Select {
        let sides = [Side::Subject, Side::Object, Side::Place];
        let nodes = (self.below(4) > 0).then(|| (self.one(&sides), (0..self.below(5)).map(|_| self.node()).collect()));
        let kinds = (0..self.below(4)).map(|_| self.one(Kind::ALL)).collect();
        let place = |random: &mut Self| (random.below(3) == 0).then(|| random.below(entries + 3));
        let (after, upto) = (place(self), place(self));
        let limit = (self.below(3) == 0).then(|| self.below(6) as usize);
        Select { nodes, kinds, after, upto, newest_first: self.below(2) == 0, limit }
    }
}

/// One of the artifacts of the checks.
pub(super) fn artifact(n: u64) -> Digest {
    Digest::of(&n.to_be_bytes())
}

fn path(n: u64) -> FilePath {
    [FilePath::from("data/train.csv"), FilePath::from("daily/"), FilePath::new(*b"caf\xe9"), FilePath::from("/etc/hosts")][n as usize]
        .clone()
}

/// One of the collections of the checks: they share members, and hold one of them twice.
pub(super) fn collection(n: u64) -> Manifest {
    let member = |path: &str, at: u64| (FilePath::from(path), Member { size: if at == 0 { u64::MAX } else { at }, digest: artifact(at) });
    Manifest([member("a", n), member("b", n + 1), member("sub/c", n)].into())
}
