"""Small projects in pure Python, recorded for each test anew."""

import json
import os
import sys
from pathlib import Path

import pytest

from faults.box import Box
from oracle.keizu import binary

PREPARE = """
from pathlib import Path
rows = sorted(Path('data/raw.csv').read_text().split())
Path('features').mkdir(exist_ok=True)
Path('features/train.csv').write_text('\\n'.join(rows) + '\\n')
"""
TRAIN = """
import json, random, sys
from pathlib import Path
config = json.loads(Path('config.json').read_text())
rows = [line.split(',') for line in Path('features/train.csv').read_text().split()]
if config.get('shuffle'):
    random.shuffle(rows)
weight = 0.0
for x, y in rows:
    weight += config['rate'] * (float(y) - weight) * float(x)
Path('models').mkdir(exist_ok=True)
Path('models/line.bin').write_bytes(b'\\x00model' + repr(weight).encode())
"""
EVALUATE = """
import json
from pathlib import Path
weight = float(Path('models/line.bin').read_bytes()[6:])
rows = [line.split(',') for line in Path('data/test.csv').read_text().split()]
loss = sum((float(y) - weight * float(x)) ** 2 for x, y in rows) / len(rows)
Path('eval.json').write_text(json.dumps({'loss': loss, 'rows': len(rows)}))
"""


class Project(Box):
    """A box with the means to record and to make again."""

    def step(self, *argv: object, options: tuple = ("-q",)) -> dict:
        self.keizu.run(sys.executable, *argv, options=options, check=True)
        return self.keizu.log()[0]

    def train(self, *more: object) -> dict:
        return self.step("train.py", *more, options=("-q", "--model", "line=models/line.bin"))

    def everything(self) -> None:
        self.step("prepare.py")
        self.train()
        self.step("evaluate.py")

    def reproduce(self, *args: object, code: int = 0) -> dict:
        before = self.snapshot()
        done = self.keizu("reproduce", *args, "--json", check=False)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}"
        assert self.snapshot() == before, "the project was touched"
        assert not any((self.project / ".keizu" / "workshop").glob("*")), "a scratch folder was left behind"
        return json.loads(done.stdout)

    def snapshot(self) -> dict[Path, bytes]:
        files = {}
        for folder, below, names in os.walk(self.project):
            below[:] = [name for name in below if name not in (".keizu", "__pycache__")]
            files.update({name: name.read_bytes() for name in (Path(folder) / name for name in names)})
        return files


@pytest.fixture
def project(tmp_path: Path) -> Project:
    if binary() is None:
        pytest.skip("no keizu binary: set KEIZU_BIN, or cargo build -p keizu")
    box = Project(tmp_path)
    rows = [f"{(n * 37 % 101) / 101:.4f},{n * 13 % 7 / 7:.4f}" for n in range(120)]
    box.write("data/raw.csv", "\n".join(rows[:80]) + "\n")
    box.write("data/test.csv", "\n".join(rows[80:]) + "\n")
    box.write("config.json", json.dumps({"rate": 0.1, "seed": 1}))
    box.write("prepare.py", PREPARE)
    box.write("train.py", TRAIN)
    box.write("evaluate.py", EVALUATE)
    return box
