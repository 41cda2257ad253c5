"""From a sender's gateway to a receiver's node and back: nothing lost, nothing twice, all of it proved."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from relevo.contracts.problem import ProblemError
from relevo.gateway.operations.endings import expire
from relevo.gateway.storage import deliveries
from relevo.servicekit import checkpoint
from tests.gateway.federation import (
    FakeNode,
    Institution,
    RunningGateway,
    a_gateway,
    claims_of,
    grant_id_of,
    problem_name,
)
from tests.support.database import opened_again

pytestmark = pytest.mark.asyncio
Nodes = dict[str, FakeNode]


def ids(*envelopes: str) -> list[str]:
    return [str(claims_of(envelope)["jti"]) for envelope in envelopes]


def state_of(gateway: RunningGateway, envelope: str) -> deliveries.Delivery:
    [found] = gateway.gateway.database.read_now(deliveries.get_many, ids(envelope))
    return found


async def settle(*gateways: RunningGateway) -> None:
    for _ in range(4):
        for gateway in gateways:
            await gateway.work()


def check(receipt: object, gateway: RunningGateway) -> None:
    checkpoint.verify_leaf(
        receipt.leaf.leaf_bytes(),  # type: ignore[attr-defined]
        index=receipt.index,  # type: ignore[attr-defined]
        proof=receipt.proof,  # type: ignore[attr-defined]
        note=receipt.checkpoint,  # type: ignore[attr-defined]
        origin=checkpoint.origin_of(gateway.name),
        keys=gateway.gateway.keys.signing,
    )


async def test_a_message_is_delivered_at_home_and_its_sender_is_told(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: Nodes
) -> None:
    envelope = albergue.envelope(casa.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    await settle(mx)
    assert nodes[casa.id].envelopes == [envelope]
    [receipt] = nodes[albergue.id].receipts
    assert (receipt.leaf.kind, receipt.leaf.gateway) == ("delivered", "gateway.mx")
    check(receipt, mx)
    found = state_of(mx, envelope)
    assert found.state == "delivered"
    # The ciphertext is gone, the digest stays.
    assert not mx.gateway.database.read_now(deliveries.envelopes, [found.id])
    assert found.digest == receipt.leaf.digest


async def test_a_message_crosses_two_gateways_and_the_receipt_comes_all_the_way_back(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution, nodes: Nodes
) -> None:
    envelopes = [albergue.envelope("gt.igm.crr", now=mx.clock.now) for _ in range(3)]
    answers = await mx.send(albergue, *envelopes)
    assert [answer.result for answer in answers] == ["accepted"] * 3
    await settle(mx, gt)
    assert sorted(nodes[igm.id].envelopes) == sorted(envelopes)
    for message_id in ids(*envelopes):
        assert nodes[albergue.id].receipts_of(message_id) == ["delivered"]
    for receipt in nodes[albergue.id].receipts:
        assert receipt.leaf.gateway == "gateway.gt"
        check(receipt, gt)
    for envelope in envelopes:
        assert state_of(mx, envelope).state == "delivered"
        assert state_of(mx, envelope).outcome == "delivered"
        assert state_of(gt, envelope).state == "delivered"
    # Two flights only, however many messages: they travel in batches.
    assert len(nodes[igm.id].batches) == 1


async def test_a_dead_node_gets_everything_once_it_is_back(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: Nodes
) -> None:
    node = nodes[casa.id]
    for status in (503, 0, 500):
        node.up, node.status = False, status
        await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now))
        await settle(mx)
        mx.clock.advance(timedelta(seconds=20))
        await settle(mx)
    assert node.envelopes == []
    node.up = True
    mx.clock.advance(timedelta(seconds=15))
    await settle(mx)
    assert len(node.received) == len(set(node.received)) == 3


async def test_a_failing_node_is_not_asked_all_the_time(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: Nodes
) -> None:
    nodes[casa.id].up = False
    await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now))
    for _ in range(60):
        await mx.work()
        mx.clock.advance(timedelta(seconds=1))
    assert 4 <= nodes[casa.id].calls <= 14


async def test_one_dead_node_keeps_nobody_else_waiting(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: Nodes
) -> None:
    mx.join(other := Institution("mx.otra"))
    nodes[other.id] = mx.network.hosts["mx.otra.test"] = FakeNode()
    stuck = asyncio.Event()
    nodes[casa.id].before = stuck.wait
    envelope = albergue.envelope(other.id, now=mx.clock.now)
    await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now), envelope)
    deliverer = mx.app.state.deliverer
    await deliverer.step()
    for _ in range(200):
        await asyncio.sleep(0.01)
        if nodes[other.id].envelopes:
            break
    assert nodes[other.id].envelopes == [envelope]
    assert nodes[casa.id].envelopes == []
    stuck.set()
    await deliverer.drain()
    assert len(nodes[casa.id].envelopes) == 1


async def test_a_gateway_that_died_in_flight_sends_the_same_bytes_after_its_lease(
    tmp_path: Path, mx: RunningGateway, albergue: Institution, casa: Institution, nodes: Nodes
) -> None:
    envelope = albergue.envelope(casa.id, now=mx.clock.now)
    await mx.send(albergue, envelope)

    async def die() -> None:
        raise asyncio.CancelledError

    nodes[casa.id].before = die
    deliverer = mx.app.state.deliverer
    await deliverer.step()
    await asyncio.gather(*deliverer._flights.values(), return_exceptions=True)
    assert state_of(mx, envelope).state == "leased"
    nodes[casa.id].before = None
    # Another process begins where this one ended.
    with opened_again(mx.gateway.database) as database:
        again = a_gateway(tmp_path, database, "MX", mx.network, mx.clock)
        try:
            await again.work()
            assert nodes[casa.id].envelopes == []
            mx.clock.advance(timedelta(seconds=31))
            await again.work()
            assert nodes[casa.id].envelopes == [envelope]
        finally:
            await again.aclose()


async def test_an_answer_that_got_lost_is_asked_for_again_and_ends_as_delivered(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: Nodes
) -> None:
    envelope = albergue.envelope(casa.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    node = nodes[casa.id]

    class LostAnswer:
        async def __call__(self, request):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN204
            await node(request)
            return await FakeNode(up=False, status=0)(request)

    mx.network.hosts["mx.casa.test"] = LostAnswer()
    await mx.work()
    assert state_of(mx, envelope).state == "queued"
    mx.network.hosts["mx.casa.test"] = node
    mx.clock.advance(timedelta(seconds=20))
    await settle(mx)
    assert state_of(mx, envelope).state == "delivered"
    assert len(node.received) == 2
    assert set(node.received) == set(ids(envelope))


async def test_withdrawals_overtake_and_then_red_yellow_and_green(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: Nodes
) -> None:
    nodes[casa.id].up = False
    levels = ["green", "yellow", "red"]
    content = [albergue.envelope(casa.id, now=mx.clock.now, triage=level) for level in levels]
    for envelope in content:
        await mx.send(albergue, envelope)
        await mx.work()
    withdrawal = albergue.withdrawal(casa.id, [grant_id_of(content[0])], now=mx.clock.now)
    await mx.send(albergue, withdrawal)
    nodes[casa.id].up = True
    mx.clock.advance(timedelta(seconds=30))
    await settle(mx)
    assert nodes[casa.id].envelopes == [withdrawal, content[2], content[1]]


async def test_a_withdrawal_stops_what_waits_and_the_sender_is_told(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution, nodes: Nodes
) -> None:
    nodes[igm.id].up = False
    stopped, kept = (albergue.envelope(igm.id, now=mx.clock.now) for _ in range(2))
    await mx.send(albergue, stopped, kept)
    await settle(mx, gt)
    assert state_of(gt, stopped).state == "queued"
    withdrawal = albergue.withdrawal(igm.id, [grant_id_of(stopped)], now=mx.clock.now)
    await mx.send(albergue, withdrawal)
    await settle(mx, gt)
    assert state_of(gt, stopped).state == "refused"
    assert state_of(gt, stopped).problem == "grant_not_live"
    nodes[igm.id].up = True
    mx.clock.advance(timedelta(seconds=30))
    await settle(mx, gt)
    assert nodes[igm.id].envelopes == [withdrawal, kept]
    [receipt] = [
        receipt
        for receipt in nodes[albergue.id].receipts
        if receipt.leaf.message_id == ids(stopped)[0]
    ]
    assert (receipt.leaf.kind, receipt.leaf.problem) == ("refused", "grant_not_live")
    check(receipt, gt)


async def test_what_a_node_refuses_goes_back_with_the_problem(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: Nodes
) -> None:
    good, bad, later = (albergue.envelope(casa.id, now=mx.clock.now) for _ in range(3))
    nodes[casa.id].refuse = {
        ids(bad)[0]: ProblemError("undecryptable", receiver=casa.id),
        ids(later)[0]: ProblemError("unavailable"),
    }
    await mx.send(albergue, good, bad, later)
    await mx.work()
    await settle(mx)
    told = {r.leaf.message_id: (r.leaf.kind, r.leaf.problem) for r in nodes[albergue.id].receipts}
    assert told == {
        ids(good)[0]: ("delivered", None),
        ids(bad)[0]: ("refused", "undecryptable"),
    }
    nodes[casa.id].refuse = {}
    mx.clock.advance(timedelta(seconds=20))
    await settle(mx)
    assert nodes[albergue.id].receipts_of(ids(later)[0]) == ["delivered"]


async def test_what_the_peer_refuses_comes_back_from_our_own_gateway(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution, nodes: Nodes
) -> None:
    envelope = albergue.envelope(igm.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    await gt.post(f"/v1/institutions/{igm.id}/suspend", "gt.operator", {})
    await settle(mx, gt)
    [receipt] = nodes[albergue.id].receipts
    assert (receipt.leaf.kind, receipt.leaf.problem) == ("refused", "receiver_not_active")
    check(receipt, mx)


async def test_expired_messages_end_with_a_receipt(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: Nodes
) -> None:
    nodes[casa.id].up = False
    envelope = albergue.envelope(casa.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    await mx.work()
    mx.clock.advance(timedelta(days=31))
    while await expire(mx.gateway):
        pass
    await settle(mx)
    assert nodes[albergue.id].receipts_of(ids(envelope)[0]) == ["expired"]
    assert nodes[casa.id].envelopes == []


async def test_what_is_refused_outright_again_and_again_waits_for_a_person(
    mx: RunningGateway, albergue: Institution,
    casa: Institution, nodes: Nodes,
) -> None:  # fmt: skip
    object.__setattr__(mx.gateway.settings, "refusals_before_dead", 3)
    node = nodes[casa.id]
    node.up, node.status = False, 400
    envelope = albergue.envelope(casa.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    for _ in range(4):
        await settle(mx)
        mx.clock.advance(timedelta(seconds=20))
    [message_id] = ids(envelope)
    page = (await mx.get("/v1/deliveries", "mx.operator", state="dead")).json()
    assert [item["id"] for item in page["deliveries"]] == [message_id]
    assert nodes[albergue.id].receipts_of(message_id) == ["dead"]
    path = f"/v1/deliveries/{message_id}"
    assert (await mx.post(f"{path}/retry", albergue.id)).status_code == 403
    node.up = True
    assert (await mx.post(f"{path}/retry", "mx.operator")).json()["state"] == "queued"
    await settle(mx)
    assert node.envelopes == [envelope]
    assert nodes[albergue.id].receipts_of(message_id) == ["dead", "delivered"]
    again = await mx.post(f"{path}/close", "mx.operator")
    assert (again.status_code, again.json()["from_state"]) == (409, "delivered")
    nobody = await mx.post(
        "/v1/deliveries/00000000-0000-0000-0000-000000000000/close", "mx.operator"
    )
    assert nobody.status_code == 404


@pytest.mark.parametrize(("act", "state", "told"), [
    ("return", "returned", ["dead"]), ("close", "closed", ["dead"]),
])  # fmt: skip
async def test_the_desk_returns_or_closes_what_is_dead(
    act: str, state: str, told: list[str], mx: RunningGateway, albergue: Institution,
    casa: Institution, nodes: Nodes,
) -> None:  # fmt: skip
    object.__setattr__(mx.gateway.settings, "refusals_before_dead", 1)
    nodes[casa.id].up, nodes[casa.id].status = False, 404
    envelope = albergue.envelope(casa.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    await settle(mx)
    [message_id] = ids(envelope)
    answer = await mx.post(f"/v1/deliveries/{message_id}/{act}", "mx.operator")
    assert answer.json()["state"] == state
    await settle(mx)
    assert nodes[albergue.id].receipts_of(message_id) == told
    assert not mx.gateway.database.read_now(deliveries.envelopes, [message_id])


async def test_one_message_that_the_node_cannot_read_does_not_keep_the_others_back(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: Nodes
) -> None:
    node = nodes[casa.id]
    envelopes = [albergue.envelope(casa.id, now=mx.clock.now) for _ in range(6)]
    poison = envelopes[3]

    class Allergic:
        async def __call__(self, request):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN204
            if poison.encode() in request.content:
                return await FakeNode(up=False, status=400)(request)
            return await node(request)

    mx.network.hosts["mx.casa.test"] = Allergic()
    await mx.send(albergue, *envelopes)
    for _ in range(20):
        await settle(mx)
        mx.clock.advance(timedelta(seconds=20))
    assert sorted(node.envelopes) == sorted(set(envelopes) - {poison})
    assert state_of(mx, poison).state == "queued"


async def test_a_suspended_receivers_messages_wait_and_go_on_when_it_is_back(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: Nodes
) -> None:
    envelope = albergue.envelope(casa.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    await mx.post(f"/v1/institutions/{casa.id}/suspend", "mx.operator", {})
    await settle(mx)
    assert nodes[casa.id].envelopes == []
    await mx.post(f"/v1/institutions/{casa.id}/resume", "mx.operator", {})
    mx.clock.advance(timedelta(seconds=20))
    await settle(mx)
    assert nodes[casa.id].envelopes == [envelope]


async def test_receipts_of_a_forged_ledger_are_not_passed_on(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution, nodes: Nodes
) -> None:
    nodes[igm.id].up = False
    envelope = albergue.envelope(igm.id, now=mx.clock.now)
    [answer] = await mx.send(albergue, envelope)
    await settle(mx, gt)
    assert answer.receipt
    forged = answer.receipt.model_dump(mode="json")
    forged["leaf"] |= {"kind": "delivered", "gateway": "gateway.gt"}
    response = await mx.post("/v1/relay", gt.name, {"receipts": [forged]})
    assert response.status_code == 200
    await settle(mx)
    assert nodes[albergue.id].receipts == []
    assert state_of(mx, envelope).outcome is None


async def test_a_receipt_that_comes_twice_is_passed_on_once(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution, nodes: Nodes
) -> None:
    await mx.send(albergue, albergue.envelope(igm.id, now=mx.clock.now))
    await settle(mx, gt)
    [receipt] = nodes[albergue.id].receipts
    body = {"receipts": [receipt.model_dump(mode="json")]}
    assert (await mx.post("/v1/relay", gt.name, body)).status_code == 200
    await settle(mx)
    assert len(nodes[albergue.id].receipts) == 1


async def test_a_peer_brings_only_its_own_countries_messages_for_ours(
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    casa: Institution,
    igm: Institution,
) -> None:
    stolen = albergue.envelope(casa.id, now=mx.clock.now)
    transit = igm.envelope("hn.belen", now=mx.clock.now)
    unknown = Institution("gt.nobody").envelope(casa.id, now=mx.clock.now)
    forged = igm.envelope(casa.id, now=mx.clock.now, key=casa.signing)
    good = igm.envelope(casa.id, now=mx.clock.now)
    answers = await mx.send(gt.name, stolen, transit, unknown, forged, good)
    assert [problem_name(answer) for answer in answers] == [
        "not_yours", "envelope_wrong_audience", "sender_not_active",
        "envelope_signature_invalid", None,
    ]  # fmt: skip


async def test_while_a_peer_is_down_messages_for_it_are_taken_and_wait(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution, nodes: Nodes
) -> None:
    mx.network.down.add("gateway.gt.test")
    envelope = albergue.envelope(igm.id, now=mx.clock.now)
    [answer] = await mx.send(albergue, envelope)
    assert answer.result == "accepted"
    await settle(mx)
    mx.network.down.clear()
    mx.clock.advance(timedelta(seconds=20))
    await settle(mx, gt)
    assert nodes[igm.id].envelopes == [envelope]


async def test_unknown_and_suspended_receivers_of_a_peer_are_refused_at_home(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution
) -> None:
    await gt.post(f"/v1/institutions/{igm.id}/suspend", "gt.operator", {})
    answers = await mx.send(
        albergue,
        albergue.envelope("gt.nobody", now=mx.clock.now),
        albergue.envelope(igm.id, now=mx.clock.now),
    )
    assert [problem_name(answer) for answer in answers] == [
        "receiver_unknown", "receiver_not_active",
    ]  # fmt: skip
