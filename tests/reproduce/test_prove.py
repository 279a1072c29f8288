"""`keizu why --prove`: one cause swapped at a time, and what becomes of the numbers."""

import json
import random

import pytest

from .conftest import Project


@pytest.fixture
def lines(project: Project) -> Project:
    """The project, once through."""
    project.write("keizu.toml", '[models]\nline = "models/line.bin"\n')
    project.everything()
    return project


def again(project: Project) -> None:
    project.train()
    project.step("evaluate.py")


def prove(project: Project, *args: object) -> dict:
    before = project.snapshot()
    answer = project.keizu.json("why", "model:line", "--prove", *args)
    assert project.snapshot() == before, "the project was touched"
    assert not any((project.project / ".keizu" / "workshop").glob("*")), "a scratch folder was left behind"
    return answer


def loss(project: Project) -> float:
    return json.loads((project.project / "eval.json").read_text())["loss"]


def found(answer: dict) -> dict[str, str]:
    return {subject: factor["found"] for factor in answer["proof"]["factors"] for subject in factor["subjects"]}


def flip(project: Project) -> None:
    rows = (project.project / "data/test.csv").read_text().split()
    project.write("data/test.csv", "\n".join(f"{x},{1 - float(y):.4f}" for x, y in (row.split(",") for row in rows)) + "\n")


def adds_up(proof: dict, name: str = "loss") -> None:
    parts = [factor["effects"][name]["value"] for factor in proof["factors"] if name in factor["effects"]]
    parts += [group["effects"][name]["value"] for group in proof["interactions"] if name in group["effects"]]
    assert sum(parts) + proof["rest"][name]["value"] == pytest.approx(proof["change"][name], abs=1e-9)


def test_old_evaluation_data_on_the_new_model_restores_the_metric(lines: Project) -> None:
    old = loss(lines)
    flip(lines)
    again(lines)
    answer = prove(lines)
    proof = answer["proof"]
    (factor,) = proof["factors"]
    assert factor["subjects"] == ["data/test.csv"] and factor["found"] == "effect"
    assert factor["effects"]["loss"]["value"] == pytest.approx(loss(lines) - old)
    assert factor["put_back"]["loss"] == old, "the old evaluation on the new model"
    assert all(side["restored"] for side in proof["baselines"]) and proof["rest"]["loss"]["value"] == 0
    assert answer["causes"][0]["effect"]["loss"] == factor["effects"]["loss"]["value"] and answer["causes"][0]["noise"]["loss"] == 0
    commands = proof["runs"]
    assert commands == 2 * 2 + 2, "only the evaluation is made again: each side twice, and each swapped once"


def test_a_hyperparameter_trains_again(lines: Project) -> None:
    old = loss(lines)
    lines.write("config.json", json.dumps({"rate": 0.4, "seed": 1}))
    again(lines)
    proof = prove(lines)["proof"]
    (factor,) = proof["factors"]
    assert factor["effects"]["loss"]["value"] == pytest.approx(loss(lines) - old) and factor["put_back"]["loss"] == old


def test_an_option_on_the_command_line(lines: Project) -> None:
    text = (lines.project / "train.py").read_text().replace("config['rate']", "float(sys.argv[sys.argv.index('--rate') + 1])")
    lines.write("train.py", text)
    lines.train("--rate", "0.1")
    lines.step("evaluate.py")
    old = loss(lines)
    lines.train("--rate", "0.5")
    lines.step("evaluate.py")
    proof = prove(lines)["proof"]
    (factor,) = proof["factors"]
    assert factor["found"] == "effect" and factor["put_back"]["loss"] == old


def test_two_factors_and_what_they_do_together(lines: Project) -> None:
    old = loss(lines)
    lines.write("config.json", json.dumps({"rate": 0.4, "seed": 1}))
    lines.write("evaluate.py", (lines.project / "evaluate.py").read_text().replace("** 2", "** 4"))
    again(lines)
    proof = prove(lines)["proof"]
    assert found({"proof": proof}) == {"evaluate.py": "effect", "config.json: rate": "effect"}
    (together,) = proof["interactions"]
    assert abs(together["effects"]["loss"]["value"]) > 0
    adds_up(proof)
    assert proof["change"]["loss"] == pytest.approx(loss(lines) - old) and proof["rest"]["loss"]["value"] == 0


def test_what_does_nothing_is_told_apart_from_what_does(lines: Project) -> None:
    lines.write("evaluate.py", (lines.project / "evaluate.py").read_text() + "unused = 3\n")
    flip(lines)
    again(lines)
    proof = prove(lines)["proof"]
    assert found({"proof": proof}) == {"data/test.csv": "effect", "evaluate.py": "no_effect"}
    adds_up(proof)


