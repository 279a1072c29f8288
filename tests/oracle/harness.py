"""A program in a fresh project: run alone, run under Keizu, run under Keizu and strace."""

import os
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .judge import Before, digest, snapshot
from .keizu import Keizu
from .programs import Program
from .scene import Scene
from .strace import CALLS, parse

_EPOCH = 1_600_000_000


@dataclass
class Outcome:
    """What a person would see of a run."""

    code: int
    out: bytes
    err: bytes
    tree: dict[str, str]


class Stage:
    """The folders of one program: always the same paths, so that runs can be compared."""

    def __init__(self, base: Path, program: Program):
        self.base, self.program = base.resolve(), program
        self.project, self.home, self.tmp = self.base / "project", self.base / "home", self.base / "tmp"
        bin_folder = str(Path(sys.executable).parent)
        self.env = {
            "PATH": f"{bin_folder}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONHASHSEED": "0",
            "OMP_NUM_THREADS": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_AUTHOR_DATE": "1600000000 +0000",
            "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_COMMITTER_DATE": "1600000000 +0000",
            "NO_COLOR": "1",
        }

    def reset(self) -> None:
        """A fresh project, every file and folder with the same old time."""
        for folder in (self.project, self.home, self.tmp):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.program.prepare(self.project)
        for folder, _, names in os.walk(self.project, topdown=False):
            for path in [os.path.join(folder, name) for name in names] + [folder]:
                os.utime(path, (_EPOCH, _EPOCH), follow_symlinks=False)

    @property
    def keizu(self) -> Keizu:
        return Keizu(self.project, self.env)

    def _execute(self, argv: list[str]) -> Outcome:
        done = subprocess.run(argv, cwd=self.project, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
        return Outcome(done.returncode, done.stdout, done.stderr, self.tree())

    def alone(self) -> Outcome:
        self.reset()
        return self._execute(self.program.argv)

    def watched(self) -> Outcome:
        self.reset()
        return self._execute([self.keizu.bin, "run", "-q", "--", *self.program.argv])

    def traced(self, launcher: bool = True) -> tuple[Outcome, Scene, dict[bytes, Before]]:
        """The same execution seen by both. Without `launcher` by strace alone."""
        self.reset()
        before = snapshot(self.project, self.home, self.tmp)
        trace = self.base / "trace.txt"
        argv = ["strace", "-f", "-y", "-s", "4096", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o", str(trace)]
        outcome = self._execute([*argv, *([self.keizu.bin, "run", "-q", "--"] if launcher else []), *self.program.argv])
        roots = [os.fsencode(folder) for folder in (self.project, self.home, self.tmp)]
        with open(trace, "rb") as lines:
            scene = Scene.of(parse(lines), cwd=os.fsencode(self.project), before=before, roots=roots, launcher=launcher)
        return outcome, scene, before

    def tree(self) -> dict[str, str]:
        """Every name in the project, with what stands there: content's digest, link's target, or kind. Without Keizu's own."""
        found = {}
        for folder, folders, names in os.walk(self.project):
            folders[:] = sorted(name for name in folders if name != ".keizu")
            for path in (Path(folder, name) for name in folders + names):
                name = os.fsencode(path.relative_to(self.project)).decode(errors="backslashreplace")
                mode = path.lstat().st_mode
                if stat.S_ISLNK(mode):
                    found[name] = f"→ {os.readlink(path)}"
                elif stat.S_ISREG(mode):
                    found[name] = f"{stat.S_IMODE(mode):o} {self.program.identity(name, path) or digest(path)}"
                else:
                    found[name] = f"{stat.S_IFMT(mode):o}"
        return found
