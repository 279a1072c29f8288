"""Questions that are asked from the past."""

import sys
from pathlib import Path

from faults.box import Box, until

from .conftest import Past

SLOW = """
import os, pathlib, time
pathlib.Path('early.csv').read_text()
pathlib.Path('begun').touch()
while not pathlib.Path('go').exists():
    time.sleep(0.01)
pathlib.Path('late.csv').read_text()
pathlib.Path('out.csv').write_text('done')
"""


def champion(past: Past, moment: str) -> str | None:
    names = past.box.keizu.json("name", "--as-of", moment)
    versions = [row for name in names for row in name["versions"] if "champion" in row["aliases"]]
    return versions[0]["name"] if versions else None


def test_an_alias_points_where_it_pointed(past: Past) -> None:
    for clock in ("", "recorded:"):
        seen = [champion(past, clock + moment) for moment in past.moments]
        assert seen == [None, "model:delay@v1", "model:delay@v1", "model:delay@v2", None]


def test_every_reading_command_answers_as_of_then(past: Past, tmp_path: Path) -> None:
    keizu, then = past.box.keizu, ("--as-of", past.moments[1])
    assert len(keizu.json("log", *then)) == 1 and len(keizu.json("log")) == 2
    assert [row["version"] for row in keizu.json("name", "model:delay", *then)["versions"]] == [1]
    assert [row["version"] for row in keizu.json("show", "model:delay", *then)["versions"]] == [1]
    assert keizu.json("trace", "model:delay", *then)["root"] != keizu.json("trace", "model:delay")["root"]
    old = keizu.json("show", "train.csv", *then)["digest"]
    assert old != keizu.json("show", "train.csv")["digest"]
    keizu("get", "delay.bin", "-o", tmp_path / "old", *then)
    assert (tmp_path / "old").read_text().endswith("4")


def test_a_run_is_a_moment(past: Past) -> None:
    first = past.box.keizu.log()[-1]["id"]
    assert [run["id"] for run in past.box.keizu.json("log", "--as-of", first)] == [first]
    assert past.box.keizu.json("name", "--as-of", f"recorded:{first}")[0]["versions"][0]["version"] == 1


def test_the_first_entries_are_a_moment(past: Past) -> None:
    keizu = past.box.keizu
    assert keizu.json("log", "--as-of", "0") == []
    assert [run["status"] for run in keizu.json("log", "--as-of", "1")] == ["running"]
    refused = keizu("log", "--as-of", "100000", check=False)
    assert refused.returncode == 2 and b"entries" in refused.stderr


def test_what_was_not_there_yet_is_unknown(past: Past) -> None:
    for thing in ("model:delay@v2", "model:delay@champion", past.box.keizu.log()[0]["id"]):
        unknown = past.box.keizu("show", thing, "--as-of", past.moments[0], check=False)
        assert unknown.returncode == 2 and b"asked as of" in unknown.stderr, thing


def test_no_moment_is_told_how_moments_are_written(past: Past) -> None:
    refused = past.box.keizu("log", "--as-of", "soon", check=False)
    assert refused.returncode == 2 and b"3 days ago" in refused.stderr and b"recorded:TIME" in refused.stderr


def test_the_past_cannot_be_changed(past: Past) -> None:
    before = past.box.keizu.json("name")
    refused = past.box.keizu("name", "model:other", "delay.bin", "--as-of", past.moments[0], check=False)
    assert refused.returncode == 2 and b"leave --as-of out" in refused.stderr
    assert past.box.keizu.json("name") == before


def test_a_run_that_was_going_on_had_read_and_written_only_so_much(past: Past, tmp_path: Path) -> None:
    box = Box(tmp_path)
    for name in ("early.csv", "late.csv"):
        box.write(name, f"{name}\n" * 20)
    box.write("slow.py", SLOW)
    run = box.start(sys.executable, "slow.py")
    until((box.project / "begun").exists, "the first read")
    until(lambda: box.keizu("log", "--json", check=False).returncode == 0 and box.keizu.log(), "the record of its beginning")
    middle = Past(box)
    middle.over()
    box.write("go", "")
    assert run.wait() == 0
    (whole,) = box.keizu.log()
    then = box.keizu.json("show", whole["id"], "--as-of", middle.moments[0])
    paths = {row["path"] for row in then["inputs"]}
    assert then["status"] == "running" and then["ended_at"] is None
    assert "early.csv" in paths and "late.csv" not in paths
    assert "out.csv" not in {row["path"] for row in then["outputs"]}
    assert box.keizu.json("show", whole["id"])["status"] == "finished"
    # the record itself knew no more than that it had begun
    assert box.keizu.json("show", whole["id"], "--as-of", f"recorded:{middle.moments[0]}")["inputs"] == []
