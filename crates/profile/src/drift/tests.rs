//! Tests: how likely a difference at least as large is, when nothing changed.

use super::special;

/// A statistic with its p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The statistic.
    pub statistic: f64,
    /// The chance of one at least as large.
    pub p: f64,
    /// Degrees of freedom.
    pub degrees: u64,
}

/// Observed counts with what is expected of them if both come from one distribution. Categories that neither has are left out.
fn expected(before: &[u64], after: &[u64]) -> Option<Vec<(f64, f64)>> {
    let (n, m) = (before.iter().sum::<u64>() as f64, after.iter().sum::<u64>() as f64);
    if before.len() != after.len() || n == 0.0 || m == 0.0 {
        return None;
    }
    let seen = before.iter().zip(after).filter(|(a, b)| **a + **b > 0);
    let cells = seen.flat_map(|(a, b)| {
        let both = (a + b) as f64;
        [(*a as f64, both * n / (n + m)), (*b as f64, both * m / (n + m))]
    });
    Some(cells.collect())
}

fn test(cells: &[(f64, f64)], statistic: f64) -> Test {
    let degrees = (cells.len() / 2).saturating_sub(1) as u64;
    Test { statistic, p: special::chi2_above(statistic, degrees as f64), degrees }
}

/// The two-sample chi² test, without a correction for continuity. With a single category nothing can differ: p is 1.
pub fn chi2(before: &[u64], after: &[u64]) -> Option<Test> {
    let cells = expected(before, after)?;
    Some(test(&cells, cells.iter().map(|(seen, due)| (seen - due).powi(2) / due).sum()))
}

/// The G-test: chi² by the likelihood ratio.
pub fn g(before: &[u64], after: &[u64]) -> Option<Test> {
    let cells = expected(before, after)?;
    let statistic: f64 = cells.iter().filter(|(seen, _)| *seen > 0.0).map(|(seen, due)| 2.0 * seen * (seen / due).ln()).sum();
    Some(test(&cells, statistic.max(0.0)))
}

/// Cramér's V of a chi²: 0 for the same shares, 1 for nothing in common.
pub fn cramers_v(chi2: &Test, before: u64, after: u64) -> Option<f64> {
    let n = before + after;
    (n > 0).then(|| (chi2.statistic / n as f64).sqrt().min(1.0)).filter(|_| chi2.degrees > 0)
}

/// Two shares, with the pooled z-test: z is positive where the second is larger. The same shares, also 0 and 1, give z = 0.
pub fn shares(before: (u64, u64), after: (u64, u64)) -> Option<(f64, f64)> {
    let ((a, n), (b, m)) = ((before.0 as f64, before.1 as f64), (after.0 as f64, after.1 as f64));
    if n == 0.0 || m == 0.0 {
        return None;
    }
    let pooled = (a + b) / (n + m);
    let spread = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    let z = if spread > 0.0 { (b / m - a / n) / spread } else { 0.0 };
    Some((z, special::normal_beyond(z)))
}

/// What the population stability index of this many bins stays below with this chance, when nothing changed.
pub fn psi_limit(bins: usize, before: u64, after: u64, chance: f64) -> Option<f64> {
    let inside = chance > 0.0 && chance < 1.0;
    (before > 0 && after > 0 && bins > 1 && inside)
        .then(|| (1.0 / before as f64 + 1.0 / after as f64) * special::chi2_limit(1.0 - chance, (bins - 1) as f64))
}

/// p-values, corrected for how many there are (Benjamini and Hochberg): the share of false alarms among those at most as large.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
    let mut corrected = vec![1.0; p.len()];
    let mut least = 1.0f64;
    for (at, index) in order.into_iter().enumerate() {
        let rank = (p.len() - at) as f64;
        least = least.min(p[index] * p.len() as f64 / rank);
        corrected[index] = least;
    }
    corrected
}
