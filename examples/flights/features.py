"""Step 2: join the days with weather and planes, and split them by day into a training part and a held-out part.

Whole days are held out: flights of one day share their weather and their jams, so a random split would flatter the model.
"""

import argparse
from glob import glob
from pathlib import Path

import pandas as pd

from common import CATEGORIES, FEATURES, LABEL, LATE_MINUTES, raw

PRIOR_FLIGHTS = 50


def load_days() -> pd.DataFrame:
    paths = sorted(glob("daily/*.csv"))
    if not paths:
        raise SystemExit("daily/ is empty: run ingest.py first")
    flights = pd.concat([pd.read_csv(path) for path in paths], ignore_index=True)
    # Cancelled and diverted flights have no delay on arrival.
    flights = flights[flights["arr_delay"].notna()].reset_index(drop=True)
    flights[LABEL] = (flights["arr_delay"] > LATE_MINUTES).astype("int8")
    flights["weekday"] = pd.to_datetime(flights[["year", "month", "day"]]).dt.day_of_week
    flights["departures"] = flights.groupby(["origin", "time_hour"])["flight"].transform("size")
    return flights


def join(flights: pd.DataFrame) -> pd.DataFrame:
    sky = ["temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
    weather = pd.read_csv(raw("weather.csv"), usecols=["origin", "time_hour", *sky])
    planes = pd.read_csv(raw("planes.csv"), usecols=["tailnum", "year", "manufacturer", "engines", "seats", "engine"])
    planes = planes.rename(columns={"year": "built"})
    joined = flights.merge(weather, on=["origin", "time_hour"], how="left").merge(planes, on="tailnum", how="left")
    joined["plane_age"] = joined["year"] - joined["built"]
    return joined


def add_history(flights: pd.DataFrame, training: pd.Series) -> None:
    """How often flights of the same group were late on the training days, pulled towards the mean where there were few."""
    seen = flights[training]
    mean = seen[LABEL].mean()
    for column, keys in {"carrier_late": ["carrier"], "route_late": ["origin", "dest"], "hour_late": ["origin", "hour"]}.items():
        groups = seen.groupby(keys)[LABEL].agg(["sum", "count"])
        rate = ((groups["sum"] + PRIOR_FLIGHTS * mean) / (groups["count"] + PRIOR_FLIGHTS)).rename(column)
        flights[column] = flights[keys].merge(rate.reset_index(), on=keys, how="left")[column].fillna(mean)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hold-out", type=int, nargs="+", default=[7, 14, 21, 28], metavar="DAY", help="days of the month kept for evaluation")
    args = parser.parse_args()

    flights = join(load_days())
    held_out = flights["day"].isin(args.hold_out)
    if held_out.all() or not held_out.any():
        raise SystemExit(f"there must be days both for training and for evaluation; held out are {args.hold_out} of each month")
    add_history(flights, ~held_out)
    for column in CATEGORIES:
        flights[column] = flights[column].astype("category")

    Path("features").mkdir(exist_ok=True)
    keep = ["year", "day", *FEATURES, LABEL]
    for name, rows in {"train": ~held_out, "holdout": held_out}.items():
        part = flights.loc[rows, keep].reset_index(drop=True)
        part.to_parquet(f"features/{name}.parquet", index=False)
        print(f"features/{name}.parquet: {len(part)} flights, {part[LABEL].mean():.1%} late")


if __name__ == "__main__":
    main()
