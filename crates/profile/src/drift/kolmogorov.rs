//! The distribution of the Kolmogorov–Smirnov statistic of n numbers (Simard and L'Ecuyer 2011: which method is exact enough where).

use std::f64::consts::PI;

use super::special::ln_gamma;

/// Up to here the exact methods are fast.
const EXACT_MAX: u64 = 140;

/// The chance that the statistic of n numbers exceeds d, when nothing is different.
pub fn above(n: u64, d: f64) -> f64 {
    if n == 0 || d <= 0.0 || d.is_nan() {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    let count = n as f64;
    let t = count * d;
    let chance = if t <= 0.5 {
        1.0
    } else if t <= 1.0 {
        // n! (2d − 1/n)ⁿ
        1.0 - (ln_gamma(count + 1.0) - count * count.ln() + count * (2.0 * t - 1.0).ln()).exp()
    } else if t >= count - 1.0 {
        2.0 * (1.0 - d).powf(count)
    } else if d >= 0.5 {
        2.0 * one_sided(count, d)
    } else {
        let square = t * d;
        match n <= EXACT_MAX {
            true if square <= 4.0 => 1.0 - matrix(n, d),
            true => 2.0 * one_sided(count, d),
            false if square >= 370.0 => 0.0,
            // the two tails hardly meet
            false if square >= 2.2 => 2.0 * one_sided(count, d),
            false if n <= 100_000 && count * d.powf(1.5) <= 1.4 => 1.0 - matrix(n, d),
            false => 1.0 - series(count, d),
        }
    };
    chance.clamp(0.0, 1.0)
}

/// The chance that the distribution function exceeds the truth by d somewhere (Smirnov): a sum of positive terms.
fn one_sided(n: f64, d: f64) -> f64 {
    let last = (n * (1.0 - d)).floor();
    let all = ln_gamma(n + 1.0);
    let mut total = 0.0;
    let mut j = 0.0;
    while j <= last {
        let (up, down) = (d + j / n, 1.0 - d - j / n);
        if down > 0.0 {
            let ways = all - ln_gamma(j + 1.0) - ln_gamma(n - j + 1.0);
            total += (ways + (j - 1.0) * up.ln() + (n - j) * down.ln()).exp();
        } else if n - j == 0.0 {
            total += up.powf(j - 1.0);
        }
        j += 1.0;
    }
    d * total
}

/// The chance of at most d, by the power of a matrix (Marsaglia, Tsang and Wang 2003).
fn matrix(n: u64, d: f64) -> f64 {
    const HUGE: f64 = 1e140;
    let t = n as f64 * d;
    let k = t.ceil() as usize;
    let h = k as f64 - t;
    let size = 2 * k - 1;
    let mut base = vec![0.0; size * size];
    let mut factorial = vec![1.0f64; size + 1];
    for i in 1..=size {
        factorial[i] = factorial[i - 1] * i as f64;
    }
    for row in 0..size {
        for column in 0..size.min(row + 2) {
            base[row * size + column] = 1.0 / factorial[row + 1 - column];
        }
    }
    for i in 0..size {
        let less = h.powi(i as i32 + 1) / factorial[i + 1];
        base[i * size] -= less;
        base[(size - 1) * size + size - 1 - i] -= less;
    }
    // the corner lost h^size twice, and gets back what the two take together
    if 2.0 * h - 1.0 > 0.0 {
        base[(size - 1) * size] += (2.0 * h - 1.0).powi(size as i32) / factorial[size];
    }
    let (mut power, mut exponent) = (identity(size), 0i64);
    let (mut square, mut square_exponent) = (base, 0i64);
    let mut left = n;
    let middle = (k - 1) * size + k - 1;
    loop {
        if left & 1 == 1 {
            power = product(&power, &square, size);
            exponent += square_exponent;
            rescale(&mut power, middle, &mut exponent, HUGE);
        }
        left >>= 1;
        if left == 0 {
            break;
        }
        square = product(&square, &square, size);
        square_exponent *= 2;
        rescale(&mut square, middle, &mut square_exponent, HUGE);
    }
    let mut chance = power[middle];
    for i in 1..=n {
        chance *= i as f64 / n as f64;
        if chance < 1.0 / HUGE {
            chance *= HUGE;
            exponent -= 1;
        }
    }
    if exponent.abs() > 3 { if exponent > 0 { 1.0 } else { 0.0 } } else { chance * HUGE.powi(exponent as i32) }
}

fn identity(size: usize) -> Vec<f64> {
    (0..size * size).map(|at| f64::from(u8::from(at % (size + 1) == 0))).collect()
}

fn product(a: &[f64], b: &[f64], size: usize) -> Vec<f64> {
    let mut out = vec![0.0; size * size];
    for row in 0..size {
        for middle in 0..size {
            let factor = a[row * size + middle];
            if factor != 0.0 {
                for column in 0..size {
                    out[row * size + column] += factor * b[middle * size + column];
                }
            }
        }
    }
    out
}

fn rescale(matrix: &mut [f64], middle: usize, exponent: &mut i64, huge: f64) {
    if matrix[middle] > huge {
        matrix.iter_mut().for_each(|value| *value /= huge);
        *exponent += 1;
    }
}

/// The chance of at most d for large n, by four terms in 1/√n (Pelz and Good 1976).
fn series(n: f64, d: f64) -> f64 {
    let z = n.sqrt() * d;
    let (z2, z4, z6) = (z.powi(2), z.powi(4), z.powi(6));
    let q = -PI * PI / (8.0 * z2);
    if q < -700.0 {
        return 0.0;
    }
    let (p2, p4, p6) = (PI.powi(2), PI.powi(4), PI.powi(6));
    let terms = (16.0 * z / PI).ceil() as u32;
    let mut sums = [0.0f64; 4];
    for k in (1..=terms).rev() {
        let m2 = f64::from(2 * k - 1).powi(2);
        let (m4, m6) = (m2 * m2, m2 * m2 * m2);
        let weight = (q * m2).exp();
        sums[0] += weight;
        sums[1] += weight * (p2 / 4.0 * m2 - z2);
        sums[2] += weight * (6.0 * z6 + 2.0 * z4 + (2.0 * z4 - 5.0 * z2) * p2 / 4.0 * m2 + p4 * (1.0 - 2.0 * z2) / 16.0 * m4);
        sums[3] += weight
            * (-30.0 * z6 - 90.0 * z.powi(8)
                + p2 * (135.0 * z4 - 96.0 * z6) / 4.0 * m2
                + p4 * (212.0 * z4 - 60.0 * z2) / 16.0 * m4
                + p6 * (5.0 - 30.0 * z2) / 64.0 * m6);
    }
    let root = (2.0 * PI).sqrt();
    for (sum, scale) in sums.iter_mut().zip([z, 6.0 * z4, 72.0 * z.powi(7), 6480.0 * z.powi(10)]) {
        *sum *= root / scale;
    }
    for k in (1..=terms).rev() {
        let k2 = f64::from(k).powi(2);
        let weight = (-p2 * k2 / (2.0 * z2)).exp();
        sums[2] -= weight * k2 * p2 * root / (36.0 * z.powi(3));
        sums[3] += weight * k2 * (3.0 * z2 - p2 * k2) * p2 * root / (216.0 * z6);
    }
    sums[0] + sums[1] / n.sqrt() + sums[2] / n + sums[3] / n.powf(1.5)
}
