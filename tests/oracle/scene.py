"""What the traced job did to files: the calls folded over a model of the file system.

The model knows the files that stood in the watched folders before the start (`before`); a file elsewhere is taken to have stood there unless
the trace says that it was created. Files are objects that bear names: a rename moves the name, a link adds one, an unlink takes one away.
"""

import os
import struct
from dataclasses import dataclass, field
from typing import Iterable

from .strace import Call, End, descriptor, string

_EXEC = {"execve", "execveat"}
_FORK = {"fork", "vfork", "clone", "clone3"}


def interpreter(program: bytes) -> bytes | None:
    """What the kernel loads to run a program: the dynamic loader that an ELF file names, or the program of a `#!` line."""
    try:
        with open(program, "rb") as file:
            head = file.read(4096)
    except OSError:
        return None
    if head.startswith(b"#!"):
        return (head[2:].split(b"\n", 1)[0].split() or [None])[0]
    if head[:6] != b"\x7fELF\x02\x01":
        return None
    table, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
    for at in range(table, min(table + size * count, len(head) - 56), size):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", head, at)
        if kind == 3:
            return head[offset : offset + length].rstrip(b"\0")
    return None


@dataclass(eq=False)
class File:
    """A file of the scene."""

    existed: bool
    names: set[bytes] = field(default_factory=set)
    """Names it bears now."""
    past: set[bytes] = field(default_factory=set)
    """Names that it bore once."""
    read: bool = False
    """What was there before this job may have reached it."""
    reread: bool = False
    """Read after it was written."""
    opened_write: bool = False
    truncated: bool = False
    executed: bool = False
    renamed: bool = False
    linked: bool = False
    exes: set[bytes] = field(default_factory=set)
    """The programs that touched it."""

    @property
    def all_names(self) -> set[bytes]:
        return self.names | self.past

    @property
    def touched(self) -> bool:
        return self.read or self.reread or self.opened_write or self.executed or self.renamed or self.linked


@dataclass
class _Folder:
    """A working folder; threads share one."""

    path: bytes


@dataclass
class _Process:
    cwd: _Folder
    exe: bytes = b""
    watcher: bool = False
    """Of Keizu, not of the job."""


