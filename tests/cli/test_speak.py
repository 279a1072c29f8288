"""How Keizu speaks: to terminals, to pipes, to nobody, and when something is wrong."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

import pytest

from faults.box import PATIENCE_SECONDS, Box, until

COMMANDS = ["run", "trace", "impact", "why", "status", "refresh", "reproduce", "show", "log", "name", "add", "get", "verify", "doctor", "init", "serve", "token", "version", "completions", "man"]


def on_terminal(box: Box, *argv: str, columns: int = 80, env: dict | None = None) -> str:
    """What a person sees who types this at a terminal so many columns wide."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen([box.keizu.bin, *argv], cwd=box.project, env=env or box.env, stdin=side, stdout=side, stderr=side)
    os.close(side)
    seen = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(main)
    process.wait(timeout=PATIENCE_SECONDS)
    return seen.decode().replace("\r\n", "\n")


def test_people_get_ages_and_sizes_and_pipes_get_numbers(family: Box) -> None:
    seen = on_terminal(family, "trace", "model:delay")
    assert re.search(r"\d(\.\d)? k?B", seen) and ("ago" in seen or "just now" in seen)
    piped = family.keizu("trace", "model:delay").stdout.decode()
    assert re.search(r"\d{4}-\d\d-\d\dT", piped) and "ago" not in piped and "kB" not in piped
    assert "ago" in on_terminal(family, "log") or "just now" in on_terminal(family, "log")
    assert "ago" not in family.keizu("log").stdout.decode()


def test_colour_only_where_it_helps(family: Box) -> None:
    plain = {**family.env}
    del plain["NO_COLOR"]
    plain["TERM"] = "xterm-256color"
    assert "\x1b[" in on_terminal(family, "trace", "model:delay", env=plain)
    assert "\x1b[" not in on_terminal(family, "trace", "model:delay", env={**plain, "NO_COLOR": "1"})
    assert "\x1b[" not in on_terminal(family, "--color", "never", "trace", "model:delay", env=plain)
    assert b"\x1b[" not in family.keizu("trace", "model:delay").stdout
    assert b"\x1b[" in family.keizu("trace", "model:delay", "--color", "always").stdout
    # The words are the same with and without it.
    bare = re.sub(r"\x1b\[[0-9;]*m", "", family.keizu("log", "--color", "always").stdout.decode())
    assert bare == family.keizu("log").stdout.decode()


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_pages_fit_the_terminal(family: Box, columns: int) -> None:
    for asked in (["log"], ["trace", "model:delay"], ["show", "run:judge"], ["show", "model:delay"], ["show", "features.csv"], ["name"]):
        for line in on_terminal(family, *asked, columns=columns).splitlines():
            assert len(line) <= columns, f"{asked}: {line}"


def test_a_narrow_terminal_keeps_file_names(family: Box) -> None:
    seen = on_terminal(family, "trace", "model:delay", columns=44)
    assert "features.csv" in seen and "config.json" in seen and "model:delay@v2" in seen


def test_columns_wins_over_the_terminal(family: Box) -> None:
    wide = on_terminal(family, "log", columns=140)
    assert on_terminal(family, "log", columns=40, env={**family.env, "COLUMNS": "140"}) == wide


def test_east_asian_names_align(fresh: Box) -> None:
    fresh.write("学習データ.csv", "1\n")
    fresh.write("b.csv", "2\n")
    fresh.keizu.run("sh", "-c", "cat 学習データ.csv b.csv > 結果.csv", check=True)
    lines = [line for line in on_terminal(fresh, "show", fresh.keizu.log()[0]["id"]).splitlines() if ".csv" in line and "cat" not in line]
    assert len(lines) == 3
    from unicodedata import east_asian_width

    ends = {sum(2 if east_asian_width(c) in "WF" else 1 for c in line[: line.rindex("2 B") if "2 B" in line else line.rindex("4 B")]) for line in lines}
    assert len(ends) == 1, lines


def test_nobody_reads_on(family: Box) -> None:
    """A closed pipe ends it silently, as it ends other tools."""
    for asked in (["log", "--json"], ["trace", "model:delay"], ["completions", "bash"], ["man"]):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([family.keizu.bin, *asked], cwd=family.project, env=family.env, stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b""), asked


