"""A project with a little family in it, made once and copied for whoever changes it."""

import shutil
import sys
from pathlib import Path

import pytest

from faults.box import Box, left_alone
from oracle.keizu import binary

# Reads the files of a folder, and a config; then "trains" a model that Keizu knows by declaration only.
FEATURES = """
from pathlib import Path
rows = sorted(path.read_text() for path in Path('daily').glob('*.csv'))
Path('features.csv').write_text(''.join(rows))
"""
TRAIN = """
import json, sys
from pathlib import Path
from common import scale
depth = int(sys.argv[sys.argv.index('--depth') + 1])
rows = Path('features.csv').read_text()
config = json.loads(Path('config.json').read_text())
Path('delay.bin').write_text(f'{depth} {config["rate"]} {scale(len(rows))}')
"""
EVALUATE = """
import json
from pathlib import Path
model = Path('delay.bin').read_text()
Path('eval.json').write_text(json.dumps({'auc': 0.75, 'rows': len(model)}))
"""


def need_binary() -> None:
    if binary() is None:
        pytest.skip("no keizu binary: set KEIZU_BIN, or cargo build -p keizu")


def make(base: Path) -> Box:
    box = Box(base)
    for day in range(1, 9):
        box.write(f"daily/2013-01-{day:02}.csv", f"{day},1\n" * 40)
    box.write("features.py", FEATURES)
    box.write("train.py", TRAIN)
    box.write("evaluate.py", EVALUATE)
    box.write("common.py", "def scale(n):\n    return n * 2\n")
    box.write("config.json", '{"rate": 0.1, "seed": 13}\n')
    return box


def train(box: Box, depth: int, options: tuple = ("-q",)):
    return box.keizu.run(sys.executable, "train.py", "--depth", depth, options=("--model", "delay=delay.bin", *options), check=True)


DECLARED = """
[models]
delay = "delay.bin"
"""


@pytest.fixture(scope="session")
def recorded(tmp_path_factory) -> Path:
    need_binary()
    base = tmp_path_factory.mktemp("family")
    box = make(base)
    box.write("keizu.toml", DECLARED)
    box.keizu.run(sys.executable, "features.py", check=True)
    train(box, 4)
    train(box, 6)
    box.keizu.run(sys.executable, "evaluate.py", options=("-q", "--name", "judge", "--param", "owner=aki", "--tag", "team=fraud"), check=True)
    box.keizu("log")
    left_alone(box.project / ".keizu")
    return base


@pytest.fixture(scope="session")
def family(recorded: Path) -> Box:
    """For those who only read."""
    return Box(recorded)


@pytest.fixture
def own(recorded: Path, tmp_path: Path) -> Box:
    """For those who change something."""
    shutil.copytree(recorded, tmp_path / "copy", symlinks=True)
    return Box(tmp_path / "copy")


@pytest.fixture
def fresh(tmp_path: Path) -> Box:
    """A project without a record."""
    need_binary()
    return make(tmp_path)
