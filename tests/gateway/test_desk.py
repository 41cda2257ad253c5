"""Undelivered messages wait for a person: sent again, given back, or closed."""

from datetime import timedelta

import pytest

from relevo.gateway.operations import endings
from relevo.gateway.operations.endings import Ending
from relevo.gateway.storage import deliveries
from tests.gateway.federation import (
    FakeNode,
    Institution,
    RunningGateway,
    claims_of,
)

pytestmark = pytest.mark.asyncio

OFFICER = "mx.operator"


async def dead(
    gateway: RunningGateway, sender: Institution, receiver: str, *, told: bool = False
) -> tuple[str, str]:
    """Id and bytes of a message that no attempt could hand over."""
    envelope = sender.envelope(receiver, now=gateway.clock.now)
    [answer] = await gateway.send(sender, envelope)
    assert answer.result == "accepted", answer.problem
    message_id = str(claims_of(envelope)["jti"])
    here = gateway.gateway
    [item] = here.database.read_now(deliveries.get_many, [message_id])
    ending = Ending(item, "dead", "internal_error", told=told)
    here.database.write_now(endings.end, here, [ending])
    return message_id, envelope


async def kept(gateway: RunningGateway, message_id: str) -> bool:
    found = await gateway.gateway.database.read(deliveries.envelopes, [message_id])
    return message_id in found


async def settle(gateway: RunningGateway) -> None:
    gateway.clock.advance(timedelta(seconds=30))
    await gateway.work()


