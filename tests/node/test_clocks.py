"""Deadlines at two nodes: overdue on both sides, the ladder, expiry, and steps entered afterwards."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from relevo.node.operations.ring import ring_once
from tests.support.institutions import INSTITUTE, SHELTER, START
from tests.support.node_requests import a_key, a_submission, consented, look, step, submitted
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio

EVERYBODY = (SHELTER, INSTITUTE)


async def ring(network: Network) -> None:
    for institution in EVERYBODY:
        while await ring_once(network.members[institution].node):
            pass


async def told(member: Member) -> list[str]:
    async with member.http() as http:
        events = (await http.get("/v1/events", params={"limit": 200})).json()["events"]
    clock = ("org.relevo.referral.overdue", "org.relevo.referral.escalated")
    assert all(
        set(event["data"]) <= {"id", "event_seq"} for event in events if event["type"] in clock
    )
    return [event["type"].rpartition(".")[2] for event in events if event["type"] in clock]


async def listed(member: Member, overdue: str, **params: Any) -> list[str]:
    async with member.http() as http:
        answer = await http.get("/v1/referrals", params={"overdue": overdue, **params})
    assert answer.status_code == 200, answer.text
    return [found["id"] for found in answer.json()["referrals"]]


async def history(member: Member, referral: str) -> list[dict[str, Any]]:
    async with member.http() as http:
        found: list[dict[str, Any]] = (await http.get(f"/v1/referrals/{referral}/history")).json()
    return found


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


async def a_red_one(network: Network, **changes: Any) -> str:
    shelter = network.members[SHELTER]
    referral = await submitted(shelter, await consented(shelter), triage="red", **changes)
    await network.settle()
    return referral


async def test_both_sides_show_when_it_is_due_and_that_it_is_late(network: Network) -> None:
    referral = await a_red_one(network)
    for institution in EVERYBODY:
        seen = await look(network.members[institution], referral)
        assert seen["due"] == {"clock": "acknowledge", "at": at(60)}
        assert (seen["overdue"], seen.get("rung")) == (False, None)
        assert await listed(network.members[institution], "true") == []
        assert await listed(network.members[institution], "false") == [referral]
    network.clock.advance(timedelta(minutes=61))
    for institution in EVERYBODY:
        seen = await look(network.members[institution], referral)
        assert (seen["overdue"], seen["rung"]) == (True, "coordination_table")
        assert seen["state"] == "received"
        assert await listed(network.members[institution], "true") == [referral]
        assert await listed(network.members[institution], "false") == []
    await step(network.members[INSTITUTE], referral, to="acknowledged")
    await network.settle()
    for institution in EVERYBODY:
        seen = await look(network.members[institution], referral)
        assert seen["due"] == {"clock": "decide", "at": at(24 * 60)}
        assert seen["overdue"] is False


async def test_each_rung_is_told_once_on_both_sides(network: Network) -> None:
    await a_red_one(network)
    expected: list[str] = []
    for minute, what in (
        (29, []),
        (31, ["escalated"]),
        (61, ["escalated", "overdue"]),
        (91, ["escalated"]),
        (92, []),
    ):
        network.clock.now = START + timedelta(minutes=minute)
        await ring(network)
        await ring(network)
        expected += what
        for institution in EVERYBODY:
            assert sorted(await told(network.members[institution])) == sorted(expected)


async def test_what_is_told_does_not_change_the_referral(network: Network) -> None:
    referral = await a_red_one(network)
    before = await look(network.members[INSTITUTE], referral)
    network.clock.advance(timedelta(hours=2))
    await ring(network)
    after = await look(network.members[INSTITUTE], referral)
    for field in ("state", "event_seq", "updated_at"):
        assert after[field] == before[field]


async def test_an_answer_ends_the_clocks(network: Network) -> None:
    referral = await a_red_one(network)
    await step(network.members[INSTITUTE], referral, to="accepted")
    await network.settle()
    network.clock.advance(timedelta(days=9))
    await ring(network)
    for institution in EVERYBODY:
        assert (await look(network.members[institution], referral)).get("due") is None
        assert await told(network.members[institution]) == []


async def test_the_clocks_stand_still_while_information_is_awaited(network: Network) -> None:
    referral = await a_red_one(network)
    await step(network.members[INSTITUTE], referral, to="acknowledged")
    asked = await step(
        network.members[INSTITUTE],
        referral,
        to="info_requested",
        questions=[{"text": "¿Segundo apellido?", "category": "identity"}],
    )
    assert asked.status_code == 200, asked.text
    await network.settle()
    network.clock.advance(timedelta(days=5))
    await ring(network)
    for institution in EVERYBODY:
        seen = await look(network.members[institution], referral)
        assert (seen.get("due"), seen["overdue"]) == (None, False)
        assert await told(network.members[institution]) == []


async def test_the_sender_sees_that_it_is_late_before_anything_arrived(network: Network) -> None:
    shelter = network.members[SHELTER]
    network.down = True
    referral = await submitted(shelter, await consented(shelter), triage="red")
    network.clock.advance(timedelta(hours=2))
    await ring(network)
    assert (await look(shelter, referral))["overdue"] is True
    assert "overdue" in await told(shelter)


async def test_what_is_overdue_is_read_in_pages_the_longest_first(network: Network) -> None:
    ids = []
    for _ in range(3):
        ids.append(await a_red_one(network))
        network.clock.advance(timedelta(minutes=5))
    network.clock.advance(timedelta(hours=3))
    async with network.members[INSTITUTE].http() as http:
        seen: list[str] = []
        params: dict[str, Any] = {"overdue": "true", "limit": 1, "role": "receiver"}
        while True:
            page = (await http.get("/v1/referrals", params=params)).json()
            seen += [found["id"] for found in page["referrals"]]
            if page["next_cursor"] is None:
                break
            params["cursor"] = page["next_cursor"]
    assert seen == ids
    assert await listed(network.members[INSTITUTE], "true", state="accepted") == []
    assert await listed(network.members[INSTITUTE], "true", role="sender") == []


async def test_what_is_overdue_is_found_by_an_index(network: Network) -> None:
    database = network.members[INSTITUTE].node.database

    def plan(connection: Connection) -> str:
        ask = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"
        if database.dialect == "postgresql":
            # An empty table is read whole, whatever its indexes.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        query = "SELECT * FROM referral WHERE overdue_at <= 1 ORDER BY overdue_at, id LIMIT 50"
        return repr(connection.execute(text(f"{ask} {query}")).all())

    said = database.read_now(plan)
    assert "ix_referral_overdue_at" in said
    assert "TEMP B-TREE" not in said
    assert "Sort" not in said


# -- expiry -----------------------------------------------------------------------------------------


async def test_the_receivers_node_ends_what_nobody_accepted_in_time(network: Network) -> None:
    referral = await a_red_one(network, expires_in_days=2)
    await step(network.members[INSTITUTE], referral, to="waitlisted")
    network.clock.advance(timedelta(days=2, minutes=1))
    await ring(network)
    await network.settle()
    for institution in EVERYBODY:
        seen = await look(network.members[institution], referral)
        assert (seen["state"], seen["overdue"]) == ("expired", False)
    refused = await step(network.members[INSTITUTE], referral, to="accepted")
    assert refused.status_code == 409
    last = (await history(network.members[SHELTER], referral))[-1]
    assert (last["state"], last["actor"]) == ("expired", "receiver")


async def test_what_was_accepted_does_not_expire(network: Network) -> None:
    referral = await a_red_one(network, expires_in_days=1)
    await step(network.members[INSTITUTE], referral, to="accepted")
    await network.settle()
    network.clock.advance(timedelta(days=40))
    await ring(network)
    assert (await look(network.members[INSTITUTE], referral))["state"] == "accepted"


async def test_of_an_erased_person_it_ends_here_without_a_word(network: Network) -> None:
    institute = network.members[INSTITUTE]
    referral = await a_red_one(network, expires_in_days=1)

    def key(connection: Connection) -> str:
        found = connection.execute(
            text("SELECT data_key_id FROM referral WHERE id = :id"), {"id": referral}
        )
        return str(found.scalar_one())

    institute.node.vault.destroy(institute.node.database.read_now(key))
    network.clock.advance(timedelta(days=2))
    await ring(network)
    assert (await look(institute, referral))["state"] == "expired"


# -- entered afterwards -----------------------------------------------------------------------------


async def test_a_call_entered_later_counts_from_when_it_was_made(network: Network) -> None:
    referral = await a_red_one(network)
    network.clock.advance(timedelta(hours=30))
    assert (await look(network.members[SHELTER], referral))["overdue"] is True
    entered_at = at(30 * 60)
    for to, minutes in (("acknowledged", 12), ("info_requested", 20)):
        more = (
            {"questions": [{"text": "¿Segundo apellido?", "category": "identity"}]}
            if to == "info_requested"
            else {}
        )
        answer = await step(
            network.members[INSTITUTE], referral, to=to, done_at=at(minutes), **more
        )
        assert answer.status_code == 200, answer.text
    await network.settle()
    for institution in EVERYBODY:
        seen = await look(network.members[institution], referral)
        assert (seen.get("due"), seen["overdue"]) == (None, False)
        entry = (await history(network.members[institution], referral))[2]
        assert (entry["at"], entry["entered_at"]) == (at(12), entered_at)
        assert datetime.fromisoformat(entry["stored_at"]) >= datetime.fromisoformat(entered_at)


@pytest.mark.parametrize(
    ("minutes", "detail"), [(61, "future"), (-1, "before"), (9, "before")], ids=str
)
async def test_nobody_did_it_tomorrow_nor_before_the_step_before(
    network: Network, minutes: int, detail: str
) -> None:
    referral = await a_red_one(network)
    network.clock.advance(timedelta(hours=1))
    institute = network.members[INSTITUTE]
    taken = await step(institute, referral, to="acknowledged", done_at=at(10))
    assert taken.status_code == 200, taken.text
    refused = await step(institute, referral, to="accepted", done_at=at(minutes))
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["pointer"] == "/done_at"
    assert detail in error["detail"]


async def test_a_call_before_the_message_came_is_taken(network: Network) -> None:
    """The van had no signal: the hospital was called by radio, the referral arrived later."""
    shelter = network.members[SHELTER]
    network.down = True
    referral = await submitted(shelter, await consented(shelter), triage="red")
    network.down = False
    network.clock.advance(timedelta(minutes=41))
    await network.settle()
    answer = await step(
        network.members[INSTITUTE], referral, to="accepted", done_at=at(2), seen_by="radio"
    )
    assert answer.status_code == 200, answer.text
    await network.settle()
    assert (await look(shelter, referral))["overdue"] is False


async def test_the_clocks_run_from_the_triage_that_was_written_down_later(
    network: Network,
) -> None:
    shelter = network.members[SHELTER]
    referral = await submitted(shelter, await consented(shelter), triage="red", triaged_at=at(-50))
    await network.settle()
    for institution in EVERYBODY:
        assert (await look(network.members[institution], referral))["due"]["at"] == at(10)
    for wrong in (at(5), at(-60 * 24 * 91)):
        async with shelter.http() as http:
            body = a_submission(await consented(shelter), triaged_at=wrong)
            refused = await http.post("/v1/referrals", json=body, headers=a_key())
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/triaged_at"
