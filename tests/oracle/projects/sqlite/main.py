"""Databases with a rollback journal and with a write-ahead log; VACUUM INTO, ATTACH and a backup."""

import csv
import sqlite3

with open("readings.csv", newline="") as file:
    rows = [(int(row["sensor"]), int(row["at"]), float(row["value"])) for row in csv.DictReader(file)]

for name, journal in (("rollback.db", "delete"), ("log.db", "wal")):
    db = sqlite3.connect(name)
    db.execute(f"PRAGMA journal_mode = {journal}")
    db.execute("CREATE TABLE readings (sensor INTEGER, at INTEGER, value REAL)")
    for start in range(0, len(rows), 100):
        with db:
            db.executemany("INSERT INTO readings VALUES (?, ?, ?)", rows[start : start + 100])
    print(name, db.execute("SELECT count(*), round(sum(value), 3) FROM readings").fetchone())
    db.close()

db = sqlite3.connect("log.db")
db.execute("VACUUM INTO 'packed.db'")
db.execute("ATTACH 'rollback.db' AS other")
with db:
    db.execute("DELETE FROM other.readings WHERE sensor = 0")
with sqlite3.connect("backup.db") as backup:
    db.backup(backup)
print(db.execute("SELECT count(*) FROM other.readings").fetchone())
backup.close()
db.close()
reader = sqlite3.connect("file:packed.db?mode=ro", uri=True)
print(reader.execute("SELECT max(at) FROM readings").fetchone())