def test_a_full_disk_for_the_answer(family: Box) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([family.keizu.bin, "log"], cwd=family.project, env=family.env, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3 and b"could not be written" in done.stderr


@pytest.mark.parametrize("asked, says, nearest", [
    (["show", "model:dealy"], 'no model is called "dealy"', "nearest: model:delay (2 versions)"),
    (["show", "model:delay@v9"], "model:delay has no version 9", "model:delay@v2"),
    (["trace", "feature.csv"], '"feature.csv"', "features.csv"),
    (["show", "run:jugde"], '"jugde"', "run:judge"),
    (["show", "b3:ffffffffffffffff"], "no content begins with b3:ffffffffffffffff", ""),
    (["get", "data:nope", "-o", "x"], 'no dataset is called "nope"', ""),
])  # fmt: skip
def test_an_unknown_thing_is_two_and_names_the_nearest(family: Box, asked: list[str], says: str, nearest: str) -> None:
    done = family.keizu(*asked, check=False)
    text = done.stderr.decode()
    assert done.returncode == 2 and done.stdout == b""
    assert text.startswith("error: ") and says in text and nearest in text


def test_an_ambiguous_prefix_lists_the_candidates(own: Box) -> None:
    # Of more contents than there are digits, two begin alike.
    for number in range(17):
        own.write(f"many/{number}.txt", f"{number}\n")
    own.keizu("add", *[f"many/{number}.txt" for number in range(17)])
    digits = "0123456789abcdef"
    answers = [own.keizu("show", f"b3:{digit}", check=False) for digit in digits]
    ambiguous = [done for done in answers if b"is ambiguous" in done.stderr]
    assert ambiguous
    for done in ambiguous:
        assert done.returncode == 2
        candidates = re.findall(r"it may mean (b3:[0-9a-f]+)", done.stderr.decode())
        assert len(candidates) >= 2
        assert own.keizu("show", candidates[0]).returncode == 0


def test_without_a_record(fresh: Box) -> None:
    for asked in (["log"], ["show", "x"], ["trace", "x"], ["name"], ["get", "x", "-o", "y"], ["verify"]):
        done = fresh.keizu(*asked, check=False)
        assert done.returncode == 2 and b"there is no record in" in done.stderr and b"keizu run --" in done.stderr, asked
    assert not (fresh.project / ".keizu").exists(), "asking makes nothing"


def test_a_record_of_a_newer_keizu(own: Box) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(own.project / ".keizu" / "keizu.db", isolation_level=None)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%format%'")]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        for name in tables:
            column = db.execute(f"SELECT name FROM pragma_table_info('{name}') WHERE type LIKE 'INT%'").fetchone()[0]
            last = db.execute(f"SELECT max({column}) FROM {name}").fetchone()[0]
            columns = [row[0] for row in db.execute(f"SELECT name FROM pragma_table_info('{name}')")]
            values = ", ".join(str(last + 98) if one == column else one for one in columns)
            db.execute(f"INSERT INTO {name} SELECT {values} FROM {name} WHERE {column} = {last}")
        if version:
            db.execute(f"PRAGMA user_version = {version + 98}")
    done = own.keizu("log", check=False)
    text = done.stderr.decode()
    assert done.returncode == 3 and "newer Keizu (format" in text and "nothing was changed" in text, text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_reads_like_documentation(fresh: Box, command: str) -> None:
    short, long = (fresh.keizu(command, option).stdout.decode() for option in ("-h", "--help"))
    assert "Examples:" in short and f"keizu {command}" in short
    assert len(long) >= len(short)
    assert all(len(line) <= 130 for line in long.splitlines())


def test_the_front_page(fresh: Box) -> None:
    text = fresh.keizu("--help").stdout.decode()
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", text, re.MULTILINE), command
    alone = fresh.keizu(check=False)
    assert alone.returncode == 2 and b"Usage:" in alone.stderr
    assert re.fullmatch(r"keizu \d+\.\d+\.\d+\n", fresh.keizu("--version").stdout.decode())
    assert "record format 1" in fresh.keizu("version").stdout.decode()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "elvish", "powershell"])
def test_completions(fresh: Box, shell: str) -> None:
    script = fresh.keizu("completions", shell).stdout
    assert all(command.encode() in script for command in COMMANDS)
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, check=True)


def test_the_manual(fresh: Box) -> None:
    assert b".TH keizu 1" in fresh.keizu("man").stdout
    fresh.keizu("man", "--out", "pages")
    pages = {path.name for path in (fresh.project / "pages").iterdir()}
    assert pages == {"keizu.1", *(f"keizu-{command}.1" for command in [*COMMANDS, "token-new", "token-list", "token-revoke"])}
    assert "model:delay" in (fresh.project / "pages" / "keizu-trace.1").read_text()


def test_doctor_says_what_can_be_observed(fresh: Box) -> None:
    done = fresh.keizu("doctor", check=False)
    text = done.stdout.decode()
    assert ("runs are observed here" in text) == (done.returncode == 0)
    answer = fresh.keizu.json("doctor", check=False)
    assert answer["observes"] is (done.returncode == 0)
    names = {check["name"] for check in answer["checks"]}
    assert {"system", "kernel", "record", "run folder", "observing", "git", "python"} <= names
    assert not (fresh.project / ".keizu").exists(), "looking makes nothing"


def test_doctor_finds_what_is_wrong(fresh: Box) -> None:
    fresh.env["KEIZU_STORE"] = "/proc/no/such/folder"
    done = fresh.keizu("doctor", check=False)
    assert done.returncode in (1, 3) and (done.stdout or done.stderr)


def test_a_run_that_goes_on_is_said_to_be_running(fresh: Box) -> None:
    process = fresh.start(sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()", stdin=subprocess.PIPE)
    assert process.stdout.readline() == b"up\n"
    # Its watcher writes it down as soon as it is ready; the command does not wait for that.
    until(lambda: fresh.keizu.log(), "the run in the log")
    assert fresh.keizu.log()[0]["status"] == "running"
    assert "running" in fresh.keizu("log").stdout.decode()
    process.communicate(b"", timeout=PATIENCE_SECONDS)
    assert fresh.keizu.log()[0]["status"] == "finished"