def test_nothing_has_an_effect(lines: Project) -> None:
    before = lines.keizu.log()[0]["id"]
    lines.write("evaluate.py", (lines.project / "evaluate.py").read_text() + "unused = 3\n")
    again(lines)
    answer = lines.keizu.json("why", lines.keizu.log()[0]["id"], before, "--prove")
    assert found(answer) == {"evaluate.py": "no_effect"} and answer["proof"]["interactions"] == []
    assert answer["causes"][0]["effect"] == {"loss": 0, "rows": 0}


def test_more_than_three_factors_are_measured_from_both_ends(lines: Project) -> None:
    lines.write("train.py", (lines.project / "train.py").read_text().replace("weight = 0.0", "weight = 0.2"))
    lines.write("config.json", json.dumps({"rate": 0.2, "seed": 1}))
    lines.write("data/raw.csv", (lines.project / "data/raw.csv").read_text() + "0.5,0.9\n")
    flip(lines)
    lines.write("evaluate.py", (lines.project / "evaluate.py").read_text().replace("** 2", "** 4"))
    lines.everything()
    proof = prove(lines)["proof"]
    assert len(proof["factors"]) >= 4 and all(factor["found"] != "not_swapped" for factor in proof["factors"]), proof
    adds_up(proof)


def test_chance_alone_is_noise(lines: Project) -> None:
    lines.write("config.json", json.dumps({"rate": 0.01, "shuffle": True}))
    lines.everything()
    lines.write("train.py", (lines.project / "train.py").read_text() + "\nafterthought = 1\n")
    again(lines)
    answer = prove(lines, "--repeats", 4)
    assert answer["proof"]["noise"] == "repeats"
    effects = [cause["noise"]["loss"] for cause in answer["causes"] if cause.get("noise")]
    assert effects and all(noise > 0 for noise in effects)


def test_a_seed_that_is_seen_tells_the_noise(lines: Project) -> None:
    text = (lines.project / "train.py").read_text().replace("random.shuffle(rows)", "random.Random(config['seed']).shuffle(rows)")
    lines.write("train.py", text)
    lines.write("config.json", json.dumps({"rate": 0.05, "shuffle": True, "seed": 7}))
    lines.everything()
    old = loss(lines)
    flip(lines)
    lines.write("config.json", json.dumps({"rate": 0.06, "shuffle": True, "seed": 7}))
    again(lines)
    proof = prove(lines)["proof"]
    assert proof["noise"] == "seeds" and all(side["restored"] for side in proof["baselines"])
    effects = {factor["subjects"][0]: factor["effects"]["loss"] for factor in proof["factors"]}
    assert effects["data/test.csv"]["noise"] > 0
    assert proof["change"]["loss"] == pytest.approx(loss(lines) - old)
    adds_up(proof)


def test_what_was_not_kept_is_said_and_the_others_go_on(lines: Project) -> None:
    lines.write("keizu.toml", '[models]\nline = "models/line.bin"\n[keep]\nnever = ["data/"]\n')
    flip(lines)
    again(lines)
    flip(lines)
    lines.write("data/test.csv", (lines.project / "data/test.csv").read_text() + "0.1,0.1\n")
    lines.write("config.json", json.dumps({"rate": 0.3, "seed": 1}))
    again(lines)
    answer = prove(lines)
    assert found(answer)["data/test.csv"] == "not_swapped"
    lacking = next(factor["lacking"] for factor in answer["proof"]["factors"] if factor["subjects"] == ["data/test.csv"])
    assert lacking[0]["what"] == "data/test.csv" and "not kept" in lacking[0]["why"]


def test_old_data_that_was_not_kept_is_made_again(lines: Project) -> None:
    lines.write("keizu.toml", '[models]\nline = "models/line.bin"\n[keep]\nnever = ["features/"]\n')
    lines.everything()
    old = loss(lines)
    chance = random.Random(1)
    rows = (lines.project / "features/train.csv").read_text().split()
    chance.shuffle(rows)
    lines.write("features/train.csv", "\n".join(rows) + "\n0.9,0.1\n")
    again(lines)
    proof = prove(lines)["proof"]
    (factor,) = proof["factors"]
    assert factor["subjects"] == ["features/train.csv"] and factor["put_back"]["loss"] == old


def test_the_page_and_the_record(lines: Project) -> None:
    flip(lines)
    again(lines)
    text = lines.keizu("why", "model:line", "--prove").stdout.decode()
    assert "effect +" in text and "± 0" in text and "nothing is left over" in text
    judged = lines.keizu.json("show", "models/line.bin")["judged"]
    assert [(row["judgement"], row["verdict"]) for row in judged] == [("cause", "proved")]
    assert lines.keizu("why", "model:line", "--repeats", 2, check=False).returncode == 2, "--repeats belongs to --prove"
