from collections.abc import Iterator
from pathlib import Path

import pytest

from relevo.auth.main import PACKAGE
from relevo.servicekit.database import Database
from tests.auth.builders import World, a_world
from tests.support.database import drop, fresh_postgresql_url


@pytest.fixture(params=["sqlite", "postgresql"])
def issuer_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of each kind for an issuer."""
    url = f"sqlite:///{tmp_path / 'issuer.db'}"
    if request.param == "postgresql":
        url = fresh_postgresql_url(PACKAGE)
    opened = Database(url)
    yield opened
    opened.close()
    if request.param == "postgresql":
        drop(url)


@pytest.fixture
def world(issuer_database: Database, tmp_path: Path) -> World:
    """An issuer with one client."""
    made = a_world(issuer_database, tmp_path)
    made.register()
    return made
