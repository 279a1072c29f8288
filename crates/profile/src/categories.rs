//! How often each value occurs: exactly as long as they are few, and how many there are when they are not.

use std::collections::HashMap;

use datasketches::hll::{HllSketch, HllType, HllUnion};
use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use crate::value::Value;

/// log₂ of the registers of a distinct-value sketch: 1.6 % standard error in 4 KiB.
const SKETCH_LG_K: u8 = 12;
/// Of the sketch's bytes: words of the preamble in front of dense registers; the flags, and the one for "out of order"; the historic estimate.
const DENSE: u8 = 10;
const FLAGS: usize = 5;
const OUT_OF_ORDER: u8 = 16;
const HIP: std::ops::Range<usize> = 8..16;

/// Values by how often they occur, the most frequent first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Categories {
    /// Each with its count; equal counts in the order of the values.
    pub counts: Vec<Counted>,
    /// How many cells hold none of them.
    pub other: u64,
    /// Whether the counts are exact. Among too many distinct values, those of the rarer ones are lower bounds.
    pub exact: bool,
}

/// A value and how often it occurs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// The value.
    pub value: Value,
    /// How many cells hold it.
    pub count: u64,
}

impl Categories {
    pub(crate) fn of(counts: impl IntoIterator<Item = (Value, u64)>, other: u64, exact: bool) -> Categories {
        let mut counts: Vec<Counted> = counts.into_iter().map(|(value, count)| Counted { value, count }).collect();
        counts.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        Categories { counts, other, exact }
    }

    /// All cells that were counted.
    pub fn total(&self) -> u64 {
        self.other + self.counts.iter().map(|counted| counted.count).sum::<u64>()
    }

    /// The count of a value.
    pub fn count_of(&self, value: &Value) -> u64 {
        self.counts.iter().find(|counted| counted.value == *value).map_or(0, |counted| counted.count)
    }

    /// Only the most frequent, the others summed.
    pub fn trim(&mut self, most: usize) {
        if self.counts.len() > most {
            self.other += self.counts.drain(most..).map(|counted| counted.count).sum::<u64>();
        }
    }
}

/// How many different values there are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Distinct {
    /// That many.
    pub count: u64,
    /// Counted, not estimated (standard error 1.6 %).
    pub exact: bool,
    /// The HyperLogLog sketch behind an estimate (Apache DataSketches), so that two add up.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "hex")]
    pub sketch: Vec<u8>,
}

impl Distinct {
    pub(crate) fn exactly(count: u64) -> Distinct {
        Distinct { count, exact: true, sketch: Vec::new() }
    }

    fn estimated(sketch: &HllSketch) -> Distinct {
        // through a union, so that the bytes do not tell in which order the values came
        let mut union = HllUnion::new(SKETCH_LG_K).expect("invariant: 12 is in range");
        union.update(sketch);
        let sketch = union.to_sketch(HllType::Hll8);
        let mut bytes = sketch.serialize();
        // A dense sketch also carries an estimate that depends on the order. It is left out as the format provides for it: merged, out of order.
        if bytes.len() > HIP.end && bytes[0] == DENSE {
            bytes[FLAGS] |= OUT_OF_ORDER;
            bytes[HIP].fill(0);
        }
        Distinct { count: sketch.composite_estimate().round() as u64, exact: false, sketch: bytes }
    }

    /// Both together. The values of an exact side come with it, since it has no sketch.
    pub(crate) fn merge(&self, mine: &[Counted], other: &Distinct, theirs: &[Counted]) -> Option<Distinct> {
        let mut union = HllUnion::new(SKETCH_LG_K).expect("invariant: 12 is in range");
        for (side, values) in [(self, mine), (other, theirs)] {
            if side.exact {
                values.iter().for_each(|counted| union.update_value(digest(&counted.value)));
            } else {
                union.update(&HllSketch::deserialize(&side.sketch).ok()?);
            }
        }
        Some(Distinct::estimated(&union.to_sketch(HllType::Hll8)))
    }
}

mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.as_bytes().chunks(2);
        digits
            .map(|pair| {
                str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or_else(|| D::Error::custom("not hex"))
            })
            .collect()
    }
}

/// What a value is to a sketch: the same number whichever column or table it came from.
pub(crate) fn digest(value: &Value) -> u64 {
    match value {
        Value::Boolean(value) => u64::from(*value),
        Value::Integer(value) => i64::try_from(*value).map_or(*value as u64, |value| value as u64),
        Value::Real(value) => number_digest(*value),
        Value::Time(value) => *value as u64,
        Value::Text(value) => text_digest(value.as_bytes()),
    }
}

/// 0 and −0 are one value.
pub(crate) fn number_digest(value: f64) -> u64 {
    if value == 0.0 { 0 } else { value.to_bits() }
}

pub(crate) fn text_digest(text: &[u8]) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = FixedState::with_seed(0x6b65_697a).build_hasher();
    hasher.write(text);
    hasher.finish()
}

/// Counts the values of one column while they stream by.
pub(crate) enum Tally {
    Texts(Counter<Box<str>>),
    Numbers(Counter<u64>),
}

