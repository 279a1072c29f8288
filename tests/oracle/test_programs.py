"""Nothing missed, nothing invented, every digest right, and nothing of the program changed: for each program of `programs.py`."""

import shutil
from pathlib import Path

import pytest

from .harness import Outcome, Stage
from .judge import Judge
from .keizu import binary
from .programs import PROGRAMS, Program

RECALL = 0.999


@pytest.fixture(params=PROGRAMS, ids=lambda program: program.name)
def stage(request, tmp_path: Path) -> Stage:
    program: Program = request.param
    if binary() is None:
        pytest.skip("no keizu binary: set KEIZU_BIN, or cargo build -p keizu")
    if lack := program.missing():
        pytest.skip(lack)
    return Stage(tmp_path, program)


def same(one: Outcome, two: Outcome) -> None:
    assert two.code == one.code
    assert two.out == one.out
    assert two.err == one.err
    assert two.tree == one.tree


def test_the_same_with_and_without(stage: Stage) -> None:
    stage.alone()  # Fills caches that Python keeps beside its sources.
    same(stage.alone(), stage.watched())


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not here (Debian: strace)")
def test_nothing_missed(stage: Stage) -> None:
    alone = stage.alone()
    outcome, scene, before = stage.traced()
    same(alone, outcome)
    run = stage.keizu.last()
    assert run["exit_code"] == alone.code
    verdict = Judge(scene, before, run, stage.project).judge()
    print(verdict)
    assert verdict.reads and verdict.writes
    assert verdict.recall >= RECALL, verdict
    assert not verdict.phantoms, verdict
    assert not verdict.wrong, verdict
