"""What time data speak of, how recent that must be, and what is in a table: on a small pipeline."""

import json
import sys
from pathlib import Path

import pytest

from faults.box import Box, until
from oracle.keizu import binary

FEATURES = """
from pathlib import Path
rows = [line for path in sorted(Path('daily').glob('*.csv')) for line in path.read_text().splitlines()[1:]]
carriers = Path('carriers.csv').read_text()
Path('features.csv').write_text('x,y\\n' + '\\n'.join(str(len(row)) + ',' + str(len(carriers)) for row in rows) + '\\n')
"""
TRAIN = """
from pathlib import Path
Path('delay.bin').write_text('model ' + Path('features.csv').read_text() + Path('weather.csv').read_text())
"""
CONFIG = """
[models]
delay = "delay.bin"
[freshness]
"model:delay" = "2 days"
"""


def day(box: Box, name: str, hour: str) -> None:
    rows = "".join(f"{name} {hour}:{minute:02}:00,{minute}\n" for minute in range(30))
    box.write(f"daily/{name}.csv", "time,delay\n" + rows)


def settled(box: Box) -> None:
    box.keizu("log")
    until(lambda: not any((box.project / ".keizu" / "run").iterdir()), "the watchers' end")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Box:
    if binary() is None:
        pytest.skip("no keizu binary: set KEIZU_BIN, or cargo build -p keizu")
    box = Box(tmp_path_factory.mktemp("data_time"))
    for number in range(1, 11):
        day(box, f"2013-10-{number:02}", "21")
    box.write("carriers.csv", "carrier,name\n" + "UA,United Air Lines\nEV,ExpressJet\n" * 3)
    box.write("weather.csv", "time,wind\n" + "2013-10-13 05:00:00,1.5\n2013-10-13 06:00:00,\n" * 3)
    box.write("features.py", FEATURES)
    box.write("train.py", TRAIN)
    box.write("keizu.toml", CONFIG)
    box.keizu.run(sys.executable, "features.py", check=True)
    box.keizu.run(sys.executable, "train.py", check=True)
    settled(box)
    return box


def test_a_table_is_described_after_the_run(made: Box) -> None:
    shown = made.keizu.json("show", "weather.csv")
    assert shown["profile"]["rows"] == 6 and shown["no_profile"] is None
    columns = {column["name"]: column for column in shown["profile"]["columns"]}
    assert columns["time"]["kind"] == "time" and columns["wind"]["missing"] == 0.5
    assert shown["data_time"]["time"] == "2013-10-13T06:00:00"
    assert shown["data_time"]["by"] == "column time" and shown["data_time"]["authority"] == "observed"
    page = made.keizu("show", "weather.csv").stdout.decode()
    assert "data until  2013-10-13 06:00:00  column time of weather.csv" in page and "6 rows × 2 columns" in page


def test_a_folder_reaches_as_far_as_its_latest_file(made: Box) -> None:
    shown = made.keizu.json("show", "daily")
    assert shown["data_time"]["time"] == "2013-10-10T21:29:00" and shown["data_time"]["from"] == "daily/2013-10-10.csv"


def test_a_model_is_as_old_as_the_oldest_it_was_trained_on(made: Box) -> None:
    shown = made.keizu.json("show", "model:delay@v1")
    # carriers.csv speaks of no time, weather.csv of a later one; features.csv hands on what daily/ says
    assert shown["data_time"]["time"] == "2013-10-10T21:29:00" and shown["data_time"]["from"] == "daily/2013-10-10.csv"
    assert shown["data_time"]["passed_on"] is True
    assert shown["freshness"]["grade"] == "late"


