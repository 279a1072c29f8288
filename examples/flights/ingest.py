"""Step 1: cut the raw table of a year into one file a day, `daily/2013-MM-DD.csv`, every value as it was written."""

import argparse
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from common import raw


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", type=date.fromisoformat, metavar="YYYY-MM-DD", help="one day")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the first day of several")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the last day of several")
    args = parser.parse_args()
    first, last = args.first or args.day, args.last or args.first or args.day
    if first is None or (args.day and args.first):
        parser.error("say which days: --day DAY, or --from DAY --to DAY")
    if last < first:
        parser.error(f"--to {last} is before --from {first}")

    # As text, so that what is written is what was read.
    flights = pd.read_csv(raw("flights.csv.zip"), dtype=str, keep_default_na=False)
    by_day = flights.groupby(["year", "month", "day"], sort=False)
    Path("daily").mkdir(exist_ok=True)
    rows = 0
    for day in days(first, last):
        key = (str(day.year), str(day.month), str(day.day))
        if key not in by_day.groups:
            raise SystemExit(f"no flights on {day}: the table covers 2013")
        part = by_day.get_group(key)
        part.to_csv(f"daily/{day}.csv", index=False)
        rows += len(part)
    print(f"{len(days(first, last))} days, {rows} flights")


if __name__ == "__main__":
    main()
