"""Fixtures of the fault tests."""

import os
import subprocess
from pathlib import Path

import pytest

from oracle.keizu import binary

from .box import Box


@pytest.fixture
def box(tmp_path: Path) -> Box:
    if binary() is None:
        pytest.skip("no keizu binary: set KEIZU_BIN, or cargo build -p keizu")
    return Box(tmp_path)


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 16 MB of its own, for the project."""
    if os.geteuid() != 0:
        pytest.skip("mounting wants root")
    place = tmp_path.resolve() / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
