"""`keizu refresh`: only what is stale, nothing half made, and the second time nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faults.box import until

from .conftest import THINGS, Family, day


def test_it_makes_everything_fresh_and_the_second_time_does_nothing(family: Family) -> None:
    family.write("daily/11.csv", day(11))
    said = family.refresh()
    assert "steps: 3 run" in said
    assert family.states() == dict.fromkeys(THINGS, "fresh")
    assert "11,1" in (family.project / "features.csv").read_text()
    runs = family.runs()
    assert "everything is fresh" in family.refresh()
    assert family.runs() == runs


def test_a_dry_run_says_what_and_why_and_runs_nothing(family: Family) -> None:
    family.write("daily/11.csv", day(11))
    before, runs = family.bytes(), family.runs()
    said = family.refresh("--dry-run")
    assert "would run 3 of 4 steps" in said and "daily/11.csv is new" in said and "because features.csv is stale" in said
    plan = json.loads(family.keizu("refresh", "--dry-run", "--json").stdout)
    assert [step["command"][-1] for step in plan["steps"]] == ["features.py", "train.py", "evaluate.py"]
    assert [step["after"] for step in plan["steps"]] == [[], [0], [1]]
    assert (family.bytes(), family.runs()) == (before, runs)


def test_only_what_is_asked_for_and_what_it_needs(family: Family) -> None:
    family.write("daily/11.csv", day(11))
    family.write("notes.txt", "other\n")
    family.refresh("model:delay")
    assert family.stale() == {"eval.json", "report.txt"}


def test_the_name_of_the_model_goes_on(family: Family) -> None:
    family.write("config.json", '{"rate": 0.3}\n')
    family.refresh()
    versions = family.keizu.json("name", "model:delay")["versions"]
    assert [row["version"] for row in versions] == [2, 1]


def test_a_comment_stops_where_the_output_is_equal(family: Family) -> None:
    family.write("features.py", (family.project / "features.py").read_text() + "# a comment\n")
    runs = family.runs()
    said = family.refresh()
    assert "steps: 1 run, 2 not needed" in said and "all as it was before" in said, said
    assert family.runs() == runs + 1
    assert family.states() == dict.fromkeys(THINGS, "fresh")


def test_one_of_many_runs_of_a_script(family: Family) -> None:
    family.write("one.py", "import sys\nn = sys.argv[1]\nopen(f'made/{n}.out', 'w').write(open(f'raw/{n}.txt').read())\n")
    (family.project / "made").mkdir()
    for number in range(6):
        family.write(f"raw/{number}.txt", f"{number}\n" * 40)
        family.python("one.py", number)
    family.write("raw/3.txt", "new\n")
    plan = json.loads(family.keizu("refresh", "--dry-run", "--json").stdout)
    assert [step["command"][-1] for step in plan["steps"]] == ["3"]
    family.refresh()
    assert family.stale() == set()


def test_steps_whose_products_were_replaced_are_never_run(family: Family) -> None:
    family.write("fit.py", "import sys\nopen('fit.out', 'w').write(sys.argv[1] + open('notes.txt').read())\n")
    family.python("fit.py", 4)
    family.python("fit.py", 6)
    family.write("notes.txt", "other\n")
    plan = json.loads(family.keizu("refresh", "fit.out", "--dry-run", "--json").stdout)
    assert [step["command"][-1] for step in plan["steps"]] == ["6"]


def test_a_failed_step_stops_its_descendants_and_leaves_what_was_there(family: Family) -> None:
    before = family.bytes()
    bad = "import os\nfrom pathlib import Path\nos.makedirs('extra', exist_ok=True)\nPath('extra/half.csv').write_text('half')\nPath('features.csv').write_text('half')\nraise SystemExit(4)\n"
    family.write("features.py", bad)
    family.write("notes.txt", "other\n")
    said = family.refresh(code=1)
    assert "failed (exit 4)" in said and "because" in said
    after = family.bytes()
    for name in ("features.csv", "models/delay.bin", "eval.json"):
        assert after[name] == before[name]
    assert not (family.project / "extra").exists()
    assert after["report.txt"] == b"OTHER\n", "what does not need it goes on"
    assert family.stale() == {"features.csv", "model:delay", "eval.json"}
    family.write("features.py", before["features.py"])
    assert family.stale() == set(), "what is there is what the good run left"


SLOW = """
import time
from pathlib import Path
Path('new.csv').write_text('half')
with open('features.csv', 'w') as file:
    file.write('half')
    file.flush()
    Path('reached').write_text('x')
    time.sleep(120)