class Scene:
    """Feed it the calls in order (`Scene.of`), then ask `files`."""

    def __init__(self, cwd: bytes, before: Iterable[bytes], roots: Iterable[bytes], launcher: bool):
        self.at: dict[bytes, File] = {}
        self.files: list[File] = []
        self.folders: set[bytes] = set()
        self.special: set[bytes] = set()
        self.listed: set[bytes] = set()
        self.programs: list[bytes] = []
        self._roots = tuple(root.rstrip(b"/") + b"/" for root in roots)
        self._gone: set[bytes] = set()
        self._launching = launcher
        self._execs = 0
        self._start = cwd
        self._root: int | None = None
        self._processes: dict[int, _Process] = {}
        self._parents: dict[int, list[tuple[int, bool]]] = {}
        for path in before:
            self._new(path, existed=True)

    @classmethod
    def of(cls, calls: Iterable[Call | End], *, cwd: bytes, before: Iterable[bytes] = (), roots: Iterable[bytes] = (), launcher: bool) -> "Scene":
        """`launcher`: the first program of the trace is `keizu run`. It becomes the job by its next exec; what it started before is its watcher."""
        calls = list(calls)
        scene = cls(cwd, before, roots, launcher)
        # A child may speak before the call that made it has returned in the parent: so look for the parents first.
        for call in calls:
            if isinstance(call, Call) and call.name in _FORK and not call.failed and call.result:
                shares = any(b"CLONE_FS" in arg for arg in call.args)
                scene._parents.setdefault(call.result, []).append((call.pid, shares))
        for call in calls:
            if isinstance(call, End):
                scene._processes.pop(call.pid, None)
            else:
                scene._step(call)
        return scene

    def _process(self, pid: int) -> _Process:
        if pid in self._processes:
            return self._processes[pid]
        if self._root is None:
            self._root = pid
            process = _Process(_Folder(self._start))
        else:
            births = self._parents.get(pid)
            if not births:
                raise AssertionError(f"process {pid} has no parent in the trace")
            parent_pid, shares = births.pop(0)
            parent = self._process(parent_pid)
            cwd = parent.cwd if shares else _Folder(parent.cwd.path)
            process = _Process(cwd, parent.exe, parent.watcher or self._launching)
        self._processes[pid] = process
        return process

    def _step(self, call: Call) -> None:
        process = self._process(call.pid)
        if call.failed:
            return
        if call.name in _FORK:
            # Unless the child has spoken (or even ended) already.
            if call.result and self._parents.get(call.result):
                self._process(call.result)
            return
        if call.name in ("chdir", "fchdir"):
            path = descriptor(call.args[0]) if call.name == "fchdir" else self._resolve(process, string(call.args[0]))
            process.cwd.path = path or process.cwd.path
            return
        if self._launching and call.pid == self._root:
            if call.name in _EXEC:
                self._execs += 1
                # The first exec is keizu itself, the second the job.
                self._launching = self._execs < 2
            if self._launching:
                return
        if process.watcher:
            return
        getattr(self, f"_{call.name}", self._other)(process, call)

    def _other(self, process: _Process, call: Call) -> None:
        pass

    # Names

    def _resolve(self, process: _Process, path: bytes, base: bytes | None = None) -> bytes:
        """Absolute, the folder's symbolic links resolved (as of now, which is the end), the last component as it is."""
        path = os.path.join(base or process.cwd.path, path)
        head, tail = os.path.split(path.rstrip(b"/") or b"/")
        if tail in (b"", b".", b".."):
            return os.path.realpath(path)
        return os.path.join(os.path.realpath(head), tail)

    def _at(self, process: _Process, call: Call, fd: int) -> bytes:
        return self._resolve(process, string(call.args[fd + 1]), descriptor(call.args[fd]))

    def _new(self, path: bytes, *, existed: bool) -> File:
        file = File(existed)
        self.files.append(file)
        self._bind(path, file)
        return file

    def _bind(self, path: bytes, file: File) -> None:
        self._drop(path)
        file.names.add(path)
        file.past.discard(path)
        self.at[path] = file

    def _drop(self, path: bytes) -> File | None:
        self._gone.add(path)
        file = self.at.pop(path, None)
        if file:
            file.names.discard(path)
            file.past.add(path)
        return file

    def _find(self, path: bytes, *, created: bool = False) -> File:
        if path in self.at:
            return self.at[path]
        known = path in self._gone or path.startswith(self._roots)
        return self._new(path, existed=not created and not known)

    # Opens

    def _open(self, process: _Process, call: Call) -> None:
        self._opened(process, call, call.args[1])

    def _openat(self, process: _Process, call: Call) -> None:
        self._opened(process, call, call.args[2])

    def _openat2(self, process: _Process, call: Call) -> None:
        self._opened(process, call, call.args[2])

    def _creat(self, process: _Process, call: Call) -> None:
        self._opened(process, call, b"O_WRONLY|O_CREAT|O_TRUNC")

    def _opened(self, process: _Process, call: Call, flags: bytes) -> None:
        if call.path is None:
            raise AssertionError(f"strace did not say what was opened: {call}")
        if not call.path.startswith(b"/") or b"O_PATH" in flags or b"O_TMPFILE" in flags or call.path in self.special:
            return
        if b"O_DIRECTORY" in flags or call.path in self.folders or os.path.isdir(call.path):
            self.folders.add(call.path)
            return
        if call.deleted:
            return
        file = self._find(call.path, created=b"O_EXCL" in flags and b"O_CREAT" in flags)
        file.exes.add(process.exe)
        writes = b"O_WRONLY" in flags or b"O_RDWR" in flags or b"O_TRUNC" in flags
        truncates = b"O_TRUNC" in flags
        reads = not truncates and (b"O_WRONLY" not in flags or b"O_APPEND" in flags)
        if reads and file.opened_write:
            file.reread = True
        elif reads and file.existed:
            file.read = True
        if writes:
            file.opened_write = True
            file.truncated |= truncates

    def _truncate(self, process: _Process, call: Call) -> None:
        file = self._find(os.path.realpath(self._resolve(process, string(call.args[0]))))
        # What is left of it is what was there.
        file.read |= file.existed and not file.opened_write
        file.opened_write = True

    def _getdents64(self, process: _Process, call: Call) -> None:
        path = descriptor(call.args[0])
        if path and path.startswith(b"/"):
            self.listed.add(path)

    _getdents = _getdents64

    # Programs

    def _execve(self, process: _Process, call: Call) -> None:
        self._executed(process, self._resolve(process, string(call.args[0])))

    def _execveat(self, process: _Process, call: Call) -> None:
        path = string(call.args[1])
        self._executed(process, self._at(process, call, 0) if path else descriptor(call.args[0]) or b"")

    def _executed(self, process: _Process, path: bytes) -> None:
        process.exe = os.path.realpath(path)
        self.programs.append(process.exe)
        file = self._find(process.exe)
        file.executed = True
        file.exes.add(process.exe)
        if file.existed and not file.opened_write:
            file.read = True
        if helper := interpreter(process.exe):
            # Loaded by the kernel, without a call: not asked for, but no invention either.
            self._find(os.path.realpath(helper)).executed = True

    # Names that change

    def _rename(self, process: _Process, call: Call) -> None:
        self._renamed(process, self._resolve(process, string(call.args[0])), self._resolve(process, string(call.args[1])))

    def _renameat(self, process: _Process, call: Call) -> None:
        self._renamed(process, self._at(process, call, 0), self._at(process, call, 2))

    def _renameat2(self, process: _Process, call: Call) -> None:
        if b"RENAME_EXCHANGE" in call.args[4]:
            raise AssertionError("RENAME_EXCHANGE is not in the model")
        self._renameat(process, call)

    def _renamed(self, process: _Process, old: bytes, new: bytes) -> None:
        if old in self.folders or any(path.startswith(old + b"/") for path in self.at) or os.path.isdir(new):
            for path in [path for path in self.at if path.startswith(old + b"/")]:
                self._move(path, new + path[len(old) :])
            self.folders |= {new + path[len(old) :] for path in self.folders if (path + b"/").startswith(old + b"/")}
            return
        if os.path.islink(new):
            self._drop(old), self._drop(new)
            return
        file = self._find(old)
        file.renamed = True
        file.exes.add(process.exe)
        self._move(old, new)

    def _move(self, old: bytes, new: bytes) -> None:
        file = self.at[old]
        self._drop(old)
        self._bind(new, file)

    def _link(self, process: _Process, call: Call) -> None:
        self._linked(process, self._resolve(process, string(call.args[0])), self._resolve(process, string(call.args[1])))

    def _linkat(self, process: _Process, call: Call) -> None:
        old = self._at(process, call, 0)
        if b"AT_SYMLINK_FOLLOW" in call.args[4]:
            old = os.path.realpath(old)
        self._linked(process, old, self._at(process, call, 2))

    def _linked(self, process: _Process, old: bytes, new: bytes) -> None:
        if os.path.islink(new):
            return
        if old.startswith(b"/proc/"):
            # A file opened with O_TMPFILE gets its first name.
            file = self._new(new, existed=False)
            file.opened_write = True
        else:
            file = self._find(old)
        file.linked = True
        file.exes.add(process.exe)
        self._bind(new, file)

    def _unlink(self, process: _Process, call: Call) -> None:
        self._drop(self._resolve(process, string(call.args[0])))

    def _unlinkat(self, process: _Process, call: Call) -> None:
        path = self._at(process, call, 0)
        self.folders.discard(path) if b"AT_REMOVEDIR" in call.args[2] else self._drop(path)

    def _mkdir(self, process: _Process, call: Call) -> None:
        self.folders.add(self._resolve(process, string(call.args[0])))

    def _mkdirat(self, process: _Process, call: Call) -> None:
        self.folders.add(self._at(process, call, 0))

    def _rmdir(self, process: _Process, call: Call) -> None:
        self.folders.discard(self._resolve(process, string(call.args[0])))

    def _mknod(self, process: _Process, call: Call) -> None:
        self.special.add(self._resolve(process, string(call.args[0])))

    def _mknodat(self, process: _Process, call: Call) -> None:
        self.special.add(self._at(process, call, 0))
