"""The log is altered behind Keizu's back: `keizu verify` names the place. All but the log is thrown away: the answers come back, byte for byte."""

import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .box import Box, left_alone, sane

FLIPS = 60


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> Path:
    """The base of a box with a few runs in its record. Copied for each fault."""
    from oracle.keizu import binary

    if binary() is None:
        pytest.skip("no keizu binary: set KEIZU_BIN, or cargo build -p keizu")
    base = tmp_path_factory.mktemp("record")
    box = Box(base)
    box.write("in.txt", "in\n")
    box.write("folder/one.txt", "1\n")
    box.write("folder/two.txt", "2\n")
    box.keizu("add", "folder")
    for number in range(4):
        assert box.keizu.run("sh", "-c", f"cat in.txt folder/* > mid.txt; echo {number} >> mid.txt").returncode == 0
        assert box.keizu.run("sh", "-c", f"cat mid.txt > out-{number}.txt").returncode == 0
    assert box.keizu("verify").returncode == 0
    left_alone(box.project / ".keizu")
    with closing(connect(box)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return base


@pytest.fixture
def box(record: Path, tmp_path: Path) -> Box:
    shutil.copytree(record, tmp_path / "copy", symlinks=True)
    return Box(tmp_path / "copy")


def connect(box: Box) -> sqlite3.Connection:
    return sqlite3.connect(box.project / ".keizu" / "keizu.db", isolation_level=None)


def entries(db: sqlite3.Connection) -> list[tuple[int, int, bytes, bytes]]:
    return db.execute("SELECT position, place, id, bytes FROM log ORDER BY position").fetchall()


def named(box: Box) -> tuple[int, set[int]]:
    """Exit code of `verify`, and the places that it names, counted from 0."""
    done = box.keizu("verify", "--json", check=False)
    sane(done.stdout, done.stderr)
    assert done.returncode in (0, 1), (done.stdout, done.stderr)
    told = json.loads(done.stdout)
    page = box.keizu("verify", check=False)
    assert page.returncode == done.returncode and told["intact"] == (done.returncode == 0)
    return done.returncode, {fault["index"] for log in told["logs"] for fault in log["faults"]}


def test_an_intact_copy_passes(box: Box) -> None:
    assert named(box)[0] == 0


def test_one_flipped_byte_anywhere(box: Box) -> None:
    moments = random.Random(11)
    with closing(connect(box)) as db:
        log = entries(db)
    for flip in range(FLIPS):
        position, place, id_, content = moments.choice(log)
        column, value = moments.choice([("id", id_), ("bytes", content), ("bytes", content), ("bytes", content)])
        at = moments.randrange(len(value))
        flipped = value[:at] + bytes([value[at] ^ 1 << moments.randrange(8)]) + value[at + 1 :]
        with closing(connect(box)) as db:
            db.execute(f"UPDATE log SET {column} = ? WHERE position = ?", (flipped, position))
        code, places = named(box)
        where = f"flip {flip}: byte {at} of {column} of entry {place}"
        assert code == 1, where
        assert place in places, f"{where}: {places} is named"
        with closing(connect(box)) as db:
            db.execute(f"UPDATE log SET {column} = ? WHERE position = ?", (value, position))
    assert named(box)[0] == 0


def test_every_byte_of_the_last_record(box: Box) -> None:
    with closing(connect(box)) as db:
        position, place, _, content = entries(db)[-1]
    for at in range(0, len(content), max(1, len(content) // 60)):
        with closing(connect(box)) as db:
            db.execute("UPDATE log SET bytes = ? WHERE position = ?", (content[:at] + bytes([content[at] ^ 0x80]) + content[at + 1 :], position))
        code, places = named(box)
        assert code == 1 and place in places, f"byte {at}"


@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_a_dropped_record(box: Box, which: str) -> None:
    with closing(connect(box)) as db:
        log = entries(db)
        position, place, *_ = log[{"first": 0, "middle": len(log) // 2, "last": -1}[which]]
        db.execute("DELETE FROM log WHERE position = ?", (position,))
    code, places = named(box)
    assert code == 1 and place in places


def test_two_swapped_records(box: Box) -> None:
    with closing(connect(box)) as db:
        log = entries(db)
        one, two = log[2], log[len(log) // 2]
        for target, source in ((one, two), (two, one)):
            db.execute("UPDATE log SET id = ?, bytes = ? WHERE position = ?", (*source[2:], target[0]))
    code, places = named(box)
    # Each is sound in itself: only the tree tells, and it tells that one of those since the last checkpoint that holds is wrong.
    assert code == 1 and places and min(places) <= one[1]


@pytest.mark.parametrize("many", [1, 5])
def test_a_cut_tail(box: Box, many: int) -> None:
    with closing(connect(box)) as db:
        tail = entries(db)[-many:]
        db.execute("DELETE FROM log WHERE position >= ?", (tail[0][0],))
    code, places = named(box)
    assert code == 1 and tail[0][1] in places


@pytest.mark.parametrize("table, column", [("log_checkpoint", "note"), ("log_origin", "key")])
def test_a_flipped_byte_beside_the_log(box: Box, table: str, column: str) -> None:
    with closing(connect(box)) as db:
        row, value = db.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid DESC LIMIT 1").fetchone()
        if isinstance(value, str):
            at = len(value) // 2
            flipped: object = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
        else:
            flipped = bytes([value[0] ^ 1]) + value[1:]
        db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (flipped, row))
    assert named(box)[0] == 1


def test_all_but_the_log_is_dropped(box: Box) -> None:
    def answers() -> list[bytes]:
        runs = [line["id"] for line in box.keizu.log()]
        asked = [("log",), *(("show", run) for run in runs), *(("show", run, "--files") for run in runs)]
        asked += [("trace", f"out-{n}.txt") for n in range(4)] + [("trace", "in.txt", "--down"), ("trace", "folder/one.txt", "--down")]
        return [box.keizu(*question, "--json").stdout for question in asked]

    before = answers()
    with closing(connect(box)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        kept = ("log", "log_origin", "log_checkpoint", "log_format")
        things = db.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND type IN ('table', 'view', 'trigger')").fetchall()
        dropped = [name for kind, name in things if name not in kept and not db.execute(f'DROP {kind} "{name}"').fetchall()]
    assert dropped, "there was nothing but the log"
    assert answers() == before
    assert box.keizu("verify").returncode == 0
