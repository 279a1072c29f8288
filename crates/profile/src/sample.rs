//! Numbers kept for quantiles: all of them, or an even sample that is the same each time.

/// A reservoir (Li's algorithm L) with a fixed seed: which numbers are kept depends on nothing but their order.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    kept: Vec<f64>,
    room: usize,
    seen: u64,
    /// The number of the next value that replaces one.
    next: u64,
    weight: f64,
    state: u64,
}

impl Sample {
    pub fn new(room: usize) -> Sample {
        Sample { kept: Vec::new(), room: room.max(1), seen: 0, next: 0, weight: 1.0, state: 0x9e37_79b9_7f4a_7c15 }
    }

    pub fn extend(&mut self, values: &[f64]) {
        let fits = (self.room - self.kept.len()).min(values.len());
        self.kept.extend_from_slice(&values[..fits]);
        let first = self.seen;
        self.seen += values.len() as u64;
        if self.kept.len() < self.room || fits == values.len() && self.next == 0 {
            return;
        }
        if self.next == 0 {
            self.next = self.room as u64 - 1;
            self.skip();
        }
        while self.next < self.seen {
            let at = (self.random() * self.room as f64) as usize;
            self.kept[at.min(self.room - 1)] = values[(self.next - first) as usize];
            self.skip();
        }
    }

    /// Whether every value is there.
    pub fn is_whole(&self) -> bool {
        self.seen == self.kept.len() as u64
    }

    pub fn into_sorted(mut self) -> Vec<f64> {
        self.kept.sort_unstable_by(f64::total_cmp);
        self.kept
    }

    fn skip(&mut self) {
        self.weight *= (self.random().ln() / self.room as f64).exp();
        let gap = (self.random().ln() / (1.0 - self.weight).ln()).floor();
        self.next = self.next.saturating_add(gap.clamp(0.0, 1e18) as u64).saturating_add(1);
    }

    /// Above 0 and below 1 (splitmix64).
    fn random(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11).max(1) as f64 / (1u64 << 53) as f64
    }
}

/// The quantile of sorted numbers, linear between neighbours, as numpy's default.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let (a, b) = (sorted[low], sorted[(low + 1).min(last)]);
    // a + (b − a) · part would overflow between the largest numbers
    Some(if part == 0.0 {
        a
    } else if (b - a).is_finite() {
        a + (b - a) * part
    } else {
        a * (1.0 - part) + b * part
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_all_that_fits_and_an_even_sample_of_more() {
        let values: Vec<f64> = (0..200_000).map(f64::from).collect();
        let mut small = Sample::new(1000);
        small.extend(&values[..1000]);
        assert!(small.is_whole());
        assert_eq!(small.into_sorted(), values[..1000]);

        let (mut at_once, mut piecewise) = (Sample::new(10_000), Sample::new(10_000));
        at_once.extend(&values);
        values.chunks(777).for_each(|chunk| piecewise.extend(chunk));
        assert!(!at_once.is_whole());
        let (at_once, piecewise) = (at_once.into_sorted(), piecewise.into_sorted());
        assert_eq!(at_once, piecewise, "how the values come does not matter");
        for share in [0.1, 0.25, 0.5, 0.9] {
            let off = (quantile(&at_once, share).expect("kept") - share * 2e5).abs() / 2e5;
            assert!(off < 0.02, "{share}: off by {off}");
        }
    }

    #[test]
    fn quantiles_are_numpys() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[7.0], 0.9), Some(7.0));
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.5), Some(3.0));
        assert_eq!(quantile(&[f64::MIN, f64::MAX], 0.5), Some(0.0));
    }
}
