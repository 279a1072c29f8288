//! A histogram over frozen edges.

use serde::{Deserialize, Serialize};

use crate::sample::quantile;

/// Quantile cuts of a reference: that many bins.
pub(crate) const CUTS: usize = 20;

/// Counts over edges that were taken from a reference and stay as they are, so that two of them can be compared and added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    /// e₁ < e₂ < … < eₖ: the bins are (−∞, e₁], (e₁, e₂], …, (eₖ, ∞).
    pub edges: Vec<f64>,
    /// One for each bin: one more than edges.
    pub counts: Vec<u64>,
    /// The reference's smallest and largest value; nothing if it had none.
    pub range: Option<(f64, f64)>,
    /// How many of all lie below the reference's smallest value, or are −∞. They are in the first bin as well.
    pub below: u64,
    /// How many of all lie above the reference's largest value, or are +∞. They are in the last bin as well.
    pub above: u64,
}

impl Bins {
    /// Empty, over edges cut from a sorted reference: one bin for each of at most 20 distinct values, else 20 quantiles.
    pub(crate) fn cut(sorted: &[f64]) -> Bins {
        let mut values: Vec<f64> = Vec::new();
        for &value in sorted {
            if values.last() != Some(&value) {
                values.push(value);
                if values.len() > CUTS {
                    break;
                }
            }
        }
        let edges = if values.len() <= CUTS {
            values.pop();
            values
        } else {
            let mut edges: Vec<f64> = (1..CUTS).filter_map(|cut| quantile(sorted, cut as f64 / CUTS as f64)).collect();
            edges.dedup();
            edges
        };
        Bins::over(edges, sorted.first().copied().zip(sorted.last().copied()))
    }

    /// Empty, over these edges.
    pub(crate) fn over(edges: Vec<f64>, range: Option<(f64, f64)>) -> Bins {
        Bins { counts: vec![0; edges.len() + 1], edges, range, below: 0, above: 0 }
    }

    /// Counts one value. Infinities are below or above everything; NaN must not come here.
    pub(crate) fn add(&mut self, value: f64) {
        let bin = self.edges.partition_point(|edge| *edge < value);
        self.counts[bin] += 1;
        if let Some((low, high)) = self.range {
            self.below += u64::from(value < low);
            self.above += u64::from(value > high);
        }
    }

    /// All that was counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(crate) fn merge(&mut self, other: &Bins) -> bool {
        if self.edges != other.edges || self.range != other.range {
            return false;
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(mine, theirs)| *mine += theirs);
        self.below += other.below;
        self.above += other.above;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_get_a_bin_each() {
        let mut bins = Bins::cut(&[0.0, 0.0, 1.0, 3.0]);
        assert_eq!(bins.edges, [0.0, 1.0]);
        [0.0, 0.0, 1.0, 3.0, -1.0, 9.0, f64::INFINITY].iter().for_each(|value| bins.add(*value));
        assert_eq!((bins.counts.as_slice(), bins.below, bins.above), ([3, 1, 3].as_slice(), 1, 2));
    }

    #[test]
    fn many_values_get_twenty_quantiles() {
        let values: Vec<f64> = (0..=200).map(f64::from).collect();
        let mut bins = Bins::cut(&values);
        assert_eq!((bins.edges.len(), bins.edges[0], bins.edges[18]), (19, 10.0, 190.0));
        values.iter().for_each(|value| bins.add(*value));
        assert_eq!((bins.counts[0], bins.counts[1], bins.counts[19]), (11, 10, 10));
    }

    #[test]
    fn nothing_and_one_value_are_one_bin() {
        assert_eq!(Bins::cut(&[]), Bins { edges: vec![], counts: vec![0], range: None, below: 0, above: 0 });
        assert_eq!(Bins::cut(&[5.0, 5.0]).counts, [0]);
    }
}
