//! Every measure against numbers that were computed elsewhere: scipy 1.17.1, numpy 2.4.6. To 1e-9 of their size.

use keizu_profile::drift::counts::{self, Base, FLOOR, Smoothing};
use keizu_profile::drift::{kolmogorov, samples, tests};
use serde_json::Value;

#[track_caller]
fn near(ours: impl Into<Option<f64>>, theirs: f64) {
    let ours = ours.into().expect("there is something to measure");
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(f64::MIN_POSITIVE), "{ours} is not {theirs}");
}

const X: [u64; 10] = [20, 20, 21, 20, 20, 20, 19, 20, 20, 20];
const Y: [u64; 10] = [8, 12, 14, 12, 12, 12, 12, 13, 13, 42];

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn x() -> Vec<f64> {
    sorted((0..200).map(|i| f64::from(37 * i % 101) / 10.0).collect())
}

fn y() -> Vec<f64> {
    sorted((0..150).map(|i| f64::from(53 * i % 97) / 8.0 + 0.5).collect())
}

#[test]
fn over_counts() {
    near(counts::psi(&X, &Y, Smoothing::Floor(FLOOR)), 0.2402859617377651);
    near(counts::psi(&X, &Y, Smoothing::Add(0.5)), 0.22673877962521455);
    near(counts::js_distance(&X, &Y, Base::Natural), 0.1702911130093303);
    near(counts::js_distance(&X, &Y, Base::Two), 0.20454047185269236);
    near(counts::js_divergence(&X, &Y, Base::Natural), 0.028999063169956506);
    near(counts::js_divergence(&X, &Y, Base::Two), 0.041836804625722035);
    near(counts::hellinger(&X, &Y), 0.17176917206534392);
    near(counts::total_variation(&X, &Y), 0.18);
    near(counts::largest_difference(&X, &Y), 0.18);
    near(counts::kl(&X, &Y, Smoothing::Floor(FLOOR)), 0.13381645510787207);
}

#[test]
fn over_samples() {
    let (x, y) = (x(), y());
    let ks = samples::ks(&x, &y).expect("not empty");
    near(ks.statistic, 0.2);
    near(ks.at, 9.6);
    near(samples::ks_p_asymptotic(ks.statistic, 200, 150), 0.0017190267677310816);
    near(samples::ks_p_exact(ks.statistic, 200, 150), 0.0018205013013670869);
    let distance = samples::wasserstein(&x, &y).expect("not empty");
    near(distance, 1.3904999999999998);
    let mean = x.iter().sum::<f64>() / 200.0;
    let deviation = (x.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 200.0).sqrt();
    near(samples::normed(distance, deviation), 0.4755762950352019);
    near(samples::energy(&x, &y), 0.6112632638869915);
}

#[test]
fn tests_of_tables() {
    let chi2 = tests::chi2(&[90, 60, 40, 10], &[50, 50, 30, 20]).expect("counts");
    near(chi2.statistic, 10.164141414141413);
    near(chi2.p, 0.017221186604274855);
    assert_eq!(chi2.degrees, 3);
    let chi2 = tests::chi2(&[90, 60, 40, 10, 0], &[50, 50, 30, 0, 20]).expect("counts");
    near(chi2.statistic, 37.38636363636363);
    near(chi2.p, 1.499581858150309e-07);
    near(tests::cramers_v(&chi2, 200, 150), 0.3268305093135918);
    near(tests::g(&[90, 60, 40, 10], &[50, 50, 30, 20]).map(|test| test.statistic), 10.163818941367596);
    let (z, p) = tests::shares((4, 200), (12, 150)).expect("counts");
    near(z, 2.6595776532023225);
    near(p, 0.007823869215370738);
    near(tests::psi_limit(10, 200, 150, 0.99), 0.25276993389038915);
    let q = tests::benjamini_hochberg(&[0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205]);
    for (ours, theirs) in q.iter().zip([0.008, 0.032, 0.0672, 0.0672, 0.0672, 0.08, 0.592 / 7.0, 0.205]) {
        near(*ours, theirs);
    }
}

fn golden() -> Value {
    serde_json::from_str(include_str!("golden.json")).expect("golden.json is written by golden.py")
}

fn rows<'a>(golden: &'a Value, what: &str) -> &'a [Value] {
    let rows = golden[what].as_array().expect("a list");
    assert!(rows.len() >= 6, "{what}");
    rows
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(number).collect()
}

#[test]
fn scipy_over_counts() {
    for row in rows(&golden(), "counts") {
        let side = |name: &str| numbers(&row[name]).iter().map(|count| *count as u64).collect::<Vec<_>>();
        let (before, after) = (side("before"), side("after"));
        near(counts::psi(&before, &after, Smoothing::Floor(FLOOR)), number(&row["psi_floor"]));
        near(counts::psi(&before, &after, Smoothing::Add(0.5)), number(&row["psi_half"]));
        near(counts::js_distance(&before, &after, Base::Natural), number(&row["js_natural"]));
        near(counts::js_distance(&before, &after, Base::Two), number(&row["js_two"]));
        near(counts::hellinger(&before, &after), number(&row["hellinger"]));
        near(counts::total_variation(&before, &after), number(&row["total_variation"]));
        near(counts::largest_difference(&before, &after), number(&row["largest"]));
        if let Some(kl) = row["kl"].as_f64() {
            near(counts::kl(&before, &after, Smoothing::Floor(FLOOR)), kl);
        }
        let chi2 = tests::chi2(&before, &after).expect("counts");
        near(chi2.statistic, number(&row["chi2"][0]));
        near(chi2.p, number(&row["chi2"][1]));
        let g = tests::g(&before, &after).expect("counts");
        near(g.statistic, number(&row["g"][0]));
        near(g.p, number(&row["g"][1]));
        near(tests::cramers_v(&chi2, before.iter().sum(), after.iter().sum()), number(&row["cramers_v"]));
        near(tests::psi_limit(before.len(), before.iter().sum(), after.iter().sum(), 0.99), number(&row["psi_limit"]));
    }
}

#[test]
fn scipy_over_samples() {
    for row in rows(&golden(), "samples") {
        let (before, after) = (sorted(numbers(&row["before"])), sorted(numbers(&row["after"])));
        let ks = samples::ks(&before, &after).expect("not empty");
        near(ks.statistic, number(&row["ks"]));
        near(samples::ks_p_asymptotic(ks.statistic, before.len(), after.len()), row["p_asymptotic"].as_f64().unwrap_or(1.0));
        if let Some(exact) = row["p_exact"].as_f64() {
            near(samples::ks_p_exact(ks.statistic, before.len(), after.len()), exact);
        }
        near(samples::wasserstein(&before, &after), number(&row["wasserstein"]));
        near(samples::energy(&before, &after), number(&row["energy"]));
    }
}

#[test]
fn scipy_distributions() {
    let golden = golden();
    for row in rows(&golden, "kolmogorov") {
        let (n, d, p) = (number(&row[0]) as u64, number(&row[1]), number(&row[2]));
        let ours = kolmogorov::above(n, d);
        // far out in the tail both are nothing
        assert!((ours - p).abs() <= 1e-9 * p || p < 1e-200 && ours < 1e-200, "n {n}, d {d}: {ours} is not {p}");
    }
    for (ours, theirs) in tests::benjamini_hochberg(&numbers(&golden["p"])).iter().zip(numbers(&golden["q"])) {
        near(*ours, theirs);
    }
}
