"""The rules that protect people, one file each, named after the rule.

What a rule says does not depend on the database, so most run on one; what stores something of its own
asks for `on_each_database`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from relevo.servicekit import issuer_statements
from tests.node.conftest import members
from tests.support.institutions import CONSULATE, INSTITUTE, SHELTER
from tests.support.nodes import Member, Network


@pytest.fixture
def networked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Network]]:
    """Makes a network of the institutions that a test names."""
    monkeypatch.setattr(issuer_statements, "RETRY_SECONDS", 0)
    with ExitStack() as stack:
        yield lambda *institutions: stack.enter_context(members("sqlite", tmp_path, *institutions))


@pytest.fixture
def network(networked: Callable[..., Network]) -> Network:
    """A shelter, an institute and a consulate that know each other."""
    return networked(SHELTER, INSTITUTE, CONSULATE)


@pytest.fixture
def reception(networked: Callable[..., Network]) -> Member:
    """The institute by itself."""
    return networked(INSTITUTE).members[INSTITUTE]


@pytest.fixture(params=["sqlite", "postgresql"])
def on_each_database(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Network]:
    """A shelter and an institute on each kind of database."""
    monkeypatch.setattr(issuer_statements, "RETRY_SECONDS", 0)
    with members(request.param, tmp_path, SHELTER, INSTITUTE) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def networked_on_each(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Network]]:
    """As `networked`, on each kind of database: for what stores something of its own."""
    monkeypatch.setattr(issuer_statements, "RETRY_SECONDS", 0)
    with ExitStack() as stack:
        yield lambda *institutions: stack.enter_context(
            members(request.param, tmp_path, *institutions)
        )
