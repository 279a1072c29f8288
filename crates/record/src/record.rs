//! The record: one immutable statement.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::digest::RecordId;
use crate::node::NodeId;
use crate::path::FilePath;
use crate::time::Time;
use crate::value::Value;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $word:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $code,)* }

        impl $name {
            /// All of them, in order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The byte that stands for it in the record.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The one with this byte.
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The word that people read and type.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The one with this word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// What a record states. A closed set: new capability is first sought as a new body of one of these.
    Kind {
        /// A run began. Subject: the run.
        RunBegan = 1, "run began";
        /// A run ended. Subject: the run.
        RunEnded = 2, "run ended";
        /// A run used an artifact. Subject: the run; object: the artifact.
        Used = 3, "used";
        /// A run made an artifact. Subject: the run; object: the artifact.
        Made = 4, "made";
        /// Something was described: profile, schema, parameters, metrics, tags. Subject: the thing.
        Described = 5, "described";
        /// A name was pointed at an artifact. Subject: the name; object: the artifact.
        Named = 6, "named";
        /// A model version went live or was taken down.
        Deployed = 7, "deployed";
        /// Somebody is responsible for something. Subject: the thing; object: the party.
        Owned = 8, "owned";
        /// Something was judged: evaluation, gate, drift, approval, reproduction.
        Judged = 9, "judged";
        /// A contract event.
        Agreed = 10, "agreed";
        /// Earlier records (cited) no longer hold.
        Retracted = 11, "retracted";
    }
}

words! {
    /// Who says so.
    Authority {
        /// Keizu saw it happen.
        Observed = 1, "observed";
        /// The code or a person said so.
        Declared = 2, "declared";
        /// Deduced, by the rule that the record names.
        Inferred = 3, "inferred";
        /// Another tool said so.
        Imported = 4, "imported";
        /// An earlier record was mended.
        Corrected = 5, "corrected";
    }
}

words! {
    /// What an entry of a record belongs to. Its key and value are inside the commitment, the group is public.
    Group {
        /// The fixed vocabulary of the record's kind ([`crate::body`]).
        Fact = 0x10, "fact";
        /// A parameter.
        Param = 0x11, "param";
        /// A metric.
        Metric = 0x12, "metric";
        /// A tag.
        Tag = 0x13, "tag";
        /// Something that was not seen: key = kind and number, value = detail.
        Blind = 0x14, "blind";
    }
}

/// One immutable statement.
///
/// `entries` holds everything beyond the fixed fields, each under its group and key; keys are UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What is stated.
    pub kind: Kind,
    /// Who says so.
    pub authority: Authority,
    /// The rule that inferred it, when one did.
    pub rule: Option<String>,
    /// When it happened.
    pub happened: Time,
    /// When it was recorded.
    pub recorded: Time,
    /// What it speaks of.
    pub subject: NodeId,
    /// The other end, for kinds that have one.
    pub object: Option<NodeId>,
    /// Earlier records that it builds on, mends or retracts.
    pub cites: BTreeSet<RecordId>,
    /// The rest.
    pub entries: BTreeMap<(Group, String), Value>,
}

/// The key of an entry, owned or not: entries are looked up without making a `String` first.
trait Key {
    fn parts(&self) -> (Group, &str);
}

impl Key for (Group, String) {
    fn parts(&self) -> (Group, &str) {
        (self.0, &self.1)
    }
}

impl Key for (Group, &str) {
    fn parts(&self) -> (Group, &str) {
        *self
    }
}

impl<'a> Borrow<dyn Key + 'a> for (Group, String) {
    fn borrow(&self) -> &(dyn Key + 'a) {
        self
    }
}

impl PartialEq for dyn Key + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn Key + '_ {}

impl PartialOrd for dyn Key + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for dyn Key + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

/// A record at its place in a log, as a store hands it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in this store, over all logs: ascending in the order of arrival.
    pub position: u64,
    /// The log it belongs to.
    pub origin: std::sync::Arc<str>,
    /// Its place in that log, from 0.
    pub index: u64,
    /// Its identity.
    pub id: RecordId,
    /// The statement.
    pub record: Record,
}

/// Which end of a record a node stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// What it speaks of.
    Subject,
    /// The other end.
    Object,
    /// The path (a [`crate::Name::Path`]) at which an artifact was used, made or named.
    Place,
}

impl Record {
    /// An observed statement without entries.
    pub fn new(kind: Kind, subject: impl Into<NodeId>, happened: Time, recorded: Time) -> Self {
        Self {
            kind,
            authority: Authority::Observed,
            rule: None,
            happened,
            recorded,
            subject: subject.into(),
            object: None,
            cites: BTreeSet::new(),
            entries: BTreeMap::new(),
        }
    }

    /// With its other end.
    #[must_use]
    pub fn with_object(mut self, object: impl Into<NodeId>) -> Self {
        self.object = Some(object.into());
        self
    }

    /// Said by somebody else than Keizu's own eyes; `rule` names the rule of an inference.
    #[must_use]
    pub fn by(mut self, authority: Authority, rule: Option<&str>) -> Self {
        self.authority = authority;
        self.rule = rule.map(str::to_owned);
        self
    }

    /// With one more entry.
    #[must_use]
    pub fn with(mut self, group: Group, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(group, key, value);
        self
    }

    /// Sets one entry.
    pub fn set(&mut self, group: Group, key: impl Into<String>, value: impl Into<Value>) {
        self.entries.insert((group, key.into()), value.into());
    }

    /// A value of the fixed vocabulary.
    pub fn fact(&self, key: &str) -> Option<&Value> {
        self.entries.get(&(Group::Fact, key) as &dyn Key)
    }

    /// A text of the fixed vocabulary.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.fact(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Bytes of the fixed vocabulary: a digest, a run's id.
    pub fn bytes(&self, key: &str) -> Option<&[u8]> {
        match self.fact(key)? {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A whole number of the fixed vocabulary.
    pub fn int(&self, key: &str) -> Option<i64> {
        match self.fact(key)? {
            Value::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// A flag of the fixed vocabulary; absent is no.
    pub fn flag(&self, key: &str) -> bool {
        matches!(self.fact(key), Some(Value::Flag(true)))
    }

    /// A path of the fixed vocabulary.
    pub fn path(&self, key: &str) -> Option<FilePath> {
        self.fact(key)?.as_name().map(FilePath::new)
    }

    /// All entries of a group, by key.
    pub fn group(&self, group: Group) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().filter(move |((g, _), _)| *g == group).map(|((_, key), value)| (key.as_str(), value))
    }

    /// The artifact at the other end.
    pub fn artifact(&self) -> Option<crate::Digest> {
        match self.object {
            Some(NodeId::Artifact(digest)) => Some(digest),
            _ => None,
        }
    }

    /// The path at which its artifact stood, as a node.
    pub fn place(&self) -> Option<NodeId> {
        let project = self.text("project")?.to_owned();
        Some(crate::Name::Path { project, path: self.path("path")? }.into())
    }

    /// The run it speaks of.
    pub fn run(&self) -> Option<crate::RunId> {
        match self.subject {
            NodeId::Run(run) => Some(run),
            _ => None,
        }
    }
}
