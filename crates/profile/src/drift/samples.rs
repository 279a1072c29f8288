//! Over two samples of numbers, each sorted and finite.

use super::kolmogorov;

/// A Kolmogorov–Smirnov statistic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ks {
    /// The largest difference of the two distribution functions.
    pub statistic: f64,
    /// Where it is.
    pub at: f64,
}

/// The distances of two distribution functions, each place of either sample once: (place, F, G).
fn steps<'a>(before: &'a [f64], after: &'a [f64]) -> impl Iterator<Item = (f64, f64, f64)> + 'a {
    let (n, m) = (before.len() as f64, after.len() as f64);
    let (mut i, mut j) = (0, 0);
    std::iter::from_fn(move || {
        let place = match (before.get(i), after.get(j)) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(only), None) | (None, Some(only)) => *only,
            (None, None) => return None,
        };
        while before.get(i).is_some_and(|value| *value <= place) {
            i += 1;
        }
        while after.get(j).is_some_and(|value| *value <= place) {
            j += 1;
        }
        Some((place, i as f64 / n, j as f64 / m))
    })
}

/// The Kolmogorov–Smirnov statistic, and where it is first reached.
pub fn ks(before: &[f64], after: &[f64]) -> Option<Ks> {
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let far = steps(before, after).map(|(at, f, g)| Ks { statistic: (f - g).abs(), at });
    far.reduce(|best, next| if next.statistic > best.statistic + 1e-15 { next } else { best })
}

/// The p-value of the statistic from the distribution for large samples, as scipy's `mode="asymp"`.
pub fn ks_p_asymptotic(statistic: f64, before: usize, after: usize) -> Option<f64> {
    if before == 0 || after == 0 {
        return None;
    }
    let (n, m) = (before as f64, after as f64);
    // of one value each nothing can be said: 1
    Some(kolmogorov::above((n * m / (n + m)).round_ties_even() as u64, statistic))
}

/// The exact p-value: the share of all ways to mix the two samples that come as far apart. Takes as many steps as the product of their sizes.
pub fn ks_p_exact(statistic: f64, before: usize, after: usize) -> Option<f64> {
    if before == 0 || after == 0 {
        return None;
    }
    let (n, m) = (before as u128, after as u128);
    // distances are whole multiples of 1 / (n m)
    let far = (statistic * before as f64 * after as f64 - 0.25).ceil().max(0.0) as u128;
    let outside = |i: usize, j: usize| (i as u128 * m).abs_diff(j as u128 * n) >= far;
    // row[j]: the chance that a random path from (0, 0) to (i, j) has been outside
    let mut row = vec![0.0f64; after + 1];
    for i in 0..=before {
        for j in 0..=after {
            row[j] = if outside(i, j) {
                1.0
            } else if i + j == 0 {
                0.0
            } else {
                let all = (i + j) as f64;
                let from_left = if j > 0 { row[j - 1] * (j as f64 / all) } else { 0.0 };
                row[j] * (i as f64 / all) + from_left
            };
        }
    }
    Some(row[after].clamp(0.0, 1.0))
}

/// The Wasserstein distance: how far, on average, a value has to move.
pub fn wasserstein(before: &[f64], after: &[f64]) -> Option<f64> {
    integral(before, after, |f, g| (f - g).abs())
}

/// The energy distance.
pub fn energy(before: &[f64], after: &[f64]) -> Option<f64> {
    integral(before, after, |f, g| (f - g).powi(2)).map(|square| (2.0 * square).sqrt())
}

fn integral(before: &[f64], after: &[f64], of: impl Fn(f64, f64) -> f64) -> Option<f64> {
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let mut total = 0.0;
    let mut last: Option<(f64, f64)> = None;
    for (at, f, g) in steps(before, after) {
        if let Some((from, height)) = last {
            total += height * (at - from);
        }
        last = Some((at, of(f, g)));
    }
    Some(if total.is_nan() { 0.0 } else { total.min(f64::MAX) })
}

/// A distance in standard deviations of what it is the distance from; nothing if that is constant.
pub fn normed(distance: f64, deviation: f64) -> Option<f64> {
    let normed = distance / deviation;
    (deviation > 0.0 && normed.is_finite()).then_some(normed)
}
