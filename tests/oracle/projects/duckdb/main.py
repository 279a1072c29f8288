"""SQL over CSV by glob into Parquet and back, and a database file, with DuckDB."""

import duckdb

duckdb.sql("SET threads = 2")
query = open("query.sql").read()
print(duckdb.sql(query).fetchall())
duckdb.sql(f"COPY ({query}) TO 'totals.parquet' (FORMAT parquet)")
duckdb.sql("COPY (SELECT * FROM 'orders/*.csv' ORDER BY id) TO 'orders.csv' (HEADER)")

with duckdb.connect("shop.duckdb") as shop:
    shop.execute("CREATE TABLE totals AS SELECT * FROM 'totals.parquet'")
with duckdb.connect("shop.duckdb", read_only=True) as shop:
    shop.execute("COPY (SELECT * FROM totals ORDER BY country) TO 'totals.json'")
    print(shop.execute("SELECT count(*) FROM totals").fetchone())
