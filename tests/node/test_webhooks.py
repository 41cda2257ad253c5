"""An institution's own system is told of what happens, for as long as it is let in."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from relevo.contracts.problem import ProblemError
from relevo.node.clients.webhook_target import WebhookTarget
from relevo.node.operations.webhooks import tell_webhooks
from relevo.servicekit.http_client import ServiceClient
from tests.support.institutions import SHELTER
from tests.support.node_requests import consented, submitted
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio

URL = "https://cases.example/told"
CLIENT = "mx.albergue-tapachula.cases"


class System:
    """A case system that takes whatever it is told, until it is switched off."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.on = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.on:
            self.told.append(json.loads(await Request(scope, receive).body()))
        await Response(status_code=204 if self.on else 503)(scope, receive, send)


class Desk:
    """The shelter's node and the system that it tells."""

    def __init__(self, member: Member, system: System, target: WebhookTarget) -> None:
        self.member = member
        self.system = system
        self._target = target

    async def tell(self) -> int:
        """Tells what is due; how many calls came."""
        before = len(self.system.told)
        verifier = self.member.app.state.token_verifier
        while await tell_webhooks(self.member.node, self._target, verifier.is_suspended):
            pass
        return len(self.system.told) - before


@pytest_asyncio.fixture
async def desk(network: Network) -> AsyncIterator[Desk]:
    shelter, system = network.members[SHELTER], System()
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(system)) as to_system,
        shelter.http(client_id=CLIENT) as http,
    ):
        assert (await http.post("/v1/webhooks", json={"url": URL})).status_code == 201
        service = ServiceClient(http=to_system, allow_private=True, deadline_seconds=15)
        yield Desk(shelter, system, WebhookTarget(service))


def suspend(desk: Desk, network: Network) -> None:
    desk.member.issuer.suspended.append(CLIENT)
    # It bites within a minute.
    network.clock.now += timedelta(minutes=1)


async def test_each_event_is_told_once_and_in_order(desk: Desk) -> None:
    referral = await submitted(desk.member, await consented(desk.member))
    assert await desk.tell() > 0
    assert await desk.tell() == 0
    async with desk.member.http() as http:
        feed = (await http.get("/v1/events", params={"after": 0})).json()["events"]
    assert desk.system.told == feed
    assert referral in {event["subject"] for event in feed}


async def test_what_a_system_did_not_take_comes_again(desk: Desk, network: Network) -> None:
    desk.system.on = False
    await submitted(desk.member, await consented(desk.member))
    assert await desk.tell() == 0
    desk.system.on = True
    network.clock.now += timedelta(minutes=2)
    assert await desk.tell() > 0


async def test_who_is_let_in_no_more_is_told_nothing(desk: Desk, network: Network) -> None:
    suspend(desk, network)
    await submitted(desk.member, await consented(desk.member))
    for _ in range(3):
        assert await desk.tell() == 0
        network.clock.now += timedelta(minutes=2)


async def test_who_is_let_in_again_is_told_what_came_meanwhile(
    desk: Desk, network: Network
) -> None:
    suspend(desk, network)
    referral = await submitted(desk.member, await consented(desk.member))
    assert await desk.tell() == 0
    desk.member.issuer.suspended.clear()
    network.clock.now += timedelta(minutes=2)
    assert await desk.tell() > 0
    assert referral in {event["subject"] for event in desk.system.told}


async def test_nobody_is_told_while_it_is_not_known_who_is_let_in(
    desk: Desk, network: Network
) -> None:
    await submitted(desk.member, await consented(desk.member))
    desk.member.issuer.down = True
    network.clock.now += timedelta(minutes=2)
    with pytest.raises(ProblemError, match="unavailable"):
        await desk.tell()
    assert desk.system.told == []
