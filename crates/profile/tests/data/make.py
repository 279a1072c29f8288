"""Writes the same small table in every format, and arrays. Needs numpy, pandas and pyarrow."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather

HERE = Path(__file__).parent

random = np.random.default_rng(5)
N = 60
table = pd.DataFrame(
    {
        "id": np.arange(N) + 2**60,
        "unsigned": np.arange(N, dtype="uint64") + 2**63,
        "delay": np.where(random.random(N) < 0.1, np.nan, random.normal(10, 20, N).round(2)),
        "late": random.random(N) < 0.3,
        "carrier": random.choice(["UA", "EV", 'B "6"', "A,A", "日本"], N),
        "at": pd.date_range("2013-01-01", periods=N, freq="h"),
        "nothing": [None] * N,
    }
)
table.to_csv(HERE / "table.csv", index=False)
table.to_csv(HERE / "table.csv.gz", index=False, compression={"method": "gzip", "mtime": 0})
table.to_csv(HERE / "table.tsv", index=False, sep="\t", quoting=1)
table.to_json(HERE / "table.jsonl", orient="records", lines=True, date_format="iso", double_precision=15)
table.to_json(HERE / "table.json", orient="records", date_format="iso", double_precision=15)
for codec in ("snappy", "zstd", "gzip", "lz4"):
    table.to_parquet(HERE / f"{codec}.parquet", index=False, compression=codec)
feather.write_feather(table, HERE / "table.feather", compression="lz4")
batch = pa.Table.from_pandas(table, preserve_index=False)
with pa.ipc.new_stream(HERE / "table.arrows", batch.schema) as stream:
    stream.write_table(batch)

matrix = random.normal(size=(50, 3))
np.save(HERE / "matrix.npy", matrix)
np.save(HERE / "fortran.npy", np.asfortranarray(matrix))
np.save(HERE / "big_endian.npy", matrix.astype(">f8"))
np.save(HERE / "records.npy", np.array([(1, 2.5, "ab"), (2, np.nan, "c")], dtype=[("x", "i4"), ("y", "f8"), ("z", "U3")]))
np.save(HERE / "objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
np.savez_compressed(HERE / "arrays.npz", X=np.asfortranarray(matrix), y=np.arange(50) % 2, test=np.arange(7.0))
