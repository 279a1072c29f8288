"""A pool that reads shards and writes their sums; the start method is the argument."""

import multiprocessing
import sys
from pathlib import Path

from shard import total

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    Path("out").mkdir()
    with context.Pool(2) as pool:
        totals = pool.map(total, sorted(str(path) for path in Path("shards").glob("*.txt")), chunksize=1)
        pool.close()
        pool.join()
    Path("out/total.txt").write_text(f"{sum(totals)}\n")
    child = context.Process(target=total, args=("shards/0.txt", "again"))
    child.start()
    child.join()
    print(totals, child.exitcode)
