"""What the workers do."""

from pathlib import Path

import numpy as np


def row(shared: np.ndarray, i: int) -> float:
    weight = float(Path(f"weights/{i % 4}.txt").read_text())
    total = float(shared[i::8].sum() * weight)
    Path(f"out/{i}.txt").write_text(f"{total}\n")
    return total


def slow_square(x: int) -> int:
    return x * x
