"""What the reading commands say: the shapes that scripts depend on, and the pages that people look at."""

import json
import re

import pytest

from faults.box import Box, b3

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
LOG = {"id", "name", "status", "exit_code", "signal", "started_at", "ended_at"}
RUN = LOG | {
    "command", "cwd", "git", "environment", "params", "metrics", "inputs", "outputs", "code", "listings", "absent", "processes", "blind_spots", "coverage",
}  # fmt: skip
FILE = {"path", "digest", "size", "kind", "role", "authority", "rule", "changed"}
NODE = {"id", "kind", "name", "digest", "path", "size", "at", "hidden"}
EDGE = {"from", "to", "kind", "authority", "rule"}


def test_log_has_its_shape(family: Box) -> None:
    runs = family.keizu.log()
    assert len(runs) == 4
    for run in runs:
        assert LOG <= set(run)
        assert re.fullmatch(r"run:[0-9a-f]{32}", run["id"])
        assert RFC3339.fullmatch(run["started_at"]) and RFC3339.fullmatch(run["ended_at"])
    assert [run["started_at"] for run in runs] == sorted((run["started_at"] for run in runs), reverse=True)
    assert runs[0]["name"] == "judge" and runs[1]["name"] is None
    assert runs[1]["made"] == ["model:delay@v2"]
    assert len(family.keizu.json("log", "-n", "2")) == 2


def test_a_run_has_its_shape(family: Box) -> None:
    train = family.keizu.log()[1]["id"]
    run = family.keizu.json("show", train)
    assert RUN <= set(run)
    assert run["status"] == "finished" and run["exit_code"] == 0 and run["signal"] is None
    assert run["params"]["depth"] == 6 and run["params"]["config.json:rate"] == 0.1
    for row in [*run["inputs"], *run["outputs"], *run["code"]]:
        assert FILE <= set(row), row
        assert re.fullmatch(r"b3:[0-9a-f]{64}", row["digest"])
    assert {row["path"] for row in run["code"]} == {"train.py", "common.py"}
    model = next(row for row in run["outputs"] if row["path"] == "delay.bin")
    assert model["kind"] == "model" and model["digest"] == b3((family.project / "delay.bin").read_bytes())
    assert run["environment"]["python"]
    assert run["git"] is None


def test_a_folder_is_one_row_until_it_is_opened(family: Box) -> None:
    features = family.keizu.log()[-1]["id"]
    (folded,) = [row for row in family.keizu.json("show", features)["inputs"] if row["path"].startswith("daily/")]
    assert folded["path"] == "daily/" and folded["members"] == 8
    opened = {row["path"] for row in family.keizu.json("show", features, "--files")["inputs"]}
    assert {f"daily/2013-01-{day:02}.csv" for day in range(1, 9)} <= opened and "daily/" not in opened


def test_a_trace_has_its_shape(family: Box) -> None:
    trace = family.keizu.json("trace", "model:delay")
    assert {"root", "nodes", "edges", "truncated"} <= set(trace)
    ids = {node["id"] for node in trace["nodes"]}
    assert trace["root"] in ids and len(ids) == len(trace["nodes"])
    for node in trace["nodes"]:
        assert NODE <= set(node)
    for edge in trace["edges"]:
        assert EDGE <= set(edge) and {edge["from"], edge["to"]} <= ids
    assert {"features.csv", "train.py", "common.py", "config.json", "daily/"} <= {node["path"] for node in trace["nodes"]}
    assert family.keizu("trace", "model:delay", "--format", "json").stdout == family.keizu("trace", "model:delay", "--json").stdout


def test_depth_kind_and_authority_narrow_a_trace(family: Box) -> None:
    paths = lambda *options: {node["path"] for node in family.keizu.json("trace", "model:delay", *options)["nodes"]}  # noqa: E731
    assert "daily/" in paths() and "daily/" not in paths("--depth", "1")
    assert "train.py" not in paths("--kind", "data,model") and "features.csv" in paths("--kind", "data,model")
    only = family.keizu.json("trace", "model:delay", "--only", "observed")["edges"]
    assert {edge["authority"] for edge in only} == {"observed"}
    down = {node["path"] for node in family.keizu.json("trace", "daily/2013-01-03.csv", "--down")["nodes"]}
    assert {"features.csv", "delay.bin", "eval.json"} <= down