"""


def begin(family: Family) -> subprocess.Popen:
    family.write("features.py", SLOW)
    process = subprocess.Popen(
        [family.keizu.bin, "refresh"], cwd=family.project, env=family.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    until((family.project / "reached").exists, "the step to be in the middle")
    assert (family.project / "features.csv").read_text() == "half"
    return process


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_what_was_there(family: Family, how: signal.Signals) -> None:
    before = family.bytes()
    process = begin(family)
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err.decode()
    after = family.bytes()
    assert after["features.csv"] == before["features.csv"]
    assert "new.csv" not in after and "reached" not in after
    assert b"interrupted" in out
    assert "features.csv" in family.stale()


def test_kill_9_leaves_what_was_there(family: Family) -> None:
    before = family.bytes()
    process = begin(family)
    process.kill()
    process.communicate(timeout=60)
    done = family.keizu("status", check=False)
    assert b"a refresh was killed while" in done.stderr, done.stderr.decode()
    after = family.bytes()
    assert after["features.csv"] == before["features.csv"]
    assert "new.csv" not in after
    assert b"a refresh was killed" not in family.keizu("status", check=False).stderr
    time.sleep(0.2)
    assert family.bytes()["features.csv"] == before["features.csv"], "nobody goes on writing"


def test_steps_side_by_side(family: Family) -> None:
    for name in ("left", "right"):
        other = {"left": "right", "right": "left"}[name]
        family.write(
            f"{name}.py",
            f"import os, time\nopen('{name}.there', 'w').write('x')\nend = time.monotonic() + 30\nwhile not os.path.exists('{other}.there') and time.monotonic() < end and 'WAIT' in open('mode').read():\n    time.sleep(0.02)\nassert os.path.exists('{other}.there') or 'WAIT' not in open('mode').read()\nopen('{name}.out', 'w').write(open('mode').read() * 40)\nos.remove('{name}.there') if 'WAIT' not in open('mode').read() else None\n",
        )
    family.write("mode", "plain")
    family.python("left.py")
    family.python("right.py")
    family.write("mode", "WAIT")
    family.refresh("-j", "2", "left.out", "right.out")
    assert (family.project / "left.out").read_text().startswith("WAIT")


def test_what_cannot_be_run_is_said_before_anything_starts(family: Family) -> None:
    family.write("tool.sh", "#!/bin/sh\ncat notes.txt > tool.out\n").chmod(0o755)
    family.step("./tool.sh")
    family.write("notes.txt", "other\n")
    (family.project / "tool.sh").unlink()
    runs = family.runs()
    said = family.refresh(code=1)
    assert "can't be run again" in said and "nothing was run" in said
    assert family.runs() == runs


def test_a_secret_on_the_command_line(family: Family) -> None:
    family.write("login.py", "import sys\nopen('login.out', 'w').write(open('notes.txt').read())\n")
    family.python("login.py", "--password", "hunter2hunter2")
    family.write("notes.txt", "other\n")
    said = family.refresh("login.out", code=1)
    assert "held a secret" in said and "environment variable" in said


def test_a_step_that_is_stale_again_is_said_and_not_run_for_ever(family: Family) -> None:
    """The first step lists a folder into which the second, of which it knows nothing, writes another name each time."""
    family.write("out/base.csv", "1\n" * 40)
    family.write("word", "one")
    family.write("gather.py", "import os\nnames = os.listdir('out')\nopen('out/base.csv').read()\nopen('gather.out', 'w').write(open('word').read() + str(len(names)))\n")
    family.write("spread.py", "word = open('word').read()\nopen(f'out/x.{word}', 'w').write(word * 40)\nopen('spread.out', 'w').write(word * 40)\n")
    family.python("gather.py")
    family.python("spread.py")
    family.write("word", "two")
    runs = family.runs()
    said = family.refresh("-j", "1", "gather.out", "spread.out", code=1)
    assert "gather.out is still stale though its step was run again: out/x.two is new" in said
    assert family.runs() == runs + 2


def test_a_command_in_another_folder(family: Family) -> None:
    family.write("sub/here.py", "open('here.out', 'w').write(open('../notes.txt').read())\n")
    family.keizu("run", "-q", "--", sys.executable, "here.py", cwd=family.project / "sub")
    family.write("notes.txt", "other\n")
    family.refresh("sub/here.out")
    assert (family.project / "sub/here.out").read_text() == "other\n"


def test_recorded_variables_come_back(family: Family) -> None:
    family.write("seed.py", "import os\nopen('seed.out', 'w').write(os.environ['PYTHONHASHSEED'] + open('notes.txt').read())\n")
    family.env["PYTHONHASHSEED"] = "7"
    family.python("seed.py")
    family.env["PYTHONHASHSEED"] = "8"
    family.write("notes.txt", "other\n")
    family.refresh("seed.out")
    assert (family.project / "seed.out").read_text() == "7other\n"


def test_two_at_once(family: Family) -> None:
    process = begin(family)
    done = family.keizu("refresh", check=False)
    assert done.returncode == 2 and b"another refresh" in done.stderr, done.stderr.decode()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def test_a_terminal_interrupt_reaches_the_steps(family: Family) -> None:
    """As a terminal does it: the whole foreground group."""
    before = family.bytes()
    process = begin(family)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert family.bytes()["features.csv"] == before["features.csv"]


def test_what_the_shell_gave_to_read_is_given_again(family: Family) -> None:
    family.write("upper.py", "import sys\nopen('upper.out', 'w').write(sys.stdin.read().upper())\n")
    with open(family.project / "notes.txt") as notes:
        family.keizu("run", "-q", "--", sys.executable, "upper.py", stdin=notes)
    assert (family.project / "upper.out").read_text() == (family.project / "notes.txt").read_text().upper()
    family.write("notes.txt", "other\n")
    family.refresh("upper.out")
    assert (family.project / "upper.out").read_text() == "OTHER\n"


def test_what_the_shell_wrote_cannot_be_made_again(family: Family) -> None:
    with open(family.project / "listed.csv", "w") as out:
        subprocess.run([family.keizu.bin, "run", "-q", "--", "sort", "notes.txt"], cwd=family.project, env=family.env, stdout=out, check=True)
    family.write("count.py", "open('count.out', 'w').write(str(len(open('listed.csv').read())) * 40)\n")
    family.python("count.py")
    family.write("notes.txt", "other\n")
    rows = {row["thing"]: row for row in family.rows()}
    if rows["count.out"]["state"] == "fresh":
        pytest.skip("an unwatched program: nothing was seen of it")
    assert rows["count.out"]["path"] == ["listed.csv"]
    said = family.refresh("count.out", code=1)
    assert "the shell, not the command, wrote listed.csv" in said
