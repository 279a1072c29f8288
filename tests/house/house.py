"""What the tests of the house look at: the tracked files, the crates, and Rust source without its comments and its tests."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked() -> list[Path]:
    """Every file that is, or is about to be, in the repository."""
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True).stdout
    return sorted(path for name in out.decode().split("\0") if name and (path := ROOT / name).is_file())


def sources(*suffixes: str, under: str = "") -> list[Path]:
    return [path for path in tracked() if path.suffix in suffixes and str(path.relative_to(ROOT)).startswith(under)]


@cache
def metadata() -> dict:
    """`cargo metadata` of the workspace alone."""
    out = subprocess.run(["cargo", "metadata", "--no-deps", "--offline", "--format-version=1"], cwd=ROOT, check=True, capture_output=True).stdout
    return json.loads(out)


def crates() -> dict[str, dict]:
    return {package["name"]: package for package in metadata()["packages"]}


def crate_of(path: Path) -> str | None:
    """`record` for `crates/record/src/lib.rs`."""
    parts = path.relative_to(ROOT).parts
    return parts[1] if len(parts) > 2 and parts[0] == "crates" else None


def is_test(path: Path) -> bool:
    return any(part in ("tests", "benches", "examples") for part in path.relative_to(ROOT).parts) or path.stem in ("tests", "test", "proptests")


TOKEN = re.compile(
    r"""(?P<keep> b?"(?:[^"\\]|\\.)*" | r(?P<hashes>\#*)"[\s\S]*?"(?P=hashes) | '(?:[^'\\]|\\[^u]|\\x..|\\u\{[^}]*\})' )
      | (?P<line> //[^\n]* )
      | (?P<block> /\*[\s\S]*?\*/ )""",
    re.VERBOSE,
)


def code(path: Path) -> str:
    """Rust source as the program runs it: no comments, and nothing from the first `#[cfg(test)]` at the margin on. Line numbers stay."""
    text = path.read_text(encoding="utf-8")
    text = TOKEN.sub(lambda m: m[0] if m["keep"] else re.sub(r"[^\n]", "", m[0]), text)
    return re.split(r"^#\[cfg\(test\)\]\s*\n\s*mod ", text, maxsplit=1, flags=re.MULTILINE)[0]


def hits(pattern: str, text: str) -> list[int]:
    """Numbers of the lines on which the pattern occurs."""
    return sorted({text.count("\n", 0, match.start()) + 1 for match in re.finditer(pattern, text)})


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"
