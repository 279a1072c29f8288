"""Every route answers as the command line does, and as its description says."""

import copy
import gzip
import json
import sys

import jsonschema
import pytest

from .conftest import Server

MODEL = "model:delay"


def strict(document: dict) -> dict:
    """The description, with no field allowed that it does not name."""
    document = copy.deepcopy(document)
    for name, schema in document["components"]["schemas"].items():
        if "properties" in schema :
            schema["additionalProperties"] = False
    return document


@pytest.fixture(scope="session")
def described(served):
    document = served.json("openapi.json")

    def check(path: str, value, method: str = "get", kind: str = "application/json") -> None:
        schema = document["paths"][path][method]["responses"]["200"]["content"][kind]["schema"]
        jsonschema.validate(value, {**schema, "components": strict(document)["components"]})

    check.document = document
    return check


def test_the_first_page(served, described, family):
    home = served.json("home")
    described("/api/v1/home", home)
    assert home["project"] == "project" and home["record"]["size"] > 0
    [model] = home["models"]
    assert (model["thing"], model["version"], model["metric"]["name"], model["metric"]["value"]) == ("model:delay@v2", 2, "auc", 0.75)
    assert "params" in model["changed"]["kinds"]


@pytest.mark.parametrize("route", ["models", "data", "runs"])
def test_lists(served, described, route):
    described(f"/api/v1/{route}", served.json(route))


def test_runs_are_those_of_the_log_page_by_page(served, family):
    log = family.keizu.json("log")
    assert served.json("runs")["runs"] == log
    seen, after = [], None
    while True:
        page = served.json("runs", limit=1, **({"after": after} if after else {}))
        seen += page["runs"]
        after = page["next"]
        if after is None:
            break
    assert seen == log
    assert served.get("runs", limit=0).status == 400
    assert served.get("runs", after="run:ffffffff").status == 404
    assert served.get("runs", after="features.csv").status == 400


@pytest.mark.parametrize("thing", ["model:delay", "model:delay@v1", "features.csv", "daily/", "eval.json", "run:judge"])
def test_a_thing_is_what_show_says(served, described, family, thing):
    answer = served.json(f"things/{thing}")
    described("/api/v1/things/{thing}", answer)
    shown = family.keizu.json("show", thing)
    assert {name: value for name, value in answer.items() if name in shown and name != "thing"} == shown
    assert answer["seq"] >= 1 and served.json(f"things/{answer['thing']}")["thing"] == answer["thing"]


def test_a_folder_is_opened_with_files(served):
    run = served.json("runs")["runs"][-1]["id"]
    folded, opened = served.json(f"things/{run}"), served.json(f"things/{run}", files=True)
    assert len(opened["inputs"]) > len(folded["inputs"])


def test_versions(served, described):
    versions = served.json("things/model:delay/versions")
    described("/api/v1/things/{thing}/versions", versions)
    assert [row["version"] for row in versions["versions"]] == [2, 1]
    # the number of the first page is that of each version
    [model] = [row for row in served.json("home")["models"] if row["name"] == "delay"]
    name = model["metric"]["name"]
    assert versions["metrics"][0] == name
    assert versions["versions"][0]["metrics"][name] == model["metric"]["value"]
    measured = [row["metrics"][name] for row in reversed(versions["versions"]) if name in row["metrics"]]
    assert measured == model["spark"]
    older = served.json("things/model:delay/versions", limit=1, after="model:delay@v2")
    assert older["versions"] == versions["versions"][1:] and older["metrics"] == versions["metrics"]
    assert served.json("things/model:delay/versions", limit=1)["next"] == "model:delay@v2"
    assert served.get("things/features.csv/versions").code == "unfit"


def test_previews(served, described):
    table = served.json("things/features.csv/preview")
    described("/api/v1/things/{thing}/preview", table)
    assert (table["form"], table["columns"], table["rows"][0], table["truncated"]) == ("table", ["1", "1"], ["1", "1"], True)
    text = served.json("things/eval.json/preview")
    assert text["form"] == "text" and '"auc": 0.75' in text["text"]
    assert served.json("things/daily%2F/preview")["form"] == "folder"
    assert served.get("things/run:judge/preview").code == "unfit"


