"""Domain rule 7. Calls by radio are entered afterwards; clocks run on what was done, not on the signal.

That red goes out on the last known consent status is kept by gateways: see
`test_gateways_keep_the_rules_too.py`.
"""

from datetime import datetime, timedelta

import pytest

from relevo.node.operations.ring import ring_once
from tests.support.institutions import INSTITUTE, SHELTER
from tests.support.node_requests import a_key, a_submission, consented, look, step, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


async def test_a_call_by_radio_is_entered_afterwards_with_both_times(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter), triage="red")
    await network.settle()
    called_at = network.clock.now + timedelta(minutes=7)
    network.clock.now += timedelta(hours=26)
    taken = await step(institute, referral, to="accepted", done_at=called_at.isoformat())
    assert taken.status_code == 200, taken.text
    await network.settle()
    for member in (shelter, institute):
        async with member.http() as http:
            history = (await http.get(f"/v1/referrals/{referral}/history")).json()
        last = history[-1]
        assert datetime.fromisoformat(last["at"]) == called_at
        assert datetime.fromisoformat(last["entered_at"]) == network.clock.now


async def test_nobody_is_late_for_want_of_a_signal(network: Network) -> None:
    """The call was made in time; the message left when the van reached the signal."""
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    triaged_at = network.clock.now
    network.clock.now += timedelta(minutes=41)
    async with shelter.http() as http:
        body = a_submission(
            await consented(shelter), triage="red", triaged_at=triaged_at.isoformat()
        )
        sent = await http.post("/v1/referrals", json=body, headers=a_key())
    referral = sent.json()["id"]
    network.clock.now += timedelta(hours=30)
    await network.settle()
    done_at = (triaged_at + timedelta(minutes=50)).isoformat()
    for to in ("accepted", "in_progress"):
        assert (await step(institute, referral, to=to, done_at=done_at)).status_code == 200
    await network.settle()
    for member in (shelter, institute):
        while await ring_once(member.node):
            pass
        assert (await look(member, referral))["overdue"] is False


async def test_what_was_done_is_not_in_the_future(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter), triage="red")
    await network.settle()
    tomorrow = (network.clock.now + timedelta(days=1)).isoformat()
    assert (await step(institute, referral, to="accepted", done_at=tomorrow)).status_code == 422
