"""A copy of examples/flights that is worked on under the real binary."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "flights"
KEIZU = Path(os.environ.get("KEIZU_BIN", ROOT / "target/debug/keizu")).absolute()


def environment() -> dict[str, str]:
    """This one, with the interpreter of the tests first, and the binary under test after it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(KEIZU.parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "NO_COLOR": "1"}


def example_files() -> list[Path]:
    """The files of the example, relative to it; not what somebody's run of it left there."""
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."], cwd=EXAMPLE, check=True, capture_output=True).stdout
    return [Path(name) for name in out.decode().split("\0") if name]


@dataclass
class Project:
    root: Path
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, root: Path) -> "Project":
        for file in example_files():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(EXAMPLE / file, root / file)
        project = cls(root)
        for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
            project.check(["git", "-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false", *command])
        return project

    def check(self, command: list[str]) -> subprocess.CompletedProcess:
        done = subprocess.run(command, cwd=self.root, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def run(self, *command: str) -> dict:
        """The command under `keizu run`; then the run as `keizu show` tells it, collections opened."""
        self.check([str(KEIZU), "run", "--", *command])
        return self.show(self.json("log")[0]["id"])

    def show(self, run: str) -> dict:
        return self.json("show", run if run.startswith("run:") else f"run:{run}", "--files")

    def json(self, *question: str):
        return json.loads(self.check([str(KEIZU), *question, "--json"]).stdout)

    def train(self) -> dict[str, dict]:
        """Features, training and evaluation: the runs by the name of their script."""
        return {
            "features": self.run("python", "features.py"),
            "train": self.run("python", "train.py", "--depth", "6"),
            "evaluate": self.run("python", "evaluate.py"),
        }


def digests(*runs: dict) -> dict[str, str]:
    """Every file that these runs read, wrote or executed: its path and digest. A path with two contents is an error."""
    seen: dict[str, str] = {}
    for run in runs:
        for entry in [*run["inputs"], *run["outputs"], *run["code"]]:
            assert entry["digest"], f"no digest of {entry['path']}"
            assert seen.setdefault(entry["path"], entry["digest"]) == entry["digest"], f"two contents of {entry['path']}"
    return seen


def upstream(trace: dict, start: str | None = None) -> list[dict]:
    """The nodes from which data flowed into `start` (the root of the answer, unless said otherwise)."""
    nodes = {node["id"]: node for node in trace["nodes"]}
    sources: dict[str, list[str]] = {}
    for edge in trace["edges"]:
        sources.setdefault(edge["to"], []).append(edge["from"])
    queue, seen = [start or trace["root"]], set()
    while queue:
        for source in sources.get(queue.pop(), []):
            if source not in seen:
                seen.add(source)
                queue.append(source)
    return [nodes[node] for node in seen]