async def test_the_desk_lists_what_nobody_could_hand_over_and_nothing_personal(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    empty = await mx.get("/v1/deliveries", OFFICER)
    assert empty.json() == {"deliveries": [], "next_cursor": None}
    message_id, envelope = await dead(mx, albergue, casa.id)
    alive = albergue.envelope(casa.id, now=mx.clock.now)
    await mx.send(albergue, alive)
    response = await mx.get("/v1/deliveries", OFFICER, state="dead")
    [item] = response.json()["deliveries"]
    assert item["id"] == message_id
    assert (item["sender"], item["receiver"], item["state"]) == (albergue.id, casa.id, "dead")
    assert (item["message_type"], item["problem"]) == ("referral.submitted/1", "internal_error")
    claims = claims_of(envelope)
    for secret in ("reference_code", "sub", "content"):
        assert str(claims[secret]) not in response.text
    [queued] = (await mx.get("/v1/deliveries", OFFICER, state="queued")).json()["deliveries"]
    assert queued["id"] == claims_of(alive)["jti"]


async def test_the_list_comes_in_pages_without_gaps(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    expected = sorted([(await dead(mx, albergue, casa.id))[0] for _ in range(5)])
    found: list[str] = []
    cursor: dict[str, str] = {}
    for count in (2, 2, 1):
        page = (await mx.get("/v1/deliveries", OFFICER, limit=2, **cursor)).json()
        assert len(page["deliveries"]) == count
        found += [item["id"] for item in page["deliveries"]]
        cursor = {"cursor": page["next_cursor"]}
    assert found == expected
    assert cursor == {"cursor": None}
    assert (await mx.get("/v1/deliveries", OFFICER, cursor="' OR 1")).status_code == 422


async def test_a_retry_sends_the_same_bytes(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: dict[str, FakeNode]
) -> None:
    message_id, envelope = await dead(mx, albergue, casa.id)
    await settle(mx)
    assert nodes[casa.id].envelopes == []
    for _ in range(2):
        answer = await mx.post(f"/v1/deliveries/{message_id}/retry", OFFICER)
        assert (answer.status_code, answer.json()["state"]) == (200, "queued")
    await settle(mx)
    assert nodes[casa.id].envelopes == [envelope]
    assert nodes[albergue.id].receipts_of(message_id) == ["delivered"]


async def test_a_retry_after_its_time_is_refused(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    message_id, _ = await dead(mx, albergue, casa.id)
    mx.clock.advance(timedelta(days=31))
    answer = await mx.post(f"/v1/deliveries/{message_id}/retry", OFFICER)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (
        422, "envelope_expired",
    )  # fmt: skip
    # It can still be given back.
    answer = await mx.post(f"/v1/deliveries/{message_id}/return", OFFICER)
    assert answer.json()["state"] == "returned"


async def test_a_retry_needs_the_envelope(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    message_id, _ = await dead(mx, albergue, casa.id)
    mx.gateway.database.write_now(deliveries.drop_envelopes, [message_id])
    answer = await mx.post(f"/v1/deliveries/{message_id}/retry", OFFICER)
    problem = answer.json()
    assert (answer.status_code, problem["from_state"], problem["to_state"]) == (
        409, "dead", "queued",
    )  # fmt: skip


@pytest.mark.parametrize("told", [True, False])
async def test_what_is_given_back_tells_the_sender_the_cause_once(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: dict[str, FakeNode],
    *, told: bool,
) -> None:  # fmt: skip
    message_id, _ = await dead(mx, albergue, casa.id, told=told)
    for _ in range(2):
        answer = await mx.post(f"/v1/deliveries/{message_id}/return", OFFICER)
        assert (answer.status_code, answer.json()["state"]) == (200, "returned")
        await settle(mx)
    [receipt] = nodes[albergue.id].receipts
    assert (receipt.leaf.kind, receipt.leaf.problem) == ("dead", "internal_error")
    assert receipt.leaf.message_id == message_id
    assert nodes[casa.id].envelopes == []
    assert not await kept(mx, message_id)


async def test_what_a_peer_sent_is_given_back_through_the_peer(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution,
    nodes: dict[str, FakeNode],
) -> None:  # fmt: skip
    envelope = albergue.envelope("gt.igm.crr", now=mx.clock.now)
    message_id = str(claims_of(envelope)["jti"])
    nodes[igm.id].up = False
    await mx.send(albergue, envelope)
    await settle(mx)
    await settle(gt)
    [item] = gt.gateway.database.read_now(deliveries.get_many, [message_id])
    ending = Ending(item, "dead", told=False)
    assert gt.gateway.database.write_now(endings.end, gt.gateway, [ending])
    answer = await gt.post(f"/v1/deliveries/{message_id}/return", "gt.operator")
    assert answer.json()["state"] == "returned"
    await settle(gt)
    await settle(mx)
    assert nodes[albergue.id].receipts_of(message_id) == ["dead"]


async def test_what_is_closed_leaves_the_desk_in_silence(
    mx: RunningGateway, albergue: Institution, casa: Institution, nodes: dict[str, FakeNode]
) -> None:
    message_id, _ = await dead(mx, albergue, casa.id)
    answer = await mx.post(f"/v1/deliveries/{message_id}/close", OFFICER)
    assert answer.json()["state"] == "closed"
    await settle(mx)
    assert nodes[albergue.id].receipts == []
    assert not await kept(mx, message_id)
    for step, to in (("retry", "queued"), ("return", "returned")):
        refused = await mx.post(f"/v1/deliveries/{message_id}/{step}", OFFICER)
        assert (refused.status_code, refused.json()["from_state"], refused.json()["to_state"]) == (
            409, "closed", to,
        )  # fmt: skip


async def test_what_is_on_its_way_is_not_the_desks_to_end(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    envelope = albergue.envelope(casa.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    message_id = claims_of(envelope)["jti"]
    for step in ("return", "close"):
        refused = await mx.post(f"/v1/deliveries/{message_id}/{step}", OFFICER)
        assert (refused.status_code, refused.json()["from_state"]) == (409, "queued")
    assert await kept(mx, message_id)


async def test_the_desk_is_for_those_who_may_sit_there(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    message_id, _ = await dead(mx, albergue, casa.id)
    for client in (albergue.id, casa.id, "gateway.gt"):
        refused = await mx.get("/v1/deliveries", client)
        assert (refused.status_code, refused.json()["scope"]) == (403, "deliveries:admin")
        for step in ("retry", "return", "close"):
            refused = await mx.post(f"/v1/deliveries/{message_id}/{step}", client)
            assert refused.status_code == 403
    unknown = f"/v1/deliveries/{message_id[:-4]}0000/close"
    assert (await mx.post(unknown, OFFICER)).status_code == 404
    assert (await mx.post("/v1/deliveries/nonsense/close", OFFICER)).status_code == 422
