"""The oracle itself: the model of the file system, and the judge."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .judge import Judge, digest, snapshot
from .scene import Scene
from .strace import CALLS, parse


def scene(text: str, before: tuple[bytes, ...] = (), launcher: bool = False, cwd: bytes = b"/p") -> Scene:
    lines = [line.strip().encode() for line in text.strip().splitlines()]
    return Scene.of(parse(lines), cwd=cwd, before=before, roots=[b"/p"], launcher=launcher)


def names(scene: Scene, what: str) -> set[bytes]:
    return {name for file in scene.files if getattr(file, what) for name in file.names}


def test_only_what_was_there_is_read() -> None:
    seen = scene(
        """
        7 openat(AT_FDCWD</p>, "in", O_RDONLY) = 3</p/in>
        7 openat(AT_FDCWD</p>, "out", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</p/out>
        7 openat(AT_FDCWD</p>, "out", O_RDONLY) = 3</p/out>
        7 openat(AT_FDCWD</p>, "log", O_WRONLY|O_CREAT|O_APPEND, 0666) = 3</p/log>
        7 openat(AT_FDCWD</p>, "new", O_RDWR|O_CREAT, 0666) = 3</p/new>
        """,
        before=(b"/p/in", b"/p/out", b"/p/log"),
    )
    assert names(seen, "read") == {b"/p/in", b"/p/log"}
    assert names(seen, "opened_write") == {b"/p/out", b"/p/log", b"/p/new"}
    assert names(seen, "reread") == {b"/p/out"}


def test_names_move_with_files_and_folders() -> None:
    seen = scene(
        """
        7 mkdir("d", 0777) = 0
        7 openat(AT_FDCWD</p>, "d/t", O_WRONLY|O_CREAT|O_EXCL, 0666) = 3</p/d/t>
        7 rename("d/t", "d/final") = 0
        7 rename("d", "e") = 0
        7 link("e/final", "hard") = 0
        7 unlink("in") = 0
        7 openat(AT_FDCWD</p>, "in", O_RDWR|O_CREAT, 0666) = 3</p/in>
        """,
        before=(b"/p/in",),
    )
    made = next(file for file in seen.files if file.renamed)
    assert made.names == {b"/p/e/final", b"/p/hard"} and made.past == {b"/p/d/t", b"/p/d/final"}
    assert not names(seen, "read"), "the new file of an old name has no past"


def test_the_watcher_is_not_the_job() -> None:
    seen = scene(
        """
        7 execve("/bin/keizu", ["keizu"], 0x7f /* 2 vars */) = 0
        7 openat(AT_FDCWD</p>, "keizu.toml", O_RDONLY) = 3</p/keizu.toml>
        8 openat(AT_FDCWD</p>, "early", O_RDONLY) = 3</p/early>
        7 clone(child_stack=NULL, flags=SIGCHLD) = 8
        9 openat(AT_FDCWD</p>, "hashed", O_RDONLY) = 3</p/hashed>
        8 clone(child_stack=NULL, flags=SIGCHLD) = 9
        8 +++ exited with 0 +++
        7 execve("/opt/no/cat", ["cat"], 0x7f /* 2 vars */) = -1 ENOENT (No such file or directory)
        7 execve("/opt/cat", ["cat"], 0x7f /* 2 vars */) = 0
        9 openat(AT_FDCWD</p>, "in", O_RDONLY) = 3</p/in>
        7 vfork() = 10
        10 chdir("/p/d") = 0
        10 openat(AT_FDCWD</p/d>, "in", O_RDONLY) = 3</p/d/in>
        7 rename("x", "y") = 0
        """,
        before=(b"/p/keizu.toml", b"/p/hashed", b"/p/early", b"/p/in", b"/p/d/in", b"/p/x"),
        launcher=True,
    )
    assert names(seen, "read") == {b"/opt/cat", b"/p/d/in"}
    assert names(seen, "renamed") == {b"/p/y"}


@pytest.fixture
def traced(tmp_path: Path):
    """A small program under strace alone, and the record that a Keizu without fault would have made of it."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not here (Debian: strace)")
    project = tmp_path.resolve() / "project"
    project.mkdir()
    (project / "in.txt").write_text("in")
    (project / "both.txt").write_text("before")
    before = snapshot(project)
    code = "open('out.txt','w').write(open('in.txt').read()); open('both.txt','a').write('+'); open('gone','w').close(); import os; os.remove('gone'); os.listdir('.')"
    trace = tmp_path / "trace.txt"
    argv = ["strace", "-f", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(trace), sys.executable, "-I", "-c", code]
    subprocess.run(argv, cwd=project, check=True)
    with open(trace, "rb") as lines:
        seen = Scene.of(parse(lines), cwd=os.fsencode(project), before=before, roots=[os.fsencode(project)], launcher=False)
    outside = [name for file in seen.files if file.read for name in file.names if not name.startswith(os.fsencode(project))]
    run = {
        "inputs": [
            {"path": "in.txt", "digest": digest(project / "in.txt")},
            {"path": "both.txt", "digest": before[os.fsencode(project / "both.txt")].digest},
            *({"path": os.fsdecode(name), "digest": digest(name)} for name in outside if os.path.isfile(name)),
        ],
        "outputs": [
            *({"path": name, "digest": digest(project / name)} for name in ("out.txt", "both.txt")),
            {"path": "gone", "digest": None, "removed": True},
        ],
        "code": [],
        "listings": [{"path": "./"}],
        "blind_spots": [],
    }
    return seen, before, run, project


def test_a_true_record_passes(traced) -> None:
    verdict = Judge(*traced).judge()
    assert not (verdict.missed or verdict.phantoms or verdict.wrong), verdict
    assert verdict.reads > 10 and verdict.writes == 3 and verdict.listings == 1 and verdict.recall == 1


def test_every_fault_of_a_record_is_found(traced) -> None:
    seen, before, run, project = traced
    none = "b3:" + "0" * 64
    run["inputs"][0]["digest"] = none
    run["inputs"][1] = {"path": "never-opened.txt", "digest": none}
    run["outputs"][0] = {"path": "in.txt", "digest": digest(project / "in.txt")}
    del run["outputs"][2], run["listings"][0]
    verdict = Judge(seen, before, run, project).judge()
    assert any("both.txt" in line for line in verdict.missed) and any("out.txt" in line for line in verdict.missed)
    assert any("listing" in line for line in verdict.missed)
    assert any("removed" in line and "gone" in line for line in verdict.missed)
    assert any("never-opened.txt" in line for line in verdict.phantoms) and any("output" in line and "in.txt" in line for line in verdict.phantoms)
    assert any("in.txt" in line for line in verdict.wrong)
    assert verdict.recall < 1


def test_what_is_named_as_not_seen_is_no_miss(traced) -> None:
    seen, before, run, project = traced
    del run["inputs"][0]
    run["blind_spots"] = [{"kind": "content", "detail": f"{project}/in.txt was mapped"}]
    verdict = Judge(seen, before, run, project).judge()
    assert not verdict.missed and len(verdict.blind) == 1
