"""Two workers of joblib's loky, an array they share through a memory map, and a cache on disk."""

from pathlib import Path

import joblib
import numpy as np

from work import row, slow_square

memory = joblib.Memory("cache", verbose=0)

if __name__ == "__main__":
    Path("out").mkdir()
    shared = np.arange(400_000, dtype=np.float64)
    sums = joblib.Parallel(n_jobs=2, max_nbytes="1M")(joblib.delayed(row)(shared, i) for i in range(8))
    print(sums)
    np.save("out/sums.npy", np.array(sums))
    cached = memory.cache(slow_square)
    print(cached(7), cached(7))
