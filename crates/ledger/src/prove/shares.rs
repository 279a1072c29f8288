//! How a change of a number is shared out among factors, when the number was measured with each set of them swapped.
//!
//! With all sets measured (few factors), a *main effect* is what a factor does alone, and an *interaction* what a set does beyond all that its
//! parts do (Möbius). Where no interaction is larger than the noise, each factor's share is Shapley's value, in which interactions
//! are dealt out evenly. Either way the parts add up to the whole.

use std::collections::BTreeMap;

/// Factors of which every set is measured.
pub const WHOLE_MAX: usize = 3;

/// A set of factors, a bit each.
pub type Set = u32;

/// The shares of one number.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    /// Of each factor.
    pub factors: Vec<f64>,
    /// Of sets that do more, or less, than their parts; the largest first.
    pub interactions: Vec<(Set, f64)>,
    /// What no factor and no named interaction accounts for.
    pub rest: f64,
}

impl Shares {
    /// Everything together.
    pub fn total(&self) -> f64 {
        self.factors.iter().sum::<f64>() + self.interactions.iter().map(|(_, value)| value).sum::<f64>() + self.rest
    }
}

/// From all sets: `values` holds the number for each set of `count` factors, the empty one and the whole one among them. An interaction is named
/// when it is larger than `noise`.
pub fn whole(count: usize, values: &BTreeMap<Set, f64>, noise: f64) -> Option<Shares> {
    let all: Vec<f64> = (0..1 << count).map(|set: Set| values.get(&set).copied()).collect::<Option<_>>()?;
    let dividends: Vec<f64> = (0..1 << count).map(|set: Set| dividend(set, &all)).collect();
    let several = |set: &Set| set.count_ones() > 1;
    let mut interactions: Vec<(Set, f64)> =
        (0..1 << count).filter(several).map(|set| (set, dividends[set as usize])).filter(|(_, value)| value.abs() > noise).collect();
    interactions.sort_by(|x, y| y.1.abs().total_cmp(&x.1.abs()).then(x.0.cmp(&y.0)));
    let factors = (0..count).map(|at| {
        let bit: Set = 1 << at;
        // named interactions stand for themselves; the rest is dealt out among those who take part
        let own = (0..1 << count).filter(|set: &Set| set & bit != 0 && interactions.iter().all(|(named, _)| named != set));
        own.map(|set| dividends[set as usize] / f64::from(set.count_ones())).sum()
    });
    let mut shares = Shares { factors: factors.collect(), interactions, rest: 0.0 };
    shares.rest = all[all.len() - 1] - all[0] - shares.total();
    Some(shares)
}

/// What a set does beyond its parts.
fn dividend(set: Set, values: &[f64]) -> f64 {
    if set == 0 {
        return 0.0;
    }
    let mut sum = 0.0;
    let mut part = set;
    loop {
        let sign = if (set.count_ones() - part.count_ones()).is_multiple_of(2) { 1.0 } else { -1.0 };
        sum += sign * values[part as usize];
        if part == 0 {
            return sum;
        }
        part = (part - 1) & set;
    }
}

/// From both ends, for many factors: of each what it does alone in the old world, and what the new world lacks without it.
pub fn ends(old: f64, new: f64, alone: &[f64], without: &[f64]) -> Shares {
    let factors: Vec<f64> = alone.iter().zip(without).map(|(alone, without)| ((alone - old) + (new - without)) / 2.0).collect();
    let rest = new - old - factors.iter().sum::<f64>();
    Shares { factors, interactions: Vec::new(), rest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(all: &[f64]) -> BTreeMap<Set, f64> {
        all.iter().enumerate().map(|(set, value)| (set as Set, *value)).collect()
    }

    #[test]
    fn factors_that_add_up_have_no_interaction() {
        let shares = whole(2, &values(&[10.0, 13.0, 8.0, 11.0]), 0.0).unwrap();
        assert_eq!((shares.factors.as_slice(), shares.interactions.as_slice()), ([3.0, -2.0].as_slice(), [].as_slice()));
    }

    #[test]
    fn two_that_only_matter_together_interact() {
        let shares = whole(2, &values(&[1.0, 1.0, 1.0, 5.0]), 0.5).unwrap();
        assert_eq!((shares.factors, shares.interactions), (vec![0.0, 0.0], vec![(0b11, 4.0)]));
        // within the noise it is dealt out
        let shares = whole(2, &values(&[1.0, 1.0, 1.0, 5.0]), 4.5).unwrap();
        assert_eq!((shares.factors, shares.interactions), (vec![2.0, 2.0], vec![]));
        assert_eq!(whole(2, &values(&[1.0, 1.0]), 0.0), None);
    }

    #[test]
    fn many_are_shared_from_both_ends() {
        let shares = ends(0.0, 10.0, &[3.0, 1.0], &[6.0, 8.0]);
        assert_eq!((shares.factors.as_slice(), shares.rest), ([3.5, 1.5].as_slice(), 5.0));
    }

    proptest! {
        #[test]
        fn shares_and_interactions_add_up(count in 1usize..=WHOLE_MAX, all in prop::collection::vec(-1e3..1e3f64, 8), noise in 0.0..500.0f64) {
            let all = &all[..1 << count];
            let shares = whole(count, &values(all), noise).unwrap();
            let total = all[all.len() - 1] - all[0];
            prop_assert!((shares.total() - total).abs() < 1e-9 && shares.rest.abs() < 1e-9, "{shares:?}");
            prop_assert!(shares.interactions.iter().all(|(_, value)| value.abs() > noise));
            let shapley = whole(count, &values(all), f64::INFINITY).unwrap();
            prop_assert!((shapley.factors.iter().sum::<f64>() - total).abs() < 1e-9);
        }

        #[test]
        fn a_factor_that_does_nothing_has_no_share(count in 2usize..=WHOLE_MAX, half in prop::collection::vec(-1e3..1e3f64, 4)) {
            // the last factor never changes anything
            let below = 1 << (count - 1);
            let all: Vec<f64> = (0..1 << count).map(|set: usize| half[set % below]).collect();
            let shares = whole(count, &values(&all), 0.0).unwrap();
            prop_assert!(shares.factors[count - 1].abs() < 1e-9);
        }

        #[test]
        fn both_ends_add_up_as_well(old in -1e3..1e3f64, new in -1e3..1e3f64, pairs in prop::collection::vec((-1e3..1e3f64, -1e3..1e3f64), 1..9)) {
            let (alone, without): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            prop_assert!((ends(old, new, &alone, &without).total() - (new - old)).abs() < 1e-9);
        }
    }
}
