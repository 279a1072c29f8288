"""The comparison: what strace saw against what Keizu recorded."""

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from .exclusions import excluded, folded
from .keizu import entries
from .scene import File, Scene

_PYC = re.compile(rb"(.*)/__pycache__/([^/]+?)\.cpython-\d+(?:\.opt-\d)?\.pyc(?:\.\d+)?$", re.S)


def digest(path: bytes | Path) -> str:
    """BLAKE3 of all bytes, as Keizu writes it."""
    hasher = blake3()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            hasher.update(piece)
    return "b3:" + hasher.hexdigest()


@dataclass(frozen=True)
class Before:
    """A file as it was before the start."""

    inode: int
    size: int
    mtime: int
    digest: str

    @classmethod
    def of(cls, path: bytes) -> "Before":
        info = os.lstat(path)
        return cls(info.st_ino, info.st_size, info.st_mtime_ns, digest(path))


def snapshot(*roots: Path) -> dict[bytes, Before]:
    """Every regular file below `roots`, but Keizu's own."""
    found = {}
    for root in roots:
        for folder, folders, names in os.walk(os.fsencode(root)):
            folders[:] = [name for name in folders if name != b".keizu"]
            for path in (os.path.join(folder, name) for name in names):
                if stat.S_ISREG(os.lstat(path).st_mode):
                    found[path] = Before.of(path)
    return found


@dataclass
class Verdict:
    """Counts and everything that is not as it should be."""

    reads: int = 0
    writes: int = 0
    listings: int = 0
    missed: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)
    phantoms: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    digests: int = 0

    @property
    def recall(self) -> float:
        asked = self.reads + self.writes + self.listings
        return 1 - len(self.missed) / asked if asked else 1.0

    def __str__(self) -> str:
        lines = [
            f"{self.reads} read, {self.writes} written, {self.listings} folders listed, {self.digests} digests checked; {len(self.missed)} missed (recall {self.recall:.4%}), "
            f"{len(self.blind)} named as not seen, {len(self.phantoms)} phantoms, {len(self.wrong)} wrong digests"
        ]
        for what in ("missed", "blind", "phantoms", "wrong"):
            lines += [f"  {what}: {line}" for line in getattr(self, what)]
        return "\n".join(lines)


