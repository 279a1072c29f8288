"""Contents that others take for equal, and code that is not what it was: told apart, and recorded as it was when read."""

import subprocess
import sys
import time

import pytest

from .box import Box, b3

HALF = 80 << 20


def test_a_datetime_after_row_10_000(box: Box) -> None:
    """MLflow hashes the first 10,000 rows, and of those no datetime column."""
    rows = [f"{i},{i % 7},2024-01-01T00:{i // 60 % 60:02d}:{i % 60:02d}" for i in range(12_000)]
    one = "id,value,at\n" + "\n".join(rows) + "\n"
    rows[11_000] = rows[11_000].replace("2024", "2023")
    two = "id,value,at\n" + "\n".join(rows) + "\n"
    assert len(one) == len(two) and one != two
    told(box, "data.csv", one.encode(), two.encode())


def test_the_same_in_parquet(box: Box) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"id": range(12_000), "at": pd.date_range("2024-01-01", periods=12_000, freq="min")})
    contents = []
    for _ in range(2):
        contents.append(frame.to_parquet(index=False))
        frame.loc[11_999, "at"] = pd.Timestamp("2020-02-29")
    told(box, "data.parquet", *contents)


def test_the_middle_of_160_megabytes(box: Box) -> None:
    """LaminDB hashes the ends of what is larger than 50 MiB."""
    piece = bytes(range(256)) * 4096
    one = bytearray(piece * (2 * HALF // len(piece)))
    two = bytearray(one)
    two[HALF] ^= 1
    told(box, "large.bin", one, two)


def told(box: Box, name: str, one: bytes, two: bytes) -> None:
    """Two contents under one name, each read by a run that makes the same of it; and both added."""
    box.write("count.py", f"size = len(open({name!r}, 'rb').read())\nopen('size.txt', 'w').write(str(size > 0))\n")
    seen = []
    for content in (one, two):
        box.write(name, content)
        assert box.keizu.run(sys.executable, "count.py").returncode == 0
        run = box.keizu.last()
        row = box.row(run, "inputs", name)
        assert row["digest"] == b3(content) and row["size"] == len(content) and row["changed"] is None
        seen.append((row["digest"], box.row(run, "outputs", "size.txt")["digest"]))
    assert seen[0][0] != seen[1][0] and seen[0][1] == seen[1][1]
    # Each has its own family, though what was made of them is equal.
    for digest, _ in seen:
        down = box.keizu.json("trace", digest, "--down")
        assert {node["digest"] for node in down["nodes"]} & {digest}
        assert not {node["digest"] for node in down["nodes"]} & ({seen[0][0], seen[1][0]} - {digest})

    box.write(f"other/{name}", one)
    box.write(f"another/{name}", two)
    box.keizu("add", f"other/{name}", f"another/{name}")
    assert box.keizu.json("show", f"other/{name}")["digest"] == b3(one)
    assert box.keizu.json("show", f"another/{name}")["digest"] == b3(two)


STEP = """
import sys
import settings
rows = open('data.csv').read()
print('read', flush=True)
sys.stdin.readline()
open('model.txt', 'w').write(settings.WORD + rows)
"""


@pytest.mark.parametrize("pause_seconds", [1, 0], ids=["by a person", "at once"])
def test_code_and_data_edited_during_the_run(box: Box, pause_seconds: float) -> None:
    """DVC (its issue 11058) hashes afterwards, and so ties code to an output that it never made.

    What is edited faster than the watcher looks cannot be had any more: then there is no digest, which is said; never a wrong one.
    """
    code, settings, data = box.write("train.py", STEP), box.write("settings.py", "WORD = 'old'\n"), box.write("data.csv", "1,2\n")
    before = {path.name: b3(path.read_bytes()) for path in (code, settings, data)}
    job = box.start(sys.executable, "train.py", stdin=subprocess.PIPE)
    assert job.stdout.readline() == b"read\n"
    time.sleep(pause_seconds)
    code.write_text(STEP + "# edited while it ran\n")
    settings.write_text("WORD = 'new'\n")
    data.write_text("3,4\n")
    job.communicate(b"go\n", timeout=60)
    assert job.returncode == 0

    run = box.keizu.last()
    assert box.row(run, "outputs", "model.txt")["digest"] == b3(b"old1,2\n")
    for part, name in (("code", "train.py"), ("code", "settings.py"), ("inputs", "data.csv")):
        row = box.row(run, part, name)
        assert row["digest"] == before[name] or (pause_seconds == 0 and row["digest"] is None), f"{name}: as it was when it was read"
        assert row["changed"] or row["digest"] is None, f"{name} is flagged as changed during the run"
        assert any(name in spot["detail"] for spot in run["blind_spots"]), f"{name} is among the blind spots: {run['blind_spots']}"

    # The next run is of the edited files, and nothing is flagged.
    assert box.keizu.run(sys.executable, "train.py", input=b"go\n").returncode == 0
    run = box.keizu.last()
    for part, path in (("code", code), ("code", settings), ("inputs", data)):
        row = box.row(run, part, path.name)
        assert row["digest"] == b3(path.read_bytes()) != before[path.name] and row["changed"] is None


@pytest.mark.parametrize("known", [True, False], ids=["added before", "never seen"])
def test_a_file_that_the_run_itself_rewrites_is_both(box: Box, known: bool) -> None:
    """Replaced at once: what was there before is known only when it had been recorded; else that is said."""
    box.write("data.txt", "before\n")
    if known:
        time.sleep(0.1)  # A digest is trusted only of a file that is older than the clock's grain.
        box.keizu("add", "data.txt")
    script = "import os; old = open('data.txt').read(); open('data.txt.new', 'w').write(old + 'after\\n'); os.replace('data.txt.new', 'data.txt')"
    assert box.keizu.run(sys.executable, "-c", script).returncode == 0
    run = box.keizu.last()
    digest = box.row(run, "inputs", "data.txt")["digest"]
    assert digest == b3(b"before\n") or (digest is None and not known)
    assert digest or any("data.txt" in spot["detail"] for spot in run["blind_spots"]), run["blind_spots"]
    assert box.row(run, "outputs", "data.txt")["digest"] == b3(b"before\nafter\n")
