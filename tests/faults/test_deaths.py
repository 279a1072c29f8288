"""Keizu dies, the job lives; the job dies, Keizu knows."""

import signal
import sys

import pytest

from .box import PATIENCE_SECONDS, Box, b3, until

TRAINING = """
import pickle
import time
from pathlib import Path

import numpy as np
from sklearn.linear_model import SGDClassifier

model = SGDClassifier(loss="log_loss", random_state=0)
for epoch in range(12):
    table = np.loadtxt(f"shards/{epoch % 6}.csv", delimiter=",")
    model.partial_fit(table[:, :2], table[:, 2], classes=[0, 1])
    Path(f"out/epoch-{epoch}.txt").write_text(f"{model.coef_.round(6).tolist()}")
    print("epoch", epoch, flush=True)
    while epoch == 4 and not Path("go").exists():
        time.sleep(0.01)
Path("out/model.pkl").write_bytes(pickle.dumps(model))
print("trained", round(model.score(table[:, :2], table[:, 2]), 3))
"""


@pytest.fixture
def training(box: Box) -> Box:
    pytest.importorskip("sklearn")
    box.write("train.py", TRAINING)
    (box.project / "out").mkdir()
    for shard in range(6):
        box.write(f"shards/{shard}.csv", "".join(f"{i % 11 - 5},{(i * i + shard) % 7},{int(i % 11 > 5)}\n" for i in range(60)))
    return box


def results(box: Box) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in (box.project / "out").iterdir()}
    for name in found:
        (box.project / "out" / name).unlink()
    return found


def test_every_keizu_process_dies_amid_the_training(training: Box) -> None:
    box = training
    (box.project / "go").touch()
    alone = box.plain(sys.executable, "train.py")
    assert alone.returncode == 0, alone.stderr
    expected = results(box)
    (box.project / "go").unlink()

    job = box.start(sys.executable, "train.py")
    until((box.project / "out/epoch-4.txt").exists, "the fifth epoch")
    until(lambda: box.kill_keizu() or not box.keizu_processes(), "the watcher")
    until(lambda: not box.keizu_processes(), "the death of all")
    (box.project / "go").touch()
    out, err = job.communicate(timeout=PATIENCE_SECONDS)
    assert (job.returncode, out, err) == (0, alone.stdout, alone.stderr)
    made = results(box)
    assert made == expected
    for name, content in made.items():
        box.write(f"out/{name}", content)

    # The next command recovers the run: what was seen before the death and after it.
    run = box.keizu.last()
    assert any(spot["kind"] == "watcher" for spot in run["blind_spots"]), run["blind_spots"]
    assert run["status"] in ("finished", "lost") and run["exit_code"] in (0, None)
    assert {f"shards/{shard}.csv" for shard in range(6)} <= {row["path"] for row in run["inputs"]}
    assert "train.py" in {row["path"] for row in run["code"]}
    for epoch in range(12):
        box.row(run, "outputs", f"out/epoch-{epoch}.txt")
    assert box.keizu("verify").returncode == 0
    assert len(box.keizu.log()) == 1, "recovered once"


def test_the_watcher_dies_and_the_job_is_killed(training: Box) -> None:
    box = training
    job = box.start(sys.executable, "train.py")
    until((box.project / "out/epoch-4.txt").exists, "the fifth epoch")
    assert box.kill_keizu() >= 1
    job.kill()
    job.communicate(timeout=PATIENCE_SECONDS)
    assert job.returncode == -signal.SIGKILL
    run = box.keizu.last()
    assert run["status"] in ("lost", "killed")
    assert any(spot["kind"] == "watcher" for spot in run["blind_spots"]), run["blind_spots"]
    box.row(run, "outputs", "out/epoch-4.txt")
    box.row(run, "inputs", "shards/0.csv")


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV], ids=lambda s: s.name)
def test_the_job_is_killed(training: Box, signal_: signal.Signals) -> None:
    box = training
    job = box.start(sys.executable, "train.py")
    until((box.project / "out/epoch-4.txt").exists, "the fifth epoch")
    job.send_signal(signal_)
    job.communicate(timeout=PATIENCE_SECONDS)
    assert job.returncode == -signal_
    run = box.keizu.last()
    assert (run["status"], run["signal"], run["exit_code"]) == ("killed", signal_, None)
    assert box.row(run, "outputs", "out/epoch-3.txt")["digest"] == b3((box.project / "out/epoch-3.txt").read_bytes())
    assert box.row(run, "inputs", "shards/4.csv")["digest"] == b3((box.project / "shards/4.csv").read_bytes())
