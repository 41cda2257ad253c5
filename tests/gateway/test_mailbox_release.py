"""What may not leave any more does not leave a mailbox either, leased or not."""

from datetime import timedelta

import pytest

from relevo.gateway.operations.endings import expire
from tests.gateway.federation import (
    FakeNode,
    Institution,
    RunningGateway,
    claims_of,
    grant_id_of,
)
from tests.gateway.mailbox import acknowledge, fetch_all, lease, state_of

pytestmark = pytest.mark.asyncio
Nodes = dict[str, FakeNode]


async def test_content_that_waits_under_a_withdrawn_grant_is_refused_to_its_sender(
    mx: RunningGateway, albergue: Institution, buzon: Institution, nodes: Nodes
) -> None:
    envelope = albergue.envelope(buzon.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    withdrawal = albergue.withdrawal(buzon.id, [grant_id_of(envelope)], now=mx.clock.now)
    await mx.send(albergue, withdrawal)
    [held] = await fetch_all(mx, buzon)
    assert held.envelopes == [withdrawal]
    await mx.work()
    assert nodes[albergue.id].receipts_of(claims_of(envelope)["jti"]) == ["refused"]


async def test_a_withdrawal_while_leased_follows_what_was_handed_over(
    mx: RunningGateway, albergue: Institution, buzon: Institution, nodes: Nodes
) -> None:
    envelope = albergue.envelope(buzon.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    held = await lease(mx, buzon)
    withdrawal = albergue.withdrawal(buzon.id, [grant_id_of(envelope)], now=mx.clock.now)
    await mx.send(albergue, withdrawal)
    assert await acknowledge(mx, buzon, held) == 204
    assert state_of(mx, envelope).state == "delivered"
    [after] = await fetch_all(mx, buzon)
    assert after.envelopes == [withdrawal]
    await mx.work()
    assert nodes[albergue.id].receipts_of(claims_of(envelope)["jti"]) == ["delivered"]


@pytest.mark.parametrize("lost_first", [True, False])
async def test_a_withdrawal_stops_what_comes_back_from_a_lost_lease(
    mx: RunningGateway, albergue: Institution, buzon: Institution, nodes: Nodes, *, lost_first: bool
) -> None:
    envelope = albergue.envelope(buzon.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    lost = await lease(mx, buzon)
    withdrawal = albergue.withdrawal(buzon.id, [grant_id_of(envelope)], now=mx.clock.now)
    if lost_first:
        mx.clock.advance(timedelta(seconds=61))
    await mx.send(albergue, withdrawal)
    mx.clock.advance(timedelta(seconds=61))
    [held] = await fetch_all(mx, buzon)
    assert held.envelopes == [withdrawal]
    assert await acknowledge(mx, buzon, lost) == 404
    found = state_of(mx, envelope)
    assert (found.state, found.problem) == ("refused", "grant_not_live")
    await mx.work()
    assert nodes[albergue.id].receipts_of(found.id) == ["refused"]


async def test_what_nobody_fetches_in_time_expires(
    mx: RunningGateway, albergue: Institution, buzon: Institution, nodes: Nodes
) -> None:
    envelope = albergue.envelope(buzon.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    mx.clock.advance(timedelta(days=31))
    assert (await lease(mx, buzon)).lease_id is None
    await expire(mx.gateway)
    await mx.work()
    assert nodes[albergue.id].receipts_of(claims_of(envelope)["jti"]) == ["expired"]


async def test_content_whose_grant_cannot_be_confirmed_is_held_in_the_mailbox_too(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution
) -> None:
    gt.join(pgn := Institution("gt.pgn", delivery="mailbox"))
    yellow = albergue.envelope(pgn.id, now=mx.clock.now)
    red = albergue.envelope(pgn.id, now=mx.clock.now, triage="red")
    await mx.send(albergue, yellow, red)
    await mx.work()
    mx.clock.advance(timedelta(seconds=301))
    mx.network.down.add("gateway.mx.test")
    assert (await lease(gt, pgn)).lease_id is None
    mx.clock.advance(timedelta(minutes=16))
    # Red goes out on the last known status, flagged; yellow waits for as long as it takes.
    [held] = await fetch_all(gt, pgn)
    assert held.envelopes == [red]
    assert state_of(gt, red).unconfirmed
    mx.network.down.clear()
    mx.clock.advance(timedelta(seconds=30))
    [held] = await fetch_all(gt, pgn)
    assert held.envelopes == [yellow]
    assert not state_of(gt, yellow).unconfirmed
