"""Who is turned away: from another origin, under another name, with and without a token."""

import json
import os
import socket
import stat

import pytest

from .conftest import Server

HOME = "/api/v1/home"


def port(server: Server, name: str = "127.0.0.1") -> str:
    return f"{name}:{server.port}"


CASES = [
    # host, more headers, status of the data, status of the page
    ("127.0.0.1", {}, 200, 200),
    ("localhost", {}, 200, 200),
    ("[::1]", {}, 200, 200),
    ("evil.example", {}, 421, 421),
    ("127.0.0.1.nip.io", {}, 421, 421),
    ("192.168.7.7", {}, 421, 421),
    ("127.0.0.1", {"Origin": "http://evil.example"}, 403, 403),
    ("127.0.0.1", {"Origin": "null"}, 403, 403),
    ("127.0.0.1", {"Origin": "http://127.0.0.1:1"}, 403, 403),
    ("127.0.0.1", {"Sec-Fetch-Site": "cross-site"}, 403, 403),
    ("127.0.0.1", {"Sec-Fetch-Site": "same-site"}, 403, 403),
    ("127.0.0.1", {"Sec-Fetch-Site": "same-origin"}, 200, 200),
    ("127.0.0.1", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 403, 200),
    ("127.0.0.1", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403, 403),
    ("127.0.0.1", {"X-Forwarded-For": "10.0.0.1"}, 401, 200),
    ("127.0.0.1", {"Authorization": "Bearer keizu_wrong"}, 401, 200),
    ("127.0.0.1", {"Authorization": "Basic eDp5"}, 401, 200),
]


@pytest.mark.parametrize("host, more, data, page", CASES)
def test_at_home(served, host, more, data, page):
    headers = {"Host": port(served, host), **more}
    assert served.ask(HOME, headers=headers).status == data
    assert served.ask("/", headers=headers).status == page


def test_two_hosts_are_no_host(served):
    with socket.create_connection(("127.0.0.1", served.port)) as line:
        line.sendall(f"GET {HOME} HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode())
        assert b" 400 " in line.makefile("rb").readline()
    with socket.create_connection(("127.0.0.1", served.port)) as line:
        line.sendall(f"GET http://evil.example{HOME} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        assert b" 421 " in line.makefile("rb").readline()


def address() -> str | None:
    """An address of this machine that is not loopback, when it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        found = probe.getsockname()[0]
    return None if found.startswith("127.") else found


def token(box, *options: str) -> tuple[str, str]:
    """A new token and its id."""
    new = box.keizu("token", "new", *(options or ("--read",))).stdout.decode().strip()
    return new, box.keizu.json("token", "list")[-1]["id"]


def test_elsewhere_a_token_is_needed(own):
    here = address()
    if here is None:
        pytest.skip("this machine has no address but loopback")
    refused = own.keizu("serve", "--listen", f"{here}:0", check=False)
    assert refused.returncode == 2 and b"keizu token new --read" in refused.stderr
    secret, name = token(own, "--read", "--name", "board")
    server = Server(own, "--host", "models.lab", host=here)
    try:
        host = {"Host": f"{here}:{server.port}"}
        assert server.ask(HOME, headers=host).status == 401
        assert server.ask("/", headers=host).status == 200
        for path in ("/api/v1/runs", "/api/v1/events", "/metrics", "/api/v1/record/verify"):
            assert server.ask(path, headers=host).status == 401, path
        good = {**host, "Authorization": f"Bearer {secret}"}
        assert server.ask(HOME, headers=good).status == 200
        assert server.ask(HOME, headers={**good, "Host": f"models.lab:{server.port}"}).status == 200
        assert server.ask(HOME, headers={**good, "Host": "evil.example"}).status == 421
        assert server.ask(HOME, headers={**good, "Origin": "http://evil.example"}).status == 403
        assert server.ask(HOME, headers={**host, "Authorization": f"Bearer {secret}x"}).status == 401
        assert server.ask(f"{HOME}?token={secret}", headers=host).status == 401
        listening = socket.create_connection((here, server.port), timeout=60)
        listening.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {here}\r\nAuthorization: Bearer {secret}\r\n\r\n".encode())
        assert b" 200 " in listening.recv(4096)
        own.keizu("token", "revoke", name)
        assert server.ask(HOME, headers=good).status == 401
        # the record tells of it, and who listened with it hears that no more
        heard = b""
        while piece := listening.recv(4096):
            heard += piece
            if heard.endswith(b"0\r\n\r\n"):
                break
        assert b"retracted" not in heard
        listening.close()
        assert secret not in server.said() and name in server.said()
    finally:
        server.end()


def test_a_token_is_traded_for_a_cookie(own, own_server):
    secret, name = token(own)
    away = {"X-Forwarded-For": "10.0.0.1"}
    as_json = {**away, "Content-Type": "application/json"}
    sent = json.dumps({"token": secret}).encode()
    answer = own_server.ask("/api/v1/session", "POST", sent, as_json)
    assert answer.status == 200 and answer.json == {"id": name, "scope": "read"}
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and secret not in cookie and "Secure" not in cookie
    shown = {**away, "Cookie": cookie.split(";")[0]}
    assert own_server.ask(HOME, headers=shown).status == 200
    assert own_server.ask(HOME, headers={**shown, "Cookie": cookie.split(";")[0] + "0"}).status == 401
    assert "Secure" in own_server.ask("/api/v1/session", "POST", sent, {**as_json, "X-Forwarded-Proto": "https"}).headers["set-cookie"]
    assert "Max-Age=0" in own_server.ask("/api/v1/session", "DELETE").headers["set-cookie"]
    assert own_server.ask("/api/v1/session", "POST", sent, {**away, "Content-Type": "text/plain"}).status == 415
    assert own_server.ask("/api/v1/session", "POST", b"token=x", as_json).status == 400
    own.keizu("token", "revoke", name)
    assert own_server.ask(HOME, headers=shown).status == 401


def test_who_guesses_is_slowed_down(own_server):
    wrong = {"Authorization": "Bearer keizu_guess"}
    seen = [own_server.ask(HOME, headers=wrong).status for _ in range(15)]
    assert seen[0] == 401 and seen[-1] == 429
    # others at home are not kept waiting
    assert own_server.ask(HOME).status == 200


def test_tokens_are_in_the_record_without_the_secret(own):
    secret, name = token(own, "--write", "--name", "nightly")
    file = own.project / ".keizu" / "tokens"
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    [row] = own.keizu.json("token", "list")
    assert (row["scope"], row["name"], row["revoked_at"]) == ("write", "nightly", None)
    own.keizu("token", "revoke", name)
    assert own.keizu.json("token", "list")[0]["revoked_at"]
    assert own.keizu("token", "revoke", name, check=False).returncode == 2
    own.keizu("verify")
    for path in (own.project / ".keizu").rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
