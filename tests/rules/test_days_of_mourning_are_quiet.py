"""Domain rule 8, the days of quiet: no reminder, no overdue alarm and no call while a family mourns."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from relevo.node.operations.ring import ring_once
from tests.support.follow_ups import post
from tests.support.institutions import CONSULATE, FAMILIES_ABROAD
from tests.support.node_requests import a_key, step
from tests.support.nodes import Member, Network
from tests.support.sealed import TOLD, a_transfer, written

pytestmark = pytest.mark.asyncio
DAY = timedelta(days=1)


@pytest.fixture
def mourning(networked: Callable[..., Network]) -> Network:
    return networked(CONSULATE, FAMILIES_ABROAD)


async def buried(network: Network, referral: str) -> None:
    """The family was told in person long before; today the remains were delivered."""
    office = network.members[FAMILIES_ABROAD]
    await written(office, referral, TOLD)
    delivered = {"outcome": "remains_delivered", "ended_at": network.clock.now.isoformat()}
    for to in ({"to": "accepted"}, {"to": "completed", "counter_referral": delivered}):
        answer = await step(office, referral, **to)
        assert answer.status_code == 200, answer.text
    await network.settle()


async def alarms(member: Member, referral: str) -> list[str]:
    while await ring_once(member.node):
        pass
    async with member.http() as http:
        events = (await http.get("/v1/events?limit=500")).json()["events"]
    return [
        event["type"]
        for event in events
        if event["data"]["id"] == referral and event["type"].endswith(("overdue", "escalated"))
    ]


async def test_nobody_is_reminded_of_a_pending_document(mourning: Network) -> None:
    first = await a_transfer(mourning)
    pending = await a_transfer(mourning, "death_indemnity", part_of=first["id"])
    mourning.clock.now += 1 * DAY
    await buried(mourning, first["id"])
    mourning.clock.now += 8 * DAY
    for member in mourning.members.values():
        assert await alarms(member, pending["id"]) == []
    mourning.clock.now += 2 * DAY
    for member in mourning.members.values():
        assert await alarms(member, pending["id"])


async def test_nobody_is_called(mourning: Network) -> None:
    consulate, office = mourning.members[CONSULATE], mourning.members[FAMILIES_ABROAD]
    made = await a_transfer(mourning)
    await buried(mourning, made["id"])
    window = {"window_from": mourning.clock.now, "window_until": mourning.clock.now + 60 * DAY}
    asked = {name: moment.isoformat() for name, moment in window.items()}
    async with consulate.http() as http:
        answer = await http.post(
            "/v1/follow-ups",
            json={**asked, "reference_code": made["reference_code"]},
            headers=a_key(),
        )
    assert answer.status_code == 201, answer.text
    await mourning.settle()
    follow_up = answer.json()["id"]
    await post(office, f"{follow_up}/transitions", {"to": "accepted"})
    mourning.clock.now += 3 * DAY
    early = (await post(office, f"{follow_up}/attempts", {"modality": "call"})).json()
    assert (early["outcome"], early["forbidden_by"]) == ("not_attempted_rule", "quiet_days")
    assert early["numbers"] == []
    mourning.clock.now += 7 * DAY
    later = (await post(office, f"{follow_up}/attempts", {"modality": "call"})).json()
    assert later["numbers"] == ["+52 000 000 1019"]
