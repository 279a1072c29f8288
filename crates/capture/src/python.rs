//! Python interpreters that a run used.

use std::collections::BTreeMap;

use crate::account::{File, Process, Python};

/// The interpreters among the processes, with what the run loaded from them.
pub fn look(_processes: &[Process], _files: &[File], _variables: &BTreeMap<String, String>) -> Vec<Python> {
    Vec::new()
}
