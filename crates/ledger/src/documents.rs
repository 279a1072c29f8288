//! Documents that Keizu writes itself and keeps as objects: canonical JSON, keys sorted, so that equal facts have equal digests.

use std::collections::BTreeMap;

use keizu_record::Digest;
use serde::{Deserialize, Serialize};

use crate::answer::ProcessRow;

/// What a run ran in. Equal environments are equal bytes: no times, process ids, host names or temporary paths.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Environment {
    /// Version of the Python interpreter, when one ran; several are joined by `, `.
    pub python: Option<String>,
    /// Path of the interpreter.
    pub interpreter: Option<String>,
    /// Installed packages of the interpreters that ran.
    pub packages: BTreeMap<String, String>,
    /// Operating system, kernel, architecture, CPU, GPU, …
    pub machine: BTreeMap<String, String>,
    /// Relevant variables; secrets redacted.
    pub variables: BTreeMap<String, String>,
}

/// What happened inside a run, in full.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Account {
    /// Programs that ran.
    pub processes: Vec<ProcessRow>,
    /// Runs that it started.
    pub children: Vec<String>,
    /// The interpreters' paths.
    pub pythons: Vec<String>,
    /// Events seen.
    pub seen: u64,
    /// Events lost.
    pub lost: u64,
}

/// The canonical bytes of a document, and their digest.
pub fn canonical(document: &impl Serialize) -> (Digest, Vec<u8>) {
    // by way of a value, whose maps are sorted
    let value = serde_json::to_value(document).expect("invariant: a document is made of texts, numbers and maps with text keys");
    let bytes = serde_json::to_vec(&value).expect("invariant: a value can be written");
    (Digest::of(&bytes), bytes)
}
