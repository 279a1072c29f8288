"""The two READMEs say the same: the same commands, the same places, pictures that are there."""

import re
import struct

import pytest

from house import ROOT

ENGLISH, JAPANESE = "README.md", "README.ja.md"
PICTURE_BYTES_MAX = 250_000


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str) -> list[str]:
    """What stands between fences."""
    return re.findall(r"^```\w*\n(.*?)^```$", text(name), flags=re.MULTILINE | re.DOTALL)


def prose(name: str) -> str:
    return re.sub(r"^```.*?^```$", "", text(name), flags=re.MULTILINE | re.DOTALL)


def links(name: str) -> set[str]:
    return {target for target in re.findall(r"(?<!!)\[[^]]*\]\(([^)]+)\)", prose(name))}


def pictures(name: str) -> list[str]:
    return re.findall(r"!\[[^]]+\]\(([^)]+)\)", prose(name))


def test_both_show_the_same_commands_and_answers():
    assert len(blocks(ENGLISH)) >= 4
    assert blocks(JAPANESE) == blocks(ENGLISH)


def test_both_lead_to_the_same_places_and_to_each_other():
    assert JAPANESE in links(ENGLISH) and ENGLISH in links(JAPANESE)
    assert links(JAPANESE) - {ENGLISH} == links(ENGLISH) - {JAPANESE}


def test_both_have_the_same_parts():
    shape = [[line.split(" ")[0] if line.startswith("#") else "|" for line in prose(name).splitlines() if re.match(r"#+ |\|", line)] for name in (ENGLISH, JAPANESE)]
    assert shape[0] == shape[1]


def test_both_name_the_same_commands_in_their_words():
    english, japanese = (set(re.findall(r"`((?:keizu|make) [^`]+|--[a-z-]+)`", prose(name))) for name in (ENGLISH, JAPANESE))
    assert english <= japanese
    # What a block shows in English may be told again in words.
    assert all(command in "".join(blocks(ENGLISH)) for command in japanese - english)


def test_the_pictures_are_the_same_in_each_language():
    assert [path.replace("-ja.png", ".png") for path in pictures(JAPANESE)] == pictures(ENGLISH)
    assert all(path.endswith("-ja.png") for path in pictures(JAPANESE))


@pytest.mark.parametrize("path", pictures(ENGLISH) + pictures(JAPANESE))
def test_a_picture_is_there_and_small(path):
    data = (ROOT / path).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
    width, height = struct.unpack(">II", data[16:24])
    assert width >= 1200 and height >= 600
    assert len(data) <= PICTURE_BYTES_MAX
