"""An institution without an open port fetches what is for it; everything else is as with push."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from relevo.contracts.exchange import MailboxLease
from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import Scope
from relevo.gateway.operations import membership
from relevo.gateway.operations.endings import expire
from relevo.gateway.storage import deliveries
from relevo.servicekit import checkpoint
from relevo.servicekit.ids import random_id
from tests.gateway.federation import (
    FakeNode,
    Institution,
    RunningGateway,
    a_gateway,
    claims_of,
    grant_id_of,
)

pytestmark = pytest.mark.asyncio
Nodes = dict[str, FakeNode]
LEASES = "/v1/mailbox/leases"


@pytest_asyncio.fixture
async def buzon(mx: RunningGateway) -> Institution:
    """An institution whose entry says `delivery: mailbox`."""
    found = Institution("mx.buzon", delivery="mailbox")
    mx.join(found)
    return found


async def lease(
    gateway: RunningGateway, owner: Institution, *, limit: int = 100, wait_seconds: int = 0
) -> MailboxLease:
    body = {"limit": limit, "wait_seconds": wait_seconds}
    response = await gateway.post(LEASES, owner.id, body)
    assert response.status_code == 200, response.text
    assert len(response.content) <= 1024 * 1024
    return MailboxLease.model_validate_json(response.content)


def taken(held: MailboxLease, **refused: ProblemError) -> dict[str, Any]:
    """Everything accepted, but for what is refused."""
    answers: list[dict[str, Any]] = []
    for jws in held.envelopes:
        message_id = claims_of(jws)["jti"]
        problem = refused.get(message_id)
        if problem is None:
            answers.append({"message_id": message_id, "result": "accepted"})
        else:
            said = problem.problem().model_dump(mode="json", exclude_none=True)
            answers.append({"message_id": message_id, "result": "refused", "problem": said})
    return {"answers": answers}


async def acknowledge(
    gateway: RunningGateway, owner: Institution, held: MailboxLease, **refused: ProblemError
) -> int:
    path = f"{LEASES}/{held.lease_id}/acknowledgements"
    response = await gateway.post(path, owner.id, taken(held, **refused))
    return response.status_code


async def fetch_all(
    gateway: RunningGateway, owner: Institution, **refused: ProblemError
) -> list[MailboxLease]:
    found = []
    while (held := await lease(gateway, owner)).lease_id is not None:
        assert await acknowledge(gateway, owner, held, **refused) == 204
        found.append(held)
    return found


def state_of(gateway: RunningGateway, envelope: str) -> deliveries.Delivery:
    ids = [claims_of(envelope)["jti"]]
    [found] = gateway.gateway.database.read_now(deliveries.get_many, ids)
    return found


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
    other = a_gateway(tmp_path, mx.gateway.settings.database_url, "MX", mx.network, mx.clock)
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
    again = a_gateway(tmp_path, mx.gateway.settings.database_url, "MX", mx.network, mx.clock)
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
    await membership.set_state(mx.gateway, buzon.id, "suspended")
    suspended = await mx.post(LEASES, buzon.id, {})
    assert suspended.status_code == 403
    assert suspended.json()["type"].endswith("/receiver_not_active")
    await membership.set_state(mx.gateway, buzon.id, "active")
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
