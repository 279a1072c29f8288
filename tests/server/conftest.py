"""A server of the real binary over a small recorded project, on a port of its own."""

import http.client
import json
import re
import shutil
import signal
import subprocess
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.conftest import recorded  # noqa: F401  (the little family, made once)
from faults.box import Box

PATIENCE_SECONDS = 60


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def code(self) -> str | None:
        return self.json["error"]["code"] if self.status >= 400 else None


class Server:
    """`keizu serve`, until it is ended."""

    def __init__(self, box: Box, *args: str, host: str = "127.0.0.1"):
        self.box, self.host = box, host
        self.log = (box.tmp / f"serve-{time.monotonic_ns()}.log").open("w+b")
        command = [box.keizu.bin, "serve", "--listen", f"{host}:0", "--log", "json", *args]
        self.process = subprocess.Popen(command, cwd=box.project, env=box.env, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline().decode()
        found = re.search(r":(\d+)/(\S*)$", line.strip())
        assert found, f"it did not start: {line!r} {self.said()}"
        self.port, self.opens = int(found[1]), found[2]

    def said(self) -> str:
        return Path(self.log.name).read_text(errors="replace")

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, headers: dict | None = None, host: str | None = None) -> Answer:
        connection = http.client.HTTPConnection(host or self.host, self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.putrequest(method, path, skip_host=bool(headers) and "Host" in headers, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, route: str, **query: object) -> Answer:
        """`/api/v1/ROUTE`."""
        text = urllib.parse.urlencode({name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()})
        return self.ask(f"/api/v1/{route}" + (f"?{text}" if text else ""))

    def json(self, route: str, **query: object):
        answer = self.get(route, **query)
        assert answer.status == 200, (route, query, answer.status, answer.body[:500])
        return answer.json

    def until(self, fits, route: str, **query: object):
        """Asks until the answer fits."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self.get(route, **query)
            if answer.status == 200 and fits(answer.json):
                return answer.json
            assert time.monotonic() < end, (route, answer.status, answer.body[:500])
            time.sleep(0.02)

    def end(self, how: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()
        self.log.close()
        return code


@pytest.fixture(scope="session")
def family(recorded: Path) -> Box:  # noqa: F811
    return Box(recorded)


@pytest.fixture(scope="session")
def served(family: Box):
    """For those who only read."""
    server = Server(family)
    server.until(lambda _: True, "home")
    yield server
    server.end()


@pytest.fixture
def own(recorded: Path, tmp_path: Path) -> Box:  # noqa: F811
    """For those who change something."""
    shutil.copytree(recorded, tmp_path / "copy", symlinks=True)
    return Box(tmp_path / "copy")


@pytest.fixture
def own_server(own: Box):
    server = Server(own)
    yield server
    server.end()
