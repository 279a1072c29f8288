"""name, get, add, init and verify: what they change, and what they refuse."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from faults.box import Box, b3

from .conftest import train


def test_names_and_aliases(own: Box) -> None:
    keizu = own.keizu
    assert keizu("name", "data:days", "daily/").stdout == b"data:days@v1\n"
    assert keizu("name", "data:days", "daily/").stdout == b"data:days@v1\n", "the same content keeps its version"
    assert "model:delay@v1" in keizu("name", "model:delay@champion", "model:delay@v1", "-m", "proven").stdout.decode()
    assert keizu.json("show", "model:delay@champion")["name"] == "model:delay@v1"
    assert keizu.json("name", "model:delay")["aliases"] == {"champion": 1}
    keizu("name", "model:delay@champion", "delay.bin")
    assert keizu.json("name", "model:delay")["aliases"] == {"champion": 2}, "a path whose content is a version"
    listed = keizu("name").stdout.decode()
    assert "model:delay" in listed and "2 versions" in listed and "@champion v2" in listed and "data:days" in listed
    keizu("name", "--remove", "model:delay@champion")
    assert keizu.json("name", "model:delay")["aliases"] == {}
    assert keizu("show", "model:delay@champion", check=False).returncode == 2


@pytest.mark.parametrize("argv, says", [
    (["model:delay@v9", "delay.bin"], "versions are numbered by Keizu"),
    (["model:delay@best", "features.csv"], "is no version of model:delay"),
    (["run:judge", "delay.bin"], "can't be a name"),
    (["--remove", "model:delay"], "is no alias"),
    (["model:other", "no-such.bin"], "no-such.bin"),
])  # fmt: skip
def test_wrong_names(own: Box, argv: list[str], says: str) -> None:
    done = own.keizu("name", *argv, check=False)
    assert done.returncode == 2 and done.stdout == b""
    assert says in done.stderr.decode()


def test_content_comes_back(own: Box) -> None:
    now = (own.project / "delay.bin").read_bytes()
    own.keizu("get", "model:delay@v1", "-o", "old.bin")
    old = (own.project / "old.bin").read_bytes()
    assert old != now and b3(old) == own.keizu.json("show", "model:delay@v1")["digest"]
    assert own.keizu("get", "delay.bin", "-o", "-").stdout == now
    refused = own.keizu("get", "model:delay", "-o", "old.bin", check=False)
    assert refused.returncode == 2 and b"--force" in refused.stderr
    assert (own.project / "old.bin").read_bytes() == old
    own.keizu("get", "model:delay", "-o", "old.bin", "--force")
    assert (own.project / "old.bin").read_bytes() == now
    assert (own.project / "old.bin").stat().st_mode & 0o111 == 0


def test_a_folder_comes_back(own: Box) -> None:
    own.keizu("get", "daily", "-o", "again")
    for path in (own.project / "daily").iterdir():
        assert (own.project / "again" / path.name).read_bytes() == path.read_bytes()
    assert not [name for name in os.listdir(own.project / "again") if name.startswith(".")]
    assert own.keizu("get", "daily", "-o", "-", check=False).returncode == 2


def test_what_was_not_kept_says_how_to_keep_it(own: Box) -> None:
    own.write("keizu.toml", '[keep]\nsmall_max = "100 KB"\n')
    own.write("big.csv", os.urandom(200_000))
    own.keizu("add", "big.csv")
    done = own.keizu("get", "big.csv", "-o", "copy.csv", check=False)
    assert done.returncode == 1
    assert b"was not kept" in done.stderr and b"[keep]" in done.stderr
    assert not (own.project / "copy.csv").exists()
    own.write("keizu.toml", '[keep]\nglobs = ["*.csv"]\n')
    own.write("big.csv", os.urandom(200_000))
    own.keizu("add", "big.csv")
    own.keizu("get", "big.csv", "-o", "copy.csv")
    assert (own.project / "copy.csv").read_bytes() == (own.project / "big.csv").read_bytes()


def test_an_altered_content_is_not_given_out(own: Box) -> None:
    kept = next(path for path in (own.project / ".keizu" / "objects").rglob("*") if path.is_file() and path.read_bytes() == (own.project / "delay.bin").read_bytes())
    kept.chmod(0o644)
    kept.write_bytes(b"X" + kept.read_bytes()[1:])
    done = own.keizu("get", "model:delay", "-o", "out.bin", check=False)
    assert done.returncode == 3 and b"altered" in done.stderr
    assert not (own.project / "out.bin").exists()
    assert own.keizu("verify").returncode == 0
    found = own.keizu("verify", "--content", check=False)
    assert found.returncode == 1 and b"kept content" in found.stdout


def test_adding(fresh: Box) -> None:
    done = fresh.keizu("add", "config.json", "daily")
    text = done.stdout.decode()
    assert "config.json" in text and "daily/" in text and "8 files" in text
    assert b".keizu/, which git ignores" in done.stderr
    again = json.loads(fresh.keizu("add", "daily", "--json").stdout)
    assert again[0]["known"] is True and again[0]["members"] == 8
    assert fresh.keizu("add", "-q", "config.json").stdout == b""
    missing = fresh.keizu("add", "no-such.csv", check=False)
    assert missing.returncode == 2 and b"no-such.csv" in missing.stderr


def test_init_writes_a_keizu_toml_once(fresh: Box) -> None:
    first = fresh.keizu("init")
    assert b"keizu.toml" in first.stderr and first.stdout == b""
    text = (fresh.project / "keizu.toml").read_text()
    assert "[keep]" in text and "[roles]" in text
    fresh.write("keizu.toml", text + "# mine\n")
    fresh.keizu("init")
    assert (fresh.project / "keizu.toml").read_text().endswith("# mine\n")
    assert fresh.keizu.run("true").returncode == 0


def test_verify_names_the_place(own: Box) -> None:
    fine = own.keizu("verify")
    assert "intact" in fine.stdout.decode()
    note = own.base / "kept.note"
    note.write_bytes((own.project / ".keizu" / "checkpoint").read_bytes())
    train(own, 7)
    held = own.keizu("verify", "--witness", note)
    assert "kept.note" in held.stdout.decode()
    with closing(sqlite3.connect(own.project / ".keizu" / "keizu.db", isolation_level=None)) as db:
        place, content = db.execute("SELECT place, bytes FROM log ORDER BY position LIMIT 1 OFFSET 3").fetchone()
        db.execute("UPDATE log SET bytes = ? WHERE place = ?", (content[:-1] + bytes([content[-1] ^ 1]), place))
    broken = own.keizu("verify", check=False)
    assert broken.returncode == 1
    assert f"entry {place + 1} of log" in broken.stdout.decode()
    answer = json.loads(own.keizu("verify", "--json", check=False).stdout)
    assert answer["intact"] is False and answer["logs"][0]["faults"][0]["index"] == place


def test_a_witness_that_is_not_there(own: Box) -> None:
    done = own.keizu("verify", "--witness", "no-such.note", check=False)
    assert done.returncode == 2 and b"no-such.note" in done.stderr


def test_ctrl_c_leaves_nothing_half_done(own: Box) -> None:
    before = own.keizu.json("log")
    with open(own.project / "huge.bin", "wb") as file:
        file.truncate(64 << 30)
    process = subprocess.Popen([own.keizu.bin, "add", "huge.bin"], cwd=own.project, env=own.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # Anything but a handler that swallows the signal ends it; it hashes for far longer than this.
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT, "a shell sees 130"
    assert (out, err) == (b"", b"")
    assert own.keizu("show", "huge.bin", check=False).returncode == 2
    assert own.keizu.json("log") == before and own.keizu("verify").returncode == 0
