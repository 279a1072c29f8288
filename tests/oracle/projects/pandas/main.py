"""CSV, compressed CSV, Parquet, JSON and pickle with pandas; a folder by glob."""

from glob import glob
from pathlib import Path

import pandas as pd

parts = [pd.read_csv(path, parse_dates=["at"]) for path in sorted(glob("parts/*.csv"))]
frame = pd.concat(parts, ignore_index=True).merge(pd.read_json("names.json"), on="key")
Path("out").mkdir()
frame.to_parquet("out/all.parquet", index=False)
frame.to_csv("out/all.csv.gz", index=False, compression={"method": "gzip", "mtime": 0})
frame.groupby("name")["value"].describe().to_json("out/summary.json", indent=1)
frame.to_pickle("out/all.pkl")

again = pd.read_parquet("out/all.parquet", columns=["name", "value"])
again.groupby("name", as_index=False).sum().to_csv("out/sums.csv", index=False)
pd.read_csv("out/all.csv.gz").tail(3).to_csv("out/tail.csv", index=False)
print(again.groupby("name")["value"].sum())
