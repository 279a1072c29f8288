"""The server follows the record while others write it, and survives what happens to it."""

import http.client
import json
import shutil
import signal
import sys
import time

from .conftest import PATIENCE_SECONDS, Server


class Events:
    """An open stream of events."""

    def __init__(self, server: Server, since: int | None = None, last: int | None = None):
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=PATIENCE_SECONDS)
        headers = {"Last-Event-ID": str(last)} if last is not None else {}
        self.connection.request("GET", "/api/v1/events" + (f"?since={since}" if since is not None else ""), headers=headers)
        self.response = self.connection.getresponse()
        assert self.response.status == 200 and self.response.getheader("content-type").startswith("text/event-stream")

    def next(self) -> dict:
        """The next event: its name, data and id."""
        event = {}
        while True:
            line = self.response.readline().decode()
            assert line, "the stream ended"
            if line == "\n":
                if "data" in event:
                    return event
                continue
            name, _, value = line.rstrip("\n").partition(": ")
            if name in ("id", "event"):
                event[name] = value
            elif name == "data":
                event["data"] = json.loads(value)

    def until(self, fits) -> list[dict]:
        seen = []
        while not seen or not fits(seen[-1]):
            seen.append(self.next())
        return seen

    def close(self) -> None:
        self.connection.close()


def touch(box, name: str) -> str:
    box.keizu.run(sys.executable, "-c", f"open('{name}', 'w').write('{name}')", check=True)
    return box.keizu.log()[0]["id"]


def test_a_run_of_another_process_is_seen(own, own_server):
    before = own_server.json("runs")["runs"]
    events = Events(own_server)
    run = touch(own, "fresh.txt")
    recorded = time.monotonic()
    own_server.until(lambda answer: answer["runs"][0]["id"] == run, "runs")
    assert time.monotonic() - recorded < PATIENCE_SECONDS
    assert len(own_server.json("runs")["runs"]) == len(before) + 1
    told = events.until(lambda event: event["event"] == "record" and run in event["data"]["things"])
    assert told[-1]["data"]["kind"] in ("run began", "used", "made", "run ended")
    events.close()
    # the graph in memory follows as well
    assert own_server.get("impact", of="fresh.txt").lines[-1]["told"]["count"] == 0
    own_server.until(lambda _: own_server.get("impact", of="fresh.txt").lines[0]["counts"] is not None, "home")


def test_a_picture_that_shows_nothing_new_is_not_sent_again(own, own_server):
    address = "/api/v1/graph?focus=model:delay@v1"
    tag = own_server.ask(address).headers["etag"]
    own.write("elsewhere.txt", "nobody reads this")
    before = own_server.until(lambda _: True, "record")["size"]
    own.keizu("add", "elsewhere.txt")
    own_server.until(lambda record: record["size"] > before, "record")
    assert own_server.ask(address, headers={"If-None-Match": tag}).status == 304
    touch(own, "fresh.txt")
    # it ran in the environment that stands in the picture
    own_server.until(lambda _: own_server.ask(address, headers={"If-None-Match": tag}).status == 200, "record")


def test_who_comes_back_hears_the_rest(own, own_server):
    last = own_server.json("record")["position"]
    touch(own, "one.txt")
    run = touch(own, "two.txt")
    end = own_server.until(lambda record: record["logs"][0]["size"] > last and own.keizu.log()[0]["id"] == run, "record")["logs"][0]["size"]
    for events in (Events(own_server, since=last), Events(own_server, last=last), Events(own_server, since=1, last=last)):
        told = events.until(lambda event: event.get("id") == str(end))
        counted = sum(event["data"]["count"] for event in told if event["event"] == "record")
        assert counted == end - last
        events.close()
    # only what is whole carries an id
    told = Events(own_server, since=last).until(lambda event: event.get("id") == str(end))
    heard = 0
    for event in told:
        if event["event"] == "record" and "id" in event:
            heard = int(event["id"])
    assert heard == end


