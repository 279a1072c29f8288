"""Causes that were planted, one at a time and in pairs: the true ones come first each time. Run with -s for the table."""

from pathlib import Path

import pytest

from why.project import DAYS, Project, day, flip, package


def code(project: Project) -> None:
    project.edit("train.py", "ROUNDS = 6", "ROUNDS = 2")


def settings(project: Project) -> None:
    project.edit("config.yaml", "rate: 0.05", "rate: 0.2")


def argument(project: Project) -> None:
    project.options = ["--l2", "0.3"]


def version(project: Project) -> None:
    package(project.venv, "1.1.0", 1.7)


def training_day(project: Project) -> None:
    name = f"daily/{DAYS[3]}.csv"
    project.write(name, flip((project.project / name).read_text()))
    project.step("features.py")


def helper(project: Project) -> None:
    project.edit("helper.py", "return x\n", "return x * abs(x)\n")


def evaluation_script(project: Project) -> None:
    project.edit("evaluate.py", "THRESHOLD = 0.5", "THRESHOLD = 0.7")


def evaluation_data(project: Project) -> None:
    """By hand: after the run that wrote it is in the record, so that it is not the run's."""
    project.keizu("log")
    name = "features/holdout.csv"
    project.write(name, flip((project.project / name).read_text(), lambda at, cells: at % 5 == 0))


def seed(project: Project) -> None:
    project.edit("config.yaml", "seed: 7", "seed: 8")


def parent(project: Project) -> None:
    project.write("base.csv", day(901))
    project.step("pretrain.py")


def comment(project: Project) -> None:
    """No cause at all, and yet a difference."""
    project.edit("train.py", "ROUNDS = 6", "# how often the table is gone through\nROUNDS = 6")
    project.edit("config.yaml", "# how fast it learns", "# the rate of learning")


def nothing(_: Project) -> None:
    pass


# what each is called in the answer: group, kind, and how the subject begins
TRUE = {
    code: ("model", "code", "train.py"),
    settings: ("model", "params", "config.yaml: rate"),
    argument: ("model", "params", "l2"),
    version: ("model", "environment", "scaling"),
    training_day: ("model", "training_data", f"daily/{DAYS[3]}.csv"),
    helper: ("model", "code", "helper.py"),
    evaluation_script: ("measure", "evaluation_code", "evaluate.py"),
    evaluation_data: ("measure", "evaluation_data", "features/holdout.csv"),
    seed: ("model", "seed", "config.yaml: seed"),
    parent: ("model", "parent_model", "base.bin"),
}
SINGLE = [(plant,) for plant in TRUE]
PAIRS = [
    (training_day, evaluation_data),
    (code, evaluation_script),
    (settings, argument),
    (version, helper),
    (parent, seed),
    (evaluation_data, seed),
    (argument, comment),
    (evaluation_script, comment),
    (training_day, version),
]
ONE_SCRIPT = [(code,), (settings,), (argument,), (training_day,), (evaluation_data,), (parent, evaluation_data)]


def named(plants: tuple) -> str:
    return " and ".join(plant.__name__.replace("_", " ") for plant in plants)


def ask(base: Project, plants: tuple, tmp_path: Path) -> dict:
    project = base.copy(tmp_path)
    for plant in plants:
        plant(project)
    project.train()
    return project.why()


def judge(answer: dict, plants: tuple, capsys) -> None:
    expected = {TRUE[plant] for plant in plants if plant in TRUE}
    first = answer["causes"][: len(expected)]
    found = {(cause["group"], cause["kind"], wanted[2]) for cause in first for wanted in expected if cause["subject"].startswith(wanted[2])}
    with capsys.disabled():
        said = "; ".join(f"{cause['kind']} {cause['subject']}: {cause['detail']}" for cause in answer["causes"][:3])
        print(f"\n{'ok ' if found == expected else 'BAD'} {named(plants):40} {said}", end="")
    assert found == expected, answer["causes"]
    assert all(cause["effect_possible"] == "likely" for cause in first)
    assert all(cause["swaps"] for cause in first)
    assert answer["measure_changed"] == any(group == "measure" for group, *_ in expected)
    # nothing that was left alone is accused
    accused = {(cause["group"], cause["kind"]) for cause in answer["causes"] if cause["effect_possible"] == "likely"}
    assert accused == {(group, kind) for group, kind, _ in expected}
    assert not {kind for _, kind, _ in expected} & set(answer["same"])


@pytest.mark.parametrize("plants", SINGLE + PAIRS, ids=named)
def test_the_true_cause_comes_first(plants, steps, tmp_path, capsys):
    judge(ask(steps, plants, tmp_path), plants, capsys)


@pytest.mark.parametrize("plants", ONE_SCRIPT, ids=named)
def test_the_true_cause_comes_first_in_one_script(plants, one_script, tmp_path, capsys):
    judge(ask(one_script, plants, tmp_path), plants, capsys)


@pytest.mark.parametrize("plants", [(nothing,), (comment,)], ids=named)
def test_an_unseeded_run_is_said_to_differ_by_what_was_not_seen(plants, unseeded, tmp_path, capsys):
    answer = ask(unseeded, plants, tmp_path)
    first = answer["causes"][0]
    with capsys.disabled():
        print(f"\n    unseeded, {named(plants):30} {first['kind']} {first['subject']}: {first['detail']}", end="")
    assert (first["kind"], first["group"], first["effect_possible"]) == ("inputs_unseen", "model", "likely")
    assert all(cause["effect_possible"] == "unlikely" for cause in answer["causes"][1:])
    assert not answer["measure_changed"]
    assert any("random" in line for line in answer["unseen"])


def test_a_seeded_run_that_is_repeated_does_not_differ(steps, tmp_path):
    project = steps.copy(tmp_path)
    comment(project)
    project.train()
    answer = project.why()
    assert answer["b"] is None and answer["causes"] == []
    assert any("never" in note for note in answer["notes"])
