"""kill -9 amid appends, 200 times at random moments: the record verifies each time, and nothing that was reported is lost."""

import os
import random
import signal
import subprocess
import time

from .box import Box, b3

DEATHS = 200


def test_two_hundred_deaths(box: Box) -> None:
    seed = int(os.environ.get("KEIZU_TEST_SEED") or time.time_ns() % 1_000_000)
    print(f"KEIZU_TEST_SEED={seed}")
    moments = random.Random(seed)
    box.keizu("init", check=False)
    reported: set[str] = set()
    added: list[str] = []
    completed = 0
    span = life_seconds(box)
    for death in range(DEATHS):
        content = f"file {death}\n".encode()
        name = f"files/{death % 20}/{death}.txt"
        if death % 2:
            box.write(name, content)
            argv = [box.keizu.bin, "add", name]
        else:
            argv = [box.keizu.bin, "run", "-q", "--", "true"]
        victim = subprocess.Popen(argv, cwd=box.project, env=box.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        try:
            victim.wait(timeout=moments.uniform(0, span * 1.2))
        except subprocess.TimeoutExpired:
            pass
        box.kill_keizu()
        try:
            os.killpg(victim.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        _, err = victim.communicate()
        if victim.returncode == 0:
            completed += 1
            if death % 2:
                added.append(b3(content))
        else:
            assert victim.returncode == -signal.SIGKILL, err

        verified = box.keizu("verify", check=False)
        assert verified.returncode == 0, (death, verified.stdout, verified.stderr)
        ended = {line["id"] for line in box.keizu.log() if line["status"] != "running"}
        assert reported <= ended, f"death {death}: {reported - ended} were reported, and are lost"
        reported |= ended
    print(f"{completed} of {DEATHS} ended before their death; {len(reported)} runs are in the record")
    assert 0 < completed < DEATHS, "the moments were too early or too late to prove anything"
    for digest in added:
        assert box.keizu.json("show", digest)["digest"] == digest


def life_seconds(box: Box) -> float:
    """How long one of them lives when nobody kills it: only to aim."""
    began = time.monotonic()
    assert box.keizu.run("true").returncode == 0
    return time.monotonic() - began
