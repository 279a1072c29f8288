"""How a command can end: the same status as without Keizu, and the right word in the record."""

import os
import pty
import signal
import subprocess
import sys

import pytest

from .box import PATIENCE_SECONDS, Box, b3, until

PYTHON = sys.executable
ENDS = {
    "true": (["true"], "finished"),
    "exit 3": (["sh", "-c", "echo out; echo err >&2; exit 3"], "failed"),
    "sys.exit": ([PYTHON, "-c", "import sys; sys.exit(7)"], "failed"),
    "uncaught exception": ([PYTHON, "-c", "open('half.txt', 'w').write('half'); 1 / 0"], "failed"),
    "os._exit": ([PYTHON, "-c", "import os; os._exit(4)"], "failed"),
    "abort": ([PYTHON, "-c", "import os; os.abort()"], "killed"),
    "SIGTERM to itself": (["sh", "-c", "kill -TERM $$"], "killed"),
    "exec": (["sh", "-c", "exec perl -e 'exit 9'"], "failed"),
    "not found": (["./no-such-command"], "failed"),
    "not executable": (["./plain.txt"], "failed"),
    "exit in a thread": ([PYTHON, "-c", "import os, threading; threading.Thread(target=os._exit, args=(6,)).start(); import time; time.sleep(60)"], "failed"),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_the_end_is_kept(box: Box, end: str) -> None:
    argv, status = ENDS[end]
    box.write("plain.txt", "no program\n")
    # A shell's view of the plain command, since a missing command has no status of its own.
    alone = box.plain("sh", "-c", 'exec "$@"', "sh", *argv)
    done = box.keizu.run(*argv, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (alone.returncode, alone.stdout)
    if end not in ("not found", "not executable"):
        assert done.stderr == alone.stderr
    run = box.keizu.last()
    code, signal_ = (alone.returncode, None) if alone.returncode >= 0 else (None, -alone.returncode)
    assert (run["status"], run["exit_code"], run["signal"]) == (status, code, signal_)


def test_ctrl_c_at_a_terminal(box: Box) -> None:
    """The terminal's interrupt reaches the job as ever, once, and the record says so."""
    loop = (
        "import pathlib, signal, time\n"
        "pathlib.Path('started').touch()\n"
        "try:\n"
        "    time.sleep(600)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n"
        "    raise\n"
    )
    outcomes = []
    for argv in ([PYTHON, "-c", loop], [box.keizu.bin, "run", "-q", "--", PYTHON, "-c", loop]):
        (box.project / "started").unlink(missing_ok=True)
        pid, terminal = pty.fork()
        if pid == 0:
            # a shell that runs the tests in the background has its children ignore the interrupt
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.chdir(box.project)
            os.execve(argv[0], argv, box.env)
        until((box.project / "started").exists, "the job's start")
        os.write(terminal, b"\x03")
        shown = b""
        try:
            while piece := os.read(terminal, 4096):
                shown += piece
        except OSError:
            pass  # The end of a terminal.
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        outcomes.append((os.waitstatus_to_exitcode(status), shown))
    assert outcomes[0] == outcomes[1]
    assert outcomes[1][1].count(b"interrupted") == 1
    run = box.keizu.last()
    assert (run["status"], run["signal"]) == ("killed", signal.SIGINT)


def test_a_daemon_left_behind(box: Box) -> None:
    """The command returns when its root ends; what the daemon writes later is recorded, and the daemon named."""
    box.write("late.sh", "while ! [ -e go ]; do sleep 0.02; done; cat in.txt > late.txt; touch ended\n")
    box.write("in.txt", "content\n")
    job = box.start("sh", "-c", "setsid sh late.sh </dev/null >/dev/null 2>&1 & echo started")
    out, err = job.communicate(timeout=PATIENCE_SECONDS)
    assert (job.returncode, out, err) == (0, b"started\n", b"")
    run = box.keizu.last()
    assert (run["status"], run["exit_code"]) == ("finished", 0)
    assert any(spot["kind"] == "survivor" for spot in run["blind_spots"]), run["blind_spots"]
    (box.project / "go").touch()
    until((box.project / "ended").exists, "the daemon's end")
    until(lambda: not box.keizu_processes(), "the watcher's end")
    run = box.keizu.last()
    assert box.row(run, "outputs", "late.txt")["digest"] == b3(b"content\n")


def test_streams_pass_untouched(box: Box) -> None:
    data = os.urandom(300_000)
    done = box.keizu.run("sh", "-c", "tee /dev/stderr", input=data)
    assert (done.returncode, done.stdout, done.stderr) == (0, data, data)


def test_a_pipe_ends_with_the_job(box: Box) -> None:
    """No process of Keizu holds the pipe open."""
    line = f"'{box.keizu.bin}' run -q -- sh -c 'echo one; exit 5' | cat; echo ${{PIPESTATUS[0]}}"
    assert box.plain("bash", "-c", line).stdout == b"one\n5\n"


def test_ten_at_once_lose_nothing(box: Box) -> None:
    box.write("in.txt", "shared\n")
    jobs = [box.start("sh", "-c", f"cat in.txt > out-{i}.txt; echo {i} >> out-{i}.txt; exit {i}") for i in range(10)]
    for i, job in enumerate(jobs):
        _, err = job.communicate(timeout=PATIENCE_SECONDS)
        assert (job.returncode, err) == (i, b"")
    runs = [box.keizu.show(line["id"]) for line in box.keizu.log()]
    assert sorted(run["exit_code"] for run in runs) == list(range(10))
    for run in runs:
        i = run["exit_code"]
        assert box.row(run, "inputs", "in.txt")["digest"] == b3(b"shared\n")
        assert box.row(run, "outputs", f"out-{i}.txt")["digest"] == b3(f"shared\n{i}\n".encode())
        assert len(run["outputs"]) == 1
    assert box.keizu("verify").returncode == 0
