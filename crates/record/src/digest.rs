//! Fixed-size identifiers: one newtype per meaning, so that a content digest can never be passed where a record id is meant.

use std::fmt;
use std::str::FromStr;

/// A text that is not an identifier of the expected form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct ParseIdError {
    text: String,
    expected: &'static str,
}

/// Lower-case hex of any bytes.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)] as char);
        out.push(DIGITS[usize::from(byte & 15)] as char);
    }
    out
}

/// Bytes of an even-length hex text, either case; `None` when it is anything else.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let nibble = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    bytes.chunks_exact(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The typed prefix that the text form bears.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps raw bytes.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// From a slice of exactly the right length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Some(Self(bytes.try_into().ok()?))
            }

            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// All hex digits, without the prefix.
            pub fn hex(&self) -> String {
                hex(&self.0)
            }

            /// The first `digits` hex digits, without the prefix: what people read.
            pub fn short(&self, digits: usize) -> String {
                let mut text = self.hex();
                text.truncate(digits);
                text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.short(12))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix($prefix)
                    .and_then(unhex)
                    .and_then(|bytes| Self::from_slice(&bytes))
                    .ok_or_else(|| ParseIdError { text: text.to_owned(), expected: $what })
            }
        }
    };
}

id! {
    /// BLAKE3-256 of all bytes of a content: the identity of an artifact. Text form `b3:` + 64 hex digits.
    Digest, 32, "b3:", "a content digest (b3: and 64 hex digits)"
}

id! {
    /// SHA-256 of a content, kept beside the [`Digest`] for what leaves the house.
    Sha256, 32, "sha256:", "a SHA-256 digest (sha256: and 64 hex digits)"
}

id! {
    /// A run's identity: 128 random bits, so that short prefixes tell runs apart. Text form `run:` + 32 hex digits.
    RunId, 16, "run:", "a run (run: and 32 hex digits)"
}

id! {
    /// A record's identity: the hash over its committed fields (`docs/formats.md`).
    RecordId, 32, "record:", "a record (record: and 64 hex digits)"
}

id! {
    /// A hash in the Merkle tree of RFC 6962.
    Hash, 32, "", "a hash (64 hex digits)"
}

id! {
    /// A node's blinded name inside one origin (`docs/formats.md`, `ref`).
    NodeRef, 32, "ref:", "a blinded node name (ref: and 64 hex digits)"
}

impl Digest {
    /// The digest of a content held in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip() {
        let digest = Digest::of(b"keizu");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!(digest.to_string().starts_with("b3:"));
        let run = RunId::new([7; 16]);
        assert_eq!(run.to_string(), "run:07070707070707070707070707070707");
        assert_eq!(run.to_string().parse(), Ok(run));
    }

    #[test]
    fn a_foreign_text_is_refused_by_name() {
        let error = "sha256:00".parse::<Digest>().unwrap_err();
        assert_eq!(error.to_string(), "\"sha256:00\" is not a content digest (b3: and 64 hex digits)");
        assert_eq!(unhex("0g"), None);
        assert_eq!(unhex("abc"), None);
    }
}
