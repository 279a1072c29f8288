"""Small habits that keep the house in order."""

import ast
import re

import pytest

from house import ROOT, code, crate_of, crates, hits, is_test, sources, tracked, where

LINES_MAX = 600
FUNCTION_LINES_MAX = 70
STORE_METHODS_MAX = 12

# Only the door prints, reads the environment, the working folder and the home, and ends the process.
DOOR_ONLY = {
    "prints": r"\b(?:e?println|e?print)!",
    "ends the process": r"\bprocess::(?:exit|abort)\b",
    "reads the environment": r"\benv::(?:vars?|vars?_os|args|args_os)\b",
    "changes the environment": r"\benv::(?:set_var|remove_var|set_current_dir)\b",
    "reads the working folder": r"\bcurrent_dir\(\)",
    "reads the home": r"\bhome_dir\(\)",
}
# Capture becomes the job, and hands on the environment and the folder that it was given. What it needs for that, file by file.
EXCUSED = {
    "crates/capture/src/launch.rs": {"reads the environment", "reads the working folder"},
    "crates/capture/src/folder.rs": {"reads the environment"},
}

# What answers has no I/O and no clock, so that it cannot fail and gives the same answer twice.
PURE = {"record", "graph", "profile"}
IMPURE = r"\b(?:std::fs|fs_err|std::net|std::process|std::thread|File::open|SystemTime::now|Instant::now|Timestamp::now|Zoned::now)\b"


def product() -> list:
    return [path for path in sources(".rs", under="crates/") if not is_test(path)]


def test_there_is_something_to_look_at():
    assert len(product()) > 10 and len(sources(".py")) > 5


def test_files_are_short():
    long = {where(path, n) for path in sources(".rs", ".py", ".sh") if (n := len(path.read_text(encoding="utf-8").splitlines())) > LINES_MAX}
    assert not long, f"longer than {LINES_MAX} lines: ask what wants to be its own room"


def functions(path):
    """(line, name, length) of each function. Rust is formatted, so a function ends at the first `}` in its own column."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.lineno, node.name, node.end_lineno - node.lineno + 1
        return
    lines = code(path).splitlines()
    for start, line in enumerate(lines):
        head = re.match(r"(\s*)(?:pub(?:\([^)]*\))? )?(?:const |async |unsafe |extern \"C\" )*fn (\w+)", line)
        if head and not line.rstrip().endswith((";", "}")):
            # … or it has no body, and its signature ends with a semicolon.
            end = next((n for n in range(start + 1, len(lines)) if re.match(head[1] + r"(?:\}|\).*;$)", lines[n])), start)
            yield start + 1, head[2], end - start + 1


def test_functions_are_short():
    long = {f"{where(path, line)} {name}: {length}" for path in [*product(), *sources(".py")] for line, name, length in functions(path) if length > FUNCTION_LINES_MAX}
    assert not long, f"longer than {FUNCTION_LINES_MAX} lines"


def test_nothing_is_left_undone():
    words = r"\b(?:to" r"do|unimple" r"mented|d" r"bg)!|\b(?:FIX" r"ME|XX" r"X|HA" r"CK)\b"
    left = {where(path, line) for path in sources(".rs", ".py", ".sh", ".toml") for line in hits(words, path.read_text(encoding="utf-8"))}
    assert not left


@pytest.mark.parametrize("what", DOOR_ONLY)
def test_only_the_door(what):
    found = {
        where(path, line)
        for path in product()
        if crate_of(path) != "cli" and path.name != "build.rs" and what not in EXCUSED.get(str(path.relative_to(ROOT)), ())
        for line in hits(DOOR_ONLY[what], code(path))
    }
    assert not found, f"only crates/cli {what}"


def test_excuses_are_still_needed():
    for name, reasons in EXCUSED.items():
        for what in reasons:
            assert hits(DOOR_ONLY[what], code(ROOT / name)), f"{name} no longer {what}: take the excuse away"


def test_what_answers_is_pure():
    found = {where(path, line) for path in product() if crate_of(path) in PURE for line in hits(IMPURE, code(path))}
    assert not found, "record, graph and profile have no I/O and no clock"


def test_every_crate_says_what_it_is():
    for package in crates().values():
        for target in package["targets"]:
            if {"lib", "bin"} & set(target["kind"]):
                with open(target["src_path"], encoding="utf-8") as file:
                    assert file.readline().startswith("//!"), f"{target['src_path']} does not begin with what it is"


def test_unsafe_code_is_in_capture_alone():
    for name, package in crates().items():
        for target in package["targets"]:
            if name != "keizu-capture" and {"lib", "bin"} & set(target["kind"]):
                with open(target["src_path"], encoding="utf-8") as file:
                    assert "#![forbid(unsafe_code)]" in file.read(), f"{target['src_path']} does not forbid unsafe code"


def test_lints_are_expected_or_allowed_for_a_reason():
    found = {where(path, line) for path in product() for line in hits(r"#!?\[(?:allow|expect)\((?![^\]]*reason = \")", code(path))}
    assert not found, "#[expect(lint, reason = …)]; allow only where it depends on the machine, and with a reason as well"


def test_every_crate_takes_the_lints_of_the_workspace():
    for package in crates().values():
        with open(package["manifest_path"], encoding="utf-8") as file:
            assert re.search(r"^\[lints\]\nworkspace = true$", file.read(), re.MULTILINE), package["manifest_path"]


def test_the_store_stays_small():
    traits = [
        (path, body)
        for path in product()
        if crate_of(path) == "store"
        for body in re.findall(r"^pub trait Store\b.*?^\}", code(path), re.MULTILINE | re.DOTALL)
    ]
    assert len(traits) == 1, "one trait, in one place"
    methods = re.findall(r"^    fn (\w+)", traits[0][1], re.MULTILINE)
    assert 0 < len(methods) <= STORE_METHODS_MAX, methods


def test_links_between_pages_lead_somewhere():
    dead = set()
    for page in sources(".md"):
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text):
            if not re.match(r"[a-z]+:", link) and not (page.parent / link).exists():
                dead.add(f"{page.relative_to(ROOT)}: {link}")
    assert not dead


def test_text_files_end_with_one_newline_and_have_no_trailing_blanks():
    untidy = set()
    for path in tracked():
        if path.suffix in (".rs", ".py", ".sh", ".md", ".toml", ".yaml", ".yml"):
            text = path.read_text(encoding="utf-8")
            if text and (not text.endswith("\n") or text.endswith("\n\n") or re.search(r"[ \t]$", text, re.MULTILINE)):
                untidy.add(str(path.relative_to(ROOT)))
    assert not untidy
