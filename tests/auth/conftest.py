from pathlib import Path

import pytest

from relevo.servicekit.database import Database
from tests.auth.builders import World, a_world


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    """An issuer with one client."""
    made = a_world(database, tmp_path)
    made.register()
    return made
