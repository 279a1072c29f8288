//! From a record to its bytes, its commitments and its id. Every byte is drawn in `docs/formats.md`.
//!
//! ```text
//! secret   32 random bytes per record
//! salt     HKDF-Expand-SHA256(secret, "keizu salt v1\n" ‖ u16 tag ‖ key, 16 bytes)
//! field    SHA-256("keizu field v1\n" ‖ salt[16] ‖ u16 tag ‖ lp(key) ‖ lp(value))
//! record   SHA-256("keizu record v1\n" ‖ u32 count ‖ (u16 tag ‖ field[32]) × count)      sorted by (tag, field)
//! ref      SHA-256("keizu ref v1\n" ‖ node salt[16] ‖ lp(node id))
//! node salt  HKDF-Expand-SHA256(origin's ref secret, "keizu node salt v1\n" ‖ node id, 16 bytes)
//! ```

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256 as Hasher};

use crate::digest::{NodeRef, RecordId};
use crate::node::NodeId;
use crate::record::{Authority, Group, Kind, Record};
use crate::time::Time;
use crate::value::Value;
use crate::wire::{Reader, Writer};

/// The longest value or key of one field, bytes.
pub const FIELD_BYTES_MAX: usize = 1 << 20;
/// The most fields of one record.
pub const RECORD_FIELDS_MAX: usize = 1 << 16;

/// Public tags of fields. A fixed field has an empty key and occurs at most once.
pub mod tag {
    /// u8, [`crate::Kind`].
    pub const KIND: u16 = 1;
    /// u8, [`crate::Authority`].
    pub const AUTHORITY: u16 = 2;
    /// UTF-8.
    pub const RULE: u16 = 3;
    /// i64, µs.
    pub const HAPPENED: u16 = 4;
    /// i64, µs.
    pub const RECORDED: u16 = 5;
    /// Node id.
    pub const SUBJECT: u16 = 6;
    /// 32 bytes.
    pub const SUBJECT_REF: u16 = 7;
    /// Node id.
    pub const OBJECT: u16 = 8;
    /// 32 bytes.
    pub const OBJECT_REF: u16 = 9;
    /// Dynamic: the key is a record id, the value is empty.
    pub const CITE: u16 = 10;
    /// Dynamic entries have the tag `ENTRY + group`.
    pub const ENTRY: u16 = 0x100;
}

/// Bytes that are not a sealed record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Cut short, or with bytes left over, or not in canonical form.
    #[error("the record's bytes are malformed: {0}")]
    Malformed(&'static str),
    /// A value that the format cannot hold.
    #[error("{what} is {length} bytes long; the format holds at most {max}")]
    TooLong {
        /// Which field.
        what: String,
        /// How long it is.
        length: usize,
        /// How long it may be.
        max: usize,
    },
    /// The blinded name does not belong to the node.
    #[error("the blinded name of a node does not match the node")]
    Ref,
}

/// One committed field, opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// Public.
    pub tag: u16,
    /// Empty for fixed fields.
    pub key: Vec<u8>,
    /// The value's bytes.
    pub value: Vec<u8>,
}

/// A [`Field`] in the bytes that hold it.
struct Opened<'a> {
    tag: u16,
    key: &'a [u8],
    value: &'a [u8],
}

/// The secrets of an origin from which the salts come.
#[derive(Clone)]
pub struct RefSecret(pub [u8; 32]);

impl RefSecret {
    /// The node's salt in this origin.
    pub fn node_salt(&self, node: &NodeId) -> [u8; 16] {
        expand(Expander::new(&self.0).0, &[b"keizu node salt v1\n", &node.encode()])
    }
}

/// A record with what opens and what names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// Its identity.
    pub id: RecordId,
    /// Opens all its fields; never in a redacted copy.
    pub secret: [u8; 32],
    /// Opens the blinded name of the subject.
    pub subject_salt: [u8; 16],
    /// Opens the blinded name of the object.
    pub object_salt: Option<[u8; 16]>,
    /// The statement.
    pub record: Record,
}