def test_content_is_saved_never_shown(served, family):
    answer = served.get("things/train.py/content")
    assert answer.body == (family.project / "train.py").read_bytes()
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith('attachment; filename="train.py"')
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_picture(served, described, family):
    picture = served.json("graph", focus=MODEL)
    described("/api/v1/graph", picture)
    assert picture["nodes"]["name"][picture["focus"]] == "delay" or "delay" in picture["nodes"]["name"][picture["focus"]]
    assert len({len(column) for column in picture["nodes"].values()}) == 1 == len({len(column) for column in picture["edges"].values()})
    words = picture["vocabulary"]
    assert words["by"][:2] == ["observed", "declared"]
    assert {words["by"][code] for code in picture["edges"]["by"]} <= {"observed", "declared", "inferred"} and "observed" in {words["by"][code] for code, _ in picture["said"]}
    assert served.json("graph", focus=MODEL, near=picture["layout"])["layout"] == picture["layout"]
    names = served.json(f"graph/{picture['layout']}/names", layer="0..100", y="-100000..100000")
    described("/api/v1/graph/{layout}/names", names)
    assert names["name"] == picture["nodes"]["name"]
    whole = served.json("graph", focus=MODEL, fold="none", up="all", down="all")
    assert whole["size"]["folded"] == 0 and whole["size"]["nodes"] >= picture["size"]["nodes"]
    assert served.get("graph", focus=MODEL, fold="some").json["error"]["nearest"] == ["auto", "none"]
    assert served.get("graph", focus="model:dealy").code == "unknown" and served.get("graph").code == "parameter"
    assert served.get("graph/nobody/names").status == 404
    tag = served.get("graph", focus=MODEL).headers["etag"]
    assert served.ask(f"/api/v1/graph?focus={MODEL}", headers={"If-None-Match": tag}).status == 304


def test_trace_and_why(served, described, family):
    trace = served.json("trace", thing=MODEL)
    described("/api/v1/trace", trace)
    assert trace == family.keizu.json("trace", MODEL)
    assert served.json("trace", thing="features.csv", down=True) == family.keizu.json("trace", "features.csv", "--down")
    assert {node["kind"] for node in served.json("trace", thing=MODEL, kinds="data")["nodes"]} <= {"run", "data", "model"}
    why = served.json("why", a="model:delay@v2", b="model:delay@v1")
    described("/api/v1/why", why)
    assert why == family.keizu.json("why", "model:delay@v2", "model:delay@v1")
    [params] = [cause for cause in why["causes"] if cause["kind"] == "params"]
    assert [said["code"] for said in params["said"]] == ["became", "on_command_line"]
    assert params["detail"].startswith(" → ".join(params["said"][0]["args"]))
    for cause in why["causes"]:
        assert cause["said"] and len(cause["evidence_said"]) == len(cause["evidence"])
    assert len(why["unseen_said"]) == len(why["unseen"]) and len(why["notes_said"]) == len(why["notes"])


def test_impact_tells_how_many_first(served, described, family):
    served.until(lambda counts: True, "home")
    for _ in range(200):
        lines = served.get("impact", of="daily/2013-01-01.csv").lines
        if lines[0]["counts"]:
            break
    for line in lines:
        described("/api/v1/impact", line, kind="application/x-ndjson")
    hits = [line["hit"] for line in lines if "hit" in line]
    whole = family.keizu.json("impact", "daily/2013-01-01.csv")
    assert [hit for hit in hits if not hit.get("root")] == whole["hits"]
    assert lines[-1]["told"]["count"] == whole["count"] > 0
    assert lines[0]["counts"]["all"] >= whole["count"]
    assert len([line for line in served.get("impact", of=MODEL, limit=1, paths=True).lines if "hit" in line]) <= 3


def test_the_files_of_a_folder_come_in_pages(served, described):
    whole = served.json("things/daily%2F")
    first = served.json("things/daily%2F/members", limit=2)
    described("/api/v1/things/{thing}/members", first)
    assert whole["members_count"] == len(whole["members"]) > 2 and first["members"] == whole["members"][:2]
    rest = served.json("things/daily%2F/members", after=first["next"])
    assert first["members"] + rest["members"] == whole["members"] and rest["next"] is None
    assert served.get("things/train.py/members").code == "unfit" and served.get("things/daily%2F/members", after="x").code == "after"


