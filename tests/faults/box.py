"""A fresh project with Keizu in it, and the means to hurt both."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

from blake3 import blake3

from oracle.keizu import Keizu

PATIENCE_SECONDS = 120


class Box:
    """A project folder, a home and an environment of its own."""

    def __init__(self, base: Path, project: Path | None = None):
        self.base = base.resolve()
        self.project = (project or self.base / "project").resolve()
        self.home = self.base / "home"
        self.tmp = self.base / "tmp"
        for folder in (self.project, self.home, self.tmp):
            folder.mkdir(parents=True, exist_ok=True)
        self.env = {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "NO_COLOR": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self.keizu = Keizu(self.project, self.env)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def plain(self, *argv: object, **how) -> subprocess.CompletedProcess:
        """The command without Keizu."""
        how = {"stdin": subprocess.DEVNULL} | how
        return subprocess.run([*map(str, argv)], cwd=self.project, env=self.env, capture_output=True, timeout=PATIENCE_SECONDS, **how)

    def start(self, *argv: object, options: tuple = ("-q",), **how) -> subprocess.Popen:
        """`keizu run` of a command, left running."""
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
        return subprocess.Popen([self.keizu.bin, "run", *options, "--", *map(str, argv)], cwd=self.project, env=self.env, **how)

    def keizu_processes(self) -> list[int]:
        """Every process of the Keizu binary that holds a file of this project's record, or of its temporary folder."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if not os.path.samefile(f"/proc/{pid}/exe", self.keizu.bin):
                    continue
                descriptors = os.listdir(f"/proc/{pid}/fd")
            except OSError:
                continue
            mine = (str(self.project) + "/", str(self.base) + "/")
            if any(held(pid, fd).startswith(mine) for fd in descriptors):
                found.append(int(pid))
        return found

    def kill_keizu(self) -> int:
        """kill -9 of all of them; how many there were."""
        pids = self.keizu_processes()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return len(pids)

    def row(self, run: dict, part: str, name: str) -> dict:
        """The one row of a file in a run."""
        rows = [row for row in run[part] if row["path"] == name and not row.get("removed")]
        assert len(rows) == 1, f"{name} is {len(rows)} times among {part}: {[row['path'] for row in run[part]]}"
        return rows[0]


def held(pid: str, fd: str) -> str:
    """What a descriptor of a process leads to; nothing when it has been closed meanwhile."""
    try:
        return os.readlink(f"/proc/{pid}/fd/{fd}")
    except OSError:
        return ""


def until(condition: Callable[[], object], what: str) -> None:
    """Waits for something that must come; the bound only ends a hopeless wait."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def left_alone(record: Path) -> None:
    """Waits until no watcher is at work in a record's folder any more: whoever copies it must not meet files on their way out."""
    watched = record / "run"
    until(lambda: not (watched.exists() and any(watched.iterdir())) and not any(record.glob("*.db-wal")), "the watchers' end")


def b3(content: bytes) -> str:
    """BLAKE3 as Keizu writes it."""
    return "b3:" + blake3(content).hexdigest()


def sane(*outputs: bytes) -> None:
    """Whatever went wrong, Keizu says it in its own words."""
    for output in outputs:
        assert b"panicked" not in output and b"RUST_BACKTRACE" not in output, output.decode(errors="replace")