/// A secret, ready to be expanded: half of the work of an HMAC is its key, and a record's salts share theirs.
struct Expander(Hmac<Hasher>);

impl Expander {
    fn new(secret: &[u8; 32]) -> Self {
        Self(Hmac::<Hasher>::new_from_slice(secret).expect("invariant: HMAC takes keys of any length"))
    }

    fn salt(&self, tag: u16, key: &[u8]) -> [u8; 16] {
        expand(self.0.clone(), &[b"keizu salt v1\n", &tag.to_be_bytes(), key])
    }
}

fn expand(mut mac: Hmac<Hasher>, info: &[&[u8]]) -> [u8; 16] {
    // HKDF-Expand (RFC 5869) for one block: T(1) = HMAC(secret, info ‖ 0x01)
    for part in info {
        mac.update(part);
    }
    mac.update(&[1]);
    let block = mac.finalize().into_bytes();
    block[..16].try_into().expect("invariant: a SHA-256 block has 32 bytes")
}

/// The salt of one field.
pub fn salt(secret: &[u8; 32], tag: u16, key: &[u8]) -> [u8; 16] {
    Expander::new(secret).salt(tag, key)
}

/// The commitment to one field.
pub fn commit(salt: &[u8; 16], field: &Field) -> [u8; 32] {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("invariant: a field is at most FIELD_BYTES_MAX long").to_be_bytes();
    let mut hasher = Hasher::new();
    hasher.update(b"keizu field v1\n");
    hasher.update(salt);
    hasher.update(field.tag.to_be_bytes());
    hasher.update(length(&field.key));
    hasher.update(&field.key);
    hasher.update(length(&field.value));
    hasher.update(&field.value);
    hasher.finalize().into()
}

/// The blinded name of a node.
pub fn blind(node_salt: &[u8; 16], node: &NodeId) -> NodeRef {
    let mut framed = Writer::default();
    framed.raw(b"keizu ref v1\n").raw(node_salt).lp(&node.encode());
    NodeRef::new(Hasher::digest(framed.into_bytes()).into())
}

/// The id over commitments, in any order.
pub fn record_id(commitments: &[(u16, [u8; 32])]) -> RecordId {
    let mut sorted = commitments.to_vec();
    sorted.sort_unstable();
    let mut framed = Writer::default();
    framed.raw(b"keizu record v1\n").u32(sorted.len() as u32);
    for (tag, field) in &sorted {
        framed.u16(*tag).raw(field);
    }
    RecordId::new(Hasher::digest(framed.into_bytes()).into())
}

impl Record {
    /// Commits to every field and names the record.
    ///
    /// # Errors
    /// [`SealError::TooLong`] when a field or the record exceeds the format's limits.
    pub fn seal(self, refs: &RefSecret, secret: [u8; 32]) -> Result<Sealed, SealError> {
        Ok(self.seal_encoded(refs, secret)?.0)
    }

    /// The same, with the bytes of [`Sealed::encode`].
    ///
    /// # Errors
    /// As [`Record::seal`].
    pub fn seal_encoded(self, refs: &RefSecret, secret: [u8; 32]) -> Result<(Sealed, Vec<u8>), SealError> {
        let subject_salt = refs.node_salt(&self.subject);
        let object_salt = self.object.as_ref().map(|node| refs.node_salt(node));
        let mut sealed = Sealed { id: RecordId::new([0; 32]), secret, subject_salt, object_salt, record: self };
        let fields = sealed.fields();
        check_limits(&fields)?;
        sealed.id = sealed.name(&fields);
        let bytes = sealed.encode_fields(&fields);
        Ok((sealed, bytes))
    }
}

