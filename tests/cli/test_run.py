"""`keizu run`: the command's own exit status, a few lines afterwards, and nothing that could keep it from running."""

import os
import re
import sys

import pytest

from faults.box import Box

from .conftest import train


@pytest.mark.parametrize("code", [0, 1, 3, 200])
def test_the_exit_status_is_that_of_the_command(fresh: Box, code: int) -> None:
    assert fresh.keizu.run("sh", "-c", f"exit {code}").returncode == code


def test_what_follows_the_dashes_is_the_command_alone(fresh: Box) -> None:
    done = fresh.keizu.run("echo", "--json", "-n", "--", "--depth=6", check=True)
    assert done.stdout == b"--json -n -- --depth=6\n"
    assert fresh.keizu.log()[0]["command"] == ["echo", "--json", "-n", "--", "--depth=6"]


def test_the_summary_says_what_was_made_from_what(fresh: Box) -> None:
    fresh.keizu.run(sys.executable, "features.py", check=True)
    text = train(fresh, 4, options=()).stderr.decode()
    assert re.search(r"^keizu  run:[0-9a-f]{6}  .*→  model:delay@v1", text, re.MULTILINE), text
    assert "features.csv" in text and "train.py" in text
    assert "keizu trace model:delay" in text
    text = train(fresh, 6, options=()).stderr.decode()
    assert "model:delay@v2" in text
    assert re.search(r"against v1: .*depth 4 → 6", text), text


def test_the_first_run_says_where_the_record_lives(fresh: Box) -> None:
    first = fresh.keizu.run("true", options=()).stderr.decode()
    assert ".keizu/, which git ignores" in first
    again = fresh.keizu.run("true", options=()).stderr.decode()
    assert "git ignores" not in again
    assert (fresh.project / ".keizu" / ".gitignore").read_text() == "*\n"


def test_a_failure_is_told_and_recorded(fresh: Box) -> None:
    done = fresh.keizu.run("sh", "-c", "echo half > half.txt; exit 7", options=())
    assert done.returncode == 7
    assert "failed (exit 7) after" in done.stderr.decode()
    assert [row["path"] for row in fresh.keizu.last()["outputs"]] == ["half.txt"]


def test_quiet_says_nothing(fresh: Box) -> None:
    done = fresh.keizu.run("sh", "-c", "exit 7", options=("-q",))
    assert (done.stdout, done.stderr) == (b"", b"")


def test_stdout_is_the_commands_alone(fresh: Box) -> None:
    assert fresh.keizu.run("echo", "hello", options=()).stdout == b"hello\n"


def test_what_was_declared_is_in_the_record(family: Box) -> None:
    run = family.keizu.show("run:judge")
    assert run["name"] == "judge"
    assert run["params"]["owner"] == "aki"
    assert run["params_by"]["owner"] == "declared"
    assert run["tags"] == {"team": "fraud"}


def test_a_wrong_keizu_toml_is_said_before_anything_starts(fresh: Box) -> None:
    fresh.write("keizu.toml", 'project = "x"\n\n[role]\n"a" = "data"\n')
    done = fresh.keizu.run("touch", "ran", options=())
    assert done.returncode == 2
    text = done.stderr.decode()
    assert "error: keizu.toml line 3: unknown key `role`" in text
    assert "nearest: `roles`" in text
    assert not (fresh.project / "ran").exists()


@pytest.mark.parametrize("argv", [("run",), ("run", "--"), ("run", "--param", "x", "--", "true"), ("run", "--model", "=p", "--", "true"), ("run", "--no-such", "true")])
def test_wrong_use_is_two(fresh: Box, argv: tuple) -> None:
    done = fresh.keizu(*argv, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: ")


def test_a_record_that_cannot_be_made_keeps_nothing_from_running(fresh: Box) -> None:
    fresh.env["KEIZU_STORE"] = "/proc/no/such/folder"
    done = fresh.keizu.run("sh", "-c", "echo ran; exit 4", options=())
    assert (done.returncode, done.stdout) == (4, b"ran\n")
    assert re.fullmatch(r"keizu  not recorded: .+\n", done.stderr.decode())


@pytest.mark.parametrize("name, code", [("./no-such-command", 127), ("./plain.txt", 126)])
def test_what_cannot_be_run_without_a_record_either(fresh: Box, name: str, code: int) -> None:
    fresh.write("plain.txt", "no program\n")
    fresh.env["KEIZU_STORE"] = "/proc/no/such/folder"
    done = fresh.keizu.run(name, options=())
    assert done.returncode == code
    assert name in done.stderr.decode()


def test_a_record_elsewhere(fresh: Box) -> None:
    fresh.env["KEIZU_STORE"] = str(fresh.base / "elsewhere")
    fresh.keizu.run("cp", "config.json", "copy.json", check=True)
    assert not (fresh.project / ".keizu").exists()
    assert (fresh.base / "elsewhere" / "keizu.db").is_file()
    assert [row["path"] for row in fresh.keizu.last()["outputs"]] == ["copy.json"]


def test_from_another_folder(fresh: Box) -> None:
    os.mkdir(fresh.project / ".git")
    fresh.write("sub/in.txt", "x")
    done = fresh.keizu("-C", "sub", "run", "-q", "--", "sh", "-c", "pwd; cat in.txt > out.txt")
    assert done.stdout.decode().strip() == str(fresh.project / "sub")
    run = fresh.keizu.last()
    assert run["cwd"] == "sub"
    assert [row["path"] for row in run["outputs"]] == ["sub/out.txt"]
    assert (fresh.project / ".keizu").is_dir()