def test_a_closure_is_told_from_memory_and_described_in_pages(served, described, family):
    def whole():
        answer = served.get("closure", of=MODEL, links=True)
        return answer.json if answer.status == 200 else None

    closure = next(found for found in iter(whole, object()) if found)
    described("/api/v1/closure", closure)
    trace = family.keizu.json("trace", MODEL)
    assert {node["id"] for node in closure["nodes"]} == {node["id"] for node in trace["nodes"]}
    counts = closure["counts"]
    assert counts["all"] == len(closure["kind"]) == len(trace["nodes"]) == counts["runs"] + sum(counts["artifacts"].values())
    assert [closure["kinds"][code] for code in closure["kind"]] == [node["kind"] for node in closure["nodes"]]
    named = [node["id"] for node in closure["nodes"]]
    links = {(named[a], named[b]) for a, b in zip(closure["links"]["from"], closure["links"]["to"], strict=True)}
    assert links == {(edge["from"], edge["to"]) for edge in trace["edges"]}
    paged, after = [], None
    while not paged or after:
        page = served.json("closure", of=MODEL, limit=2, **({"after": after} if after else {}))
        paged, after = paged + page["nodes"], page["next"]
    assert paged == closure["nodes"]
    down = served.json("closure", of="daily/2013-01-01.csv", down=True)
    assert down["counts"]["all"] > 1 and "links" not in down
    assert served.get("closure", of="model:dealy").code == "unknown" and served.get("closure", of=MODEL, after="x").code == "after"


def test_the_plan_of_a_refresh(served, described, family):
    plan = served.json("plan")
    described("/api/v1/plan", plan)
    shown = json.loads(family.keizu("refresh", "--dry-run", "--json", check=False).stdout)
    assert {key: plan[key] for key in ("steps", "of", "unknown")} == {key: shown[key] for key in ("steps", "of", "unknown")}
    assert served.json("plan", thing=MODEL)["of"] <= plan["of"] and plan["recorded"]


def test_status_and_search(served, described, family):
    status = served.json("status")
    described("/api/v1/status", status)
    assert status["rows"] == json.loads(family.keizu("status", "--json", check=False).stdout)
    for states in (["fresh"], ["stale", "late"], ["unknown"]):
        some = served.json("status", states=",".join(states))
        assert some["rows"] == [row for row in status["rows"] if row["state"] in states]
    assert served.get("status", states="rotten").status == 400
    for query, wanted in [("delay", "model:delay"), ("features.c", "features.csv"), ("judge", "run:"), ("dealy", "model:delay")]:
        found = served.json("search", q=query)
        described("/api/v1/search", found)
        assert found["found"][0]["thing"].startswith(wanted), (query, found)
    run = served.json("runs")["runs"][0]["id"]
    assert served.json("search", q=run[:12])["found"][0]["thing"] == run
    assert served.get("search", q="x", limit=21).status == 400
    assert served.get("search").code == "parameter"


def test_the_record(served, described, family):
    record = served.json("record")
    described("/api/v1/record", record)
    assert record["size"] == served.json("home")["record"]["size"] == record["checkpoints"][0]["size"]
    entry = served.json("record/1")
    described("/api/v1/record/{seq}", entry)
    assert entry["kind"] == "run began" and entry["fields"]["fact"]["command"]
    proof = served.json("record/1/proof")
    described("/api/v1/record/{seq}/proof", proof)
    assert proof["root"] == record["root"] and proof["size"] == record["size"]
    for wrong, status in [("0", 404), ("999999", 404), ("x", 400), ("-1", 400), ("9" * 30, 400)]:
        assert served.get(f"record/{wrong}").status == status
    for method in ("GET", "POST"):
        lines = served.ask("/api/v1/record/verify", method).lines
        for line in lines:
            described("/api/v1/record/verify", line, kind="application/x-ndjson")
        assert lines[-1]["report"]["intact"] is True
    assert served.json("record")["verified_at"]


def test_what_an_address_takes_is_told_to_who_asks_otherwise(served):
    for path, method, allowed in [("/api/v1/home", "DELETE", "GET, HEAD"), ("/api/v1/record/verify", "PUT", "GET, HEAD, POST"), ("/model:delay", "POST", "GET, HEAD")]:
        answer = served.ask(path, method)
        assert answer.status == 405 and answer.headers["allow"] == allowed, path
        assert served.ask(path, "HEAD").status == 200, path


def test_the_past(served, family):
    last = served.json("record")["position"]
    assert served.get("runs", as_of=1).json["runs"][0]["status"] == "running"
    assert len(served.json("runs", known=last)["runs"]) == len(served.json("runs")["runs"])
    assert served.get("things/model:delay@v2", as_of=2).status == 404
    assert served.json("runs", as_of="2001-01-01")["runs"] == []
    for wrong in ("soon", "happened:5", "run:nobody", last + 1):
        assert served.get("runs", as_of=wrong).status in (400, 404), wrong
    assert served.get("runs", as_of=1, known=1).code == "as_of"


