"""Makes the trees, has them measured by ui.mjs, and writes the figures into RESULTS.md. See `bench/ui`."""

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import sections
from history import HISTORY, KEIZU, machine

HERE = Path(__file__).parent.resolve()
ASSETS = HERE.parent / "crates" / "server" / "assets"
SIZES = [200, 2_000, 13_500, 100_000]
PEERS = {"cytoscape": "Cytoscape.js 3.35.0", "react-flow": "React Flow 12.12.1"}
PATIENCE_MS = 60_000
FRAME_MS = 16.8
SLOW_FRAME_MS = 33.5
"""A frame of sixty a second, and two, as a browser counts them."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/ui")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--keep", type=Path, default=HERE / "work" / "ui", metavar="DIR")
    parser.add_argument("--shots", type=Path, metavar="DIR")
    args = parser.parse_args()
    keep = args.keep.resolve()
    sizes = [int(size) for size in args.sizes.split(",")]
    for size in sizes:
        store(keep / f"wide-{size}", size)
        if args.shots:
            (args.shots / str(size)).mkdir(parents=True, exist_ok=True)
    config = {
        "keizu": str(Path(KEIZU).resolve()),
        "chromium": shutil.which(os.environ.get("CHROMIUM", "chromium")),
        "sizes": [{"nodes": size, "folder": str(keep / f"wide-{size}")} for size in sizes],
        "runs": args.runs,
        "peers": [] if args.alone else list(PEERS),
        "pages": str(HERE / "ui-peers" / "dist"),
        "work": str(keep),
        "shots": str(args.shots.resolve()) if args.shots else None,
        "patience_ms": PATIENCE_MS,
        "out": str(keep / "figures.json"),
    }
    (keep / "config.json").write_text(json.dumps(config))
    before = os.getloadavg()[0]
    subprocess.run(["node", str(HERE / "ui.mjs"), str(keep / "config.json")], check=True)
    text = page(json.loads((keep / "figures.json").read_text()), args.runs, before)
    sections.replace_one(HERE / "RESULTS.md", "ui", text)
    print(text)


def store(folder: Path, nodes: int) -> None:
    """A history of one training and all that it stands on; the same each time, so it is made once."""
    done = folder / "made"
    if done.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run([HISTORY, "wide", str(folder), str(nodes)], check=True, stdout=subprocess.DEVNULL)
    done.touch()


def compressed(paths: list[Path]) -> int:
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in paths)


def milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def megabytes(value: float | None) -> str:
    return "" if value is None else f"{value / 1e6:,.0f}"


def gesture(found: dict | None) -> str:
    return "–" if not found else f"{found['p50']:.1f} / {found['p95']:.1f}"


def cpu(found: dict) -> str:
    told = [found[kind] for kind in ("pan", "zoom", "near")]
    return " / ".join("–" if one is None else f"{one['cpu']:,.0f}" for one in told)


def main_thread(found: dict) -> str:
    told = [found[kind] for kind in ("pan", "zoom", "near")]
    return " / ".join("–" if one is None else f"{one['main']:,.1f}" for one in told)


def row(size: dict, renderer: str) -> str:
    found = size["renderers"][renderer]
    name = "**Keizu**" if renderer == "keizu" else PEERS[renderer]
    first = milliseconds(found["first"])
    if found["first"] is None:
        first = found["over"] or "–"
    elif renderer == "keizu":
        spread = f" [{milliseconds(min(found['firsts']))}–{milliseconds(max(found['firsts']))}]" if found["n"] > 1 else ""
        first = f"**{first}**{spread}"
    cells = [
        f"{size['answer']['nodes']:,}",
        name,
        str(found["n"]),
        first,
        milliseconds(found.get("first_cpu")),
        *(gesture(found[kind]) for kind in ("pan", "zoom", "near")),
        cpu(found),
        main_thread(found),
        megabytes(found["heap"]),
        megabytes(found["memory"]),
    ]
    return f"| {' | '.join(cells)} |"


def met(holds: bool) -> str:
    return "met" if holds else "**missed**"


def goals(results: list[dict]) -> list[str]:
    lines = []
    by_size = {size["answer"]["nodes"]: size["renderers"]["keizu"] for size in results}
    for nodes, found in by_size.items():
        if 10_000 < nodes < 20_000:
            lines.append(f"- {nodes:,} cards in < 1 s from navigation: **{found['first'] / 1e3:.2f} s** (best {min(found['firsts']) / 1e3:.2f} s), {met(found['first'] < 1e3)}")
        if nodes > 90_000:
            told = [found[kind] for kind in ("pan", "zoom", "near")]
            holds = all(one and one["p50"] <= FRAME_MS and one["p95"] <= SLOW_FRAME_MS for one in told)
            worst = max(one["p95"] for one in told if one)
            lines.append(f"- {nodes:,} cards at 60 frames a second, moved and zoomed (p50 ≤ 16.7 ms, p95 ≤ 33 ms): worst p95 **{worst:.1f} ms**, {met(holds)}")
    script = compressed(sorted([*ASSETS.glob("*.js"), *ASSETS.glob("*.css")]))
    lines.append(f"- Script and style ≤ 150 KB compressed: **{script / 1024:.0f} KB**, {met(script <= 150 * 1024)}")
    return lines


def page(results: list[dict], runs: int, before: float) -> str:
    view = next(size["renderers"]["keizu"]["view"] for size in results)
    dist = HERE / "ui-peers" / "dist"
    sizes = {name: compressed(sorted(dist.glob(f"{name}.*"))) / 1024 for name in PEERS if (dist / f"{name}.js").exists()}
    chromium = subprocess.run(["chromium", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split(" built")[0].strip()
    lines = [
        "## ui: the family tree in a browser",
        "",
        f"`bench/ui --runs {runs}`, {date.today().isoformat()}, on {machine()}; headless {chromium} without a GPU, canvas of {view[0]}×{view[1]} px.",
        f"Load average {before:.1f} before and {os.getloadavg()[0]:.1f} after, the browser's own work included: take waits for more than they are, and compare CPU.",
        "",
        "The tree is of one model and all that it stands on, every thing for itself (`?open=all`): 25 layers. Each browser is fresh. *First picture*: from navigation until the frame",
        "after the one in which the whole view was drawn crisply; Keizu's holds the page, the question to the server and its answer, the others' a file",
        "with that answer; *its CPU* is of the page's main thread until then. Gestures are 120 real events in two seconds: a drag far out, the wheel in by a factor of a hundred and half the way back, a drag near; frames as p50 / p95 ms between",
        "animation frames. CPU is of all processes of the browser, each frame, in the same three gestures; then of the page's main thread alone. Memory is after the first picture, shared pages counted once. Medians.",
        "The others get what their documentation advises for many elements (`bench/ui-peers`); one that took over 12 s for its first picture was measured once. – stands where the picture did not move.",
        "",
        "| cards | | n | first picture, ms | its CPU ms | pan, far | zoom | pan, near | CPU ms a frame | main thread | heap MB | memory MB |",
        "|--|--|--|--|--|--|--|--|--|--|--|--|",
    ]
    lines += [row(size, renderer) for size in results for renderer in size["renderers"]]
    lines += ["", "| cards | links | answer, KB | server, ms | its CPU ms | of the first picture: until the answer was there, ms | server's memory, MB |", "|--|--|--|--|--|--|--|"]
    for size in results:
        answer, own = size["answer"], size["renderers"]["keizu"]
        lines.append(
            f"| {answer['nodes']:,} | {answer['edges']:,} | {answer['bytes'] / 1e3:,.0f} | {milliseconds(answer['ms'])} | {milliseconds(answer.get('cpu'))} | {milliseconds(own['heard'])} of {milliseconds(own['first'])} | {megabytes(size['server_memory'])} |"
        )
    lines += ["", *goals(results)]
    if sizes:
        lines.append("- The others, compressed, with the small page around them: " + ", ".join(f"{PEERS[name]} {size:.0f} KB" for name, size in sizes.items()))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
