"""Content leaves only while its grants are known to be live; what cannot be known is held."""

from datetime import timedelta

import pytest

from relevo.gateway.storage import deliveries
from relevo.gateway.storage.deliveries import Delivery
from relevo.servicekit.ids import random_id
from tests.gateway.federation import (
    FakeNode,
    Institution,
    RunningGateway,
    claims_of,
    grant_id_of,
)

pytestmark = pytest.mark.asyncio
Nodes = dict[str, FakeNode]


def row(gateway: RunningGateway, envelope: str) -> Delivery:
    [found] = gateway.gateway.database.read_now(deliveries.get_many, [claims_of(envelope)["jti"]])
    return found


async def waiting_at_the_peer(
    mx: RunningGateway, gt: RunningGateway, sender: Institution, receiver: Institution,
    nodes: Nodes, **changes: str,
) -> str:  # fmt: skip
    """An envelope that waits at the receiver's gateway, longer than a grant's status is believed."""
    nodes[receiver.id].up = False
    envelope = sender.envelope(receiver.id, now=mx.clock.now, **changes)
    await mx.send(sender, envelope)
    await mx.work()
    await gt.work()
    mx.clock.advance(timedelta(seconds=301))
    nodes[receiver.id].up = True
    mx.network.asked.clear()
    return envelope


async def test_what_was_just_relayed_by_the_grants_home_is_not_asked_again(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution, nodes: Nodes
) -> None:
    envelope = albergue.envelope(igm.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    await mx.work()
    await gt.work()
    assert nodes[igm.id].envelopes == [envelope]
    assert not any("grant-status" in asked for asked in mx.network.asked)


async def test_after_five_minutes_the_home_gateway_is_asked_before_release(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution, nodes: Nodes
) -> None:
    envelope = await waiting_at_the_peer(mx, gt, albergue, igm, nodes)
    await gt.work()
    assert "POST gateway.mx.test/v1/grant-status" in mx.network.asked
    assert nodes[igm.id].envelopes == [envelope]


async def test_while_the_home_gateway_is_silent_content_is_held_and_control_passes(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution, nodes: Nodes
) -> None:
    envelope = await waiting_at_the_peer(mx, gt, albergue, igm, nodes)
    control = albergue.envelope(igm.id, now=mx.clock.now, message_type="referral.state/1")
    await gt.send(mx.name, control)
    mx.network.down.add("gateway.mx.test")
    await gt.work()
    assert nodes[igm.id].envelopes == [control]
    held = row(gt, envelope)
    assert (held.state, held.held_since) == ("queued", mx.clock.now)
    # Yellow is held for as long as it takes.
    mx.clock.advance(timedelta(hours=5))
    await gt.work()
    assert nodes[igm.id].envelopes == [control]
    mx.network.down.clear()
    mx.clock.advance(timedelta(seconds=30))
    await gt.work()
    assert nodes[igm.id].envelopes == [control, envelope]
    assert row(gt, envelope).unconfirmed is False


async def test_red_goes_out_flagged_after_fifteen_minutes(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution, nodes: Nodes
) -> None:
    envelope = await waiting_at_the_peer(mx, gt, albergue, igm, nodes, triage="red")
    mx.network.down.add("gateway.mx.test")
    await gt.work()
    mx.clock.advance(timedelta(minutes=14))
    await gt.work()
    assert nodes[igm.id].envelopes == []
    mx.clock.advance(timedelta(minutes=2))
    await gt.work()
    assert nodes[igm.id].envelopes == [envelope]
    assert row(gt, envelope).unconfirmed is True


async def test_a_withdrawal_that_only_the_home_gateway_knows_stops_the_release(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution,
    casa: Institution, nodes: Nodes,
) -> None:  # fmt: skip
    envelope = await waiting_at_the_peer(mx, gt, albergue, igm, nodes)
    # Told to somebody else first: the receiver's gateway has not heard of it.
    await mx.send(albergue, albergue.withdrawal(casa.id, [grant_id_of(envelope)], now=mx.clock.now))
    await gt.work()
    assert nodes[igm.id].envelopes == []
    assert (row(gt, envelope).state, row(gt, envelope).problem) == ("refused", "grant_not_live")


async def test_a_withdrawal_at_home_stops_what_waits_for_the_peer(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution,
    casa: Institution, nodes: Nodes,
) -> None:  # fmt: skip
    mx.network.down.add("gateway.gt.test")
    envelope = albergue.envelope(igm.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    await mx.work()
    await mx.send(albergue, albergue.withdrawal(casa.id, [grant_id_of(envelope)], now=mx.clock.now))
    assert row(mx, envelope).state == "refused"
    mx.network.down.clear()
    mx.clock.advance(timedelta(seconds=30))
    await mx.work()
    await gt.work()
    assert nodes[igm.id].envelopes == []


async def test_grant_status_is_told_to_peers_and_speaks_for_home_alone(
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    casa: Institution,
    igm: Institution,
) -> None:
    active, withdrawn = (albergue.envelope(casa.id, now=mx.clock.now) for _ in range(2))
    await mx.send(albergue, active, withdrawn)
    await mx.send(
        albergue, albergue.withdrawal(casa.id, [grant_id_of(withdrawn)], now=mx.clock.now)
    )
    foreign = igm.envelope(casa.id, now=mx.clock.now)
    await mx.send(gt.name, foreign)
    ids = [grant_id_of(active), grant_id_of(withdrawn), grant_id_of(foreign), random_id()]
    response = await mx.post("/v1/grant-status", gt.name, {"grant_ids": ids})
    states = [grant["state"] for grant in response.json()["grants"]]
    assert states == ["active", "withdrawn", "unknown", "unknown"]
    mx.clock.advance(timedelta(days=61))
    response = await mx.post("/v1/grant-status", gt.name, {"grant_ids": ids[:1]})
    assert response.json()["grants"][0]["state"] == "expired"
    assert (await mx.post("/v1/grant-status", albergue.id, {"grant_ids": ids})).status_code == 403
    stranger = await mx.post("/v1/grant-status", "gateway.xx", {"grant_ids": ids})
    assert stranger.status_code == 403


async def test_an_answer_under_the_senders_grant_comes_back_to_it(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution, nodes: Nodes
) -> None:
    way_back = albergue.grant(albergue.id, now=mx.clock.now, sender=igm.id)
    answer = igm.envelope(
        albergue.id, now=mx.clock.now, message_type="referral.counter_referral/1", grants=[way_back]
    )
    [taken] = await gt.send(igm, answer)
    assert taken.result == "accepted", taken.problem
    await gt.work()
    await mx.work()
    assert nodes[albergue.id].envelopes == [answer]
