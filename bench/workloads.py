"""What is run: each workload makes its inputs once, and is put back before every execution."""

import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from measure import remove

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"
PYTHON = WORK / "python" / "bin" / "python"

READ = (
    "import os\n"
    "total = 0\n"
    "for folder, _, names in os.walk('data'):\n"
    "    for name in names:\n"
    "        with open(os.path.join(folder, name), 'rb') as file:\n"
    "            total += len(file.read())\n"
)


@dataclass
class Workload:
    """A command in a folder."""

    name: str
    title: str
    folder: Path
    argv: list[str]
    reset: Callable[[], None]
    goal: float | None = None
    """Design: CPU of the job under `keizu run` ÷ untraced."""


def flights(quick: bool) -> Workload:
    """examples/flights: features are built once, the training is measured."""
    last = "2013-02-28" if quick else "2013-12-31"
    folder = WORK / f"flights-{last}"
    if not (folder / "features" / "train.parquet").exists():
        remove(folder)
        shutil.copytree(HERE.parent / "examples" / "flights", folder, ignore=shutil.ignore_patterns("daily", "features", "models", ".keizu", ".venv"))
        for step in (["ingest.py", "--from", "2013-01-01", "--to", last], ["features.py"]):
            subprocess.run([PYTHON, *step], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    title = f"flights: `python train.py` on 2013-01-01 – {last}"
    return Workload("flights", title, folder, [str(PYTHON), "train.py"], lambda: remove(folder / "models"), 1.02)


def small_files(folder: Path, many: int) -> Path:
    """`many` files of 100 to 4,000 bytes in folders of 500."""
    done = folder / "done"
    if not done.exists():
        remove(folder)
        some = random.Random(1)
        for number in range(many):
            path = folder / "data" / f"{number // 500:03d}" / f"{number:06d}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(some.randbytes(some.randrange(100, 4000)))
        done.touch()
    return folder


def files(quick: bool) -> Workload:
    """Python reads many small files."""
    many = 5_000 if quick else 50_000
    folder = small_files(WORK / f"files-{many}", many)
    (folder / "read.py").write_text(READ + "print(total)\n")
    return Workload("files", f"files: Python reads {many:,} small files", folder, [str(PYTHON), "read.py"], lambda: None, 1.25)


def execs(quick: bool) -> Workload:
    """A shell starts many programs."""
    many = 100 if quick else 500
    folder = WORK / "execs"
    folder.mkdir(exist_ok=True)
    argv = ["bash", "-c", f"for ((i = 0; i < {many}; i++)); do /bin/true; done"]
    return Workload("execs", f"execs: bash starts `/bin/true` {many} times", folder, argv, lambda: None, 1.25)


def make(quick: bool) -> Workload:
    """A C project is built from nothing."""
    many = 15 if quick else 60
    folder = WORK / f"make-{many}"
    if not (folder / "Makefile").exists():
        (folder / "src").mkdir(parents=True, exist_ok=True)
        for number in range(many):
            functions = "\n".join(
                f"double f{number}_{k}(double x) {{ double s = 0; for (int i = 0; i < {k + 3}; i++) s += sin(x * i) / (i + 1); return s; }}" for k in range(40)
            )
            (folder / "src" / f"part{number}.c").write_text(f"#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n{functions}\n")
        declared = "\n".join(f"double f{number}_0(double);" for number in range(many))
        called = " + ".join(f"f{number}_0(0.5)" for number in range(many))
        (folder / "src" / "main.c").write_text(f'#include <stdio.h>\n{declared}\nint main(void) {{ printf("%f\\n", {called}); return 0; }}\n')
        (folder / "Makefile").write_text(
            "OBJECTS = $(patsubst src/%.c,build/%.o,$(wildcard src/*.c))\n"
            "build/main: $(OBJECTS)\n\t$(CC) -o $@ $^ -lm\n"
            "build/%.o: src/%.c\n\t@mkdir -p build\n\t$(CC) -O2 -c -o $@ $<\n"
        )
    return Workload("make", f"make: `make -j2` of {many + 1} C files", folder, ["make", "-j2"], lambda: remove(folder / "build"))


def large_file(folder: Path, megabytes: int) -> Path:
    """One file without repetition."""
    path = folder / "large.bin"
    if not path.exists() or path.stat().st_size != megabytes << 20:
        folder.mkdir(parents=True, exist_ok=True)
        some = random.Random(2)
        with open(path, "wb") as file:
            for _ in range(megabytes):
                file.write(some.randbytes(1 << 20))
    return folder


TRACED: dict[str, Callable[[bool], Workload]] = {"flights": flights, "files": files, "execs": execs, "make": make}
