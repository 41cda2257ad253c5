from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from relevo.gateway.main import PACKAGE
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.database import Database
from tests.gateway.federation import (
    FakeNode,
    Institution,
    Network,
    RunningGateway,
    a_gateway,
    agree,
)
from tests.support.database import lent


@pytest_asyncio.fixture
async def network() -> Network:
    return Network()


@pytest_asyncio.fixture
async def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_database(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], Database]]:
    """Makes empty databases of one kind; every test runs on both kinds."""
    numbers = count(1)
    with ExitStack() as stack:
        yield lambda: stack.enter_context(
            lent(request.param, tmp_path / f"gateway-{next(numbers)}.db", PACKAGE)
        )


@pytest_asyncio.fixture
async def mx(
    tmp_path: Path, fresh_database: Callable[[], Database], network: Network, clock: FixedClock
) -> AsyncIterator[RunningGateway]:
    """Mexico's gateway."""
    running = a_gateway(tmp_path, fresh_database(), "MX", network, clock)
    yield running
    await running.aclose()


@pytest_asyncio.fixture
async def gt(
    tmp_path: Path,
    fresh_database: Callable[[], Database],
    mx: RunningGateway,
    network: Network,
    clock: FixedClock,
) -> AsyncIterator[RunningGateway]:
    """Guatemala's gateway, which has an agreement with Mexico's."""
    running = a_gateway(tmp_path, fresh_database(), "GT", network, clock)
    agree(mx, running)
    yield running
    await running.aclose()


@pytest_asyncio.fixture
async def albergue(mx: RunningGateway) -> Institution:
    found = Institution("mx.albergue")
    mx.join(found)
    return found


@pytest_asyncio.fixture
async def casa(mx: RunningGateway) -> Institution:
    found = Institution(
        "mx.casa", units=[{"id": "mx.casa.patrulla", "name": "P", "mandates": ["enforcement"]}]
    )
    mx.join(found)
    return found


@pytest_asyncio.fixture
async def buzon(mx: RunningGateway) -> Institution:
    """An institution whose entry says `delivery: mailbox`."""
    found = Institution("mx.buzon", delivery="mailbox")
    mx.join(found)
    return found


@pytest_asyncio.fixture
async def igm(gt: RunningGateway) -> Institution:
    found = Institution(
        "gt.igm", units=[{"id": "gt.igm.crr", "name": "CRR", "mandates": ["returnee_reception"]}]
    )
    gt.join(found)
    return found


@pytest_asyncio.fixture
async def nodes(network: Network) -> dict[str, FakeNode]:
    """An inbox for each institution of the tests."""
    found = {name: FakeNode() for name in ("mx.albergue", "mx.casa", "gt.igm")}
    for name, node in found.items():
        network.hosts[f"{name}.test"] = node
    return found
