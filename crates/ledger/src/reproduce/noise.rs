//! The band in which a number lies when nothing but chance differs.

use std::collections::BTreeMap;

use serde::Serialize;

/// Student's t for 99 %, both sides, by degrees of freedom from 1; beyond the table the normal distribution's.
const T99: [f64; 30] = [
    63.656_741, 9.924_843, 5.840_909, 4.604_095, 4.032_143, 3.707_428, 3.499_483, 3.355_387, 3.249_836, 3.169_273, 3.105_807, 3.054_540,
    3.012_276, 2.976_843, 2.946_713, 2.920_782, 2.898_231, 2.878_440, 2.860_935, 2.845_340, 2.831_360, 2.818_756, 2.807_336, 2.796_940,
    2.787_436, 2.778_715, 2.770_683, 2.763_262, 2.756_386, 2.749_996,
];
/// The same for 95 %.
const T95: [f64; 30] = [
    12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157, 2.228_139, 2.200_985, 2.178_813,
    2.160_369, 2.144_787, 2.131_450, 2.119_905, 2.109_816, 2.100_922, 2.093_024, 2.085_963, 2.079_614, 2.073_873, 2.068_658, 2.063_899,
    2.059_539, 2.055_529, 2.051_831, 2.048_407, 2.045_230, 2.042_272,
];

/// How sure a band is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sure {
    /// 95 of 100.
    Of95,
    /// 99 of 100.
    Of99,
}

impl Sure {
    /// Student's t.
    pub fn t(self, freedom: usize) -> f64 {
        let (table, limit) = match self {
            Self::Of95 => (&T95, 1.959_964),
            Self::Of99 => (&T99, 2.575_829),
        };
        match freedom {
            0 => f64::INFINITY,
            _ => table.get(freedom - 1).copied().unwrap_or(limit),
        }
    }
}

/// Numbers measured again and again.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample(pub Vec<f64>);

impl Sample {
    /// Their mean; of none not a number.
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    /// The sum of the squares of their distances from the mean.
    pub fn squares(&self) -> f64 {
        if self.is_steady() {
            return 0.0; // a mean may miss equal numbers by its last digit
        }
        let mean = self.mean();
        self.0.iter().map(|value| (value - mean).powi(2)).sum()
    }

    /// Whether all are the same number.
    pub fn is_steady(&self) -> bool {
        self.0.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Half the width of the band around the mean in which one more number lies, so surely.
    pub fn half(&self, sure: Sure) -> f64 {
        let n = self.0.len();
        if n > 0 && self.is_steady() {
            return 0.0;
        }
        let spread = (self.squares() / n.saturating_sub(1) as f64).sqrt();
        sure.t(n.saturating_sub(1)) * spread * (1.0 + 1.0 / n as f64).sqrt()
    }
}

/// One number of an evaluation: as recorded, and as it came out again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Band {
    /// The document and its key: `eval.json: auc`.
    pub name: String,
    /// As recorded.
    pub recorded: f64,
    /// As it came out, each time.
    pub again: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Half the width of the band.
    pub half: f64,
    /// Whether the recorded number lies in the band.
    pub within: bool,
}

/// Bands of all numbers that came out each time; none when a number is missing in one of them.
pub fn bands(recorded: &BTreeMap<String, f64>, again: &[BTreeMap<String, f64>]) -> Option<Vec<Band>> {
    let band = |(name, recorded): (&String, &f64)| {
        let sample = Sample(again.iter().map(|numbers| numbers.get(name).copied()).collect::<Option<_>>()?);
        let (mean, half) = (sample.mean(), sample.half(Sure::Of99));
        let within = if sample.is_steady() { sample.0.first() == Some(recorded) } else { (recorded - mean).abs() <= half };
        Some(Band { name: name.clone(), recorded: *recorded, again: sample.0, mean, half, within })
    };
    recorded.iter().map(band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_steady_number_has_no_band() {
        let numbers = |auc: f64| BTreeMap::from([("auc".to_owned(), auc)]);
        let bands = |recorded, again: &[f64]| super::bands(&numbers(recorded), &again.iter().map(|auc| numbers(*auc)).collect::<Vec<_>>());
        let steady = bands(0.1, &[0.1, 0.1, 0.1]).unwrap();
        assert_eq!((steady[0].half, steady[0].within), (0.0, true));
        assert!(!bands(0.100_000_1, &[0.1, 0.1, 0.1]).unwrap()[0].within);
        // 1, 2, 3: mean 2, spread 1, t(2) = 9.925
        let wide = bands(13.0, &[1.0, 2.0, 3.0]).unwrap();
        assert!((wide[0].half - 9.924_843 * (4.0_f64 / 3.0).sqrt()).abs() < 1e-6 && wide[0].within);
        assert!(!bands(14.0, &[1.0, 2.0, 3.0]).unwrap()[0].within);
        assert_eq!(super::bands(&numbers(1.0), &[BTreeMap::new()]), None);
    }

    proptest! {
        #[test]
        fn a_band_holds_every_number_that_made_it(numbers in prop::collection::vec(-1e6..1e6f64, 2..12)) {
            let sample = Sample(numbers);
            let half = sample.half(Sure::Of99) + 1e-6;
            prop_assert!(sample.0.iter().all(|number| (number - sample.mean()).abs() <= half));
        }
    }
}
