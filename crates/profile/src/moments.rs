//! Count, mean and spread, that add up exactly enough.

use serde::{Deserialize, Serialize};

/// Of the finite numbers of a column.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Moments {
    /// How many.
    pub n: u64,
    /// Their mean; 0 if there are none.
    pub mean: f64,
    /// The sum of their squared distances from the mean. Held at the largest number there is, where it would overflow.
    pub m2: f64,
}

impl Moments {
    /// Of finite numbers: twice through them, which loses nothing where they are large and close together.
    pub fn of(values: &[f64]) -> Moments {
        let Some(&first) = values.first() else { return Moments::default() };
        let n = values.len() as f64;
        // most numbers are far from the largest there are: eight sums side by side
        let mean = first + lanes(values, |value| value - first) / n;
        let m2 = lanes(values, |value| (value - mean) * (value - mean));
        if mean.is_finite() && m2.is_finite() {
            // what rounding left of the mean
            let off = lanes(values, |value| value - mean) / n;
            return Moments { n: values.len() as u64, mean: mean + off, m2: (m2 - n * off * off).max(0.0) };
        }
        // distances from the first keep the sum small where all are large
        let mean = bounded(first + sum(values.iter().map(|value| bounded(value / n - first / n))));
        let m2 = bounded(sum(values.iter().map(|value| bounded(bounded(value - mean).powi(2)))));
        Moments { n: values.len() as u64, mean, m2 }
    }

    /// Both together (Chan, Golub and LeVeque).
    pub fn merge(self, other: Moments) -> Moments {
        if self.n == 0 || other.n == 0 {
            return if self.n == 0 { other } else { self };
        }
        let n = self.n + other.n;
        let (a, b) = (self.n as f64 / n as f64, other.n as f64 / n as f64);
        let apart = bounded(other.mean - self.mean);
        // the larger side leads, so that the order of two makes no difference to more than the last bits
        let mean = if self.n >= other.n { self.mean + apart * b } else { other.mean - apart * a };
        let m2 = bounded(self.m2 + other.m2) + bounded(bounded(apart * apart) * (a * other.n as f64));
        Moments { n, mean: bounded(mean), m2: bounded(m2) }
    }

    /// The variance of the population; nothing if there is no number.
    pub fn variance(&self) -> Option<f64> {
        (self.n > 0).then(|| self.m2 / self.n as f64)
    }

    /// The standard deviation of the population.
    pub fn deviation(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }
}

/// A sum over lanes that do not wait for each other.
fn lanes(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0f64; 8];
    let chunks = values.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().map(|value| of(*value)).sum();
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += of(*value));
    }
    rest + sums.iter().sum::<f64>()
}

/// A sum that carries what each addition lost (Neumaier).
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0f64, 0.0f64);
    for value in values {
        let next = bounded(total + value);
        lost += if total.abs() >= value.abs() { (total - next) + value } else { (value - next) + total };
        total = next;
    }
    bounded(total + bounded(lost))
}

fn bounded(value: f64) -> f64 {
    value.clamp(f64::MIN, f64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(a: f64, b: f64, scale: f64) -> bool {
        (a - b).abs() <= 1e-12 * scale.max(f64::MIN_POSITIVE)
    }

    proptest! {
        #[test]
        fn any_partition_gives_the_same(values in prop::collection::vec(-1e9..1e9f64, 1..200), cuts in prop::collection::vec(1usize..20, 1..60)) {
            let whole = Moments::of(&values);
            let mut rest = values.as_slice();
            let mut parts = Vec::new();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (part, after) = rest.split_at((*cut).min(rest.len()));
                parts.push(Moments::of(part));
                rest = after;
            }
            let forwards = parts.iter().fold(Moments::default(), |a, b| a.merge(*b));
            let backwards = parts.iter().rev().fold(Moments::default(), |a, b| a.merge(*b));
            let size = values.iter().fold(0f64, |a, b| a.max(b.abs()));
            for merged in [forwards, backwards] {
                prop_assert_eq!(merged.n, whole.n);
                prop_assert!(near(merged.mean, whole.mean, size));
                prop_assert!(near(merged.m2, whole.m2, whole.m2));
            }
        }

        #[test]
        fn is_never_nan(a in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL, 0..20),
                        b in prop::collection::vec(prop::num::f64::NORMAL, 0..20)) {
            let both = Moments::of(&a).merge(Moments::of(&b));
            prop_assert!(both.mean.is_finite() && both.m2.is_finite() && both.m2 >= 0.0);
        }
    }

    #[test]
    fn large_and_close_together() {
        let values: Vec<f64> = (0..1000).map(|i| 1e15 + f64::from(i % 10)).collect();
        let moments = Moments::of(&values);
        assert_eq!((moments.mean, moments.m2), (1e15 + 4.5, 8250.0));
    }

    #[test]
    fn the_largest_numbers_stay_numbers() {
        let moments = Moments::of(&[f64::MAX, f64::MIN]);
        assert_eq!((moments.mean, moments.m2), (0.0, f64::MAX));
        assert_eq!(Moments::of(&[]).variance(), None);
    }
}