def test_who_comes_knows_whether_something_fell_between_an_answer_and_the_events(own, own_server):
    answer = own_server.get("runs")
    events = Events(own_server)
    assert events.next()["id"] == answer.headers["keizu-seq"]
    events.close()
    touch(own, "between.txt")
    own_server.until(lambda record: record["position"] > int(answer.headers["keizu-seq"]), "record")
    events = Events(own_server)
    assert int(events.next()["id"]) > int(answer.headers["keizu-seq"])
    events.close()


def test_a_run_is_shown_while_it_goes_on(own, own_server):
    events = Events(own_server)
    own.write("seen.csv", "a,b\n1,2\n")
    job = own.start(sys.executable, "-c", "import sys; open('begun', 'w').write(open('seen.csv').read()); sys.stdin.read()", stdin=-1)
    try:
        told = events.until(lambda event: event["event"] == "running" and event["data"])
        [running] = told[-1]["data"]
        assert running["command"][0] == sys.executable and running["state"] == "running"
        assert own_server.until(lambda home: home["running"], "home")["running"][0]["id"] == running["id"]
        told = events.until(lambda event: event["event"] == "running" and event["data"] and event["data"][0]["written"])
        [running] = told[-1]["data"]
        assert "seen.csv" in running["read"] and "begun" in running["written"]
        assert running["inputs"] >= 1 and running["outputs"] >= 1
    finally:
        job.communicate(b"")
    events.until(lambda event: event["event"] == "running" and not event["data"])
    events.close()


def test_it_ends_when_told_and_lets_answers_end(own):
    for how in (signal.SIGTERM, signal.SIGINT):
        server = Server(own)
        events = Events(server)
        events.next()
        assert server.end(how) == 0
        events.close()


def test_a_record_that_is_gone_and_comes_back(own, own_server):
    folder, aside = own.project / ".keizu", own.base / "aside"
    own_server.until(lambda _: True, "home")
    folder.rename(aside)
    end = time.monotonic() + PATIENCE_SECONDS
    while (answer := own_server.get("runs")).status != 503:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert answer.code == "no_record" and "retry-after" in answer.headers
    while own_server.ask("/readyz").status != 503:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert own_server.ask("/healthz").status == 200 and own_server.ask("/").status == 200
    aside.rename(folder)
    own_server.until(lambda answer: answer["runs"], "runs")
    assert own_server.get("record/verify").lines[-1]["report"]["intact"] is True


def test_a_record_that_is_replaced(own, own_server):
    before = own_server.json("record")
    tag = own_server.get("runs").headers["etag"]
    shutil.rmtree(own.project / ".keizu")
    run = touch(own, "other.txt")
    own_server.until(lambda answer: [row["id"] for row in answer["runs"]] == [run], "runs")
    after = own_server.until(lambda record: record["signers"] != before["signers"], "record")
    assert after["size"] < before["size"]
    own_server.until(lambda _: own_server.ask("/api/v1/runs", headers={"If-None-Match": tag}).status == 200, "runs")


def test_a_wrong_configuration_is_said_and_mended(own, own_server):
    file = own.project / "keizu.toml"
    kept = file.read_text()
    file.write_text("[models\n")
    answer = own_server.get("runs", limit=7)
    assert (answer.status, answer.code) == (503, "config")
    file.write_text(kept)
    own_server.until(lambda _: True, "runs", limit=7)


def test_the_log_is_one_object_a_line(own):
    server = Server(own)
    server.get("runs", limit=3)
    server.ask("/api/v1/runs?limit=3&token=secret-in-a-url")
    said = server.said()
    server.end()
    lines = [json.loads(line) for line in said.splitlines()]
    assert [line["status"] for line in lines] == [200, 400]
    assert lines[0]["path"] == "/api/v1/runs" and "secret-in-a-url" not in said
