"""The work of one process."""

from pathlib import Path


def total(path: str, suffix: str = "sum") -> int:
    value = sum(int(line) for line in Path(path).read_text().split())
    Path("out", f"{Path(path).stem}.{suffix}").write_text(f"{value}\n")
    return value
