from collections.abc import Iterator
from pathlib import Path

import pytest

from relevo.auth.main import PACKAGE
from relevo.servicekit.database import Database
from tests.auth.builders import World, a_world
from tests.support.database import lent


@pytest.fixture(params=["sqlite", "postgresql"])
def issuer_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of each kind for an issuer."""
    with lent(request.param, tmp_path / "issuer.db", PACKAGE) as database:
        yield database


@pytest.fixture
def world(issuer_database: Database, tmp_path: Path) -> World:
    """An issuer with one client."""
    made = a_world(issuer_database, tmp_path)
    made.register()
    return made
