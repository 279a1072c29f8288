"""Reads what `strace -f -y -s 4096 -o FILE` wrote: one `Call` a finished system call, in the order in which they finished.

A line of strace is `PID name(arguments) = result`. Calls of several processes interleave, so a call may be split in two lines
(`<unfinished ...>`, `<... name resumed>`). With `-y` a descriptor is followed by its path in angle brackets; in such a path `>` is escaped.
"""

import re
from dataclasses import dataclass
from typing import Iterable, Iterator

CALLS = (
    "open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,mknod,mknodat,"
    "truncate,chdir,fchdir,getdents,getdents64,execve,execveat,fork,vfork,clone,clone3"
)

_LINE = re.compile(rb"(\d+)\s+(.*)", re.S)
_RESUMED = re.compile(rb"<\.\.\. (\w+) resumed>(.*)", re.S)
_SUPERSEDED = re.compile(rb"\+\+\+ superseded by execve in pid (\d+) \+\+\+")
_ENDED = re.compile(rb"\+\+\+ (?:exited with|killed by) ")
_RESULT = re.compile(rb"(-?\d+|\?|0x[0-9a-f]+)(?:<((?:[^>\\]|\\.)*)>(\(deleted\))?)?(?:\s+([A-Z][A-Z0-9]+)\b.*)?", re.S)
_DESCRIPTOR = re.compile(rb"(AT_FDCWD|-?\d+)(?:<((?:[^>\\]|\\.)*)>(\(deleted\))?)?", re.S)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", re.S)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f", b"a": b"\a", b"b": b"\b"}
_CLOSING = {b"(": b")", b"[": b"]", b"{": b"}"}


class Malformed(Exception):
    """A line that is not strace's."""


@dataclass(frozen=True)
class Call:
    """A finished system call. `result` is None when it never returned (`?`), `errno` is set when it failed."""

    pid: int
    name: str
    args: tuple[bytes, ...]
    result: int | None
    path: bytes | None = None
    """The path of the descriptor that was returned."""
    deleted: bool = False
    errno: str | None = None

    @property
    def failed(self) -> bool:
        return self.result is None or self.errno is not None


@dataclass(frozen=True)
class End:
    """A process or thread is gone."""

    pid: int


def unescape(text: bytes) -> bytes:
    """A C string's inside, as bytes."""

    def one(match: re.Match[bytes]) -> bytes:
        what = match.group(1)
        if what[:1] in b"01234567":
            return bytes([int(what, 8) & 0xFF])
        if what[:1] == b"x" and len(what) > 1:
            return bytes([int(what[1:], 16)])
        return _LETTERS.get(what, what)

    return _ESCAPE.sub(one, text)


def string(arg: bytes) -> bytes:
    """The value of a quoted argument. A name that strace cut is refused: the oracle must not guess."""
    if not arg.startswith(b'"') or not arg.endswith(b'"'):
        raise Malformed(f"not a whole string: {arg!r}")
    return unescape(arg[1:-1])


def descriptor(arg: bytes) -> bytes | None:
    """The path behind a descriptor argument: `AT_FDCWD</a/b>`, `3</a/b>`. None when strace could not tell."""
    match = _DESCRIPTOR.fullmatch(arg)
    return unescape(match.group(2)) if match and match.group(2) is not None else None


def split(text: bytes) -> tuple[list[bytes], bytes]:
    """`a, "b", [c, d]) = 0` → arguments and what follows the closing parenthesis."""
    args, depth, start, i = [], [], 0, 0
    while i < len(text):
        c = text[i : i + 1]
        if c == b'"':
            i = _after(text, i + 1, b'"')
            continue
        if c == b"<" and text[i - 1 : i].isalnum():
            i = _after(text, i + 1, b">")
            continue
        if text.startswith(b"/*", i):
            i = text.index(b"*/", i) + 2
            continue
        if c in _CLOSING:
            depth.append(_CLOSING[c])
        elif depth and c == depth[-1]:
            depth.pop()
        elif c == b")" and not depth:
            last = text[start:i].strip()
            return args + ([last] if last else []), text[i + 1 :]
        elif c == b"," and not depth:
            args.append(text[start:i].strip())
            start = i + 1
        i += 1
    raise Malformed(f"no end: {text!r}")


def _after(text: bytes, i: int, end: bytes) -> int:
    while text[i : i + 1] != end:
        if i >= len(text):
            raise Malformed(f"no {end!r}: {text!r}")
        i += 2 if text[i : i + 1] == b"\\" else 1
    return i + 1


def parse(lines: Iterable[bytes]) -> Iterator[Call | End]:
    """Every finished call and every end, in the order of the file."""
    pending: dict[int, bytes] = {}
    for raw in lines:
        raw = raw.rstrip(b"\n")
        line = _LINE.fullmatch(raw)
        if not line:
            raise Malformed(f"no process id: {raw!r}")
        pid, rest = int(line.group(1)), line.group(2)
        if superseded := _SUPERSEDED.fullmatch(rest):
            # A thread called execve: from here on it bears the id of the process, and so the second half of its call does.
            other = int(superseded.group(1))
            if other in pending:
                pending[pid] = pending.pop(other)
            yield End(other)
        elif _ENDED.match(rest):
            pending.pop(pid, None)
            yield End(pid)
        elif rest.startswith((b"---", b"+++")):
            continue
        elif rest.endswith(b"<unfinished ...>"):
            pending[pid] = rest[: -len(b"<unfinished ...>")]
        elif resumed := _RESUMED.fullmatch(rest):
            if (begun := pending.pop(pid, None)) is not None:
                yield _call(pid, begun + resumed.group(2))
        else:
            yield _call(pid, rest)


def _call(pid: int, text: bytes) -> Call:
    name, _, rest = text.partition(b"(")
    args, tail = split(rest)
    tail = tail.strip()
    if not tail.startswith(b"="):
        raise Malformed(f"no result: {text!r}")
    result = _RESULT.match(tail[1:].strip())
    if not result:
        raise Malformed(f"unknown result: {text!r}")
    value, path, deleted, errno = result.groups()
    return Call(
        pid,
        name.decode(),
        tuple(args),
        None if value == b"?" else int(value, 0),
        unescape(path) if path is not None else None,
        deleted is not None,
        errno.decode() if errno else None,
    )
