from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog

from relevo.servicekit.clock import FixedClock
from tests.gateway.federation import (
    FakeNode,
    Institution,
    Network,
    RunningGateway,
    a_gateway,
    agree,
)
from tests.support import database as support


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Errors only, and without structlog's pictures of every local variable."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.LogfmtRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(40),
    )
    yield
    structlog.reset_defaults()


@pytest_asyncio.fixture
async def network() -> Network:
    return Network()


@pytest_asyncio.fixture
async def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Makes empty databases of one kind; every test runs on both kinds."""
    made: list[str] = []

    def make() -> str:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path / f'gateway-{len(made)}.db'}"
        else:
            url = support.fresh_postgresql_url("relevo.gateway")
        made.append(url)
        return url

    yield make
    for url in made:
        if url.startswith("postgresql"):
            support.drop(url)


@pytest_asyncio.fixture
async def mx(
    tmp_path: Path, fresh_url: Callable[[], str], network: Network, clock: FixedClock
) -> AsyncIterator[RunningGateway]:
    """Mexico's gateway."""
    running = a_gateway(tmp_path, fresh_url(), "MX", network, clock)
    yield running
    await running.aclose()


@pytest_asyncio.fixture
async def gt(
    tmp_path: Path,
    fresh_url: Callable[[], str],
    mx: RunningGateway,
    network: Network,
    clock: FixedClock,
) -> AsyncIterator[RunningGateway]:
    """Guatemala's gateway, which has an agreement with Mexico's."""
    running = a_gateway(tmp_path, fresh_url(), "GT", network, clock)
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
