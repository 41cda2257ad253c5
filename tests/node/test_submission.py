"""Submissions that come together, come twice, or are overtaken by a withdrawal."""

import asyncio
from typing import Any

import pytest

from relevo.node.domain.outgoing import OutgoingMessage
from relevo.node.operations import send
from relevo.node.operations.context import Node
from relevo.node.operations.directory import Peer
from relevo.node.storage import consents
from relevo.node.workers import relay
from tests.support.institutions import SHELTER, START
from tests.support.node_requests import a_key, a_person, a_submission, consented, look, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


async def listed(network: Network) -> list[dict[str, Any]]:
    async with network.members[SHELTER].http() as http:
        answer = await http.get("/v1/referrals")
    found: list[dict[str, Any]] = answer.json()["referrals"]
    return found


async def test_many_at_once_are_each_stored_once(network: Network) -> None:
    shelter = network.members[SHELTER]
    body = a_submission(await consented(shelter))
    async with shelter.http() as http:
        answers = await asyncio.gather(
            *(http.post("/v1/referrals", json=body, headers=a_key()) for _ in range(20))
        )
        feed = await http.get("/v1/events")
    assert {answer.status_code for answer in answers} == {201}
    sent = sorted(answer.json()["id"] for answer in answers)
    assert sorted(referral["id"] for referral in await listed(network)) == sent
    told = [event["subject"] for event in feed.json()["events"]]
    assert sorted(told) == sent


async def test_one_key_sent_many_times_at_once_is_one_referral(network: Network) -> None:
    shelter = network.members[SHELTER]
    body, key = a_submission(await consented(shelter)), a_key()
    async with shelter.http() as http:
        answers = await asyncio.gather(
            *(http.post("/v1/referrals", json=body, headers=key) for _ in range(8))
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(await listed(network)) == 1


async def test_one_key_for_two_bodies_at_once_is_refused_to_the_second(network: Network) -> None:
    shelter = network.members[SHELTER]
    body, key = a_submission(await consented(shelter)), a_key()
    async with shelter.http() as http:
        answers = await asyncio.gather(
            http.post("/v1/referrals", json=body, headers=key),
            http.post("/v1/referrals", json=body | {"triage": "red"}, headers=key),
        )
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert len(await listed(network)) == 1


async def test_a_key_stands_twice_in_one_bulk(network: Network) -> None:
    shelter = network.members[SHELTER]
    body = a_submission(await consented(shelter))
    items = [
        {"key": "row-1", "referral": body},
        {"key": "row-1", "referral": body},
        {"key": "row-1", "referral": body | {"triage": "red"}},
        {"key": "row-2", "referral": body},
    ]
    async with shelter.http() as http:
        answer = await http.post("/v1/referrals/bulk", json={"items": items})
    first, again, other, second = answer.json()["answers"]
    assert first["referral"] == again["referral"]
    assert other["problem"]["type"].endswith("/idempotency_key_reused")
    assert second["referral"]["id"] != first["referral"]["id"]
    assert len(await listed(network)) == 2


async def test_a_consent_that_ends_between_decision_and_transaction(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelter = network.members[SHELTER]
    consent = await consented(shelter)
    decide = send._decide

    def overtaken(*args: Any) -> Any:
        decided = decide(*args)
        shelter.node.database.write_now(
            consents.set_state, consent, "withdrawn", withdrawn_at=START
        )
        return decided

    monkeypatch.setattr(send, "_decide", overtaken)
    async with shelter.http() as http:
        answer = await http.post("/v1/referrals", json=a_submission(consent), headers=a_key())
    assert answer.json()["type"].endswith("/consent_not_active")
    assert await listed(network) == []


async def test_more_than_an_envelope_holds_is_refused_at_once(network: Network) -> None:
    shelter = network.members[SHELTER]
    categories = ["identity", "contact", "family"]
    family = {f"T-{n}": {"summary": "a" * 4000} for n in range(1, 14)}
    people = [a_person(person_id=person, family=words) for person, words in family.items()]
    given = [await consented(shelter, person_id=person, categories=categories) for person in family]
    body = a_submission(given[0], share=categories)
    async with shelter.http() as http:
        many = await http.post(
            "/v1/referrals", json=body | {"persons": people, "consent_ids": given}, headers=a_key()
        )
        fits = await http.post(
            "/v1/referrals",
            json=body | {"persons": people[:12], "consent_ids": given[:12]},
            headers=a_key(),
        )
    assert many.json()["errors"][0]["pointer"] == "/consent_ids"
    assert fits.status_code == 201, fits.text
    await network.settle()
    assert len(network.carried) > 0


async def test_a_record_that_is_too_large_to_travel_is_refused_at_once(network: Network) -> None:
    shelter = network.members[SHELTER]
    person = a_person(family={"summary": "\N{SNOWMAN}" * 4000})
    categories = ["identity", "contact", "family"]
    basis = {"basis": "vital_interest", "law": "Ley de Migración, art. 2", "authority": "gt.igm"}
    body = a_submission(
        None,
        persons=[person | {"person_id": f"T-{n}"} for n in range(1, 13)],
        share=categories,
        basis=basis,
    )
    async with shelter.http() as http:
        answer = await http.post("/v1/referrals", json=body, headers=a_key())
    assert answer.json()["type"].endswith("/body_too_large"), answer.text
    assert await listed(network) == []


async def test_a_message_that_cannot_be_sealed_does_not_keep_the_others(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelter = network.members[SHELTER]
    consent = await consented(shelter)
    broken, good = await submitted(shelter, consent), await submitted(shelter, consent)
    seal = relay.seal_envelope

    def sometimes(node: Node, plan: OutgoingMessage, peer: Peer) -> str:
        if plan.referral_id == broken:
            raise ValueError("no envelope holds this")
        return seal(node, plan, peer)

    monkeypatch.setattr(relay, "seal_envelope", sometimes)
    await network.settle()
    assert (await look(shelter, good))["delivery"] == "accepted"
    assert (await look(shelter, broken))["delivery"] == "refused"
