"""One process from start to end: CPU and wall time, what it left behind counted apart."""

import ctypes
import os
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

_SET_CHILD_SUBREAPER = 36


@dataclass
class Sample:
    """Seconds of one execution."""

    cpu: float
    """user + sys of the command and of what it waited for."""
    wall: float
    """Until the command returned."""
    behind_cpu: float
    """user + sys of what outlived the command: Keizu's watcher."""
    behind_wall: float
    """From the command's return to the end of what outlived it."""


@dataclass
class Series:
    """The samples of one variant of one workload."""

    samples: list[Sample] = field(default_factory=list)

    def median(self, what: str) -> float:
        return statistics.median(getattr(sample, what) for sample in self.samples)

    def against(self, base: "Series", what: str) -> list[float]:
        """Ratios to the samples of the same rounds: what else the machine did then slowed both."""
        return sorted(getattr(mine, what) / getattr(theirs, what) for mine, theirs in zip(self.samples, base.samples))


def adopt_orphans() -> None:
    """Whoever loses its parent becomes a child of this process, so that its CPU can be asked for when it ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def execute(argv: list[str], cwd: Path, env: dict[str, str], expect: int = 0) -> Sample:
    """Runs it, its output into a file that is shown when the exit code is not the expected one."""
    log = cwd.parent / "output.log"
    with open(log, "wb") as out:
        began = time.monotonic()
        child = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        ended = time.monotonic()
        child.returncode = os.waitstatus_to_exitcode(status)
    behind = 0.0
    while True:
        try:
            _, _, left = os.wait4(-1, 0)
        except ChildProcessError:
            break
        behind += left.ru_utime + left.ru_stime
    if child.returncode != expect:
        raise SystemExit(f"{argv} ended with {child.returncode}:\n{log.read_text(errors='replace')[-3000:]}")
    return Sample(usage.ru_utime + usage.ru_stime, ended - began, behind, time.monotonic() - ended)


def remove(*paths: Path) -> None:
    """Whatever is there."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
