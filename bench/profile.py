"""Profile and drift of 1,000,000 rows × 50 columns (30 of numbers, 20 of texts) of Parquet on both sides: ours, and exactly by Polars.

    cargo build --release -p keizu-profile --example profile
    python bench/profile.py TARGET/release/examples/profile [--runs N]

Needs numpy and pyarrow; Polars where it is installed. Prints rows for RESULTS.md: CPU is user + sys of the whole process, memory its largest resident size.
"""

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
from pathlib import Path

WORK = Path(__file__).parent / "work" / "profile"
ROWS = 1_000_000

POLARS = """
import sys, polars as pl
before, after = pl.read_parquet(sys.argv[1]), pl.read_parquet(sys.argv[2])
for name, kind in before.schema.items():
    if kind == pl.String:
        before[name].value_counts().join(after[name].value_counts(), on=name, how="full")
        continue
    for side in (before, after):
        column = side[name]
        column.null_count(), column.min(), column.max(), column.mean(), column.std(), column.n_unique()
    cuts = before.select(pl.col(name).quantile(cut / 20).alias(str(cut)) for cut in range(1, 20)).row(0)
    cuts = sorted({cut for cut in cuts if cut is not None})
    for side in (before, after):
        side.select(pl.col(name).cut(cuts).value_counts())
"""


def write(path: Path, seed: int, shift: float) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(seed)
    columns = {}
    for at in range(30):
        if at < 20:
            values = random.normal(shift if at % 3 == 0 else 0, 1, ROWS)
        else:
            values = random.integers(0, (2, 10, 100, 10_000, 1_000_000)[at % 5], ROWS)
        columns[f"number_{at}"] = pa.array(values, mask=random.random(ROWS) < 0.02 if at % 4 == 0 else None)
    for at in range(20):
        kinds = (5, 50, 1000, 20_000)[at % 4]
        words = pa.array([f"value {n:06}" for n in range(kinds)])
        picks = np.minimum(random.zipf(1.5, ROWS) - 1, kinds - 1) if at % 2 else random.integers(0, kinds, ROWS)
        columns[f"text_{at}"] = words.take(pa.array(picks))
    pq.write_table(pa.table(columns), path)


def measure(argv: list[str]) -> tuple[float, float]:
    """CPU seconds, and MB at most."""
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{argv} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    before, after = WORK / "before.parquet", WORK / "after.parquet"
    for path, seed, shift in ((before, 1, 0.0), (after, 2, 0.1)):
        if not path.exists():
            write(path, seed, shift)
    variants = {
        "keizu: profiles and drift": [args.binary, "--drift", str(before), str(after)],
        "keizu: the whole difference": [args.binary, str(before), str(after)],
    }
    if importlib.util.find_spec("polars"):
        variants["Polars, exact"] = [sys.executable, "-c", POLARS, str(before), str(after)]
    print("| | n | CPU s | peak MB |\n|--|--|--|--|")
    for name, argv in variants.items():
        samples = [measure(argv) for _ in range(args.runs)]
        print(f"| {name} | {len(samples)} | {statistics.median(cpu for cpu, _ in samples):.2f} | {statistics.median(peak for _, peak in samples):.0f} |", flush=True)


if __name__ == "__main__":
    main()
