from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from relevo.node.main import PACKAGE
from relevo.servicekit import issuer_statements
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.database import Database
from tests.support.database import drop, fresh_postgresql_url
from tests.support.nodes import (
    CONSULATE,
    INSTITUTE,
    SHELTER,
    START,
    Network,
    a_member,
    pin_each_other,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def network(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Network]:
    """A shelter, an institute and a consulate that know each other."""
    # A clock that jumps makes statements old at once; no real second needs to pass.
    monkeypatch.setattr(issuer_statements, "RETRY_SECONDS", 0)
    with ExitStack() as stack:
        made = Network(FixedClock(START))
        for institution in (SHELTER, INSTITUTE, CONSULATE):
            if request.param == "sqlite":
                url = f"sqlite:///{tmp_path / institution}.db"
            else:
                url = fresh_postgresql_url(PACKAGE)
                stack.callback(drop, url)
            database = Database(url)
            stack.callback(database.close)
            stack.enter_context(
                a_member(made, institution, tmp_path, database, pinning="confirmed")
            )
        pin_each_other(made)
        yield made
