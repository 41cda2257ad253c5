"""Which side takes which step of a follow-up, and how it ends."""

from datetime import timedelta
from typing import Any

import pytest

from relevo.contracts.exchange import MessageBatch
from relevo.node.operations.carry_out_follow_up import end_overdue_follow_ups
from relevo.node.operations.receipts import end_message
from relevo.node.operations.receive import receive
from relevo.node.storage import outbox
from relevo.node.storage.holdings import Holdings
from tests.support.follow_ups import (
    DAY,
    FROM,
    REPORT,
    UNTIL,
    an_ask,
    ask,
    asked,
    consent,
    feed_of,
    get,
    guatemala,
    post,
    problem,
    referred,
    tried,
)
from tests.support.institutions import CONSULATE, INSTITUTE, RECEPTION, SHELTER
from tests.support.node_requests import a_key, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


async def test_the_asker_may_cancel_and_the_holder_answers(network: Network) -> None:
    follow_up = await asked(network)
    consulate, institute = network.members[CONSULATE], network.members[INSTITUTE]
    answer = await post(consulate, f"{follow_up}/cancel")
    assert (answer.json()["state"], answer.json()["cancel_asked"]) == ("accepted", True)
    assert (await post(consulate, f"{follow_up}/cancel")).status_code == 200
    await network.settle()
    for member in (consulate, institute):
        assert (await get(member, follow_up))["state"] == "cancelled"
    other = await post(institute, f"{follow_up}/cancel")
    assert problem(other) == "illegal_transition"


async def test_each_side_takes_its_own_steps(network: Network) -> None:
    follow_up = await asked(network)
    consulate, institute = network.members[CONSULATE], network.members[INSTITUTE]
    theirs = await post(consulate, f"{follow_up}/transitions", {"to": "in_progress"})
    assert (theirs.status_code, problem(theirs)) == (409, "not_your_step")
    ours = await post(institute, f"{follow_up}/cancel")
    assert (ours.status_code, problem(ours)) == (409, "not_your_step")
    attempt = await post(consulate, f"{follow_up}/attempts", {"modality": "call"})
    assert problem(attempt) == "illegal_transition"
    reason = await post(institute, f"{follow_up}/transitions", {"to": "unreachable"})
    assert problem(reason) == "illegal_transition"


async def test_a_declined_request_names_its_reason(network: Network) -> None:
    code = await referred(network)
    follow_up = (await ask(network, code)).json()["id"]
    await network.settle()
    institute = network.members[INSTITUTE]
    bare = await post(institute, f"{follow_up}/transitions", {"to": "declined"})
    assert (bare.status_code, problem(bare)) == (422, "reason_required")
    step = {"to": "declined", "reason": "no_capacity"}
    assert (await post(institute, f"{follow_up}/transitions", step)).status_code == 200
    await network.settle()
    known = await get(network.members[CONSULATE], follow_up)
    assert (known["state"], known["history"][-1]["reason"]) == ("declined", "no_capacity")


async def test_another_unit_sees_it_only_when_it_is_redirected_to_it(network: Network) -> None:
    code = await referred(network)
    follow_up = (await ask(network, code)).json()["id"]
    await network.settle()
    institute = network.members[INSTITUTE]
    async with institute.http(unit="gt.igm.car") as other:
        assert (await other.get(f"/v1/follow-ups/{follow_up}")).status_code == 404
        assert (await other.get("/v1/follow-ups")).json()["follow_ups"] == []
        path = f"{follow_up}/transitions"
        away = await post(institute, path, {"to": "redirected", "redirect_to": "gt.renap"})
        assert (away.status_code, problem(away)) == (422, "invalid_input")
        for nobody in ("gt.igm.nadie", "gt.igm.control", RECEPTION):
            lost = await post(
                institute, path, {"to": "redirected", "redirect_to": nobody}, unit=RECEPTION
            )
            assert (lost.status_code, problem(lost)) == (422, "invalid_input")
        step = {"to": "redirected", "redirect_to": "gt.igm.car"}
        assert (await post(institute, path, step, unit=RECEPTION)).status_code == 200
        assert (await other.get(f"/v1/follow-ups/{follow_up}")).status_code == 200
    taken = await post(institute, path, {"to": "accepted"}, unit="gt.igm.car")
    assert taken.json()["carried_out_by"] == "gt.igm.car"
    hidden = await post(
        institute, path, {"to": "scheduled", "scheduled_at": FROM.isoformat()}, unit=RECEPTION
    )
    assert hidden.status_code == 404
    await tried_by_car(network, follow_up)
    await network.settle()
    assert (await get(network.members[CONSULATE], follow_up))["result"]["situation"] == "stable"


async def tried_by_car(network: Network, follow_up: str) -> None:
    await tried(network, follow_up, guatemala(30, "17:30"), "answered")
    done = await post(network.members[INSTITUTE], f"{follow_up}/report", REPORT, unit="gt.igm.car")
    assert done.status_code == 200, done.text


