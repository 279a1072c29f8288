"""A small project that trains in earnest, in plain Python: days of rows, a features step, a model that goes on from another, an evaluation."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

from faults.box import Box, until

DAYS = [f"2013-01-{day:02}" for day in range(1, 21)]
ROWS = 30

LEARN = '''
import json, math, random
from pathlib import Path


def rows(path):
    lines = Path(path).read_text().splitlines()[1:]
    return [[float(cell) for cell in line.split(",")] for line in lines]


def fit(table, start, rate, l2, rounds, shuffle):
    weights = list(start)
    for _ in range(rounds):
        shuffle(table)
        for *inputs, label in table:
            inputs = [1.0, *inputs]
            guess = 1 / (1 + math.exp(-sum(w * x for w, x in zip(weights, inputs))))
            weights = [w - rate * ((guess - label) * x + l2 * w) for w, x in zip(weights, inputs)]
    return weights


def score(table, weights, threshold):
    right = loss = 0
    for *inputs, label in table:
        guess = 1 / (1 + math.exp(-sum(w * x for w, x in zip(weights, [1.0, *inputs]))))
        right += (guess > threshold) == (label > 0.5)
        loss -= math.log(max(guess if label > 0.5 else 1 - guess, 1e-9))
    return {"accuracy": right / len(table), "logloss": loss / len(table), "rows": len(table)}
'''
FEATURES = '''
"""Joins the days, and holds the last four out."""
from pathlib import Path
days = sorted(Path("daily").glob("*.csv"))
Path("features").mkdir(exist_ok=True)
for name, part in {"train": days[:-4], "holdout": days[-4:]}.items():
    lines = [line for day in part for line in day.read_text().splitlines()[1:]]
    Path(f"features/{name}.csv").write_text("\\n".join(["a,b,late", *lines]) + "\\n")
'''
PRETRAIN = '''
import random
from pathlib import Path
from learn import fit, rows
Path("base.bin").write_text(" ".join(map(str, fit(rows("base.csv"), [0.0] * 3, 0.05, 0.0, 3, random.Random(1).shuffle))))
'''
SETTINGS = '''
settings = dict(line.split("#")[0].split(": ") for line in Path("config.yaml").read_text().splitlines() if ": " in line.split("#")[0])
'''
TRAIN = '''
import argparse, random
from pathlib import Path
import scaling
from helper import scaled
from learn import fit, rows

parser = argparse.ArgumentParser()
parser.add_argument("--l2", type=float, default=0.001)
options = parser.parse_args()
ROUNDS = 6
''' + SETTINGS + '''
table = [[scaled(scaling.factor(a)), scaled(scaling.factor(b)), label] for a, b, label in rows("features/train.csv")]
start = [float(word) for word in Path("base.bin").read_text().split()]
weights = fit(table, start, float(settings["rate"]), options.l2, ROUNDS, SHUFFLE)
Path("delay.bin").write_text(" ".join(map(str, weights)))
'''
SEEDED = "random.Random(int(settings['seed'])).shuffle"
EVALUATE = '''
import json
from pathlib import Path
from learn import rows, score
THRESHOLD = 0.5
weights = [float(word) for word in Path("delay.bin").read_text().split()]
Path("eval.json").write_text(json.dumps(score(rows("features/holdout.csv"), weights, THRESHOLD)))
'''
# the same in one script
BOTH = TRAIN + '''
import json
from learn import score
THRESHOLD = 0.5
Path("eval.json").write_text(json.dumps(score(rows("features/holdout.csv"), weights, THRESHOLD)))
'''
CONFIG = "# how fast it learns\nrate: 0.05\nseed: 7\n"
DECLARED = '[models]\ndelay = "delay.bin"\nbase = "base.bin"\n'


def day(number: int, seed: int = 0) -> str:
    chance = random.Random(f"{number} {seed}")
    lines = ["a,b,late"]
    for _ in range(ROWS):
        a, b = chance.gauss(0, 1), chance.gauss(0, 1)
        lines.append(f"{a:.4f},{b:.4f},{int(a - 0.5 * b + chance.gauss(0, 0.7) > 0)}")
    return "\n".join(lines) + "\n"


def package(venv: Path, version: str, factor: float) -> None:
    """Two files of a package, as pip would install them."""
    site = next(venv.glob("lib/python*/site-packages"))
    for old in site.glob("scaling-*.dist-info"):
        shutil.rmtree(old)
    shutil.rmtree(site / "scaling", ignore_errors=True)
    info = site / f"scaling-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: scaling\nVersion: {version}\n")
    (info / "RECORD").write_text(f"scaling/__init__.py,,\nscaling-{version}.dist-info/METADATA,,\nscaling-{version}.dist-info/RECORD,,\n")
    (site / "scaling").mkdir()
    (site / "scaling/__init__.py").write_text(f"def factor(x):\n    return x * {factor}\n")


class Project(Box):
    """The project; `one` for the shape in which a single script trains and evaluates."""

    def __init__(self, base: Path, one: bool = False, seeded: bool = True):
        super().__init__(base)
        self.one, self.seeded = one, seeded
        self.env["PYTHONDONTWRITEBYTECODE"] = "1"
        self.env.pop("PYTHONUNBUFFERED")
        self.venv = self.base / "venv"
        self.python = str(self.venv / "bin/python")
        self.options: list[str] = []

    def make(self) -> "Project":
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self.venv)], check=True)
        package(self.venv, "1.0.0", 1.0)
        for at, name in enumerate(DAYS):
            self.write(f"daily/{name}.csv", day(at))
        self.write("base.csv", day(900))
        self.write("learn.py", LEARN)
        self.write("features.py", FEATURES)
        self.write("pretrain.py", PRETRAIN)
        shuffle = SEEDED if self.seeded else "random.shuffle"
        self.write("train.py", (BOTH if self.one else TRAIN).replace("SHUFFLE", shuffle))
        self.write("evaluate.py", EVALUATE)
        self.write("helper.py", "def scaled(x):\n    return x\n")
        self.write("config.yaml", CONFIG)
        self.write("keizu.toml", DECLARED)
        self.write(".gitignore", "daily/\nfeatures/\n*.bin\n*.json\n.keizu/\n")
        for command in (["init", "-q"], ["add", "keizu.toml", "*.py", "config.yaml", "base.csv"], ["rm", "-q", "--cached", "helper.py"], ["commit", "-q", "-m", "Start"]):
            done = self.plain("git", "-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false", *command)
            assert done.returncode == 0, done.stderr
        return self

    def step(self, script: str, *options: str) -> None:
        self.keizu.run(self.python, script, *options, check=True)

    def train(self) -> None:
        self.step("train.py", *self.options)
        if not self.one:
            self.step("evaluate.py")

    def everything(self) -> None:
        self.step("features.py")
        self.step("pretrain.py")
        self.train()
        self.rest()

    def rest(self) -> None:
        """Until every watcher has put its folder away, so that the record can be copied."""
        self.keizu("log")
        until(lambda: not any((self.project / ".keizu" / "run").iterdir()) and not self.keizu_processes(), "the watchers' end")

    def why(self, *question: str) -> dict:
        return self.keizu.json("why", *(question or ("model:delay",)))

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.project / name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new))

    def copy(self, base: Path) -> "Project":
        """The same project with its record, elsewhere; the environment stays where it is, and belongs to the copy from now on."""
        shutil.copytree(self.project, base / "project", symlinks=True)
        other = Project(base, self.one, self.seeded)
        shutil.copytree(self.venv, other.venv, symlinks=True)
        return other


def flip(text: str, chosen=lambda at, cells: True) -> str:
    """The rows of a table, the labels of some of them flipped."""
    head, *lines = text.splitlines()
    out = [head]
    for at, line in enumerate(lines):
        cells = line.split(",")
        if chosen(at, cells):
            cells[-1] = str(1 - int(float(cells[-1])))
        out.append(",".join(cells))
    return "\n".join(out) + "\n"