@pytest.mark.parametrize("asked", [["log"], ["show", "run:judge"], ["show", "model:delay"], ["show", "model:delay@v1"], ["show", "features.csv"], ["show", "daily"],
    ["trace", "model:delay"], ["trace", "daily", "--down"], ["name"], ["name", "model:delay"], ["verify"], ["doctor"], ["version"], ["add", "config.json"]])  # fmt: skip
def test_everything_that_answers_answers_in_json(own: Box, asked: list[str]) -> None:
    done = own.keizu(*asked, "--json")
    assert json.loads(done.stdout) is not None
    assert done.stderr == b""


def test_the_tree_names_everything_on_the_way(family: Box) -> None:
    lines = family.keizu("trace", "model:delay").stdout.decode().splitlines()
    assert lines[0].startswith("model:delay@v2")
    assert re.match(r"└─ run:[0-9a-f]{6}  .*train\.py --depth 6", lines[1]), lines[1]
    text = "\n".join(lines)
    for part in ("data    features.csv", "config  config.json", "code    common.py", "code    train.py", "env     Python 3.", "daily/  8 files", "measured by", "eval.json"):
        assert part in text, f"{part}\n{text}"


def test_other_forms_of_a_trace(family: Box) -> None:
    form = lambda word: family.keizu("trace", "model:delay", "--format", word).stdout.decode()  # noqa: E731
    assert form("dot").startswith("digraph") and form("dot").rstrip().endswith("}")
    assert form("mermaid").startswith(("flowchart", "---"))
    assert form("svg").lstrip().startswith("<svg") or "<svg" in form("svg")[:200]
    assert "features.csv" in form("dot") and "features.csv" in form("svg")


def test_what_is_shown_can_be_typed_back(family: Box) -> None:
    log = family.keizu("log").stdout.decode()
    for run in re.findall(r"run:[0-9a-f]+", log):
        assert family.keizu.json("show", run)["id"].startswith(run)
    tree = family.keizu("trace", "model:delay").stdout.decode()
    for digest in re.findall(r"  ([0-9a-f]{8})  ", tree):
        assert family.keizu.json("show", digest)["digest"].startswith(f"b3:{digest}")


def test_a_run_on_one_page(family: Box) -> None:
    text = family.keizu("show", "run:judge").stdout.decode()
    for part in ("judge", "finished", "eval.json", "delay.bin", "owner aki", "team fraud", "auc 0.75"):
        assert part in text, f"{part}\n{text}"
    files = family.keizu("show", family.keizu.log()[-1]["id"], "--files").stdout.decode()
    assert "daily/2013-01-03.csv" in files and "programs" in files
    assert "blind spot" in family.keizu("show", "run:judge", "--blind").stdout.decode()


def test_versions_of_a_model(family: Box) -> None:
    text = family.keizu("show", "model:delay").stdout.decode()
    assert re.search(r"^model:delay  2 versions\n@v2 .*\n@v1 ", text), text
    one = family.keizu.json("show", "model:delay@v1")
    assert one["name"] == "model:delay@v1" and one["artifact"]["kind"] == "model"


def test_a_content_wherever_it_was_met(family: Box) -> None:
    digest = b3((family.project / "features.csv").read_bytes())
    for asked in ("features.csv", digest, digest[:11], str(family.project / "features.csv")):
        answer = family.keizu.json("show", asked)
        assert answer["digest"] == digest
        assert [row["what"] for row in answer["occurrences"]] == ["made", "used", "used"]
    text = family.keizu("show", "features.csv").stdout.decode()
    assert text.count("run:") == 3 and "made by" in text and "used by" in text


def test_from_below_and_from_elsewhere(family: Box) -> None:
    assert family.keizu.json("show", "2013-01-03.csv", cwd=family.project / "daily")["digest"] == family.keizu.json("show", "daily/2013-01-03.csv")["digest"]
    assert json.loads(family.keizu("-C", family.project, "log", "--json", cwd=family.base).stdout)


def test_nothing_has_run_here(fresh: Box) -> None:
    fresh.keizu("init")
    done = fresh.keizu("log")
    assert done.stdout == b"" and b"keizu run -- COMMAND" in done.stderr
    assert fresh.keizu.json("log") == [] and fresh.keizu.json("name") == []
