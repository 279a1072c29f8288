//! Over counts in the same bins, or of the same categories.

/// What the Jensen–Shannon measures are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Natural logarithms: nats. The distance is at most √ln 2.
    Natural,
    /// Logarithms to the base 2: bits. The distance is at most 1.
    Two,
}

impl Base {
    fn of(self, nats: f64) -> f64 {
        match self {
            Base::Natural => nats,
            Base::Two => nats / std::f64::consts::LN_2,
        }
    }
}

/// How an empty bin is kept from being infinitely far away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Smoothing {
    /// A share of zero is taken as this share; the others stay as they are.
    Floor(f64),
    /// This much is added to each count.
    Add(f64),
}

/// What most tools take an empty bin as.
pub const FLOOR: f64 = 1e-4;

/// Two as shares; nothing if either has no counts, or they are over different bins.
fn shares<'a>(before: &'a [u64], after: &'a [u64]) -> Option<impl Iterator<Item = (f64, f64)> + Clone + 'a> {
    let (n, m) = (before.iter().sum::<u64>() as f64, after.iter().sum::<u64>() as f64);
    (before.len() == after.len() && n > 0.0 && m > 0.0).then(|| before.iter().zip(after).map(move |(a, b)| (*a as f64 / n, *b as f64 / m)))
}

fn smoothed(before: &[u64], after: &[u64], smoothing: Smoothing) -> Option<Vec<(f64, f64)>> {
    let plain = shares(before, after)?;
    Some(match smoothing {
        Smoothing::Floor(floor) => plain.map(|(p, q)| (if p == 0.0 { floor } else { p }, if q == 0.0 { floor } else { q })).collect(),
        Smoothing::Add(each) => {
            let (n, m) = (before.iter().sum::<u64>() as f64, after.iter().sum::<u64>() as f64);
            let all = each * before.len() as f64;
            before.iter().zip(after).map(|(a, b)| ((*a as f64 + each) / (n + all), (*b as f64 + each) / (m + all))).collect()
        }
    })
}

/// The population stability index.
pub fn psi(before: &[u64], after: &[u64], smoothing: Smoothing) -> Option<f64> {
    let terms = smoothed(before, after, smoothing)?;
    finite(terms.into_iter().map(|(p, q)| if p == q { 0.0 } else { (q - p) * (q / p).ln() }).sum())
}

/// The Kullback–Leibler divergence of `after` from `before`, in nats.
pub fn kl(before: &[u64], after: &[u64], smoothing: Smoothing) -> Option<f64> {
    let terms = smoothed(before, after, smoothing)?;
    finite(terms.into_iter().map(|(p, q)| if q == 0.0 { 0.0 } else { q * (q / p).ln() }).sum())
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// The Jensen–Shannon divergence.
pub fn js_divergence(before: &[u64], after: &[u64], base: Base) -> Option<f64> {
    let half = |share: f64, middle: f64| if share == 0.0 { 0.0 } else { share * (share / middle).ln() };
    let nats: f64 = shares(before, after)?.map(|(p, q)| (half(p, (p + q) / 2.0) + half(q, (p + q) / 2.0)) / 2.0).sum();
    Some(base.of(nats.max(0.0)))
}

/// The Jensen–Shannon distance: the root of the divergence.
pub fn js_distance(before: &[u64], after: &[u64], base: Base) -> Option<f64> {
    js_divergence(before, after, base).map(f64::sqrt)
}

/// The Hellinger distance: 0 to 1.
pub fn hellinger(before: &[u64], after: &[u64]) -> Option<f64> {
    shares(before, after).map(|shares| (shares.map(|(p, q)| (p.sqrt() - q.sqrt()).powi(2)).sum::<f64>() / 2.0).sqrt())
}

/// The total variation: half the sum of the differences of the shares.
pub fn total_variation(before: &[u64], after: &[u64]) -> Option<f64> {
    shares(before, after).map(|shares| shares.map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0)
}

/// L∞: the largest difference of two shares.
pub fn largest_difference(before: &[u64], after: &[u64]) -> Option<f64> {
    shares(before, after).map(|shares| shares.map(|(p, q)| (p - q).abs()).fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_same_are_at_no_distance_and_others_at_one_that_is_a_number(
            (a, b) in (1usize..30).prop_flat_map(|n| (prop::collection::vec(0u64..1000, n), prop::collection::vec(0u64..1000, n)))
        ) {
            for base in [Base::Natural, Base::Two] {
                if let Some(far) = js_distance(&a, &b, base) { prop_assert!((0.0..=1.0 + 1e-12).contains(&far)) }
            }
            for smoothing in [Smoothing::Add(0.5), Smoothing::Floor(FLOOR)] {
                if let Some(far) = psi(&a, &b, smoothing) { prop_assert!(far >= 0.0) }
                if let Some(far) = psi(&a, &a, smoothing) { prop_assert_eq!(far, 0.0) }
            }
            if let (Some(tv), Some(h)) = (total_variation(&a, &b), hellinger(&a, &b)) {
                prop_assert!(h * h <= tv + 1e-12 && tv <= h * 2f64.sqrt() + 1e-12);
                prop_assert_eq!(hellinger(&a, &a), Some(0.0));
            }
        }
    }

    #[test]
    fn nothing_has_no_distance() {
        assert_eq!((psi(&[0, 0], &[1, 2], Smoothing::Add(0.5)), hellinger(&[], &[]), total_variation(&[1], &[1, 2])), (None, None, None));
        assert_eq!(psi(&[1, 0], &[0, 1], Smoothing::Floor(0.0)), None, "infinitely far");
    }
}
