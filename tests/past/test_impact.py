"""What a thing touches."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from faults.box import Box
from oracle.keizu import Keizu, binary

FEATURES = """
from pathlib import Path
Path('features.csv').write_text(''.join(sorted(path.read_text() for path in Path('daily').glob('*.csv'))))
"""
TRAIN = "from pathlib import Path\nPath('delay.bin').write_text('model ' + Path('features.csv').read_text())\n"
EVALUATE = """
import json
from pathlib import Path
Path('eval.json').write_text(json.dumps({'auc': 0.75, 'rows': len(Path('delay.bin').read_text())}))
"""


@pytest.fixture(scope="module")
def family(tmp_path_factory) -> Box:
    if binary() is None:
        pytest.skip("no keizu binary: set KEIZU_BIN, or cargo build -p keizu")
    box = Box(tmp_path_factory.mktemp("impact"))
    for day in range(1, 9):
        box.write(f"daily/2013-01-{day:02}.csv", f"{day},1\n" * 40)
    for name, text in (("features.py", FEATURES), ("train.py", TRAIN), ("evaluate.py", EVALUATE)):
        box.write(name, text)
    box.write("keizu.toml", '[models]\ndelay = "delay.bin"\n')
    box.keizu.run(sys.executable, "features.py", check=True)
    box.keizu.run(sys.executable, "train.py", check=True)
    box.keizu.run(sys.executable, "evaluate.py", check=True)
    box.keizu("name", "model:delay@champion", "model:delay@v1")
    return box


def test_one_file_of_a_folder_touches_the_model_and_its_evaluation(family: Box) -> None:
    answer = family.keizu.json("impact", "daily/2013-01-05.csv", "--paths")
    hits = {hit["name"]: hit for hit in answer["hits"]}
    assert hits["model:delay@v1"]["aliases"] == ["champion"]
    assert hits["eval.json"]["kind"] == "evaluation"
    assert hits["model:delay@v1"]["way"][-1] == "model:delay@v1" and "features.csv" in hits["model:delay@v1"]["way"]
    assert answer["root"] in answer["roots"]
    assert answer["count"] == len(answer["hits"]) == sum(answer["kinds"].values()) == sum(answer["buckets"].values())
    assert set(answer["buckets"]) == {"accessible", "hidden", "deleted", "faulty"}
    # nothing that the trace shows is left out
    trace = family.keizu.json("trace", "daily/2013-01-05.csv", "--down")
    roots = set(trace["roots"])
    assert {hit["id"] for hit in answer["hits"]} == {node["id"] for node in trace["nodes"]} - roots


def test_the_page_says_what_matters(family: Box) -> None:
    page = family.keizu("impact", "daily/2013-01-05.csv").stdout.decode()
    assert page.startswith("daily/2013-01-05.csv  touches 1 model, and ")
    assert "model:delay@v1 (champion)" in page and "eval.json" in page and "features.csv" in page
    every = family.keizu("impact", "daily/2013-01-05.csv", "--all").stdout.decode()
    assert len([line for line in every.splitlines() if line.startswith("run ")]) == 3
    only = family.keizu("impact", "daily/2013-01-05.csv", "--all", "--kind", "evaluation").stdout.decode()
    assert [line.split() for line in only.splitlines()] == [["evaluation", "eval.json"]]


def test_what_is_at_the_end_touches_nothing(family: Box) -> None:
    done = family.keizu("impact", "eval.json")
    assert b"touches nothing" in done.stdout and b"no run was seen reading it" in done.stderr
    assert family.keizu.json("impact", "eval.json")["hits"] == []


def test_before_the_training_no_model_was_touched(family: Box) -> None:
    first = family.keizu.log()[-1]["id"]
    kinds = family.keizu.json("impact", "daily/2013-01-05.csv", "--as-of", first)["kinds"]
    assert "model" not in kinds and kinds["data"] >= 1


def test_what_is_gone_is_counted(family: Box) -> None:
    (family.project / "delay.bin").rename(family.project / "delay.away")
    try:
        answer = family.keizu.json("impact", "daily/2013-01-05.csv")
        model = next(hit for hit in answer["hits"] if hit["kind"] == "model")
        # small models are kept, and so can be had
        assert model["bucket"] == "accessible"
    finally:
        (family.project / "delay.away").rename(family.project / "delay.bin")


def test_another_project_in_the_same_record_is_found(tmp_path: Path) -> None:
    if binary() is None:
        pytest.skip("no keizu binary")
    one, two = Box(tmp_path / "one"), Box(tmp_path / "two")
    for box in (one, two):
        box.write("keizu.toml", f'project = "{box.base.name}"\n')
    two.env["KEIZU_STORE"] = one.env["KEIZU_STORE"] = str(tmp_path / "store")
    one.keizu, two.keizu = Keizu(one.project, one.env), Keizu(two.project, two.env)
    one.write("raw.csv", "a,b\n" * 40)
    script = "import sys; open(sys.argv[2], 'w').write(open(sys.argv[1]).read() + 'x')"
    one.keizu.run(sys.executable, "-c", script, "raw.csv", "shared.csv", check=True)
    two.keizu.run(sys.executable, "-c", script, one.project / "shared.csv", "mine.csv", check=True)
    hits = {(hit["project"], hit["path"]) for hit in one.keizu.json("impact", "raw.csv")["hits"] if hit["kind"] == "data"}
    assert ("one", "shared.csv") in hits and ("two", "mine.csv") in hits


def test_the_answer_begins_before_the_end_and_a_closed_pipe_is_no_error(family: Box) -> None:
    argv = [family.keizu.bin, "impact", "daily/2013-01-05.csv", "--json"]
    whole = subprocess.run(argv, cwd=family.project, env=family.env, capture_output=True, check=True)
    assert json.loads(whole.stdout)["count"] > 0
    head = subprocess.Popen(argv, cwd=family.project, env=family.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    head.stdout.read(1)
    head.stdout.close()
    assert b"panicked" not in head.stderr.read()
    head.wait()
