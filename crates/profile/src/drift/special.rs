//! The special functions behind the p-values.

use std::f64::consts::PI;

/// ln Γ(x) for x > 0 (Lanczos, g = 607/128).
pub(crate) fn ln_gamma(x: f64) -> f64 {
    // small whole numbers are what counts ask for most; Stirling's series is exact to the last bits where they are large
    if x >= 15.0 {
        let (inverse, square) = (1.0 / x, 1.0 / (x * x));
        let series = inverse
            * (1.0 / 12.0
                - square
                    * (1.0 / 360.0
                        - square * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square * (1.0 / 1188.0 - square * 691.0 / 360_360.0)))));
        return (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + series;
    }
    // Γ(x) = Γ(x + k) / (x (x + 1) … (x + k − 1))
    let (mut product, mut above) = (1.0, x);
    while above < 15.0 {
        product *= above;
        above += 1.0;
    }
    ln_gamma(above) - product.ln()
}

/// The regularized upper incomplete gamma function Q(a, x).
pub(crate) fn gamma_q(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x < a + 1.0 {
        return (1.0 - gamma_series(a, x)).clamp(0.0, 1.0);
    }
    if x.is_infinite() {
        return 0.0;
    }
    // continued fraction (Lentz)
    let tiny = f64::MIN_POSITIVE / f64::EPSILON;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let mut h = d;
    for step in 1..10_000 {
        let step = f64::from(step);
        let an = -step * (step - a);
        b += 2.0;
        d = an * d + b;
        d = 1.0 / if d.abs() < tiny { tiny } else { d };
        c = b + an / c;
        c = if c.abs() < tiny { tiny } else { c };
        let change = d * c;
        h *= change;
        if (change - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    ((a * x.ln() - x - ln_gamma(a)).exp() * h).clamp(0.0, 1.0)
}

/// The regularized lower incomplete gamma function P(a, x), for x < a + 1.
fn gamma_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
    for _ in 0..100_000 {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * f64::EPSILON / 2.0 {
            break;
        }
    }
    (a * x.ln() - x - ln_gamma(a)).exp() * sum
}

/// The chance that chi² with so many degrees of freedom exceeds x.
pub(crate) fn chi2_above(x: f64, degrees: f64) -> f64 {
    if degrees <= 0.0 { 1.0 } else { gamma_q(degrees / 2.0, x / 2.0) }
}

/// What chi² exceeds with this chance (the chance between 0 and 1, both left out).
pub(crate) fn chi2_limit(chance: f64, degrees: f64) -> f64 {
    if degrees <= 0.0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, degrees.max(1.0));
    while chi2_above(high, degrees) > chance && high < 1e300 {
        low = high;
        high *= 2.0;
    }
    // halving loses nothing and ends at neighbouring numbers
    for _ in 0..2000 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if chi2_above(middle, degrees) > chance { low = middle } else { high = middle }
    }
    high
}

/// The chance that a standard normal number is further from 0 than this.
pub(crate) fn normal_beyond(z: f64) -> f64 {
    gamma_q(0.5, z * z / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_of_known_places() {
        let near = |a: f64, b: f64| assert!((a - b).abs() <= 4e-15 * b.abs().max(1.0), "{a} {b}");
        near(ln_gamma(1.0), 0.0);
        near(ln_gamma(0.5), PI.sqrt().ln());
        near(ln_gamma(10.0), 362_880f64.ln());
        near(ln_gamma(171.0), 706.573_062_245_787_4);
        near(gamma_q(1.0, 2.0), (-2.0f64).exp());
        near(normal_beyond(1.959_963_984_540_054), 0.05);
        assert_eq!((gamma_q(3.0, 0.0), gamma_q(3.0, f64::INFINITY), chi2_above(1.0, 0.0)), (1.0, 0.0, 1.0));
    }

    #[test]
    fn scipys_tails() {
        let golden: serde_json::Value = serde_json::from_str(include_str!("../../tests/golden.json")).expect("golden.json");
        let rows = |what: &str| golden[what].as_array().expect("a list").clone();
        let at = |row: &serde_json::Value, place: usize| row[place].as_f64().expect("a number");
        let near =
            |ours: f64, theirs: f64| assert!((ours - theirs).abs() <= 1e-9 * theirs.abs() || theirs < 1e-290, "{ours} is not {theirs}");
        rows("chi2").iter().for_each(|row| near(chi2_above(at(row, 0), at(row, 1)), at(row, 2)));
        rows("chi2_limit").iter().for_each(|row| near(chi2_limit(at(row, 0), at(row, 1)), at(row, 2)));
        rows("normal").iter().for_each(|row| near(normal_beyond(at(row, 0)), at(row, 1)));
    }
}