/// Counts by key. Beyond `most` distinct keys, either only their number is estimated, or the frequent ones stay (lossy counting).
pub(crate) struct Counter<K> {
    counts: HashMap<K, u64, FixedState>,
    most: usize,
    /// Keep the frequent ones when there are too many.
    frequent: bool,
    given_up: bool,
    lost: u64,
    sketch: Option<Box<HllSketch>>,
}

impl<K: std::hash::Hash + Eq + Ord + Clone> Counter<K> {
    pub fn new(most: usize, frequent: bool) -> Self {
        Counter { counts: HashMap::with_hasher(FixedState::with_seed(1)), most, frequent, given_up: false, lost: 0, sketch: None }
    }

    #[inline]
    pub fn add<Q>(&mut self, key: &Q, owned: impl FnOnce() -> K, digest: impl Fn() -> u64, digest_of: impl Fn(&K) -> u64)
    where
        K: std::borrow::Borrow<Q>,
        Q: std::hash::Hash + Eq + ?Sized,
    {
        if let Some(sketch) = &mut self.sketch {
            sketch.update(digest());
        }
        if self.given_up {
            self.lost += 1;
            return;
        }
        if let Some(count) = self.counts.get_mut(key) {
            *count += 1;
            return;
        }
        self.counts.insert(owned(), 1);
        if self.counts.len() > self.most {
            self.overflow(digest_of);
        }
    }

    fn overflow(&mut self, digest_of: impl Fn(&K) -> u64) {
        if self.sketch.is_none() {
            let mut sketch = HllSketch::new(SKETCH_LG_K, HllType::Hll8).expect("invariant: 12 is in range");
            self.counts.keys().for_each(|key| sketch.update(digest_of(key)));
            self.sketch = Some(Box::new(sketch));
            // the room to grow before the next cut
            self.most *= 2;
        }
        if !self.frequent {
            self.given_up = true;
            self.lost = self.counts.drain().map(|(_, count)| count).sum();
        } else if self.counts.len() > self.most {
            let mut ordered: Vec<(u64, K)> = self.counts.drain().map(|(key, count)| (count, key)).collect();
            ordered.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
            self.lost += ordered.drain(self.most / 2..).map(|(count, _)| count).sum::<u64>();
            self.counts.extend(ordered.into_iter().map(|(count, key)| (key, count)));
        }
    }

    /// What was counted: categories if there are any to name, and how many values there are.
    pub fn finish(mut self, value_of: impl Fn(&K) -> Value) -> (Option<Categories>, Distinct) {
        let Some(sketch) = self.sketch else {
            let distinct = Distinct::exactly(self.counts.len() as u64);
            return (Some(Categories::of(self.counts.iter().map(|(key, count)| (value_of(key), *count)), 0, true)), distinct);
        };
        let distinct = Distinct::estimated(&sketch);
        if self.given_up {
            return (None, distinct);
        }
        let mut found = Categories::of(self.counts.drain().map(|(key, count)| (value_of(&key), count)), self.lost, false);
        found.trim(FREQUENT_MAX);
        // one that occurs once says nothing of what is frequent
        let once = found.counts.iter().position(|counted| counted.count < 2).unwrap_or(found.counts.len());
        found.trim(once);
        (Some(found), distinct)
    }
}

/// Frequent values that are named among too many.
const FREQUENT_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn count(values: impl Iterator<Item = u64>, most: usize, frequent: bool) -> (Option<Categories>, Distinct) {
        let mut counter = Counter::new(most, frequent);
        values.for_each(|value| counter.add(&value, || value, || value, |key| *key));
        counter.finish(|key| Value::Integer(i128::from(*key)))
    }

    #[test]
    fn few_are_exact() {
        let (categories, distinct) = count([3, 1, 3, 2, 2, 3].into_iter(), 3, true);
        let categories = categories.expect("few");
        assert_eq!(distinct, Distinct::exactly(3));
        assert_eq!(categories.counts.iter().map(|c| c.count).collect::<Vec<_>>(), [3, 2, 1]);
        assert!(categories.exact && categories.total() == 6);
    }

    #[test]
    fn the_frequent_stay_among_many() {
        let values = (0..300_000u64).map(|i| if i % 3 == 0 { 7 } else { i + 8 });
        let (categories, distinct) = count(values, 1000, true);
        let categories = categories.expect("frequent");
        assert!(!categories.exact && categories.total() == 300_000);
        assert_eq!(categories.counts[0], Counted { value: Value::Integer(7), count: 100_000 });
        assert!((distinct.count as f64 - 200_000.0).abs() < 10_000.0 && !distinct.exact, "{}", distinct.count);
    }

    #[test]
    fn a_sketch_does_not_tell_the_order() {
        let (forwards, backwards) = (count(0..5000, 10, false).1, count((0..5000).rev(), 10, false).1);
        assert!(forwards == backwards, "{} {}", forwards.count, backwards.count);
        let (low, high) = (count(0..3000, 10, false).1, count(2000..5000, 10, false).1);
        assert!(low.merge(&[], &high, &[]).expect("sketches") == forwards);
    }
}
