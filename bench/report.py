"""RESULTS.md: medians, ratios, goals, and what they were measured with."""

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

from measure import Series
from workloads import WORK

LESS_OVERHEAD_GOAL = 20
NOISE = 0.01
"""An overhead below this share of the untraced CPU is not told apart from none."""


@dataclass
class Setting:
    """Where and with what."""

    command: str
    machine: str
    tools: str
    quick: bool

    @classmethod
    def of(cls, keizu: str, env: dict[str, str], args: list[str], quick: bool) -> "Setting":
        info = Path("/proc/cpuinfo").read_text()
        model = next((line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")), platform.machine())
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        tools = [
            (name, _first_line(argv, env))
            for name, argv in {
                "": [keizu, "--version"],
                " ": ["strace", "--version"],
                "DVC ": [str(WORK / "dvc/bin/dvc"), "--version"],
                "  ": [str(WORK / "reprozip/bin/reprozip"), "--version"],
                "   ": ["gcc", "--version"],
                "Python ": [str(WORK / "python/bin/python"), "-c", "import platform; print(platform.python_version())"],
            }.items()
        ]
        return cls(
            " ".join(["bench/run", *args]),
            f"{os.cpu_count()} cores, {model}, {memory:.0f} GiB, Linux {platform.release()}, {_file_system()}",
            " · ".join(name.strip() + (" " if name.strip() else "") + version for name, version in tools if version),
            quick,
        )


def _first_line(argv: list[str], env: dict[str, str]) -> str:
    try:
        done = subprocess.run(argv, env=env, capture_output=True, text=True)
    except OSError:
        return ""
    lines = (done.stdout or done.stderr).splitlines()
    return lines[0] if done.returncode == 0 and lines else ""


def _file_system() -> str:
    done = subprocess.run(["stat", "-f", "-c", "%T", str(WORK)], capture_output=True, text=True)
    return done.stdout.strip() or "unknown file system"


def page(results: dict, series: dict[str, dict[str, Series]], setting: Setting) -> str:
    traced = {name: result for name, result in results.items() if not name.startswith("add-") and name != "status"}
    added = {name: result for name, result in results.items() if name.startswith("add-")}
    days = sorted({result["date"] for result in results.values()}) or [date.today().isoformat()]
    parts = [
        "# Results",
        "",
        f"Written by `{setting.command}`, {' to '.join(dict.fromkeys((days[0], days[-1])))}, on {setting.machine}.",
        f"{setting.tools}.",
        "",
    ]
    if setting.quick:
        parts += ["**Quick run**: few runs of small workloads. The ratios say whether something is badly wrong, and no more.", ""]
    parts += [
        "Medians of runs in alternated order, in one go, page cache warm; ratios are medians of the ratios to the untraced run of the same round. CPU is",
        "user + sys of the command and all that it waited for; wall is until the command returns. `keizu run` starts without a record, so that every file",
        "is hashed; `again` finds the record of the run before it. The watcher's CPU is spent beside the job, niced, and given apart. OpenMP's threads sleep",
        "while they wait, in every variant (`OMP_WAIT_POLICY=passive`), or another program's load would count as CPU of the training. ReproZip is run",
        "without its analysis of packages and of inputs (`--dont-identify-packages --dont-find-inputs-outputs`).",
        "",
    ]
    for name, result in traced.items():
        parts += _traced(result, series[name])
    for name, result in added.items():
        parts += _added(result, series[name])
    if "status" in results:
        parts += _asked(results["status"], series["status"])
    return "\n".join(parts).rstrip() + "\n"


def _traced(result: dict, series: dict[str, Series]) -> list[str]:
    base = series["untraced"]
    rows = [
        f"## {result['title']}",
        "",
        "| | n | CPU s | of untraced [min–max] | wall s | of untraced | watcher CPU s | sealed after s |",
        "|--|--|--|--|--|--|--|--|",
    ]
    for variant, line in series.items():
        if not line.samples:
            continue
        cpu, wall = line.against(base, "cpu"), line.against(base, "wall")
        watcher = (f"{line.median('behind_cpu'):.2f}", f"{line.median('behind_wall'):.2f}") if variant.startswith("keizu") else ("", "")
        rows.append(
            f"| {variant} | {len(line.samples)} | {line.median('cpu'):.3f} | {median(cpu):.2f} [{cpu[0]:.2f}–{cpu[-1]:.2f}] | "
            f"{line.median('wall'):.3f} | {median(wall):.2f} | {watcher[0]} | {watcher[1]} |"
        )
    rows += ["", *_goals(result, series), f"Load average at the end: {result['load']:.1f}.", ""]
    return rows


def _goals(result: dict, series: dict[str, Series]) -> list[str]:
    ratio = {variant: median(line.against(series["untraced"], "cpu")) for variant, line in series.items() if line.samples}
    mine = ratio["keizu run"]
    lines = []
    if goal := result["goal"]:
        lines.append(f"- CPU of the job ≤ {goal}× untraced: **{mine:.2f}×**, {_verdict(mine <= goal)}")
    for peer in ("strace -f", "ReproZip"):
        if peer not in ratio:
            lines.append(f"- ≥ {LESS_OVERHEAD_GOAL}× less overhead than {peer}: not run")
        elif mine - 1 <= NOISE:
            lines.append(f"- ≥ {LESS_OVERHEAD_GOAL}× less overhead than {peer}: ours is within the noise ({mine - 1:+.1%}), theirs {ratio[peer] - 1:+.0%}")
        else:
            less = (ratio[peer] - 1) / (mine - 1)
            lines.append(f"- ≥ {LESS_OVERHEAD_GOAL}× less overhead than {peer}: **{less:.1f}×**, {_verdict(less >= LESS_OVERHEAD_GOAL)}")
    return [*lines, ""]


def _added(result: dict, series: dict[str, Series]) -> list[str]:
    rows = [f"## {result['title']}", "", "| | n | CPU s | wall s |", "|--|--|--|--|"]
    rows += [f"| {variant} | {len(line.samples)} | {line.median('cpu'):.3f} | {line.median('wall'):.3f} |" for variant, line in series.items() if line.samples]
    wall = series["dvc add"].median("wall") / series["keizu add"].median("wall")
    cpu = series["dvc add"].median("cpu") / series["keizu add"].median("cpu")
    rows += [
        "",
        f"- `dvc add` ÷ `keizu add` ≥ {result['goal']}: wall **{wall:.1f}×**, CPU {cpu:.1f}×, {_verdict(wall >= result['goal'])}",
        "- `dvc add` also copies the content into its cache; `keizu add` keeps small files and records large ones by their digest.",
        "",
    ]
    return rows


def _asked(result: dict, series: dict[str, Series]) -> list[str]:
    rows = [f"## {result['title']}", "", "| | n | CPU s | wall s |", "|--|--|--|--|"]
    rows += [f"| {variant} | {len(line.samples)} | {line.median('cpu'):.3f} | {line.median('wall'):.3f} |" for variant, line in series.items() if line.samples]
    mine = series["keizu status"].median("wall")
    wall, cpu = (series["dvc status"].median(what) / series["keizu status"].median(what) for what in ("wall", "cpu"))
    rows += [
        "",
        f"- `keizu status` < 1 s: **{mine:.2f} s**, {_verdict(mine < 1)}",
        f"- `dvc status` ÷ `keizu status` ≥ {result['goal']}: wall **{wall:.1f}×**, CPU {cpu:.1f}×, {_verdict(wall >= result['goal'])}",
        "",
    ]
    return rows


def _verdict(met: bool) -> str:
    return "met" if met else "**missed**"
