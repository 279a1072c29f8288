"""A partitioned dataset with pyarrow: written by its threads, read with a filter, by memory map and by the C++ file system."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.feather
import pyarrow.fs
import pyarrow.parquet as pq

table = pyarrow.csv.read_csv("measures.csv")
ds.write_dataset(table, "measures", format="parquet", partitioning=ds.partitioning(pa.schema([("city", pa.string())]), flavor="hive"))
measures = ds.dataset("measures", partitioning="hive")
late = measures.to_table(filter=pc.field("year") == 2021, use_threads=True)
print(late.num_rows, sorted(set(late.column("city").to_pylist())))
pyarrow.feather.write_feather(late, "late.feather", compression="zstd")
with pa.memory_map("late.feather") as source:
    print(pa.ipc.open_file(source).read_all().num_rows)
with pa.OSFile("late.arrow", "wb") as sink, pa.ipc.new_file(sink, late.schema) as writer:
    writer.write_table(late)
local = pyarrow.fs.LocalFileSystem()
with local.open_input_file("late.arrow") as source, local.open_output_stream("copy.arrow") as sink:
    sink.write(source.read())
local.move("copy.arrow", "moved.arrow")
pq.write_table(table.group_by("city").aggregate([("value", "count")]).sort_by("city"), "counts.parquet")
print(pq.read_table("counts.parquet").to_pydict())
Path("late.arrow").unlink()
