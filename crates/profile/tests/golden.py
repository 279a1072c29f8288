"""Writes golden.json: what scipy says of many pairs of samples and counts. Needs scipy 1.17 and numpy 2."""

import json
from pathlib import Path

import numpy as np
import scipy
from scipy import stats
from scipy.spatial.distance import jensenshannon

random = np.random.default_rng(5)


def psi(p, q):
    return float(np.sum((q - p) * np.log(q / p)))


def counts(x, y):
    x, y = np.array(x), np.array(y)
    p, q = x / x.sum(), y / y.sum()
    floor_p, floor_q = np.where(p == 0, 1e-4, p), np.where(q == 0, 1e-4, q)
    half_p, half_q = (x + 0.5) / (x + 0.5).sum(), (y + 0.5) / (y + 0.5).sum()
    seen = (x + y) > 0
    table = np.array([x[seen], y[seen]])
    chi2 = stats.chi2_contingency(table, correction=False)
    g = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    return {
        "before": x.tolist(),
        "after": y.tolist(),
        "psi_floor": psi(floor_p, floor_q),
        "psi_half": psi(half_p, half_q),
        "js_natural": float(jensenshannon(p, q)),
        "js_two": float(jensenshannon(p, q, 2)),
        "hellinger": float(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2)),
        "total_variation": float(np.abs(p - q).sum() / 2),
        "largest": float(np.abs(p - q).max()),
        "kl": float(stats.entropy(floor_q / floor_q.sum(), floor_p / floor_p.sum())) if (x > 0).all() and (y > 0).all() else None,
        "chi2": [float(chi2.statistic), float(chi2.pvalue)],
        "g": [float(g.statistic), float(g.pvalue)],
        "cramers_v": float(stats.contingency.association(table, "cramer")),
        "psi_limit": float((1 / x.sum() + 1 / y.sum()) * stats.chi2.ppf(0.99, len(x) - 1)),
    }


def samples(x, y, exact):
    asymptotic = stats.ks_2samp(x, y, method="asymp")
    return {
        "before": x.tolist(),
        "after": y.tolist(),
        "ks": float(asymptotic.statistic),
        "at": float(asymptotic.statistic_location),
        # one value each: scipy has none
        "p_asymptotic": None if np.isnan(asymptotic.pvalue) else float(asymptotic.pvalue),
        "p_exact": float(stats.ks_2samp(x, y, method="exact").pvalue) if exact else None,
        "wasserstein": float(stats.wasserstein_distance(x, y)),
        "energy": float(stats.energy_distance(x, y)),
    }


def main():
    pairs = [samples(random.normal(0, 1, n).round(3), random.normal(shift, scale, m).round(3), n * m < 100_000)
             for n, m, shift, scale in [(1, 1, 0, 1), (1, 5, 3, 1), (7, 7, 0, 1), (20, 31, 0.5, 1), (100, 80, 0, 2), (150, 150, 0.3, 1), (250, 300, 0.1, 1.1), (250, 300, 0.3, 1), (300, 300, 0, 1)]]
    kolmogorov = [[n, d, float(stats.kstwo.sf(d, n))] for n in (1, 2, 10, 86, 140, 141, 1000, 20_000) for d in (0.004, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.95)]
    tables = [counts(random.integers(0 if zero else 1, 60, k), random.integers(0 if zero else 1, 60, k)) for k, zero in [(2, False), (3, True), (10, False), (10, True), (20, False), (20, True), (50, True)]]
    p = random.uniform(0, 1, 25).round(3) ** 3
    golden = {
        "scipy": scipy.__version__,
        "counts": tables,
        "samples": pairs,
        "kolmogorov": kolmogorov,
        "p": p.tolist(),
        "q": stats.false_discovery_control(p).tolist(),
        "chi2": [[x, k, float(stats.chi2.sf(x, k))] for k in (1, 2, 9, 100, 5000) for x in (0.01, 1, 10, 100, 5100)],
        "chi2_limit": [[p, k, float(stats.chi2.isf(p, k))] for k in (1, 9, 100) for p in (0.5, 0.05, 0.01, 1e-6)],
        "normal": [[z, float(2 * stats.norm.sf(z))] for z in (0.1, 1, 2, 5, 10, 30)],
    }
    Path(__file__).with_name("golden.json").write_text(json.dumps(golden, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
