//! Typed values and their canonical bytes.
//!
//! ```text
//! value   u8 type ‖ payload
//!   0x01  text   UTF-8, as it is
//!   0x02  bytes  as they are
//!   0x03  int    i64, big-endian
//!   0x04  float  IEEE 754 binary64 bits, big-endian; every NaN is 7ff8000000000000
//!   0x05  flag   0x00 | 0x01
//!   0x06  list   u32 count ‖ (u32 length ‖ value) × count
//! ```

use crate::wire::{Reader, Writer};

/// One value of a record's entry.
#[derive(Debug, Clone)]
pub enum Value {
    /// UTF-8 text.
    Text(String),
    /// Any bytes: digests, and names that are not UTF-8.
    Bytes(Vec<u8>),
    /// A whole number.
    Int(i64),
    /// A number; NaN is one value, whatever its payload was.
    Float(f64),
    /// Yes or no.
    Flag(bool),
    /// A sequence, at most [`LIST_DEPTH_MAX`] deep.
    List(Vec<Value>),
}

/// How deep lists may nest.
pub const LIST_DEPTH_MAX: usize = 8;

const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

impl Value {
    /// Text when the bytes are UTF-8, else bytes: for names that come from the file system.
    pub fn name(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes(bytes.to_vec()),
        }
    }

    /// The bytes of a name, however [`Value::name`] wrote it.
    pub fn as_name(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text.as_bytes()),
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        self.write(&mut out);
        out.into_bytes()
    }

    fn write(&self, out: &mut Writer) {
        match self {
            Self::Text(text) => out.u8(1).raw(text.as_bytes()),
            Self::Bytes(bytes) => out.u8(2).raw(bytes),
            Self::Int(int) => out.u8(3).i64(*int),
            Self::Float(float) => {
                let bits = if float.is_nan() { NAN_BITS } else { float.to_bits() };
                out.u8(4).u64(bits)
            }
            Self::Flag(flag) => out.u8(5).u8(u8::from(*flag)),
            Self::List(list) => {
                out.u8(6).u32(list.len() as u32);
                for item in list {
                    out.lp(&item.encode());
                }
                out
            }
        };
    }

    /// Reads canonical bytes; `None` for any other bytes, so that each value has exactly one encoding.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        Self::read(bytes, 0)
    }

    fn read(bytes: &[u8], depth: usize) -> Option<Self> {
        let mut input = Reader::new(bytes);
        let value = match input.u8()? {
            1 => Self::Text(String::from_utf8(input.rest().to_vec()).ok()?),
            2 => Self::Bytes(input.rest().to_vec()),
            3 => Self::Int(input.i64()?),
            4 => {
                let bits = input.u64()?;
                let float = f64::from_bits(bits);
                if float.is_nan() && bits != NAN_BITS {
                    return None;
                }
                Self::Float(float)
            }
            5 => match input.u8()? {
                0 => Self::Flag(false),
                1 => Self::Flag(true),
                _ => return None,
            },
            6 if depth < LIST_DEPTH_MAX => {
                let count = input.u32()?;
                let mut list = Vec::new();
                for _ in 0..count {
                    list.push(Self::read(input.lp()?, depth + 1)?);
                }
                Self::List(list)
            }
            _ => return None,
        };
        input.is_empty().then_some(value)
    }
}

/// Equal when the canonical bytes are: NaN equals itself, and 0.0 differs from −0.0.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.encode() == other.encode()
    }
}

impl Eq for Value {}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<f64> for Value {
    fn from(float: f64) -> Self {
        Self::Float(float)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<String>().prop_map(Value::Text),
            any::<Vec<u8>>().prop_map(Value::Bytes),
            any::<i64>().prop_map(Value::Int),
            any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
            any::<bool>().prop_map(Value::Flag),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| prop::collection::vec(inner, 0..5).prop_map(Value::List))
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(value in any_value()) {
            prop_assert_eq!(Value::decode(&value.encode()), Some(value));
        }

        #[test]
        fn what_decodes_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(value) = Value::decode(&bytes) {
                prop_assert_eq!(value.encode(), bytes);
            }
        }
    }

    #[test]
    fn deep_lists_are_refused_not_followed() {
        let mut value = Value::List(vec![]);
        for _ in 0..20 {
            value = Value::List(vec![value]);
        }
        assert_eq!(Value::decode(&value.encode()), None);
    }
}
