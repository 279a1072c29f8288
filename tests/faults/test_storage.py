"""Where the record lies fails: full, not writable, gone. The job never notices; Keizu says what happened."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .box import Box, sane

FILL = """
import os, sys
try:
    with open('filler', 'wb', buffering=0) as file:
        while True:
            file.write(bytes(65536))
except OSError as error:
    print(error.strerror)
sys.exit(6)
"""


def test_the_disk_is_filled_by_the_job(box: Box, small_disk: Path, tmp_path: Path) -> None:
    box = Box(tmp_path, small_disk)
    alone = box.plain(sys.executable, "-c", FILL)
    (small_disk / "filler").unlink()
    done = box.keizu.run(sys.executable, "-c", FILL, options=())
    assert (done.returncode, done.stdout) == (6, alone.stdout) == (6, b"No space left on device\n")
    sane(done.stderr)
    (small_disk / "filler").unlink()
    # Space again: the record is whole, and the next run is in it.
    assert box.keizu.run("true").returncode == 0
    assert box.keizu("verify").returncode == 0
    assert box.keizu.log()[0]["exit_code"] == 0


def test_the_disk_is_full_before_the_start(box: Box, small_disk: Path, tmp_path: Path) -> None:
    box = Box(tmp_path, small_disk)
    box.plain(sys.executable, "-c", FILL)
    done = box.keizu.run("sh", "-c", "echo out; exit 4", options=())
    assert (done.returncode, done.stdout) == (4, b"out\n")
    assert b"keizu" in done.stderr.lower(), "it says that it could not record"
    sane(done.stderr)


@pytest.fixture
def read_only(box: Box, tmp_path: Path):
    """A project that cannot be written, not even by root."""
    place = box.base / "fixed"
    place.mkdir()
    (place / "in.txt").write_text("in\n")
    if os.geteuid() == 0:
        for step in (["mount", "--bind", str(place), str(place)], ["mount", "-o", "remount,ro,bind", str(place)]):
            done = subprocess.run(step, capture_output=True)
            if done.returncode != 0:
                pytest.skip(f"mounting is not allowed here: {done.stderr.decode().strip()}")
        yield Box(tmp_path, place)
        subprocess.run(["umount", "-l", str(place)], check=True)
    else:
        place.chmod(0o555)
        yield Box(tmp_path, place)
        place.chmod(0o755)


def test_a_read_only_project(read_only: Box) -> None:
    done = read_only.keizu.run("sh", "-c", "cat in.txt; exit 4", options=())
    assert (done.returncode, done.stdout) == (4, b"in\n")
    assert b"keizu" in done.stderr.lower(), "it says that it could not record"
    sane(done.stderr)


@pytest.mark.parametrize("first", [True, False], ids=["first run", "record was there"])
def test_the_record_is_deleted_during_the_run(box: Box, first: bool) -> None:
    box.write("in.txt", "in\n")
    if not first:
        assert box.keizu.run("true").returncode == 0
        box.keizu("log")
    done = box.keizu.run("sh", "-c", "rm -rf .keizu; cat in.txt > out.txt; cat out.txt; exit 5", options=())
    assert (done.returncode, done.stdout) == (5, b"in\n")
    sane(done.stderr)
    assert (box.project / "out.txt").read_text() == "in\n"
    # What follows works or says why not, and a new run starts a new record.
    after = box.keizu("log", check=False)
    sane(after.stdout, after.stderr)
    assert after.returncode in (0, 2), after.stderr
    assert box.keizu.run("true").returncode == 0
    assert box.keizu.log()[0]["exit_code"] == 0
    assert box.keizu("verify").returncode == 0


def test_the_whole_project_is_deleted_during_the_run(box: Box) -> None:
    done = box.keizu.run("sh", "-c", 'rm -rf "$PWD"; echo gone; exit 5', options=())
    assert (done.returncode, done.stdout) == (5, b"gone\n")
    sane(done.stderr)
    shutil.rmtree(box.project, ignore_errors=True)


def test_a_record_that_is_no_database(box: Box) -> None:
    box.write(".keizu/keizu.db", b"this is no database" * 100)
    done = box.keizu.run("sh", "-c", "exit 4", options=())
    assert done.returncode == 4
    assert b"keizu" in done.stderr.lower()
    sane(done.stderr)
    after = box.keizu("log", check=False)
    assert after.returncode == 3 and after.stderr
    sane(after.stderr)