async def test_what_nobody_carried_out_expires_with_its_window(network: Network) -> None:
    code = await referred(network)
    waiting = (await ask(network, code)).json()["id"]
    begun = await asked(network)
    await tried(network, begun, guatemala(30, "17:30"), "answered")
    institute = network.members[INSTITUTE]
    network.clock.now = UNTIL - timedelta(minutes=1)
    await end_overdue_follow_ups(institute.node)
    assert (await get(institute, waiting))["state"] == "requested"
    network.clock.now = UNTIL
    await end_overdue_follow_ups(institute.node)
    await network.settle()
    assert (await get(network.members[CONSULATE], waiting))["state"] == "expired"
    # What was begun can still be reported for a week.
    assert (await get(institute, begun))["state"] == "in_progress"
    network.clock.now = UNTIL + 7 * DAY
    await end_overdue_follow_ups(institute.node)
    assert (await get(institute, begun))["state"] == "expired"


async def test_asking_twice_with_one_key_asks_once(network: Network) -> None:
    code = await referred(network)
    key = a_key()
    async with network.members[CONSULATE].http() as http:
        answers = [
            await http.post("/v1/follow-ups", json=an_ask(code), headers=key) for _ in range(2)
        ]
    assert answers[0].json() == answers[1].json()
    await network.settle()
    async with network.members[INSTITUTE].http() as http:
        assert len((await http.get("/v1/follow-ups?role=holder")).json()["follow_ups"]) == 1


async def test_a_request_that_comes_in_one_batch_with_its_referral_is_taken(
    network: Network,
) -> None:
    """A node that was away fetches both at once."""
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consent(shelter))
    await shelter.send_what_waits()
    async with shelter.http() as http:
        code = (await http.get(f"/v1/referrals/{referral}")).json()["reference_code"]
    follow_up = (await ask(network, code)).json()["id"]
    await network.members[CONSULATE].send_what_waits()
    batch, network.waiting = network.waiting, []
    assert len(batch) == 2
    answer = await receive(institute.node, institute.directory, MessageBatch(envelopes=batch))
    assert [one.result for one in answer.answers] == ["accepted", "accepted"]
    held = await get(institute, follow_up)
    assert (held["persons"], held["referral_id"]) == ([1], referral)
    # And again: each message counts once.
    again = await receive(institute.node, institute.directory, MessageBatch(envelopes=batch))
    assert [one.result for one in again.answers] == ["duplicate", "duplicate"]


async def test_without_a_gateway_nothing_is_asked(network: Network) -> None:
    code = await referred(network)
    network.down = True
    answer = await ask(network, code)
    assert (answer.status_code, problem(answer)) == (503, "gateway_unreachable")


async def test_a_window_that_is_over_is_refused(network: Network) -> None:
    code = await referred(network)
    network.clock.now = UNTIL
    answer = await ask(network, code)
    assert (answer.status_code, problem(answer)) == (422, "invalid_input")


async def test_a_scope_is_needed_for_each_side(network: Network) -> None:
    institute = network.members[INSTITUTE]
    follow_up = await asked(network)
    async with institute.http(scopes="follow_ups:read referrals:respond") as http:
        assert (await http.get(f"/v1/follow-ups/{follow_up}")).status_code == 200
        answer = await http.post(f"/v1/follow-ups/{follow_up}/transitions", json={"to": "unsafe"})
        assert (answer.status_code, problem(answer)) == (403, "insufficient_scope")
        answer = await http.post("/v1/follow-ups", json=an_ask("MX-00000000000"), headers=a_key())
        assert answer.status_code == 403


async def test_an_unsafe_end_alerts_whoever_carries_it_out(network: Network) -> None:
    follow_up = await asked(network)
    institute = network.members[INSTITUTE]
    await post(institute, f"{follow_up}/transitions", {"to": "unsafe"})
    types = [event["type"] for event in await feed_of(institute)]
    assert types[-2:] == ["org.relevo.follow_up.state_changed", "org.relevo.follow_up.safety_alert"]


async def test_a_request_that_comes_back_ends_and_says_why(network: Network) -> None:
    code = await referred(network)
    consulate = network.members[CONSULATE]
    follow_up = (await ask(network, code)).json()["id"]

    def come_back(connection: Any) -> None:
        holdings = Holdings(connection, consulate.node.vault, [])
        [message] = outbox.claim(connection, consulate.node.vault, now=network.clock.now, limit=1)
        end_message(
            connection,
            holdings,
            consulate.node,
            message.sent,
            "refused",
            problem="not_found",
            now=network.clock.now,
        )
        holdings.write()

    consulate.node.database.write_now(come_back)
    known = await get(consulate, follow_up)
    assert (known["state"], known["refused_with"]) == ("declined", "not_found")
    assert (await feed_of(consulate))[-1]["subject"] == follow_up
