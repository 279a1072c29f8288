"""Keizu from outside: the binary, and what it says of a run."""

import base64
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]


def binary() -> Path | None:
    """`KEIZU_BIN`, which must then be there, or the debug build. None when that has not been built."""
    if named := os.environ.get("KEIZU_BIN"):
        return Path(named).resolve(strict=True)
    path = Path(os.environ.get("CARGO_TARGET_DIR") or _REPOSITORY / "target") / "debug/keizu"
    return path.resolve() if path.is_file() else None


@dataclass(frozen=True)
class Entry:
    """A file in a run's record."""

    path: bytes
    digest: str | None
    role: str | None
    kind: str | None
    changed: object
    removed: bool


class Keizu:
    """The binary in one project, with one environment."""

    def __init__(self, project: Path, env: dict[str, str]):
        path = binary()
        assert path, "no keizu binary: set KEIZU_BIN, or cargo build -p keizu"
        self.bin, self.project, self.env = str(path), project, env

    def __call__(self, *args: object, check: bool = True, cwd: Path | None = None, **how) -> subprocess.CompletedProcess:
        """`keizu ARGS`, its output captured as bytes."""
        done = subprocess.run(
            [self.bin, *map(os.fspath, map(_text, args))], cwd=cwd or self.project, env=self.env, capture_output=True, timeout=300, **how
        )
        if check and done.returncode != 0:
            raise AssertionError(f"keizu {args} → {done.returncode}\n{done.stdout.decode(errors='replace')}\n{done.stderr.decode(errors='replace')}")
        return done

    def run(self, *argv: object, options: tuple = ("-q",), check: bool = False, **how) -> subprocess.CompletedProcess:
        """`keizu run -q -- ARGV`."""
        return self("run", *options, "--", *argv, check=check, **how)

    def json(self, *args: object, **how):
        """A reading command's answer."""
        return json.loads(self(*args, "--json", **how).stdout)

    def log(self) -> list[dict]:
        return self.json("log")

    def last(self) -> dict:
        """The newest run, its collections opened."""
        return self.show(self.log()[0]["id"])

    def show(self, run: str) -> dict:
        return self.json("show", run if run.startswith("run:") else f"run:{run}", "--files")


def _text(arg: object) -> str | os.PathLike:
    return arg if isinstance(arg, os.PathLike) else str(arg)


def entries(run: dict, part: str, project: Path) -> list[Entry]:
    """`inputs`, `outputs` or `code` of a run, each file by itself (`--files` has opened the collections)."""
    return [_entry(item, project) for item in run[part] if not item["path"].endswith("/")]


def _entry(item: dict, project: Path) -> Entry:
    if "path_bytes" in item:
        path = base64.b64decode(item["path_bytes"])
    else:
        path = item["path"].encode()
    return Entry(
        os.path.join(os.fsencode(project), path),
        item.get("digest"),
        item.get("role"),
        item.get("kind"),
        item.get("changed"),
        bool(item.get("removed")),
    )
