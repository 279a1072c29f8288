"""The story: the evaluation file is replaced between two trainings, and nothing else changes."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from faults.box import left_alone
from project import Project


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Project:
    project = Project.new(tmp_path_factory.mktemp("why") / "flights")
    project.run("python", "ingest.py", "--from", "2013-01-01", "--to", "2013-01-08")
    project.train()
    left_alone(project.root / ".keizu")
    return project


@pytest.fixture
def project(trained, tmp_path) -> Project:
    # under another name it is the same project
    return Project(Path(shutil.copytree(trained.root, tmp_path / "a copy", symlinks=True)))


def test_the_evaluation_data_was_replaced(project):
    path = project.root / "features/holdout.parquet"
    before = json.loads((project.root / "eval.json").read_text())
    holdout = pd.read_parquet(path)
    chosen = holdout["carrier"] == "EV"
    assert 0 < chosen.sum() < len(holdout)
    holdout.loc[chosen, "late"] = 1 - holdout.loc[chosen, "late"]
    holdout.to_parquet(path, index=False)
    project.run("python", "train.py", "--depth", "6")
    project.run("python", "evaluate.py")

    answer = project.json("why", "model:delay")
    first = answer["causes"][0]
    assert answer["measure_changed"]
    assert (first["group"], first["kind"], first["subject"]) == ("measure", "evaluation_data", "features/holdout.parquet")
    assert f"{chosen.sum():,} values of late flipped" in first["detail"]
    assert 'all where carrier = "EV"' in first["detail"]
    assert [cause for cause in answer["causes"][1:] if cause["effect_possible"] != "unlikely"] == []
    assert {"training_data", "code", "params", "environment", "evaluation_code"} <= set(answer["same"])
    metric = next(metric for metric in answer["metrics"] if metric["name"] == "auc")
    assert metric["before"] == before["auc"] != metric["after"]
    # training with the same seed gave the same bytes: the version is the same, its state is not
    assert answer["a"]["digest"] == answer["b"]["digest"]
    assert answer["a"]["measured_by"] != answer["b"]["measured_by"]
    [swap] = first["swaps"]
    assert (swap["what"], swap["path"]) == ("file", "features/holdout.parquet") and swap["before"] != swap["after"]


def test_a_parameter_and_a_day_changed(project):
    day = project.root / "daily/2013-01-02.csv"
    lines = day.read_text().splitlines()
    day.write_text("\n".join(lines[:-100]) + "\n")
    project.run("python", "features.py")
    project.run("python", "train.py", "--depth", "3")
    project.run("python", "evaluate.py")
    answer = project.json("why", "model:delay")
    causes = [(cause["group"], cause["kind"], cause["subject"]) for cause in answer["causes"] if cause["effect_possible"] == "likely"]
    assert ("model", "training_data", "daily/2013-01-02.csv") in causes
    assert ("model", "params", "depth") in causes
    raw = next(cause for cause in answer["causes"] if cause["kind"] == "training_data")
    assert "100 removed" in raw["detail"] and raw["via"] == ["features/train.parquet"]
