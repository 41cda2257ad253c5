from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from relevo.node.main import PACKAGE
from relevo.servicekit import issuer_statements
from relevo.servicekit.clock import FixedClock
from tests.support.database import lent
from tests.support.institutions import CONSULATE, INSTITUTE, SHELTER, START
from tests.support.nodes import Member, Network, a_member, pin_each_other


@contextmanager
def members(database: str, folder: Path, *institutions: str) -> Iterator[Network]:
    """These institutions, which know each other, on one kind of database."""
    with ExitStack() as stack:
        made = Network(FixedClock(START))
        for institution in institutions:
            opened = stack.enter_context(lent(database, folder / f"{institution}.db", PACKAGE))
            stack.enter_context(a_member(made, institution, folder, opened, pinning="confirmed"))
        pin_each_other(made)
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def network(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Network]:
    """A shelter, an institute and a consulate that know each other."""
    # A clock that jumps makes statements old at once; no real second needs to pass.
    monkeypatch.setattr(issuer_statements, "RETRY_SECONDS", 0)
    with members(request.param, tmp_path, SHELTER, INSTITUTE, CONSULATE) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def alone(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Network]:
    """The institute by itself, for what concerns no other node."""
    monkeypatch.setattr(issuer_statements, "RETRY_SECONDS", 0)
    with members(request.param, tmp_path, INSTITUTE) as made:
        yield made


@pytest.fixture
def reception(alone: Network) -> Member:
    """Where returnees are received."""
    return alone.members[INSTITUTE]