class Judge:
    """One run before the bench."""

    def __init__(self, scene: Scene, before: dict[bytes, Before], run: dict, project: Path):
        self.scene, self.before, self.run = scene, before, run
        self.inputs = {_real(e.path): e for part in ("inputs", "code") for e in entries(run, part, project)}
        # A file is what its inode is: two programs that are one file under two names are reported once.
        self.inodes = {_inode(path) for path in self.inputs} - {None}
        outputs = entries(run, "outputs", project)
        self.outputs = {_real(e.path): e for e in outputs if not e.removed}
        self.removed = {_real(e.path) for e in outputs if e.removed}
        # Temporaries of which no content was seen are folded into their folder, without a manifest to open.
        self.removed_below = tuple(
            os.path.join(os.fsencode(project), row["path"].encode()) for row in run["outputs"] if row.get("removed") and row["path"].endswith("/")
        )
        self.listings = {_real(e.path) for e in entries({"all": [{**row, "path": row["path"].rstrip("/") or "."} for row in run["listings"]]}, "all", project)}
        self.project = os.fsencode(project)
        self.blind = [os.fsencode(f"{spot['kind']} {spot['detail']}") for spot in run["blind_spots"]]
        self.verdict = Verdict()
        self.by_name: dict[bytes, list[File]] = {}
        for file in scene.files:
            for name in file.all_names:
                self.by_name.setdefault(name, []).append(file)

    def judge(self) -> Verdict:
        for file in self.scene.files:
            asked = [name for name in file.all_names if not excluded(name)]
            if not asked:
                continue
            if file.read and self._regular(file):
                self.verdict.reads += 1
                if not any(name in self.inputs or self._source(name) in self.inputs or _inode(name) in self.inodes for name in asked):
                    self._missed("read", file)
            if self._written(file):
                self.verdict.writes += 1
                if not any(name in self.outputs or self._source(name) in self.inputs for name in file.names):
                    self._missed("written", file)
            if self._temporary(file):
                self.verdict.writes += 1
                if not any(name in self.removed or name in self.outputs or name.startswith(self.removed_below) for name in asked):
                    self._missed("written and removed", file)
        self._listings()
        self._phantoms()
        self._digests()
        return self.verdict

    def _regular(self, file: File) -> bool:
        """A file that is gone was regular: folders and special files are known to the scene."""
        return all(stat.S_ISREG(os.lstat(name).st_mode) for name in file.names if os.path.lexists(name))

    def _written(self, file: File) -> bool:
        """Whether a file stands at the end that this job created, changed, or gave its name."""
        if not (file.opened_write or file.renamed or file.linked):
            return False
        for name in file.names:
            if excluded(name) or folded(name) or not os.path.lexists(name):
                continue
            info = os.lstat(name)
            was = self.before.get(name)
            if stat.S_ISREG(info.st_mode) and (
                not file.existed or was is None or (was.inode, was.size, was.mtime) != (info.st_ino, info.st_size, info.st_mtime_ns)
            ):
                # Opened for writing outside of the watched folders, and nothing says that it changed.
                return file.opened_write or was is None
        return False

    def _temporary(self, file: File) -> bool:
        """Made in the project and gone again. Those in the system's places for temporaries are folded by design, and counted in the account."""
        made = file.opened_write and not file.existed and not file.names
        return made and any(name.startswith(self.project + b"/") and not self._source(name) for name in file.past)

    @staticmethod
    def _source(name: bytes) -> bytes | None:
        """A compiled Python module stands for its source (design: a `.pyc` maps to its source)."""
        match = _PYC.fullmatch(name)
        return match and match.group(1) + b"/" + match.group(2) + b".py"

    def _missed(self, how: str, file: File) -> None:
        names = [name.decode(errors="backslashreplace") for name in sorted(file.all_names)]
        line = f"{how} {' = '.join(names)} by {', '.join(sorted(exe.decode(errors='replace') for exe in file.exes))}"
        excused = any(name in spot for spot in self.blind for name in file.all_names | file.exes if name)
        (self.verdict.blind if excused else self.verdict.missed).append(line)

    def _listings(self) -> None:
        """Folders of the project that stood there before and whose names were asked for."""
        inside = (path for path in self.before if path.startswith(self.project + b"/"))
        standing = {folder for path in inside for folder in _ancestors(path, self.project)}
        for folder in sorted(self.scene.listed & standing):
            self.verdict.listings += 1
            if folder not in self.listings:
                self.verdict.missed.append(f"listing of {folder.decode(errors='backslashreplace')}")

    def _phantoms(self) -> None:
        compiled = {self._source(name) for name, files in self.by_name.items() if any(file.touched for file in files)} - {None}
        for path in self.inputs:
            files = self.by_name.get(path, [])
            if not any(file.read or file.reread or file.executed for file in files) and path not in compiled:
                self.verdict.phantoms.append(f"input {path.decode(errors='backslashreplace')}")
        for path in self.outputs.keys() | self.removed:
            files = self.by_name.get(path, [])
            if not any(file.opened_write or file.renamed or file.linked for file in files):
                self.verdict.phantoms.append(f"output {path.decode(errors='backslashreplace')}")

    def _digests(self) -> None:
        for path, entry in self.outputs.items():
            if os.path.lexists(path):
                self._check("output", path, entry.digest, digest(path))
        for path, entry in self.inputs.items():
            if path in self.before:
                self._check("input", path, entry.digest, self.before[path].digest)
            elif os.path.lexists(path) and path not in self.outputs:
                # Outside of the watched folders: nothing there changes under the test.
                self._check("input", path, entry.digest, digest(path))

    def _check(self, what: str, path: bytes, said: str | None, true: str) -> None:
        if said is None and any(path in spot for spot in self.blind):
            return
        self.verdict.digests += 1
        if said != true:
            self.verdict.wrong.append(f"{what} {path.decode(errors='backslashreplace')}: {said} instead of {true}")


def _inode(path: bytes) -> tuple[int, int] | None:
    try:
        info = os.lstat(path)
    except OSError:
        return None
    return info.st_dev, info.st_ino


def _ancestors(path: bytes, root: bytes) -> list[bytes]:
    found = []
    while path != root:
        path = os.path.dirname(path)
        found.append(path)
    return found


def _real(path: bytes) -> bytes:
    """The path with symbolic links resolved; of a file that is gone, those of its folder."""
    if os.path.lexists(path):
        return os.path.realpath(path)
    head, tail = os.path.split(path)
    return os.path.join(os.path.realpath(head), tail)
