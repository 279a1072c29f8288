"""A project whose past is known: each step, and the time at which it was over."""

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from faults.box import Box, until
from oracle.keizu import binary

TRAIN = """
import sys
from pathlib import Path
Path('delay.bin').write_text(Path('train.csv').read_text() + sys.argv[1])
"""


@dataclass
class Past:
    box: Box
    moments: list[str] = field(default_factory=list)

    def over(self) -> None:
        """A step is over."""
        self.moments.append(datetime.now(UTC).isoformat())


def train(box: Box, depth: int) -> None:
    box.keizu.run(sys.executable, "train.py", depth, options=("-q", "--model", "delay=delay.bin"), check=True)


@pytest.fixture(scope="session")
def past(tmp_path_factory) -> Past:
    """Two trainings; the first is the champion, then the second, then nobody."""
    if binary() is None:
        pytest.skip("no keizu binary: set KEIZU_BIN, or cargo build -p keizu")
    box = Box(tmp_path_factory.mktemp("past"))
    past = Past(box)
    box.write("train.csv", "a,b\n" + "1,2\n" * 20)
    box.write("train.py", TRAIN)
    train(box, 4)
    box.keizu("log")
    past.over()
    box.keizu("name", "model:delay@champion", "model:delay@v1")
    past.over()
    box.write("train.csv", "a,b\n" + "3,4\n" * 20)
    train(box, 6)
    box.keizu("log")
    past.over()
    box.keizu("name", "model:delay@champion", "model:delay@v2")
    past.over()
    box.keizu("name", "--remove", "model:delay@champion")
    past.over()
    until(lambda: not any((box.project / ".keizu" / "run").iterdir()), "the watchers' end")
    return past