def test_status_says_what_is_late_and_because_of_what(made: Box) -> None:
    done = made.keizu("status", "--json", check=False)
    rows = {row["thing"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 1
    assert rows["model:delay"]["state"] == "late" and rows["model:delay"]["cause"]["thing"] == "daily/2013-10-10.csv"
    assert rows["features.csv"]["state"] == "fresh"
    page = made.keizu("status", check=False).stdout.decode()
    assert "late" in page and "daily/2013-10-10.csv reaches 2013-10-10T21:29:00" in page


def test_impact_names_columns(made: Box) -> None:
    hits = {hit["name"]: hit for hit in made.keizu.json("impact", "daily/2013-10-01.csv")["hits"]}
    assert hits["features.csv"]["columns"] == ["x", "y"]


def test_each_content_is_looked_into_once(made: Box) -> None:
    before = len(made.keizu("verify", "--json").stdout)
    made.keizu("add", "weather.csv")
    made.keizu("add", "weather.csv")
    assert made.keizu.json("show", "weather.csv")["profile"]["rows"] == 6 and before


def own(tmp_path: Path, config: str) -> Box:
    if binary() is None:
        pytest.skip("no keizu binary")
    box = Box(tmp_path)
    box.write("keizu.toml", config)
    return box


def test_what_is_not_to_be_looked_into_is_not(tmp_path: Path) -> None:
    box = own(tmp_path, '[profile]\nsize_max = "1 KiB"\nnever = ["secret/"]\n')
    for name, rows in (("small.csv", 3), ("large.csv", 3_000), ("secret/a.csv", 4)):
        box.write(name, "a,b\n" + "1,2\n" * rows)
        box.keizu("add", name)
    assert box.keizu.json("show", "small.csv")["profile"]["rows"] == 3
    assert "larger than" in box.keizu.json("show", "large.csv")["no_profile"]
    assert box.keizu.json("show", "secret/a.csv")["no_profile"] == "keizu.toml says so"


def test_names_and_declarations_tell_the_time(tmp_path: Path) -> None:
    box = own(tmp_path, '[data_time]\n"planes.csv" = "none"\n"b.csv" = "loaded"\n"*.txt" = "%d.%m.%Y"\n')
    box.write("day=2013-10-01/part.csv", "a,b\n1,2\n3,4\n")
    box.write("planes.csv", "time,seats\n2004-01-01,12\n")
    box.write("b.csv", "time,loaded\n2013-01-01,2013-05-05\n2013-01-02,2013-05-06\n")
    box.write("01.10.2013.txt", "words\n")
    box.keizu("add", "day=2013-10-01/part.csv", "planes.csv", "b.csv", "01.10.2013.txt")

    def of(name: str):
        time = box.keizu.json("show", name)["data_time"]
        return time and (time["time"][:10], time["authority"])

    assert of("day=2013-10-01/part.csv") == ("2013-10-01", "inferred")
    assert of("planes.csv") is None
    assert of("b.csv") == ("2013-05-06", "declared")


def test_two_files_of_a_series_are_one_table(tmp_path: Path) -> None:
    box = own(tmp_path, "")
    for name in ("2013-10-01", "2013-10-02"):
        day(box, name, "21")
    box.write("carriers.csv", "a\nb\n")
    box.write("features.py", FEATURES)
    box.keizu.run(sys.executable, "features.py", check=True)
    settled(box)
    assert box.keizu.json("show", "features.csv")["data_time"]["time"] == "2013-10-02T21:29:00"


def test_a_goal_that_makes_no_sense_names_its_line(tmp_path: Path) -> None:
    box = own(tmp_path, '[freshness]\n"model:delay" = "soon"\n')
    refused = box.keizu("run", "--", "true", check=False)
    assert refused.returncode == 2 and b"keizu.toml line 2: `model:delay` must be" in refused.stderr


def test_a_broken_table_fails_nothing(tmp_path: Path) -> None:
    box = own(tmp_path, "")
    box.write("broken.parquet", b"PAR1" + bytes(range(256)) * 20 + b"PAR1")
    box.keizu.run(sys.executable, "-c", "open('broken.parquet', 'rb').read(); open('out.csv', 'w').write('a\\n1\\n')", check=True)
    settled(box)
    assert box.keizu.log()[0]["status"] == "finished"
    assert box.keizu.json("show", "broken.parquet")["no_profile"]
    assert box.keizu.json("show", "out.csv")["profile"]["rows"] == 1
