"""One federation of real processes per database, shared by the tests of a module."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from relevo.sandbox.narrator import Narrator
from relevo.sandbox.network import Network
from relevo.sandbox.places import DatabaseUrls
from tests.support import database as support


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def network(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Network]:
    """Running, with every institution joined; tests leave every process running."""
    with Network(
        # The folder that `make demo` makes, so that the commands of the README find it.
        tmp_path_factory.mktemp("network") / "demo-data",
        databases=_on_postgresql() if request.param == "postgresql" else None,
    ) as running:
        running.set_up()
        running.start()
        yield running


def _on_postgresql() -> DatabaseUrls:
    @cache
    def url(name: str) -> str:
        return support.fresh_postgresql_url(_package(name))

    return url


def _package(database: str) -> str | None:
    """Whose tables a database has from the start, copied from a template."""
    if database.endswith("-keys"):
        return None
    if database.endswith("-auth"):
        return "relevo.auth"
    return "relevo.gateway" if database.startswith("gateway.") else "relevo.node"


@pytest.fixture
def narrator() -> Narrator:
    """Says everything on standard output, which pytest shows when a test fails."""
    return Narrator(print)


@pytest.fixture(autouse=True)
def _everything_runs(network: Network) -> Iterator[None]:
    """Whatever a test stopped or cut is mended for the next one, also when the test failed."""
    yield
    network.link.bring_up()
    for place in network.places:
        if not network.processes.is_running(place.name):
            network.processes.stop(place.name)
            network.restart(place.name)


@pytest.fixture
def log_of(network: Network) -> Callable[[str], str]:
    def read(name: str) -> str:
        path: Path = next(place.log for place in network.places if place.name == name)
        return path.read_text("utf-8")

    return read