def test_what_is_there_is_not_sent_again(served):
    for route in ("runs", "home", "things/model:delay", "why?a=model:delay"):
        first = served.ask(f"/api/v1/{route}")
        assert first.headers["cache-control"] == "private, no-cache"
        again = served.ask(f"/api/v1/{route}", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status, again.body) == (304, b""), route
        assert served.ask(f"/api/v1/{route}", headers={"If-None-Match": '"other"'}).status == 200
    pinned = served.ask("/api/v1/runs?as_of=3")
    assert "immutable" in pinned.headers["cache-control"]
    page = served.ask("/model:delay")
    assert page.status == 200 and page.headers["content-type"].startswith("text/html")
    assert served.ask("/", headers={"If-None-Match": page.headers["etag"]}).status == 304


def test_large_answers_are_compressed(served):
    plain = served.ask("/api/v1/trace?thing=model:delay")
    packed = served.ask("/api/v1/trace?thing=model:delay", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and len(packed.body) < len(plain.body)
    assert gzip.decompress(packed.body) == plain.body


def test_health_and_counters(served):
    assert served.ask("/healthz").body == served.ask("/readyz").body == b"ok\n"
    counters = served.ask("/metrics").body.decode()
    assert 'keizu_requests_total{route="healthz",class="2xx"}' in counters and "keizu_record_ready 1" in counters
    head = served.ask("/api/v1/home", "HEAD")
    assert head.status == 200 and head.body == b""


def test_what_is_unknown_names_the_nearest(served):
    for route in ("things/model:dealy", "trace?thing=model:dealy", "impact?of=model:dealy", "why?a=model:dealy"):
        answer = served.ask(f"/api/v1/{route}")
        assert (answer.status, answer.code, answer.json["error"]["nearest"]) == (404, "unknown", ["model:delay"]), route
    assert served.get("nobody").code == "unknown"
    assert served.get("runs", nobody=1).json["error"]["nearest"] == ["limit", "after", "as_of", "known"]


def test_every_address_is_described_and_every_answer_is_safe(served, described):
    assert "/api/v1/home" in described.document["paths"] and described.document["openapi"].startswith("3.1")
    for path in ("/", "/api/v1/home", "/api/v1/nobody", "/healthz", "/metrics", "/app.css"):
        headers = served.ask(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"] and "script-src 'self'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("typed, page", [(MODEL, "model:delay"), ("./delay.bin", "path/delay.bin"), (None, "")])
def test_the_browser_is_sent_to_the_thing_that_is_asked_for(family, tmp_path, typed, page):
    told = tmp_path / "told"
    (tmp_path / "xdg-open").write_text(f'#!/bin/sh\nprintf "%s" "$1" >"{told}.part" && mv "{told}.part" "{told}"\n')
    (tmp_path / "xdg-open").chmod(0o755)
    box = copy.copy(family)
    box.env = {**family.env, "PATH": f"{tmp_path}:{family.env['PATH']}"}
    server = Server(box, "--open", *([typed] if typed else []))
    try:
        server.until(lambda _: told.exists(), "home")
        assert server.opens == page
        assert told.read_text() == f"http://127.0.0.1:{server.port}/{page}"
    finally:
        server.end()


def test_a_thing_that_is_not_there_is_said_before_anything_is_served(family):
    done = family.keizu("serve", "--listen", "127.0.0.1:0", "--open", "model:delya", check=False)
    assert done.returncode == 2 and done.stdout == b""
    assert b"nearest: model:delay" in done.stderr


def test_a_column_tells_how_it_is_spread_and_a_run_when_it_read_and_wrote(own, own_server, described):
    own.write("table.csv", "n,word\n" + "".join(f"{n},{'a' if n % 4 else 'b'}\n" for n in range(400)))
    own.keizu.run(sys.executable, "-c", "open('copy.csv', 'w').write(open('table.csv').read())", check=True)
    told = own_server.until(lambda thing: thing.get("profile"), "things/table.csv")
    described("/api/v1/things/{thing}", told)
    number, word = told["profile"]["columns"]
    edges, counts = number["bins"]["edges"], number["bins"]["counts"]
    assert (edges[0], edges[-1]) == (0, 399) and edges == sorted(edges)
    assert len(edges) == len(counts) + 1 and sum(counts) == 400
    assert word["bins"] is None and word["top"] == [["a", 300], ["b", 100]]

    run = own_server.json(f"things/{own_server.json('runs', limit=1)['runs'][0]['id']}")
    [read] = [row for row in run["inputs"] if row["path"] == "table.csv"]
    [made] = [row for row in run["outputs"] if row["path"] == "copy.csv"]
    assert run["started_at"] <= read["at"] <= run["ended_at"] and run["started_at"] <= made["at"] <= run["ended_at"]
