//! What `keizu why --prove` found.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::workshop::Lacking;

/// What a factor was found to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// More than the noise.
    Effect,
    /// No more than the noise.
    NoEffect,
    /// It could not be swapped.
    NotSwapped,
}

/// What one factor does to one number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// From before to after.
    pub value: f64,
    /// Half the width of the noise around it.
    pub noise: f64,
}

impl Share {
    /// Whether it is more than noise.
    pub fn counts(&self) -> bool {
        self.value.abs() > self.noise
    }
}

/// One factor: causes that can only be swapped together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Factor {
    /// As the causes name it ([`crate::why::Cause::factor`]).
    pub factor: usize,
    /// The subjects of its causes.
    pub subjects: Vec<String>,
    /// What was found.
    pub found: Found,
    /// Its share in each number.
    pub effects: BTreeMap<String, Share>,
    /// Each number in the new world with the old state of this factor.
    pub put_back: BTreeMap<String, f64>,
    /// Why it could not be swapped.
    pub lacking: Vec<Lacking>,
}

/// Factors that do more, or less, together than each alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Interaction {
    /// They.
    pub factors: Vec<usize>,
    /// Their common share in each number in which it is more than noise.
    pub effects: BTreeMap<String, Share>,
}

/// One side made again as it was recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baseline {
    /// `before` or `after`.
    pub side: &'static str,
    /// The numbers as recorded.
    pub recorded: BTreeMap<String, f64>,
    /// The numbers each time.
    pub again: Vec<BTreeMap<String, f64>>,
    /// Whether the recorded numbers came out again, up to the noise.
    pub restored: bool,
}

/// How the noise was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Noise {
    /// The same again, and it came out the same.
    None,
    /// The same again: it comes out otherwise by itself.
    Repeats,
    /// Other seeds.
    Seeds,
}

/// The proof.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proof {
    /// Each factor, in the order of the causes.
    pub factors: Vec<Factor>,
    /// Interactions, the largest first.
    pub interactions: Vec<Interaction>,
    /// Change of each number, as recorded.
    pub change: BTreeMap<String, f64>,
    /// What of it no factor accounts for.
    pub rest: BTreeMap<String, Share>,
    /// Both sides made again.
    pub baselines: Vec<Baseline>,
    /// How the noise was measured.
    pub noise: Noise,
    /// Runs that were made again.
    pub runs: usize,
    /// What must be known to read it.
    pub remarks: Vec<String>,
}

impl Proof {
    /// The factor of this number.
    pub fn factor(&self, factor: usize) -> Option<&Factor> {
        self.factors.iter().find(|known| known.factor == factor)
    }

    /// Whether the recorded change is accounted for: something has an effect, and nothing is left but noise.
    pub fn holds(&self, metric: &str) -> bool {
        let nothing_left = self.rest.get(metric).is_some_and(|rest| !rest.counts());
        let alone = self.factors.iter().any(|factor| factor.effects.get(metric).is_some_and(Share::counts));
        nothing_left && (alone || self.interactions.iter().any(|interaction| interaction.effects.contains_key(metric)))
    }
}
