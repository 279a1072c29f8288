"""Builds or reuses a synthetic history, asks it questions, and writes the figures into RESULTS.md. See `bench/history`."""

import argparse
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path

import sections

HISTORY = os.environ["HISTORY_BIN"]
KEIZU = os.environ["KEIZU_BIN"]
HERE = Path(__file__).parent
EDGES_PER_RUN = 30
SMALL_NODES = 300
SHOTS = 21
LONG_SHOTS = 3
PATIENCE_S = 600

UP = """WITH RECURSIVE reach (node) AS (
    SELECT number FROM fold_node WHERE id = ?1
    UNION SELECT e.subject FROM reach r JOIN fold_entry e ON e.object = r.node AND e.kind = 4
    UNION SELECT e.object FROM reach r JOIN fold_entry e ON e.subject = r.node AND e.kind = 3 AND e.object IS NOT NULL
) SELECT count(*) FROM reach"""
DOWN = UP.replace("e.kind = 4", "e.kind = 0").replace("e.kind = 3", "e.kind = 4").replace("e.kind = 0", "e.kind = 3")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/history")
    parser.add_argument("--nodes", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path, default=HERE / "work" / "history", metavar="DIR")
    parser.add_argument("--lines", action="store_true", help="the index alone, fed without a store")
    args = parser.parse_args()
    kept = args.keep / "figures.json"
    args.keep.mkdir(parents=True, exist_ok=True)
    figures = json.loads(kept.read_text()) if kept.exists() else {}
    shape = [str(args.nodes), str(EDGES_PER_RUN)]
    if args.lines:
        figures["lines"] = {"nodes": args.nodes, "date": date.today().isoformat(), **ours("lines", "-", shape)}
    else:
        figures["store"] = {"nodes": args.nodes, "date": date.today().isoformat(), **store(args.keep, args.nodes, shape)}
        figures["small"] = small(args.keep)
    kept.write_text(json.dumps(figures, indent=1))
    text = page(figures)
    sections.replace_one(HERE / "RESULTS.md", "history", text)
    print(text)