impl Sealed {
    /// All fields, in canonical order: by tag, then key.
    pub fn fields(&self) -> Vec<Field> {
        let record = &self.record;
        let mut fields = Vec::with_capacity(10 + record.entries.len());
        let mut fixed = |tag: u16, value: Vec<u8>| fields.push(Field { tag, key: Vec::new(), value });
        fixed(tag::KIND, vec![record.kind.code()]);
        fixed(tag::AUTHORITY, vec![record.authority.code()]);
        if let Some(rule) = &record.rule {
            fixed(tag::RULE, rule.clone().into_bytes());
        }
        fixed(tag::HAPPENED, record.happened.0.to_be_bytes().to_vec());
        fixed(tag::RECORDED, record.recorded.0.to_be_bytes().to_vec());
        fixed(tag::SUBJECT, record.subject.encode());
        fixed(tag::SUBJECT_REF, blind(&self.subject_salt, &record.subject).as_bytes().to_vec());
        if let (Some(object), Some(salt)) = (&record.object, &self.object_salt) {
            fixed(tag::OBJECT, object.encode());
            fixed(tag::OBJECT_REF, blind(salt, object).as_bytes().to_vec());
        }
        for cite in &record.cites {
            fields.push(Field { tag: tag::CITE, key: cite.as_bytes().to_vec(), value: Vec::new() });
        }
        for ((group, key), value) in &record.entries {
            fields.push(Field { tag: tag::ENTRY + u16::from(group.code()), key: key.clone().into_bytes(), value: value.encode() });
        }
        fields
    }

    /// The commitments, in the order of [`Sealed::fields`].
    pub fn commitments(&self, fields: &[Field]) -> Vec<(u16, [u8; 32])> {
        let secret = Expander::new(&self.secret);
        fields.iter().map(|field| (field.tag, commit(&secret.salt(field.tag, &field.key), field))).collect()
    }

    fn name(&self, fields: &[Field]) -> RecordId {
        record_id(&self.commitments(fields))
    }

    /// The bytes that a store keeps: everything that is needed to compute the id again.
    ///
    /// ```text
    /// entry   u8 version = 1 ‖ secret[32] ‖ subject salt[16] ‖ u8 has object ‖ [object salt[16]] ‖ u32 count ‖ (u16 tag ‖ lp(key) ‖ lp(value)) × count
    /// ```
    pub fn encode(&self) -> Vec<u8> {
        self.encode_fields(&self.fields())
    }

    fn encode_fields(&self, fields: &[Field]) -> Vec<u8> {
        let mut out = Writer::with_capacity(80 + fields.iter().map(|field| 10 + field.key.len() + field.value.len()).sum::<usize>());
        out.u8(1).raw(&self.secret).raw(&self.subject_salt).u8(u8::from(self.object_salt.is_some()));
        if let Some(salt) = &self.object_salt {
            out.raw(salt);
        }
        out.u32(fields.len() as u32);
        for field in fields {
            out.u16(field.tag).lp(&field.key).lp(&field.value);
        }
        out.into_bytes()
    }

    /// Reads the bytes of [`Sealed::encode`] and computes the id. Bytes that are not exactly what `encode` would write are refused, so a
    /// flipped bit is either refused here or changes the id.
    ///
    /// # Errors
    /// [`SealError`] saying what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        let (mut sealed, opened) = Self::read(bytes)?;
        check_refs(&sealed, &opened)?;
        let fields = sealed.fields();
        sealed.id = sealed.name(&fields);
        Ok(sealed)
    }

    /// Like [`Sealed::decode`], but takes the id and the blinded names on trust: for entries whose log was verified, or is not to be.
    ///
    /// # Errors
    /// [`SealError`] saying what is wrong.
    pub fn decode_trusted(id: RecordId, bytes: &[u8]) -> Result<Self, SealError> {
        Ok(Self { id, ..Self::read(bytes)?.0 })
    }

    fn read(bytes: &[u8]) -> Result<(Self, Vec<Opened<'_>>), SealError> {
        const SHORT: SealError = SealError::Malformed("cut short");
        let mut input = Reader::new(bytes);
        if input.u8().ok_or(SHORT)? != 1 {
            return Err(SealError::Malformed("unknown version"));
        }
        let secret = input.array().ok_or(SHORT)?;
        let subject_salt = input.array().ok_or(SHORT)?;
        let object_salt = match input.u8().ok_or(SHORT)? {
            0 => None,
            1 => Some(input.array().ok_or(SHORT)?),
            _ => return Err(SealError::Malformed("object flag")),
        };
        let count = input.u32().ok_or(SHORT)? as usize;
        if count > RECORD_FIELDS_MAX {
            return Err(SealError::Malformed("too many fields"));
        }
        let mut fields = Vec::with_capacity(count);
        for _ in 0..count {
            let tag = input.u16().ok_or(SHORT)?;
            let (key, value) = (input.lp().ok_or(SHORT)?, input.lp().ok_or(SHORT)?);
            fields.push(Opened { tag, key, value });
        }
        if !input.is_empty() {
            return Err(SealError::Malformed("bytes left over"));
        }
        if !fields.windows(2).all(|pair| (pair[0].tag, pair[0].key) < (pair[1].tag, pair[1].key)) {
            return Err(SealError::Malformed("fields out of order, or twice"));
        }
        let record = open(&fields)?;
        if record.object.is_some() != object_salt.is_some() {
            return Err(SealError::Malformed("object without salt, or salt without object"));
        }
        Ok((Self { id: RecordId::new([0; 32]), secret, subject_salt, object_salt, record }, fields))
    }
}

