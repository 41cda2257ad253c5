"""The sender wants a referral to stop, or says that it never should have been."""

from datetime import timedelta

import httpx
import pytest

from relevo.node.operations.open_envelope import parse
from tests.support.institutions import INSTITUTE, SHELTER
from tests.support.node_requests import COMPLETION, consented, look, step, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


async def sent(network: Network) -> str:
    shelter = network.members[SHELTER]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    return referral


async def cancel(network: Network, referral: str, reason: str = "duplicate") -> httpx.Response:
    async with network.members[SHELTER].http() as http:
        return await http.post(f"/v1/referrals/{referral}/cancel", json={"reason": reason})


async def states(network: Network, institution: str, referral: str) -> list[str]:
    async with network.members[institution].http() as http:
        entries = (await http.get(f"/v1/referrals/{referral}/history")).json()
    return [entry["state"] for entry in entries]


async def both(network: Network, referral: str) -> str:
    here = await look(network.members[SHELTER], referral)
    there = await look(network.members[INSTITUTE], referral)
    assert here["state"] == there["state"]
    assert await states(network, SHELTER, referral) == await states(network, INSTITUTE, referral)
    return str(here["state"])


@pytest.mark.parametrize("before", [None, "acknowledged", "waitlisted"])
async def test_before_acceptance_the_receivers_node_confirms_alone(
    network: Network, before: str | None
) -> None:
    referral = await sent(network)
    if before:
        await step(network.members[INSTITUTE], referral, to=before)
        await network.settle()
    assert (await cancel(network, referral)).json()["cancellation"]["answer"] == "waiting"
    await network.settle()
    assert await both(network, referral) == "cancelled"
    assert (await states(network, SHELTER, referral))[-2:] == ["cancel_requested", "cancelled"]
    seen = await look(network.members[SHELTER], referral)
    assert (seen["cancellation"]["answer"], seen["cancellation"]["reason"]) == (
        "taken",
        "duplicate",
    )


@pytest.mark.parametrize("answer", ["cancelled", "in_progress"])
async def test_after_acceptance_a_person_answers(network: Network, answer: str) -> None:
    institute = network.members[INSTITUTE]
    referral = await sent(network)
    for to in ("accepted", "in_progress"):
        await step(institute, referral, to=to)
    await network.settle()
    await cancel(network, referral, "declined_by_person")
    await network.settle()
    assert await both(network, referral) == "cancel_requested"
    assert set((await look(institute, referral))["possible_next"]) == {
        "in_progress",
        "cancelled",
        "entered_in_error",
    }
    reason = {"reason": "declined_by_person"} if answer == "cancelled" else {}
    assert (await step(institute, referral, to=answer, **reason)).status_code == 200
    await network.settle()
    assert await both(network, referral) == answer
    again = await cancel(network, referral)
    assert again.status_code == 200
    waits = again.json()["cancellation"]["answer"] == "waiting"
    assert waits == (answer == "in_progress"), "who was told no may ask again"


async def test_asking_again_sends_nothing_more(network: Network) -> None:
    referral = await sent(network)
    for _ in range(3):
        assert (await cancel(network, referral)).status_code == 200
    await network.settle()
    assert (await cancel(network, referral)).status_code == 200
    await network.settle()
    kinds = [parse(jws).message_type for jws in network.carried]
    assert kinds.count("referral.cancel_requested/1") == 1


async def test_a_cancel_that_comes_too_late_is_told_where_it_stands(network: Network) -> None:
    institute = network.members[INSTITUTE]
    referral = await sent(network)
    await step(institute, referral, to="accepted")
    await network.settle()
    await step(institute, referral, **COMPLETION)
    await cancel(network, referral)
    await network.settle()
    assert await both(network, referral) == "completed"
    seen = await look(network.members[SHELTER], referral)
    assert seen["cancellation"]["answer"] == "inapplicable"
    assert (await cancel(network, referral)).json()["type"].endswith("/illegal_transition")


async def test_what_never_left_is_taken_back(network: Network) -> None:
    shelter = network.members[SHELTER]
    network.down = True
    referral = await submitted(shelter, await consented(shelter))
    answer = await cancel(network, referral)
    assert (answer.json()["state"], answer.json()["delivery"]) == ("cancelled", "recalled")
    assert answer.json()["possible_next"] == ["closed"]
    assert (await cancel(network, referral)).json()["state"] == "cancelled"
    network.down = False
    network.clock.advance(timedelta(minutes=2))
    await network.settle()
    assert network.carried == []
    async with shelter.http() as http:
        assert (await http.post(f"/v1/referrals/{referral}/close")).json()["state"] == "closed"


async def test_a_cancel_waits_until_the_referral_has_arrived(network: Network) -> None:
    """It would find nothing, if it overtook the referral."""
    shelter = network.members[SHELTER]
    referral = await submitted(shelter, await consented(shelter))
    await shelter.send_what_waits()
    await cancel(network, referral)
    await shelter.send_what_waits()
    assert [parse(jws).message_type for jws in network.waiting] == ["referral.submitted/1"]
    await network.settle()
    assert await both(network, referral) == "cancelled"


async def test_only_the_sender_cancels(network: Network) -> None:
    referral = await sent(network)
    async with network.members[INSTITUTE].http() as http:
        answer = await http.post(f"/v1/referrals/{referral}/cancel", json={"reason": "no_capacity"})
        absent = await http.post(
            "/v1/referrals/0195b2c4-7a00-7000-8000-000000000001/cancel",
            json={"reason": "no_capacity"},
        )
    assert answer.json()["type"].endswith("/not_your_step")
    assert absent.status_code == 404


async def test_a_referral_entered_in_error_is_so_at_once_before_acceptance(
    network: Network,
) -> None:
    referral = await sent(network)
    await cancel(network, referral, "entered_in_error")
    await network.settle()
    assert await both(network, referral) == "entered_in_error"
    assert (await cancel(network, referral)).status_code == 200
    assert (await look(network.members[SHELTER], referral))["possible_next"] == []


async def test_after_acceptance_a_person_confirms_the_error(network: Network) -> None:
    institute = network.members[INSTITUTE]
    referral = await sent(network)
    await step(institute, referral, to="accepted")
    await network.settle()
    await cancel(network, referral, "entered_in_error")
    await network.settle()
    assert await both(network, referral) == "cancel_requested"
    await step(institute, referral, to="entered_in_error")
    await network.settle()
    assert await both(network, referral) == "entered_in_error"


@pytest.mark.parametrize("last", ["completed", "closed"])
async def test_after_an_outcome_the_sender_says_alone_that_it_was_an_error(
    network: Network, last: str
) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await sent(network)
    await step(institute, referral, to="accepted")
    await step(institute, referral, **COMPLETION)
    await network.settle()
    if last == "closed":
        async with shelter.http() as http:
            await http.post(f"/v1/referrals/{referral}/close")
        await network.settle()
    answer = await cancel(network, referral, "entered_in_error")
    assert answer.json()["state"] == "entered_in_error"
    await network.settle()
    assert await both(network, referral) == "entered_in_error"


async def test_the_receiver_says_that_what_it_holds_was_an_error(network: Network) -> None:
    institute = network.members[INSTITUTE]
    referral = await sent(network)
    assert (await step(institute, referral, to="entered_in_error")).status_code == 200
    await network.settle()
    assert await both(network, referral) == "entered_in_error"
