"""Which room may know which: the arrows of the design, checked against what cargo says."""

import pytest

from house import ROOT, crates

# room: the rooms of ours that it may use
ROOMS = {
    "keizu-record": set(),
    "keizu-capture": {"keizu-record"},
    "keizu-store": {"keizu-record"},
    "keizu-graph": {"keizu-record"},
    "keizu-profile": {"keizu-record"},
    "keizu-ledger": {"keizu-record", "keizu-capture", "keizu-store", "keizu-graph", "keizu-profile"},
    "keizu-server": {"keizu-record", "keizu-graph", "keizu-ledger"},
    "keizu": {"keizu-record", "keizu-capture", "keizu-store", "keizu-graph", "keizu-ledger", "keizu-server"},
}

# library: the only rooms that may use it
KEPT_TO = {
    "clap": {"keizu"},
    "clap_complete": {"keizu"},
    "clap_mangen": {"keizu"},
    "anstream": {"keizu"},
    "indicatif": {"keizu"},
    "rusqlite": {"keizu-store"},
    "tokio": {"keizu-server"},
    "hyper": {"keizu-server"},
    "libc": {"keizu-capture", "keizu"},
    "nix": {"keizu-capture", "keizu-ledger", "keizu-store", "keizu"},
}


def uses(package: dict) -> set[str]:
    """What it is built from: tests may use more."""
    return {dependency["name"] for dependency in package["dependencies"] if dependency["kind"] != "dev"}


def test_every_room_is_drawn():
    assert set(crates()) == set(ROOMS), "a crate was added or removed: draw its arrows in ROOMS"


def test_every_folder_of_crates_is_a_room():
    manifests = {package["manifest_path"] for package in crates().values()}
    folders = {str(path / "Cargo.toml") for path in (ROOT / "crates").iterdir() if path.is_dir()}
    assert folders == manifests


@pytest.mark.parametrize("name", ROOMS)
def test_arrows_point_one_way(name):
    ours = uses(crates()[name]) & set(ROOMS)
    assert ours <= ROOMS[name], f"{name} must not know {sorted(ours - ROOMS[name])}"


@pytest.mark.parametrize("library", KEPT_TO)
def test_libraries_stay_in_their_room(library):
    users = {name for name, package in crates().items() if library in uses(package)}
    assert users <= KEPT_TO[library], f"{library} is used by {sorted(users - KEPT_TO[library])}"


def test_licence_and_edition_are_those_of_the_workspace():
    for name, package in crates().items():
        assert (package["license"], package["edition"]) == ("MIT OR Apache-2.0", "2024"), name
        assert package["description"], f"{name} says nothing of itself"
