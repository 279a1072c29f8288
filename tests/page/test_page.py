"""The page in a real browser, over the real binary and a project that was really recorded: `ui/test/browser` does the looking."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from oracle.keizu import binary
from why.project import Project, flip

UI = Path(__file__).resolve().parents[2] / "ui"
PATIENCE_SECONDS = 900
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """Two versions of a model; between them the evaluation data was replaced, and code and a parameter changed."""
    if binary() is None:
        pytest.skip("no keizu binary: set KEIZU_BIN, or cargo build -p keizu")
    if not (UI / "node_modules").is_dir():
        pytest.skip("the packages of the page are not installed: scripts/ui --check")
    if not any(map(shutil.which, BROWSERS)) and not os.environ.get("CHROMIUM"):
        pytest.skip("no browser: apt-get install chromium")
    project = Project(tmp_path_factory.mktemp("page")).make()
    project.everything()
    holdout = project.project / "features/holdout.csv"
    project.write("features/holdout.csv", flip(holdout.read_text(), lambda at, cells: at % 5 == 0))
    project.edit("train.py", "ROUNDS = 6", "ROUNDS = 2")
    project.options = ["--l2", "0.3"]
    project.train()
    project.rest()
    return project


@pytest.mark.parametrize("what", ["page", "axe"])
def test_in_a_browser(project, what):
    env = os.environ | {"PAGE_PROJECT": str(project.project), "KEIZU_BIN": str(binary()), "HOME": str(project.home)}
    env.pop("KEIZU_STORE", None)
    done = subprocess.run(
        ["node", "--test", f"test/browser/{what}.test.mjs"], cwd=UI, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert done.returncode == 0, f"{done.stdout[-20000:]}\n{done.stderr[-4000:]}"
