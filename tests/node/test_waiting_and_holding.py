"""Steps that take time: waiting list, appointments, no-shows, holds."""

import pytest

from relevo.servicekit import jose
from tests.support.institutions import INSTITUTE, SHELTER
from tests.support.node_requests import consented, look, step, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


async def taken(network: Network, *steps: dict[str, object]) -> str:
    """A referral that the institute took through these steps; its id."""
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    for one in steps:
        answer = await step(institute, referral, **one)
        assert answer.status_code == 200, answer.text
    await network.settle()
    return referral


async def history(network: Network, institution: str, referral: str) -> list[dict[str, object]]:
    async with network.members[institution].http() as http:
        entries: list[dict[str, object]] = (
            await http.get(f"/v1/referrals/{referral}/history")
        ).json()
    return entries


def at(hour: int) -> dict[str, object]:
    return {
        "to": "scheduled",
        "appointment": {"at": f"2026-03-03T{hour}:00:00Z", "place": "Ventanilla 3"},
    }


async def test_a_place_on_the_waiting_list_becomes_a_bed_or_not(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await taken(network, {"to": "waitlisted"})
    assert (await look(shelter, referral))["state"] == "waitlisted"
    assert "accepted" in (await look(institute, referral))["possible_next"]
    assert (await step(institute, referral, to="in_progress")).status_code == 409
    assert (await step(institute, referral, to="accepted")).status_code == 200
    await network.settle()
    assert (await look(shelter, referral))["state"] == "accepted"


async def test_an_appointment_made_anew_takes_the_place_of_the_first(network: Network) -> None:
    institute = network.members[INSTITUTE]
    referral = await taken(network, {"to": "accepted"}, at(14), at(14), at(16))
    there = await history(network, SHELTER, referral)
    assert there == await history_as_sent(network, referral)
    hours = [entry["appointment"] for entry in there if entry["state"] == "scheduled"]
    assert hours == [at(14)["appointment"], at(16)["appointment"]], "the same one is told once"
    assert (await look(institute, referral))["state"] == "scheduled"


async def history_as_sent(network: Network, referral: str) -> list[dict[str, object]]:
    """The receiver's history, without when either side stored it."""
    theirs = await history(network, INSTITUTE, referral)
    ours = await history(network, SHELTER, referral)
    return [
        mine | {k: v for k, v in other.items() if k != "stored_at"}
        for mine, other in zip(ours, theirs, strict=True)
    ]


async def test_somebody_who_does_not_come_ends_it_with_that_reason(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await taken(network, {"to": "accepted"}, at(14))
    without = await step(institute, referral, to="failed")
    assert without.json()["type"].endswith("/reason_required")
    assert (await step(institute, referral, to="failed", reason="no_show")).status_code == 200
    await network.settle()
    assert (await look(shelter, referral))["state"] == "failed"
    assert (await history(network, SHELTER, referral))[-1]["reason"] == "no_show"


async def test_what_is_put_on_hold_says_why_and_goes_on(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await taken(network, {"to": "accepted"}, {"to": "in_progress"})
    assert (await step(institute, referral, to="on_hold")).status_code == 422
    held = await step(institute, referral, to="on_hold", reason="person_detained")
    assert held.status_code == 200
    await network.settle()
    assert (await look(shelter, referral))["state"] == "on_hold"
    assert (await step(institute, referral, to="in_progress")).status_code == 200
    await network.settle()
    reasons = [
        (entry["state"], entry["reason"]) for entry in await history(network, SHELTER, referral)
    ]
    assert reasons[-2:] == [("on_hold", "person_detained"), ("in_progress", None)]


async def test_no_gateway_reads_a_reason_a_question_or_an_appointment(network: Network) -> None:
    await taken(
        network,
        {
            "to": "info_requested",
            "questions": [{"category": "identity", "text": "¿Cuál es su segundo apellido?"}],
        },
        {"to": "received"},
        {"to": "accepted"},
        at(14),
        {"to": "failed", "reason": "no_show"},
    )
    assert len(network.carried) == 7
    for jws in network.carried:
        text = str(jose.peek(jws)[1])
        for secret in ("no_show", "apellido", "Ventanilla", "T14:00"):
            assert secret not in text