def ours(what: str, folder: str, shape: list[str]) -> dict:
    done = subprocess.run([HISTORY, what, folder, *shape], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def store(keep: Path, nodes: int, shape: list[str]) -> dict:
    folder = keep / f"nodes-{nodes}"
    folder.mkdir(exist_ok=True)
    done = folder / "built.json"
    built = ours("build", str(folder), shape)
    if built["made"] or not done.exists():
        done.write_text(json.dumps(built))
    built = json.loads(done.read_text())
    found = {"built": built, "bytes": (folder / ".keizu" / "keizu.db").stat().st_size, **ours("measure", str(folder), shape)}
    roots = subprocess.run([HISTORY, "roots", str(folder), *shape], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    for name, root, text, argv in (
        ("closure", roots[0], UP, ["trace", roots[0], "--json"]),
        ("impact", roots[1], DOWN, ["impact", roots[1], "--json"]),
    ):
        found[name]["sql"] = sql(folder / ".keizu" / "keizu.db", text, root)
        found[name]["cli"] = shots([KEIZU, *argv], folder, LONG_SHOTS)
    found["served"] = served(folder, roots[0])
    found["cli_one_level"] = shots([KEIZU, "trace", roots[0], "--depth", "1", "--json"], folder, SHOTS)
    found["cli_log"] = shots([KEIZU, "log", "-n", "20"], folder, SHOTS)
    return found


def served(folder: Path, root: str) -> dict:
    """`keizu serve` on the store: how soon it is ready, and how fast a closure comes over HTTP once the graph is in memory."""
    began = time.monotonic()
    server = subprocess.Popen([KEIZU, "serve", "--listen", "127.0.0.1:0", "--log", "off"], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        address = server.stdout.readline().strip()
        until(lambda: ask(f"{address}readyz"))
        ready = (time.monotonic() - began) * 1e3
        until(lambda: any(line.startswith(b"keizu_index_vertices") and int(line.split()[1]) for line in (ask(f"{address}metrics") or b"").splitlines()))
        indexed = time.monotonic() - began
        times, url = [], f"{address}api/v1/closure?of={root}&links=true"
        for _ in range(SHOTS):
            asked = time.monotonic()
            answer = ask(url)
            times.append((time.monotonic() - asked) * 1e3)
        resident = next(int(line.split()[1]) * 1024 for line in Path(f"/proc/{server.pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    finally:
        server.terminate()
        server.wait()
    return {"ready_ms": ready, "indexed_s": indexed, "ms": statistics.median(times), "worst_ms": max(times), "nodes": json.loads(answer)["counts"]["all"], "bytes": len(answer), "resident": resident}


def ask(url: str) -> bytes | None:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return answer.read()
    except urllib.error.URLError:
        return None


def until(done) -> None:
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > PATIENCE_S:
            raise SystemExit(f"not ready after {PATIENCE_S} s")
        time.sleep(0.005)


def sql(path: Path, text: str, root: str) -> dict:
    """The recursive query, by content alone: none of the rules that tell one write of a content from another."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    database.execute("PRAGMA cache_size = -256000")
    began = time.monotonic()
    database.set_progress_handler(lambda: time.monotonic() - began > PATIENCE_S, 100_000)
    try:
        (count,) = database.execute(text, [bytes([1]) + bytes.fromhex(root.removeprefix("b3:"))]).fetchone()
    except sqlite3.OperationalError:
        count = None
    return {"nodes": count, "ms": (time.monotonic() - began) * 1e3}


def shots(argv: list[str], folder: Path, count: int) -> dict:
    """A process from nothing to its end, several times; the page cache is warm after the first."""
    times = []
    for _ in range(count):
        began = time.monotonic()
        try:
            done = subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            return {"ms": None, "first_ms": None, "n": len(times), "bytes": None}
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(argv)}: {done.stderr.decode()}")
        times.append((time.monotonic() - began) * 1e3)
    return {"ms": statistics.median(times), "first_ms": times[0], "n": count, "bytes": len(done.stdout)}


def small(keep: Path) -> dict:
    """Reading commands on a small store, in turns with `git log -1` in the same folder."""
    folder = keep / "small"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    ours("build", str(folder), [str(SMALL_NODES), str(EDGES_PER_RUN)])
    root = subprocess.run([HISTORY, "roots", str(folder), str(SMALL_NODES)], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[0]
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for argv in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "history"]):
        subprocess.run(["git", *argv], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    commands = {
        "git log -1": ["git", "log", "-1"],
        "keizu log": [KEIZU, "log"],
        "keizu trace FILE": [KEIZU, "trace", root],
        "keizu trace FILE --depth 1 --json": [KEIZU, "trace", root, "--depth", "1", "--json"],
        "keizu version": [KEIZU, "version"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(SHOTS):
        for name, argv in commands.items():
            times[name].append(shots(argv, folder, 1)["ms"])
    return {"nodes": SMALL_NODES, "n": SHOTS, "ms": {name: statistics.median(all_of_it) for name, all_of_it in times.items()}}


def megabytes(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:,.0f} MB"


def ms(value: float | None) -> str:
    if value is None:
        return f"over {PATIENCE_S} s"
    return f"{value / 1e3:,.1f} s" if value >= 10_000 else f"{value:,.1f} ms"


def machine() -> str:
    info = Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {model}, {memory:.0f} GiB, Linux {platform.release()}"


def index_rows(found: dict) -> list[str]:
    closure, impact = found["closure"], found["impact"]
    return [
        f"| entries; vertices; links | {found['entries']:,}; {found['vertices']:,}; {found['links']:,} |",
        f"| index: build | {found['build_s']:,.1f} s |",
        f"| index: bytes in its columns | {megabytes(found['index_bytes'])} |",
        f"| resident: before, at the peak of building, after | "
        f"{', '.join(megabytes(found[key]) for key in ('resident_before', 'resident_peak', 'resident_after'))} |",
        f"| index: closure upwards of {closure['hits']:,} nodes | {ms(closure['reach_ms'])} |",
        f"| index: impact with {impact['hits']:,} hits | {ms(impact['reach_ms'])} |",
    ]


def page(figures: dict) -> str:
    lines = ["## a long history: the index and the store", "", f"Written by `bench/history`, on {machine()}, load average {os.getloadavg()[0]:.1f} at the end.", ""]
    if found := figures.get("store"):
        closure, impact, built, served_ = found["closure"], found["impact"], found["built"], found["served"]
        rate = built["made"] / built["seconds"] if built["made"] else 0
        lines += [f"### in a store, `--nodes {found['nodes']}` ({found['date']})", "", "| | |", "|--|--|", *index_rows(found)]
        lines += [
            f"| store: bytes | {megabytes(found['bytes'])} ({found['bytes'] / found['entries']:,.0f} a record) |",
            f"| store: appended in one go ({built['made']:,} records) | {rate:,.0f} records/s |",
            f"| index: what the root means, through the store (closure; impact) | {ms(closure['start_ms'])}; {ms(impact['start_ms'])} |",
            f"| index: a page of {impact['page']} hits described, through the store | {ms(impact['page_ms'])} |",
            f"| index: one more run of {found['tail_ms']['records']} records heard of (its append) | {ms(found['tail_ms']['extend_ms'])} ({ms(found['tail_ms']['append_ms'])}) |",
            f"| walk through the store in one process: closure of {closure['walk_ms']['nodes']:,} nodes | {ms(closure['walk_ms']['ms'])} |",
            f"| `keizu trace FILE --json`: that closure, one shot (n={closure['cli']['n']}) | {ms(closure['cli']['ms'])} |",
            f"| `keizu impact FILE --json`: that impact, one shot (n={impact['cli']['n']}) | {ms(impact['cli']['ms'])} |",
            f"| `keizu serve` on that store: ready; with the graph in memory; resident then | "
            f"{ms(served_['ready_ms'])}; {served_['indexed_s']:,.0f} s; {megabytes(served_['resident'])} |",
            f"| closure of {served_['nodes']:,} nodes with all links over HTTP, {served_['bytes'] / 1e3:,.0f} kB (n={SHOTS}): median, worst | "
            f"{ms(served_['ms'])}, {ms(served_['worst_ms'])} |",
            f"| `keizu trace FILE --depth 1 --json`, one shot (n={found['cli_one_level']['n']}) | {ms(found['cli_one_level']['ms'])} |",
            f"| `keizu log -n 20`, one shot (n={found['cli_log']['n']}) | {ms(found['cli_log']['ms'])} |",
            f"| recursive SQL on the same store: closure of {closure['sql']['nodes'] or 0:,} nodes | {ms(closure['sql']['ms'])}, {closure['sql']['ms'] / closure['reach_ms']:,.0f}× the index |",
            f"| recursive SQL on the same store: impact with {impact['sql']['nodes'] or 0:,} hits | {ms(impact['sql']['ms'])}, {impact['sql']['ms'] / impact['reach_ms']:,.0f}× the index |",
            "",
            "The SQL joins by content alone, the index by the rules of linking: their counts differ a little.",
            "",
        ]
    if found := figures.get("lines"):
        lines += [f"### the index alone, `--lines --nodes {found['nodes']}` ({found['date']})", "", "| | |", "|--|--|", *index_rows(found)]
        lines += [f"| of the building: making the lines, which are gone through once more for each pass | {found['lines_s']:,.1f} s each time |", ""]
    if found := figures.get("small"):
        git = found["ms"]["git log -1"]
        lines += [f"### reading commands on a small store ({found['nodes']} nodes; n={found['n']}, in turns, page cache warm)", "", "| | wall ms | of `git log -1` |", "|--|--|--|"]
        lines += [f"| `{name}` | {value:.1f} | {value / git:.2f} |" for name, value in found["ms"].items()]
        lines += [""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
