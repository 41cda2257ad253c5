from collections.abc import Iterator
from typing import Any

import pytest

from relevo.client import retry
from relevo.servicekit import issuer_statements
from tests.client.world import Clients, World, a_world
from tests.support.institutions import RECEPTION


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with a_world(tmp_path_factory.mktemp("world")) as made:
        made.arguments = {  # who asks, for each institution
            "shelter": made.shelter.register("cases"),
            "desk": made.institute.register("desk", unit=RECEPTION),
            "consulate": made.consulate.register("officer"),
        }
        yield made


@pytest.fixture
def world(running: World) -> Iterator[World]:
    for place in running.places.values():
        place.app.seen.clear()
        place.app.keys.clear()
    yield running
    for place in running.places.values():
        assert place.app.faults == []


@pytest.fixture(params=["blocking", "waiting"])
def clients(request: pytest.FixtureRequest) -> Iterator[Clients]:
    """Makes clients of either kind: every test runs with both."""
    made = Clients(request.param)
    yield made
    made.close()


@pytest.fixture
def shelter(world: World, clients: Clients) -> Any:
    return clients(**world.arguments["shelter"])


@pytest.fixture
def desk(world: World, clients: Clients) -> Any:
    return clients(**world.arguments["desk"])


@pytest.fixture
def consulate(world: World, clients: Clients) -> Any:
    return clients(**world.arguments["consulate"])


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(retry, "LONGEST_SECONDS", 0.05)
    monkeypatch.setattr(issuer_statements, "RETRY_SECONDS", 0)
