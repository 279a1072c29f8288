"""Malformed requests, large bodies, crowds of slow clients: it stays up, and answers those who ask properly."""

import os
import random
import socket

import pytest

from .conftest import Server

SEED = 20_261_124
REQUESTS = int(os.environ.get("KEIZU_FUZZ", "2000"))
PIECES = [
    "model:delay", "model:", "model:@", "run:", "run:zz", "b3:", "b3:00", "data:x@v99999999999999999999", "party:x", "daily/", "/", "//", "..",
    "../../etc/passwd", "%00", "%ff", "%2e%2e%2f", "\u202e", "日本", "a" * 3000, "'\"<script>", "{}", "[]", "-1", "0", "9" * 40, "1e9", "NaN",
    "true", "all", "null", "limit", "recorded:", "happened:1", "2026-13-45", "2026-11-24T00:00Z", "run:judge", "features.csv", "&", "=", "?", "#", ";", "%", "+",
]  # fmt: skip
ROUTES = [
    "home", "models", "runs", "data", "things/{}", "things/{}/preview", "things/{}/versions", "things/{}/members", "things/{}/content", "trace", "closure", "why", "impact", "graph", "status", "plan",
    "search", "record", "record/{}", "record/{}/proof", "openapi.json", "session", "{}",
]  # fmt: skip
NAMES = ["limit", "after", "as_of", "known", "thing", "a", "b", "of", "q", "files", "down", "depth", "kinds", "by", "paths", "up", "focus", "fold", "open", "nobody"]


def raw(server: Server, sent: bytes, patience: float = 30, hang_up: bool = False) -> bytes:
    """What comes back, up to the end. Who hangs up before is answered nothing."""
    with socket.create_connection((server.host, server.port), timeout=patience) as line:
        try:
            line.sendall(sent)
            if hang_up:
                line.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        out = b""
        try:
            while piece := line.recv(65536):
                out += piece
        except OSError:
            pass
        return out


def test_malformed_requests_are_told_what_is_wrong(served):
    dice = random.Random(SEED)
    for number in range(REQUESTS):
        route = dice.choice(ROUTES).replace("{}", dice.choice(PIECES))
        query = "&".join(f"{dice.choice(NAMES)}={dice.choice(PIECES)}" for _ in range(dice.randrange(4)))
        method = dice.choice(["GET"] * 8 + ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"])
        target = f"/api/v1/{route}?{query}".encode("utf-8", "replace").replace(b" ", b"%20").replace(b"#", b"%23")
        answer = raw(served, b"%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" % (method.encode(), target))
        status = int(answer.split(b" ", 2)[1]) if answer else 0
        # what is not UTF-8 is refused by the parser of HTTP itself
        assert status and (status < 500 or status == 501), (number, method, target, answer[:300])
    assert served.get("home").status == 200


def test_what_is_no_http_is_let_go(served):
    dice = random.Random(SEED)
    for _ in range(300):
        noise = dice.randbytes(dice.randrange(1, 2_000))
        answer = raw(served, dice.choice([b"", b"GET / HTTP/1.1\r\n", b"GET /api/v1/home HTTP/1.1\r\nHost: 127.0.0.1\r\n"]) + noise, hang_up=True)
        assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert served.get("home").status == 200


@pytest.mark.parametrize("size", [1, 20_000, 5_000_000])
def test_bodies_of_any_size(served, size):
    body = b"x" * size
    for method, path in [("GET", "/api/v1/home"), ("POST", "/api/v1/session"), ("POST", "/api/v1/record/verify"), ("POST", "/"), ("PUT", "/api/v1/runs")]:
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
        answer = raw(served, head.encode() + body)
        assert not answer or int(answer.split(b" ", 2)[1]) < 500, (method, path, answer[:200])
    assert served.get("home").status == 200


def test_a_body_without_an_end(served):
    with socket.create_connection((served.host, served.port), timeout=30) as line:
        line.sendall(b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = b""
        try:
            for _ in range(200):
                line.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
            answer = line.recv(4096)
        except OSError:
            pass
        assert not answer or b" 413 " in answer.splitlines()[0]
    assert served.get("home").status == 200


def test_headers_have_an_end(served):
    begun = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    for much in (b"".join(b"X-%d: y\r\n" % number for number in range(100)), b"X: " + b"y" * 40_000 + b"\r\n"):
        answer = raw(served, begun + much + b"\r\n")
        assert b" 431 " in answer.splitlines()[0] and b'"code":"headers"' in answer
    for too_much in (b"".join(b"X-%d: y\r\n" % number for number in range(500)), b"X: " + b"y" * 200_000 + b"\r\n"):
        assert b" 431 " in raw(served, begun + too_much + b"\r\n").splitlines()[0]
    long = b"GET /" + b"y" * 20_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    assert raw(served, long).split()[1] in (b"414", b"431")


def test_a_thousand_slow_clients(own):
    server = Server(own)
    lines = []
    try:
        for number in range(1_000):
            line = socket.create_connection((server.host, server.port), timeout=30)
            # a head that never ends, and answers that are never taken
            line.sendall(b"GET /api/v1/home HTT" if number % 2 else b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20)
            lines.append(line)
        for _ in range(5):
            assert server.get("runs").status == 200
    finally:
        for line in lines:
            line.close()
    assert server.get("runs").status == 200
    assert server.end() == 0
