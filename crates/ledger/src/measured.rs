//! By which numbers the versions of a model were measured.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use keizu_graph::Numbers;
use keizu_record::body::Named;
use keizu_record::{Name, Value};
use serde::Serialize;

use crate::why::metrics::{counts, place};
use crate::{Error, View};

/// Numbers that are told of each version.
const NAMES_MAX: usize = 6;
/// Bytes of an evaluation that are looked into for the order of its numbers.
const EVALUATION_BYTES_MAX: u64 = 64 << 10;

/// The numbers of versions.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Measured {
    /// Their names, in the order in which the newest evaluation has them.
    pub names: Vec<String>,
    /// By version.
    pub of: BTreeMap<u64, BTreeMap<String, f64>>,
}

impl View<'_> {
    /// By which numbers these versions of a model were measured. Their names are those of the newest version that was measured, be it among
    /// these or the newest of all.
    ///
    /// # Errors
    /// When the store fails.
    pub fn version_numbers(&self, name: &Name, versions: &BTreeSet<u64>) -> Result<Measured, Error> {
        if !matches!(name, Name::Model(_)) {
            return Ok(Measured::default());
        }
        let mut named = self.versions(name)?;
        let newest = named.last().and_then(|named| named.version);
        named.retain(|named| named.version.is_some_and(|version| versions.contains(&version)) || named.version == newest);
        let measured = self.measured(&named)?;
        let names = match measured.iter().rev().find(|of| of.is_some()) {
            Some(newest) => self.measures(newest.as_ref())?,
            None => Vec::new(),
        };
        let names: Vec<String> = names.into_iter().take(NAMES_MAX).collect();
        let of = |of: &Option<Numbers>| -> BTreeMap<String, f64> {
            names.iter().filter_map(|name| Some((name.clone(), number(of.as_ref(), name)?))).collect()
        };
        let of = named
            .iter()
            .zip(&measured)
            .filter_map(|(named, measured)| Some((named.version?, of(measured))))
            .filter(|(version, _)| versions.contains(version))
            .collect();
        Ok(Measured { names, of })
    }

    /// What measured each of these versions, the newest measurement.
    pub(crate) fn measured(&self, versions: &[Named]) -> Result<Vec<Option<Numbers>>, Error> {
        keizu_graph::numbers(self, versions)
    }

    /// The names of the numbers that measure something, and do not count, as their document has them.
    pub(crate) fn measures(&self, numbers: Option<&Numbers>) -> Result<Vec<String>, Error> {
        let Some(of) = numbers else { return Ok(Vec::new()) };
        let mut text = String::new();
        if let Some(reader) = of.content.map(|digest| self.opened(&digest)).transpose()?.flatten() {
            // what is no text has no order
            let _ = reader.take(EVALUATION_BYTES_MAX).read_to_string(&mut text);
        }
        let mut names: Vec<String> = of.metrics.keys().filter(|name| number(numbers, name).is_some() && !counts(name)).cloned().collect();
        names.sort_by_key(|name| place(&text, name));
        Ok(names)
    }
}

/// A number by its name, if there is one that is finite.
pub(crate) fn number(of: Option<&Numbers>, name: &str) -> Option<f64> {
    match of?.metrics.get(name)? {
        Value::Float(float) if float.is_finite() => Some(*float),
        _ => None,
    }
}
