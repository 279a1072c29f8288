"""The project, recorded once in each shape."""

import pytest

from oracle.keizu import binary
from why.project import Project


def recorded(factory, **shape) -> Project:
    if binary() is None:
        pytest.skip("no keizu binary: set KEIZU_BIN, or cargo build -p keizu")
    project = Project(factory.mktemp("why"), **shape).make()
    project.everything()
    return project


@pytest.fixture(scope="session")
def steps(tmp_path_factory) -> Project:
    """Training and evaluation by two scripts."""
    return recorded(tmp_path_factory)


@pytest.fixture(scope="session")
def one_script(tmp_path_factory) -> Project:
    """Training and evaluation by one script."""
    return recorded(tmp_path_factory, one=True)


@pytest.fixture(scope="session")
def unseeded(tmp_path_factory) -> Project:
    """Nobody says what randomness begins with."""
    return recorded(tmp_path_factory, seeded=False)
