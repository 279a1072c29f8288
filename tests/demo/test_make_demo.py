"""What `make demo` runs, with the binary under test: it ends well, shows the tree, can be run again, and never throws work away."""

import os
import signal
import subprocess
import time
import urllib.request

import pytest

from project import KEIZU, ROOT, example_files


@pytest.fixture(scope="module")
def demo():
    folder = ROOT / "target" / "test" / "demo"

    def run() -> str:
        done = subprocess.run(
            ["scripts/demo"],
            cwd=ROOT,
            env={**os.environ, "KEIZU_BIN": str(KEIZU), "DEMO_DIR": str(folder), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return folder, run


def tree(output: str) -> str:
    return output.split("$ keizu trace model:delay\n", 1)[1].split("Go on from here:")[0]


def opened(line: str, tmp_path) -> tuple[str, int]:
    """What a browser is sent to by the line, and how the server answers there. The browser is a script that writes its argument down."""
    browser = tmp_path / "xdg-open"
    browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" >"{tmp_path}/part" && mv "{tmp_path}/part" "{tmp_path}/sent"\n')
    browser.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    server = subprocess.Popen(
        ["sh", "-c", f"{line} --listen 127.0.0.1:0 --log off"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        said = server.stdout.readline().strip()
        asked = said.replace("/model:", "/api/v1/things/model:")
        with urllib.request.urlopen(asked, timeout=60) as answer:
            assert "delay" in answer.read().decode()
            status = answer.status
        for _ in range(600):
            if (tmp_path / "sent").exists():
                break
            time.sleep(0.1)
        assert (tmp_path / "sent").read_text() == said
        return said, status
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
        server.stdout.close()


def test_the_demo_shows_the_tree_twice_and_keeps_what_was_changed(demo, tmp_path):
    folder, run = demo
    before = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True).stdout

    first = run()
    for thing in ("model:delay", "train.py", "features.py", "ingest.py", "common.py", "flights.csv.zip", "weather.csv", "planes.csv", "config.yaml", "scikit-learn"):
        assert thing in tree(first), f"{thing} is not in the tree\n{tree(first)}"
    assert len(list((folder / "flights" / "daily").iterdir())) == 365

    # The last line opens the page on the model's family tree.
    said, status = opened(first.rstrip().splitlines()[-1], tmp_path)
    assert said.endswith("/model:delay") and status == 200

    # Somebody goes on in it, and runs the demo once more.
    (folder / "flights" / "config.yaml").write_text("learning_rate: 0.2\n")
    kept = set(folder.iterdir())
    second = run()
    moved = set(folder.iterdir()) - kept
    assert [(path / "config.yaml").read_text() for path in moved] == ["learning_rate: 0.2\n"]
    assert "model:delay" in tree(second)
    for file in example_files():
        assert (folder / "flights" / file).read_bytes() == (ROOT / "examples/flights" / file).read_bytes()

    for path in moved:
        subprocess.run(["rm", "-rf", str(path)], check=True)
    # The checkout is as clean as it was.
    assert subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True).stdout == before
