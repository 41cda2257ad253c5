"""An institution without an open port fetches what is for it; everything else is as with push."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from relevo.contracts.exchange import MailboxLease
from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import Scope
from relevo.gateway.operations import membership
from relevo.gateway.storage import deliveries
from relevo.servicekit import checkpoint
from relevo.servicekit.ids import random_id
from tests.gateway.federation import FakeNode, Institution, RunningGateway, a_gateway, claims_of
from tests.gateway.mailbox import LEASES, acknowledge, fetch_all, lease, state_of, taken
from tests.support.database import opened_again

pytestmark = pytest.mark.asyncio
Nodes = dict[str, FakeNode]


async def test_what_waits_is_leased_acknowledged_and_its_sender_told(
    mx: RunningGateway, albergue: Institution, buzon: Institution, nodes: Nodes
) -> None:
    sent = [albergue.envelope(buzon.id, now=mx.clock.now) for _ in range(2)]
    await mx.send(albergue, *sent)
    await mx.work()
    held = await lease(mx, buzon)
    assert sorted(held.envelopes) == sorted(sent)
    assert held.expires_at == mx.clock.now + timedelta(seconds=60)
    assert {state_of(mx, one).state for one in sent} == {"leased"}
    assert await acknowledge(mx, buzon, held) == 204
    await mx.work()
    for envelope in sent:
        delivery = state_of(mx, envelope)
        assert delivery.state == "delivered"
        assert nodes[albergue.id].receipts_of(delivery.id) == ["delivered"]
        # The ciphertext is gone, the digest stays.
        assert not mx.gateway.database.read_now(deliveries.envelopes, [delivery.id])
    assert (await lease(mx, buzon)).lease_id is None


async def test_a_message_crosses_a_border_into_a_mailbox_and_the_receipt_comes_back(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, nodes: Nodes
) -> None:
    gt.join(pgn := Institution("gt.pgn", delivery="mailbox"))
    envelope = albergue.envelope(pgn.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    await mx.work()
    [held] = await fetch_all(gt, pgn)
    assert held.envelopes == [envelope]
    for gateway in (gt, mx):
        await gateway.work()
    [receipt] = nodes[albergue.id].receipts
    assert (receipt.leaf.kind, receipt.leaf.gateway) == ("delivered", "gateway.gt")


async def test_receipts_of_what_it_sent_wait_in_the_mailbox_too(
    mx: RunningGateway, casa: Institution, buzon: Institution, nodes: Nodes
) -> None:
    assert nodes[casa.id].up
    envelope = buzon.envelope(casa.id, now=mx.clock.now)
    await mx.send(buzon, envelope)
    await mx.work()
    held = await lease(mx, buzon)
    assert held.envelopes == []
    [receipt] = held.receipts
    assert (receipt.leaf.kind, receipt.leaf.message_id) == ("delivered", claims_of(envelope)["jti"])
    checkpoint.verify_leaf(
        receipt.leaf.leaf_bytes(),
        index=receipt.index,
        proof=receipt.proof,
        note=receipt.checkpoint,
        origin=checkpoint.origin_of(mx.name),
        keys=mx.gateway.keys.signing,
    )
    assert await acknowledge(mx, buzon, held) == 204
    assert (await lease(mx, buzon)).lease_id is None


async def test_a_long_poll_wakes_when_something_is_queued(
    mx: RunningGateway, albergue: Institution, buzon: Institution
) -> None:
    asked = asyncio.create_task(lease(mx, buzon, wait_seconds=20))
    await asyncio.sleep(0.3)
    assert not asked.done()
    began = time.monotonic()
    envelope = albergue.envelope(buzon.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    held = await asked
    assert held.envelopes == [envelope]
    assert time.monotonic() - began < 5


async def test_a_long_poll_sees_what_another_process_queued(
    tmp_path: Path, mx: RunningGateway, albergue: Institution, buzon: Institution
) -> None:
    with opened_again(mx.gateway.database) as database:
        other = a_gateway(tmp_path, database, "MX", mx.network, mx.clock)
        try:
            asked = asyncio.create_task(lease(mx, buzon, wait_seconds=20))
            await asyncio.sleep(0.3)
            envelope = albergue.envelope(buzon.id, now=mx.clock.now)
            await other.send(albergue, envelope)
            assert (await asyncio.wait_for(asked, 5)).envelopes == [envelope]
        finally:
            await other.aclose()


async def test_a_long_poll_ends_empty_when_nothing_comes_or_the_gateway_stops(
    mx: RunningGateway, buzon: Institution
) -> None:
    began = time.monotonic()
    assert await lease(mx, buzon, wait_seconds=1) == MailboxLease()
    assert 0.9 < time.monotonic() - began < 5
    asked = asyncio.create_task(lease(mx, buzon, wait_seconds=30))
    await asyncio.sleep(0.2)
    mx.app.state.workers[0].stop()
    assert await asyncio.wait_for(asked, 5) == MailboxLease()


async def test_nothing_is_leased_to_somebody_who_has_hung_up(
    mx: RunningGateway, albergue: Institution, buzon: Institution
) -> None:
    envelope = albergue.envelope(buzon.id, now=mx.clock.now)
    await mx.send(albergue, envelope)

    async def gone() -> bool:
        return True

    mailboxes = mx.app.state.service.mailboxes
    assert await mailboxes.lease(buzon.id, limit=1, wait_seconds=5, gone=gone) == MailboxLease()
    assert (state_of(mx, envelope).state, state_of(mx, envelope).attempts) == ("queued", 0)


async def test_a_lost_lease_comes_back_and_cannot_be_acknowledged_any_more(
    mx: RunningGateway, albergue: Institution, buzon: Institution
) -> None:
    envelope = albergue.envelope(buzon.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    lost = await lease(mx, buzon)
    assert (await lease(mx, buzon)).lease_id is None
    mx.clock.advance(timedelta(seconds=61))
    assert await acknowledge(mx, buzon, lost) == 404
    again = await lease(mx, buzon)
    assert again.envelopes == lost.envelopes == [envelope]
    assert again.lease_id != lost.lease_id
    assert await acknowledge(mx, buzon, lost) == 404
    assert await acknowledge(mx, buzon, again) == 204
    # What was acknowledged is over.
    assert await acknowledge(mx, buzon, again) == 404


async def test_a_lease_outlives_a_restart_of_the_gateway(
    tmp_path: Path, mx: RunningGateway, albergue: Institution, buzon: Institution
) -> None:
    await mx.send(albergue, *(albergue.envelope(buzon.id, now=mx.clock.now) for _ in range(2)))
    first = await lease(mx, buzon, limit=1)
    second = await lease(mx, buzon, limit=1)
    with opened_again(mx.gateway.database) as database:
        again = a_gateway(tmp_path, database, "MX", mx.network, mx.clock)
        try:
            assert await acknowledge(again, buzon, first) == 204
            assert (await lease(again, buzon)).lease_id is None
            mx.clock.advance(timedelta(seconds=61))
            [held] = await fetch_all(again, buzon)
            assert held.envelopes == second.envelopes
        finally:
            await again.aclose()


async def test_a_foreign_lease_is_answered_as_one_that_does_not_exist(
    mx: RunningGateway, albergue: Institution, buzon: Institution
) -> None:
    mx.join(other := Institution("mx.otro", delivery="mailbox"))
    await mx.send(albergue, albergue.envelope(buzon.id, now=mx.clock.now))
    assert (await lease(mx, other)).lease_id is None
    held = await lease(mx, buzon)
    foreign, unknown = [
        await mx.post(f"{LEASES}/{name}/acknowledgements", other.id, taken(held))
        for name in (held.lease_id, random_id())
    ]
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content
    assert await acknowledge(mx, buzon, held) == 204


async def test_leasing_needs_the_scope_and_an_active_institution(
    mx: RunningGateway, buzon: Institution
) -> None:
    mx.app.state.token_verifier.scopes[buzon.id] = {Scope.MESSAGES_SEND}
    refused = await mx.post(LEASES, buzon.id, {})
    assert (refused.status_code, refused.json()["scope"]) == (403, "messages:receive")
    mx.app.state.token_verifier.scopes.clear()
    await membership.set_state(mx.gateway, buzon.id, "suspended", by="mx.operator")
    suspended = await mx.post(LEASES, buzon.id, {})
    assert suspended.status_code == 403
    assert suspended.json()["type"].endswith("/receiver_not_active")
    await membership.set_state(mx.gateway, buzon.id, "active", by="mx.operator")
    assert (await lease(mx, buzon)).lease_id is None


@pytest.mark.parametrize("body", [{"limit": 0}, {"limit": 101}, {"wait_seconds": 31}, {"all": 1}])
async def test_a_lease_has_its_bounds(
    mx: RunningGateway, buzon: Institution, body: dict[str, int]
) -> None:
    assert (await mx.post(LEASES, buzon.id, body)).status_code == 422


async def test_answers_are_one_for_each_message_in_order(
    mx: RunningGateway, albergue: Institution, buzon: Institution
) -> None:
    await mx.send(albergue, *(albergue.envelope(buzon.id, now=mx.clock.now) for _ in range(2)))
    held = await lease(mx, buzon)
    path = f"{LEASES}/{held.lease_id}/acknowledgements"
    whole = taken(held)["answers"]
    for answers, pointer in ((whole[:1], "/answers"), (whole[::-1], "/answers/0/message_id")):
        refused = await mx.post(path, buzon.id, {"answers": answers})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == pointer
    assert await acknowledge(mx, buzon, held) == 204


async def test_withdrawals_come_first_and_then_red_yellow_and_green(
    mx: RunningGateway, albergue: Institution, buzon: Institution
) -> None:
    levels = ["green", "yellow", "red"]
    content = [albergue.envelope(buzon.id, now=mx.clock.now, triage=level) for level in levels]
    await mx.send(albergue, *content)
    withdrawal = albergue.withdrawal(buzon.id, [random_id()], now=mx.clock.now)
    await mx.send(albergue, withdrawal)
    assert (await lease(mx, buzon, limit=2)).envelopes == [withdrawal, content[2]]
    assert (await lease(mx, buzon)).envelopes == [content[1], content[0]]


async def test_a_lease_stays_below_a_mebibyte(
    mx: RunningGateway, albergue: Institution, buzon: Institution
) -> None:
    large = "eyJhbGciOiJFQ0RILUVTIn0..aXY." + "x" * 180_000 + ".dGFn"
    sent = [albergue.envelope(buzon.id, now=mx.clock.now, content=large) for _ in range(6)]
    for first in range(0, 6, 3):
        await mx.send(albergue, *sent[first : first + 3])
    held = await fetch_all(mx, buzon)
    assert [len(one.envelopes) for one in held] == [3, 3]


async def test_what_the_node_refuses_ends_and_what_it_cannot_take_now_comes_again(
    mx: RunningGateway, albergue: Institution, buzon: Institution, nodes: Nodes
) -> None:
    sent = [albergue.envelope(buzon.id, now=mx.clock.now) for _ in range(2)]
    await mx.send(albergue, *sent)
    bad, later = (claims_of(envelope)["jti"] for envelope in sent)
    refused = {
        bad: ProblemError("undecryptable", receiver=buzon.id),
        later: ProblemError("gateway_unreachable"),
    }
    assert await acknowledge(mx, buzon, await lease(mx, buzon), **refused) == 204
    assert (state_of(mx, sent[0]).state, state_of(mx, sent[0]).problem) == (
        "refused",
        "undecryptable",
    )
    mx.clock.advance(timedelta(seconds=5))
    [held] = await fetch_all(mx, buzon)
    assert held.envelopes == [sent[1]]
    await mx.work()
    assert nodes[albergue.id].receipts_of(bad) == ["refused"]
    assert nodes[albergue.id].receipts_of(later) == ["delivered"]


async def test_an_institution_that_changes_its_delivery_finds_what_waits(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: Nodes
) -> None:
    nodes[casa.id].up = False
    waiting = albergue.envelope(casa.id, now=mx.clock.now)
    own = casa.envelope(albergue.id, now=mx.clock.now)
    await mx.send(albergue, waiting)
    await mx.send(casa, own)
    await mx.work()
    casa.delivery = "mailbox"
    mx.join(casa)
    mx.clock.advance(timedelta(seconds=20))
    [held] = await fetch_all(mx, casa)
    assert held.envelopes == [waiting]
    assert [receipt.leaf.message_id for receipt in held.receipts] == [claims_of(own)["jti"]]
