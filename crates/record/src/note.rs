//! Checkpoints in the C2SP `tlog-checkpoint` form, signed as C2SP `signed-note` with Ed25519.
//!
//! ```text
//! laptop-a            origin
//! 4096                size
//! base64(root)        root
//!
//! — laptop-a base64(key id[4] ‖ signature[64])        over the text with its last newline
//! key id = SHA-256(name ‖ "\n" ‖ 0x01 ‖ public key)[..4]
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256 as Hasher};

use crate::digest::Hash;

/// The head of a log at some size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Number of records.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

/// What is wrong with a note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not of the form.
    #[error("not a checkpoint: {0}")]
    Malformed(&'static str),
    /// A signature of the known key does not hold.
    #[error("the signature of {0} does not hold")]
    Signature(String),
    /// No signature of the known key.
    #[error("no signature of {0} with the key that was given")]
    Unsigned(String),
}

/// A key that signs checkpoints, with its name.
pub struct Key {
    name: String,
    key: SigningKey,
}

/// The public half of a [`Key`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The signer's name.
    pub name: String,
    /// Ed25519 public key.
    pub bytes: [u8; 32],
}

/// Whether a name can sign: not empty, no white space, no `+`, no control characters.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

impl Key {
    /// From a seed of 32 random bytes; `None` when the name is not one that can sign.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Option<Self> {
        is_name(name).then(|| Self { name: name.to_owned(), key: SigningKey::from_bytes(&seed) })
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey { name: self.name.clone(), bytes: self.key.verifying_key().to_bytes() }
    }

    /// The signed note of a checkpoint. Deterministic.
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        let text = checkpoint.text();
        let mut signature = self.public().id().to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n\u{2014} {} {}\n", self.name, BASE64.encode(signature))
    }
}

impl PublicKey {
    /// The four bytes that hint at the key.
    pub fn id(&self) -> [u8; 4] {
        let hash = Hasher::new().chain_update(&self.name).chain_update(b"\n\x01").chain_update(self.bytes).finalize();
        hash[..4].try_into().expect("invariant: SHA-256 has 32 bytes")
    }

    /// Reads a note and checks this key's signature on it.
    ///
    /// # Errors
    /// [`NoteError`]; signatures of other keys are ignored, as the specification asks.
    pub fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        use NoteError::Malformed;
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(Malformed("no signatures"))?;
        let text = format!("{text}\n");
        let signatures = signatures.strip_suffix('\n').ok_or(Malformed("no newline at the end"))?;
        let key = VerifyingKey::from_bytes(&self.bytes).map_err(|_| Malformed("the public key is not a point of the curve"))?;
        let mut signed = false;
        for line in signatures.split('\n') {
            let (name, blob) = line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')).ok_or(Malformed("signature line"))?;
            let blob = BASE64.decode(blob).map_err(|_| Malformed("signature line"))?;
            if name != self.name || blob.get(..4) != Some(&self.id()[..]) {
                continue;
            }
            let signature = Signature::from_slice(&blob[4..]).map_err(|_| Malformed("signature length"))?;
            key.verify_strict(text.as_bytes(), &signature).map_err(|_| NoteError::Signature(self.name.clone()))?;
            signed = true;
        }
        if signed { Checkpoint::parse(&text) } else { Err(NoteError::Unsigned(self.name.clone())) }
    }
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root.as_bytes()))
    }

    /// Reads the text, without checking any signature.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        use NoteError::Malformed;
        let mut lines = text.lines();
        let origin = lines.next().filter(|origin| !origin.is_empty()).ok_or(Malformed("no origin"))?.to_owned();
        let size = lines.next().and_then(|line| line.parse().ok()).ok_or(Malformed("no size"))?;
        let root = lines
            .next()
            .and_then(|line| BASE64.decode(line).ok())
            .and_then(|bytes| Hash::from_slice(&bytes))
            .ok_or(Malformed("no root"))?;
        let checkpoint = Self { origin, size, root };
        if checkpoint.text() == text { Ok(checkpoint) } else { Err(Malformed("not in canonical form")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::from_seed("laptop-a", [5; 32]).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "laptop-a".into(), size: 4096, root: crate::merkle::empty_root() }
    }

    #[test]
    fn a_note_opens_with_its_key_only() {
        let note = key().sign(&checkpoint());
        assert_eq!(key().public().open(&note), Ok(checkpoint()));
        let other = Key::from_seed("laptop-a", [6; 32]).unwrap().public();
        assert_eq!(other.open(&note), Err(NoteError::Unsigned("laptop-a".into())));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let note = key().sign(&checkpoint());
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(text) = String::from_utf8(bytes) {
                assert!(key().public().open(&text).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn the_root_of_trust_has_a_speakable_name() {
        assert!(is_name("laptop-a"));
        for name in ["", "a b", "a+b", "a\n"] {
            assert!(!is_name(name) && Key::from_seed(name, [0; 32]).is_none());
        }
    }
}
