"""The Python environment of a run, made again from wheels that lie in a folder."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .conftest import Project


def wheel(folder: Path, version: str, factor: int) -> None:
    folder.mkdir(exist_ok=True)
    info = f"scorer-{version}.dist-info"
    files = {
        "scorer.py": f"def score(x):\n    return x * {factor}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: scorer\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"scorer-{version}-py3-none-any.whl", "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)


class Packaged(Project):
    def install(self, version: str) -> None:
        done = self.plain(self.venv / "bin/python", "-m", "pip", "install", "-q", f"scorer=={version}")
        assert done.returncode == 0, done.stderr.decode()


@pytest.fixture
def packaged(project: Project) -> Packaged:
    box = Packaged(project.base)
    box.venv = box.base / "venv"
    box.wheels = box.base / "wheels"
    wheel(box.wheels, "1.0", 2)
    wheel(box.wheels, "2.0", 3)
    box.env |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(box.wheels), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run([sys.executable, "-m", "venv", str(box.venv)], check=True)
    box.install("1.0")
    box.write("score.py", "import json, scorer\njson.dump({'score': scorer.score(21)}, open('score.json', 'w'))\n")
    box.keizu.run(box.venv / "bin/python", "score.py", check=True)
    return box


def test_the_recorded_versions_are_installed_when_others_are_here(packaged: Packaged) -> None:
    assert json.loads((packaged.project / "score.json").read_text()) == {"score": 42}
    assert packaged.reproduce("score.json")["verdict"] == "equal"
    assert not (packaged.home / ".cache/keizu").exists(), "what is here is the recorded one"
    packaged.install("2.0")
    assert packaged.reproduce("score.json")["verdict"] == "equal"
    assert (packaged.home / ".cache/keizu/venvs").is_dir()
    answer = packaged.reproduce("score.json", "--env", "present", "--repeats", 1, code=1)
    assert answer["differing"][0]["detail"] == ["score 42 → 63"]
    assert any("scorer 2.0 is installed here" in remark for remark in answer["remarks"])


def test_a_version_that_can_not_be_had_is_named(packaged: Packaged) -> None:
    packaged.install("2.0")
    next(packaged.wheels.glob("scorer-1.0*")).unlink()
    answer = packaged.reproduce("score.json", code=1)
    assert answer["verdict"] == "cannot" and [missing["what"] for missing in answer["missing"]] == ["scorer==1.0"]
    wheel(packaged.wheels, "1.0", 2)
    assert packaged.reproduce("score.json")["verdict"] == "equal", "a half-made environment is not kept"


def test_a_virtual_environment_inside_the_project(project: Project) -> None:
    project.env |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(project.base)}
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(project.project / ".venv")], check=True)
    site = next((project.project / ".venv").glob("lib/python*/site-packages"))
    (site / "scorer-1.0.dist-info").mkdir()
    (site / "scorer-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: scorer\nVersion: 1.0\n")
    (site / "scorer-1.0.dist-info/RECORD").write_text("scorer.py,,\n")
    (site / "scorer.py").write_text("def score(x):\n    return x\n")
    project.write("score.py", "import scorer, sys\nopen('where.txt', 'w').write(f'{scorer.__file__} {sys.prefix}')\n")
    project.keizu.run(".venv/bin/python", "score.py", check=True)
    assert project.reproduce("where.txt")["verdict"] == "equal"
    shutil.rmtree(site / "scorer-1.0.dist-info")
    assert project.reproduce("where.txt", code=1)["verdict"] == "cannot"


def test_packages_are_swapped_in_a_proof(packaged: Packaged) -> None:
    packaged.write("keizu.toml", '[models]\nm = "m.bin"\n')
    packaged.write(
        "train.py", "import json, scorer\nw = scorer.score(2)\nopen('m.bin', 'w').write(str(w))\njson.dump({'loss': w / 7}, open('eval.json', 'w'))\n"
    )
    for version in ("1.0", "2.0"):
        packaged.install(version)
        packaged.keizu.run(packaged.venv / "bin/python", "train.py", check=True)
    answer = packaged.keizu.json("why", "model:m", "--prove")
    (factor,) = answer["proof"]["factors"]
    assert factor["subjects"] == ["scorer"] and factor["found"] == "effect", answer["proof"]
    assert factor["put_back"]["loss"] == pytest.approx(4 / 7)