fn check_limits(fields: &[Field]) -> Result<(), SealError> {
    if fields.len() > RECORD_FIELDS_MAX {
        return Err(SealError::TooLong { what: "the list of fields".into(), length: fields.len(), max: RECORD_FIELDS_MAX });
    }
    for field in fields {
        let length = field.key.len().max(field.value.len());
        if length > FIELD_BYTES_MAX {
            let key = String::from_utf8_lossy(&field.key).chars().take(60).collect::<String>();
            return Err(SealError::TooLong { what: format!("field {key:?}"), length, max: FIELD_BYTES_MAX });
        }
    }
    Ok(())
}

fn check_refs(sealed: &Sealed, fields: &[Opened<'_>]) -> Result<(), SealError> {
    let stored = |tag: u16| fields.iter().find(|field| field.tag == tag).map(|field| field.value);
    let expected = blind(&sealed.subject_salt, &sealed.record.subject);
    if stored(tag::SUBJECT_REF) != Some(expected.as_bytes()) {
        return Err(SealError::Ref);
    }
    let object = sealed.record.object.as_ref().zip(sealed.object_salt.as_ref()).map(|(node, salt)| blind(salt, node));
    if stored(tag::OBJECT_REF) != object.as_ref().map(|hash| hash.as_bytes().as_slice()) {
        return Err(SealError::Ref);
    }
    Ok(())
}

fn open(fields: &[Opened<'_>]) -> Result<Record, SealError> {
    use SealError::Malformed;
    let mut kind = None;
    let mut authority = None;
    let (mut happened, mut recorded) = (None, None);
    let (mut subject, mut object, mut rule) = (None, None, None);
    let mut cites = std::collections::BTreeSet::new();
    let mut entries = std::collections::BTreeMap::new();
    for field in fields {
        let value = field.value;
        let byte = || <[u8; 1]>::try_from(value).map(|[byte]| byte).map_err(|_| Malformed("a code is one byte"));
        let time = || value.try_into().map(|bytes| Time(i64::from_be_bytes(bytes))).map_err(|_| Malformed("a time is eight bytes"));
        let node = || NodeId::decode(value).ok_or(Malformed("node id"));
        if field.tag < tag::CITE && !field.key.is_empty() {
            return Err(Malformed("a fixed field with a key"));
        }
        match field.tag {
            tag::KIND => kind = Some(Kind::from_code(byte()?).ok_or(Malformed("unknown kind"))?),
            tag::AUTHORITY => authority = Some(Authority::from_code(byte()?).ok_or(Malformed("unknown authority"))?),
            tag::RULE => rule = Some(String::from_utf8(value.to_vec()).map_err(|_| Malformed("rule"))?),
            tag::HAPPENED => happened = Some(time()?),
            tag::RECORDED => recorded = Some(time()?),
            tag::SUBJECT => subject = Some(node()?),
            tag::OBJECT => object = Some(node()?),
            tag::SUBJECT_REF | tag::OBJECT_REF => {}
            tag::CITE => {
                if !value.is_empty() {
                    return Err(Malformed("a cite with a value"));
                }
                cites.insert(RecordId::from_slice(field.key).ok_or(Malformed("cite"))?);
            }
            other => {
                let group = other
                    .checked_sub(tag::ENTRY)
                    .and_then(|code| u8::try_from(code).ok())
                    .and_then(Group::from_code)
                    .ok_or(Malformed("unknown tag"))?;
                let key = String::from_utf8(field.key.to_vec()).map_err(|_| Malformed("a key is UTF-8"))?;
                entries.insert((group, key), Value::decode(value).ok_or(Malformed("value"))?);
            }
        }
    }
    Ok(Record {
        kind: kind.ok_or(Malformed("no kind"))?,
        authority: authority.ok_or(Malformed("no authority"))?,
        rule,
        happened: happened.ok_or(Malformed("no time"))?,
        recorded: recorded.ok_or(Malformed("no time of recording"))?,
        subject: subject.ok_or(Malformed("no subject"))?,
        object,
        cites,
        entries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, Name, RunId};
    use proptest::prelude::*;

    fn sample() -> Sealed {
        Record::new(Kind::Used, RunId::new([3; 16]), Time(1_700_000_000_000_000), Time(1_700_000_001_000_000))
            .with_object(Digest::of(b"yes"))
            .with(Group::Fact, "path", "data/train.csv")
            .with(Group::Param, "depth", 6)
            .seal(&RefSecret([9; 32]), [7; 32])
            .unwrap()
    }

    impl From<i32> for Value {
        fn from(int: i32) -> Self {
            Self::Int(i64::from(int))
        }
    }

    #[test]
    fn bytes_round_trip_and_carry_the_id() {
        let sealed = sample();
        assert_eq!(Sealed::decode(&sealed.encode()), Ok(sealed));
    }

    #[test]
    fn every_flipped_bit_is_refused_or_changes_the_id() {
        let sealed = sample();
        let bytes = sealed.encode();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                if let Ok(other) = Sealed::decode(&changed) {
                    assert_ne!(other.id, sealed.id, "byte {at} bit {bit}");
                }
            }
        }
    }

    #[test]
    fn a_field_opens_alone() {
        let sealed = sample();
        let fields = sealed.fields();
        let commitments = sealed.commitments(&fields);
        let (at, field) = fields.iter().enumerate().find(|(_, field)| field.key == b"depth").unwrap();
        // the receiver has: commitments, this field, its salt; never the secret
        let salt = salt(&sealed.secret, field.tag, &field.key);
        assert_eq!(commit(&salt, field), commitments[at].1);
        assert_eq!(record_id(&commitments), sealed.id);
    }

    #[test]
    fn the_same_node_has_one_blinded_name_in_an_origin_and_another_elsewhere() {
        let node: NodeId = Name::Model("delay".into()).into();
        let here = RefSecret([1; 32]);
        assert_eq!(blind(&here.node_salt(&node), &node), blind(&here.node_salt(&node), &node));
        let there = RefSecret([2; 32]);
        assert_ne!(blind(&here.node_salt(&node), &node), blind(&there.node_salt(&node), &node));
    }

    #[test]
    fn what_is_too_long_is_refused_by_name() {
        let error = Record::new(Kind::Described, RunId::new([3; 16]), Time(0), Time(0))
            .with(Group::Tag, "note", "x".repeat(FIELD_BYTES_MAX))
            .seal(&RefSecret([9; 32]), [7; 32])
            .unwrap_err();
        assert!(error.to_string().contains("field \"note\""), "{error}");
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Sealed::decode(&bytes);
        }

        #[test]
        fn any_damage_never_panics_nor_keeps_the_id(at in 0usize..400, value in any::<u8>(), cut in 0usize..400) {
            let sealed = sample();
            let mut bytes = sealed.encode();
            let at = at % bytes.len();
            let same = bytes[at] == value;
            bytes[at] = value;
            if let Ok(other) = Sealed::decode(&bytes) {
                prop_assert_eq!(other.id == sealed.id, same);
            }
            bytes.truncate(cut);
            let _ = Sealed::decode(&bytes);
        }
    }
}
