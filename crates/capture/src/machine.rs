//! The machine.

use std::collections::BTreeMap;

/// What can be told of the machine without running anything.
pub fn look() -> BTreeMap<String, String> {
    BTreeMap::new()
}
