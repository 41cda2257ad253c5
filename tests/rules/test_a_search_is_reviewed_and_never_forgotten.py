"""Domain rule 9. No clock ends a search; every so many days somebody says in a sentence what was done."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from relevo.node.operations.ring import ring_once
from tests.support.institutions import COMMISSION, COMMITTEE, INSTITUTE, SHELTER
from tests.support.node_requests import a_key, a_person, consented, look, step, submitted
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio

EVERY = timedelta(days=90)
DONE = "Se preguntó en dos hospitales y en el servicio forense."


@pytest.fixture
def searching(networked: Callable[..., Network]) -> Network:
    return networked(COMMITTEE, COMMISSION)


@pytest.fixture
def searching_on_each(networked_on_each: Callable[..., Network]) -> Network:
    return networked_on_each(COMMITTEE, COMMISSION)


async def searched(network: Network) -> str:
    committee = network.members[COMMITTEE]
    consent = await consented(
        committee,
        purposes=["tracing_of_missing"],
        categories=["identity", "family"],
        recipients=[{"party": COMMISSION}],
        valid_until=(network.clock.now + timedelta(days=700)).isoformat(),
    )
    referral = await submitted(
        committee,
        consent,
        pathway="missing-migrant-search",
        purpose="tracing_of_missing",
        needs=[{"service": "missing_migrant_search"}],
        receiver=COMMISSION,
        share=["identity", "family"],
        persons=[a_person(family={"summary": "La busca su madre."})],
    )
    await network.settle()
    return referral


async def review(member: Member, referral: str, key: Any = None, **given: Any) -> httpx.Response:
    async with member.http() as http:
        return await http.post(
            f"/v1/referrals/{referral}/reviews", json={"done": DONE} | given, headers=key or a_key()
        )


async def reviews(member: Member, referral: str) -> list[dict[str, Any]]:
    async with member.http() as http:
        answer = await http.get(f"/v1/referrals/{referral}/reviews")
    found: list[dict[str, Any]] = answer.json()["reviews"]
    return found


async def told(member: Member, what: str) -> int:
    async with member.http() as http:
        events = (await http.get("/v1/events", params={"limit": 100})).json()["events"]
    return [event["type"] for event in events].count(f"org.relevo.referral.{what}")


async def later(network: Network, passed: timedelta) -> None:
    network.clock.now += passed
    for member in network.members.values():
        while await ring_once(member.node):
            pass
    await network.settle()


async def test_without_a_review_it_is_overdue_on_both_sides_and_goes_on(searching: Network) -> None:
    referral = await searched(searching)
    for member in searching.members.values():
        assert (await look(member, referral))["due"]["clock"] == "review"
    await later(searching, EVERY + timedelta(hours=1))
    for member in searching.members.values():
        seen = await look(member, referral)
        assert (seen["state"], seen["overdue"], seen["rung"]) == ("received", True, None)
        assert await told(member, "overdue") == 1


async def test_each_review_begins_the_days_anew_on_both_sides(searching_on_each: Network) -> None:
    committee, commission = (
        searching_on_each.members[COMMITTEE],
        searching_on_each.members[COMMISSION],
    )
    referral = await searched(searching_on_each)
    for number in (1, 2):
        await later(searching_on_each, EVERY + timedelta(hours=1))
        answer = await review(commission, referral)
        assert answer.status_code == 201, answer.text
        await searching_on_each.settle()
        for member in (committee, commission):
            seen = await look(member, referral)
            assert not seen["overdue"]
            assert seen["reviewed_at"] == answer.json()["at"]
            assert len(await reviews(member, referral)) == number
            assert await told(member, "overdue") == number
            assert await told(member, "reviewed") == number


async def test_what_was_done_stays_with_the_receiver(searching: Network) -> None:
    committee, commission = searching.members[COMMITTEE], searching.members[COMMISSION]
    referral = await searched(searching)
    searching.clock.now += timedelta(days=3)
    await review(commission, referral)
    await searching.settle()
    [kept] = await reviews(commission, referral)
    [heard] = await reviews(committee, referral)
    assert kept["done"] == DONE
    assert (heard["at"], "done" in heard) == (kept["at"], False)
    assert DONE not in json.dumps(searching.carried)


async def test_the_same_key_records_one_review(searching: Network) -> None:
    commission = searching.members[COMMISSION]
    referral = await searched(searching)
    key = a_key()
    once, again = [await review(commission, referral, key) for _ in range(2)]
    assert again.json() == once.json()
    assert len(await reviews(commission, referral)) == 1
    other = await review(commission, referral, key, done="Otra cosa.")
    assert other.status_code == 422
    assert other.json()["type"].endswith("/idempotency_key_reused")


async def test_one_entered_late_counts_from_when_it_was_done(searching: Network) -> None:
    commission = searching.members[COMMISSION]
    referral = await searched(searching)
    done_at = searching.clock.now + timedelta(days=10)
    await later(searching, timedelta(days=20))
    await review(commission, referral, at=done_at.isoformat())
    newest = (await look(commission, referral))["reviewed_at"]
    await review(commission, referral, at=(done_at - timedelta(days=5)).isoformat())
    assert (await look(commission, referral))["reviewed_at"] == newest
    assert len(await reviews(commission, referral)) == 2
    for wrong in (timedelta(days=-30), timedelta(days=1)):
        at = (searching.clock.now + wrong).isoformat()
        refused = await review(commission, referral, at=at)
        assert refused.status_code == 422, refused.text


async def test_the_sender_reviews_nothing_and_nobody_what_has_ended(searching: Network) -> None:
    committee, commission = searching.members[COMMITTEE], searching.members[COMMISSION]
    referral = await searched(searching)
    assert (await review(committee, referral)).json()["type"].endswith("/not_reviewed")
    assert (await step(commission, referral, to="rejected", reason="duplicate")).is_success
    assert (await review(commission, referral)).json()["type"].endswith("/not_reviewed")
    assert (await look(commission, referral))["due"] is None


async def test_only_pathways_that_say_so_are_reviewed(networked: Callable[..., Network]) -> None:
    network = networked(SHELTER, INSTITUTE)
    referral = await submitted(network.members[SHELTER], await consented(network.members[SHELTER]))
    await network.settle()
    refused = await review(network.members[INSTITUTE], referral)
    assert (refused.status_code, refused.json()["pathway"]) == (409, "gt-retorno-al-hogar")
