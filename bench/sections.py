"""Sections of RESULTS.md that one script writes and the others leave alone, each between two marks."""

import re
from pathlib import Path

SECTION = re.compile(r"<!-- (?P<name>[a-z-]+) -->\n.*?<!-- /(?P=name) -->\n", re.DOTALL)


def replace_rest(place: Path, page: str) -> None:
    """Writes the page, and after it the sections that were there."""
    kept = [match[0] for match in SECTION.finditer(place.read_text())] if place.exists() else []
    place.write_text("\n".join([page, *kept]))


def replace_one(place: Path, name: str, text: str) -> None:
    """Writes one section where it stands, or at the end."""
    section = f"<!-- {name} -->\n{text.rstrip()}\n<!-- /{name} -->\n"
    page = place.read_text() if place.exists() else "# Results\n"
    found = next((match for match in SECTION.finditer(page) if match["name"] == name), None)
    place.write_text(page.replace(found[0], section) if found else f"{page.rstrip()}\n\n{section}")
