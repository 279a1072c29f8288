"""A family of four steps, made once and copied for each test: days → features → model → evaluation, and an unrelated report."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from faults.box import Box, left_alone
from oracle.keizu import binary

FEATURES = """
from pathlib import Path
rows = sorted(path.read_text() for path in Path('daily').glob('*.csv'))
Path('features.csv').write_text(''.join(rows))
"""
TRAIN = """
import json
from pathlib import Path
from common import scale
rows = Path('features.csv').read_text()
rate = json.loads(Path('config.json').read_text())['rate']
try:
    rate = float(Path('override.txt').read_text())
except FileNotFoundError:
    pass
Path('models').mkdir(exist_ok=True)
Path('models/delay.bin').write_text(f'{rate} {scale(len(rows))} {hash(rows) if False else sum(map(ord, rows))}')
"""
EVALUATE = """
import json
from pathlib import Path
Path('eval.json').write_text(json.dumps({'auc': len(Path('models/delay.bin').read_text()) / 100}))
"""
REPORT = """
from pathlib import Path
Path('report.txt').write_text(Path('notes.txt').read_text().upper())
"""


def day(number: int) -> str:
    return f"{number},1\n" * 40


class Family(Box):
    """The project, and what `status` says of it."""

    def states(self, *args: object) -> dict[str, str]:
        done = self.keizu("status", "--json", *args, check=False)
        assert done.returncode in (0, 1), done.stderr.decode()
        rows = self.rows(*args)
        assert done.returncode == int(any(row["state"] != "fresh" for row in rows))
        return {row["thing"]: row["state"] for row in rows}

    def rows(self, *args: object) -> list[dict]:
        import json

        return json.loads(self.keizu("status", "--json", *args, check=False).stdout)

    def stale(self, *args: object) -> set[str]:
        return {thing for thing, state in self.states(*args).items() if state == "stale"}

    def cause(self, thing: str) -> tuple[str, str]:
        (row,) = [row for row in self.rows() if row["thing"] == thing]
        return row["cause"]["thing"], row["cause"]["what"]

    def step(self, *argv: object, options: tuple = ("-q",)) -> None:
        self.keizu.run(*argv, options=options, check=True)

    def python(self, script: str, *args: object, options: tuple = ("-q",)) -> None:
        self.step(sys.executable, script, *args, options=options)

    def refresh(self, *args: object, code: int = 0) -> str:
        done = self.keizu("refresh", *args, check=False)
        said = done.stdout.decode() + done.stderr.decode()
        assert done.returncode == code, said
        return said

    def runs(self) -> int:
        return len(self.keizu.log())

    def bytes(self) -> dict[str, bytes]:
        """All files of the project, but Keizu's own."""
        found = {}
        for folder, folders, names in os.walk(self.project):
            # a watcher may just be putting its folder away
            folders[:] = [name for name in folders if name not in (".keizu", "__pycache__")]
            for path in (Path(folder) / name for name in names):
                found[str(path.relative_to(self.project))] = path.read_bytes()
        return found

    def settled(self) -> None:
        self.keizu("log")
        left_alone(self.project / ".keizu")

    def copy(self, base: Path, name: str = "project") -> "Family":
        self.settled()
        shutil.copytree(self.project, base / name, symlinks=True)
        return Family(base, base / name)


THINGS = {"features.csv", "model:delay", "eval.json", "report.txt"}


def make(base: Path) -> Family:
    family = Family(base)
    for number in range(1, 11):
        family.write(f"daily/{number:02}.csv", day(number))
    family.write("features.py", FEATURES)
    family.write("train.py", TRAIN)
    family.write("evaluate.py", EVALUATE)
    family.write("report.py", REPORT)
    family.write("common.py", "def scale(n):\n    return n * 2\n")
    family.write("config.json", '{"rate": 0.1}\n')
    family.write("notes.txt", "nothing special\n" * 3)
    return family


@pytest.fixture(scope="session")
def recorded(tmp_path_factory) -> Family:
    if binary() is None:
        pytest.skip("no keizu binary: set KEIZU_BIN, or cargo build -p keizu")
    os.environ.pop("KEIZU_STORE", None)
    family = make(tmp_path_factory.mktemp("fresh"))
    family.python("features.py")
    family.python("train.py", options=("-q", "--model", "delay=models/delay.bin"))
    family.python("evaluate.py")
    family.python("report.py")
    family.settled()
    return family


@pytest.fixture
def family(recorded: Family, tmp_path: Path) -> Family:
    return recorded.copy(tmp_path)


@pytest.fixture
def empty(tmp_path: Path) -> Family:
    if binary() is None:
        pytest.skip("no keizu binary: set KEIZU_BIN, or cargo build -p keizu")
    return Family(tmp_path)
