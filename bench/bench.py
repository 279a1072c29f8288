"""Runs every variant of every workload in alternated order and writes the ratios. Started by bench/run."""

import argparse
import json
import os
import random
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path

import report
import sections
from measure import Sample, Series, adopt_orphans, execute, remove
from workloads import PYTHON, READ, TRACED, WORK, Workload, large_file, small_files

KEIZU = os.environ["KEIZU_BIN"]
NAMES = [*TRACED, "add-files", "add-large", "status"]
SLOW_RUNS_MAX = 3
"""ReproZip and `strace -f` take up to a hundred times as long; their ratios need no more runs."""


def environment() -> dict[str, str]:
    home = WORK / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "OMP_WAIT_POLICY": "passive",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(WORK / "dvc-site"),
        "REPROZIP_USAGE_STATS": "off",
    }


class Variant:
    """One way to run a workload."""

    def __init__(self, name: str, argv: list[str], before=lambda: None, slow: bool = False):
        self.name, self.argv, self.before, self.slow = name, argv, before, slow


def traced(workload: Workload) -> list[Variant]:
    record, trace = workload.folder / ".keizu", workload.folder.parent / "reprozip-trace"
    variants = [
        Variant("untraced", workload.argv),
        Variant("keizu run", [KEIZU, "run", "-q", "--", *workload.argv], lambda: remove(record)),
        Variant("keizu run, again", [KEIZU, "run", "-q", "--", *workload.argv]),
        Variant("strace -f", ["strace", "-f", "-o", "/dev/null", *workload.argv], slow=True),
    ]
    reprozip = WORK / "reprozip" / "bin" / "reprozip"
    if reprozip.exists():
        argv = [str(reprozip), "trace", "-d", str(trace), "--dont-identify-packages", "--dont-find-inputs-outputs", *workload.argv]
        variants.append(Variant("ReproZip", argv, lambda: remove(trace), slow=True))
    return variants


def added(folder: Path, what: str, env: dict[str, str]) -> list[Variant]:
    dvc = str(WORK / "dvc" / "bin" / "dvc")

    def fresh() -> None:
        remove(folder / ".keizu", folder / ".dvc", folder / ".dvcignore", folder / ".gitignore", folder / f"{what}.dvc", WORK / "dvc-site")
        execute([dvc, "init", "-q", "--no-scm"], folder, env)

    return [
        Variant("keizu add", [KEIZU, "add", what], lambda: remove(folder / ".keizu")),
        Variant("keizu add, again", [KEIZU, "add", what]),
        Variant("dvc add", [dvc, "add", "-q", what], fresh, slow=True),
    ]


def asked(folder: Path, env: dict[str, str]) -> list[Variant]:
    """Nothing changed since it was recorded: both must find that out."""
    dvc = str(WORK / "dvc" / "bin" / "dvc")
    remove(folder / ".keizu", folder / ".dvc", folder / ".dvcignore", folder / ".gitignore", folder / "data.dvc", WORK / "dvc-site")
    execute([dvc, "init", "-q", "--no-scm"], folder, env)
    execute([dvc, "add", "-q", "data"], folder, env)
    (folder / "read.py").write_text(READ + "open('total.txt', 'w').write(f'{total} bytes in all files\\n')\n")
    execute([KEIZU, "run", "-q", "--", str(PYTHON), "read.py"], folder, env)
    return [Variant("keizu status", [KEIZU, "status"]), Variant("dvc status", [dvc, "status", "-q"], slow=True)]


def alternate(variants: list[Variant], reset, folder: Path, env: dict[str, str], runs: int, order: random.Random) -> dict[str, Series]:
    """Every variant once a round, in an order drawn anew; one run of each beforehand that does not count."""
    series = {variant.name: Series() for variant in variants}
    for round_ in range(-1, runs):
        for variant in plan(variants, order):
            if variant.slow and not 0 <= round_ < SLOW_RUNS_MAX:
                continue
            reset()
            variant.before()
            sample = execute(variant.argv, folder, env)
            print(f"  {round_ + 1:2d}  {variant.name:18} cpu {sample.cpu:8.3f}  wall {sample.wall:8.3f}  behind {sample.behind_cpu:6.3f}", file=sys.stderr)
            if round_ >= 0:
                series[variant.name].samples.append(sample)
    return series


def plan(variants: list[Variant], order: random.Random) -> list[Variant]:
    """Shuffled, but `X, again` directly after `X`, whose record it finds."""
    followers = {variant.name.removesuffix(", again"): variant for variant in variants if variant.name.endswith(", again")}
    heads = [variant for variant in variants if variant not in followers.values()]
    order.shuffle(heads)
    return [step for head in heads for step in (head, followers.get(head.name)) if step]


def own_project(folder: Path) -> None:
    """The folder is a project of its own: else the record would be that of the repository around it."""
    (folder / "keizu.toml").touch()


def one(name: str, quick: bool, runs: int, env: dict[str, str], order: random.Random) -> dict:
    if name in TRACED:
        workload = TRACED[name](quick)
        print(workload.title, file=sys.stderr)
        own_project(workload.folder)
        series = alternate(traced(workload), workload.reset, workload.folder, env, runs, order)
        title, goal = workload.title, workload.goal
    else:
        many, megabytes = (5_000, 256) if quick else (50_000, 2048)
        if name == "status":
            folder, title, goal = small_files(WORK / f"status-{many}", many), f"status of {many:,} unchanged files", 20
        elif name == "add-files":
            folder, what, title, goal = small_files(WORK / f"add-files-{many}", many), "data", f"first record of {many:,} small files", 20
        else:
            folder, what, title, goal = large_file(WORK / f"add-large-{megabytes}", megabytes), "large.bin", f"first record of one file of {megabytes:,} MiB", 5
        print(title, file=sys.stderr)
        own_project(folder)
        variants = asked(folder, env) if name == "status" else added(folder, what, env)
        series = alternate(variants, lambda: None, folder, env, min(runs, SLOW_RUNS_MAX), order)
    samples = {variant: [asdict(sample) for sample in line.samples] for variant, line in series.items()}
    return {"title": title, "goal": goal, "date": date.today().isoformat(), "load": os.getloadavg()[0], "samples": samples}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run")
    parser.add_argument("--quick", action="store_true", help="fewer runs, smaller sizes")
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}; may be repeated")
    parser.add_argument("--runs", type=int, help="runs of each variant (7; with --quick 3)")
    args = parser.parse_args()
    runs = args.runs or (3 if args.quick else 7)
    kept = WORK / ("results.quick.json" if args.quick else "results.json")
    results = json.loads(kept.read_text()) if kept.exists() else {}

    adopt_orphans()
    env, order = environment(), random.Random(4)
    for name in args.only or NAMES:
        results[name] = one(name, args.quick, runs, env, order)
        kept.write_text(json.dumps(results, indent=1))

    series = {name: {variant: Series([Sample(**sample) for sample in samples]) for variant, samples in result["samples"].items()} for name, result in results.items()}
    page = report.page({name: results[name] for name in NAMES if name in results}, series, report.Setting.of(KEIZU, env, sys.argv[1:], args.quick))
    place = WORK / "RESULTS.quick.md" if args.quick else Path(__file__).with_name("RESULTS.md")
    sections.replace_rest(place, page)
    print(page)
    print(f"written to {place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place}", file=sys.stderr)


if __name__ == "__main__":
    main()
