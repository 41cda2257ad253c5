"""Two nodes and what passes between them: the everyday way of a referral."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import Connection, MetaData, select

from relevo.servicekit import jose
from tests.support.institutions import INSTITUTE, RECEPTION, SHELTER
from tests.support.node_requests import (
    COMPLETION,
    a_key,
    a_submission,
    consented,
    look,
    step,
    submitted,
)
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


async def test_a_referral_crosses_is_answered_and_closed(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    assert (await look(shelter, referral))["state"] == "received"
    there = await look(institute, referral)
    assert there["persons"][0]["identity"]["given_names"] == "Tomasa Isabel"
    assert there["contact_rules"][0]["pass_phrase"] == "la milpa ya espigó"
    for to in (
        {"to": "acknowledged", "seen_by": "recepción CRR, turno A"},
        {"to": "accepted"},
        {"to": "scheduled", "appointment": {"at": "2026-03-03T14:00:00Z"}},
        {"to": "in_progress"},
        COMPLETION,
    ):
        answer = await step(institute, referral, **to)
        assert answer.status_code == 200, answer.text
        await network.settle()
        assert (await look(shelter, referral))["state"] == to["to"]
    seen = await look(shelter, referral)
    assert seen["counter_referral"]["remaining_needs"] == [
        {"service": "child_protection", "already_referred": True}
    ]
    async with shelter.http() as http:
        assert (await http.post(f"/v1/referrals/{referral}/close")).json()["state"] == "closed"
    await network.settle()
    assert (await look(institute, referral))["state"] == "closed"
    async with shelter.http() as http:
        history = (await http.get(f"/v1/referrals/{referral}/history")).json()
    assert [entry["state"] for entry in history] == [
        "submitted", "received", "acknowledged", "accepted", "scheduled", "in_progress", "completed", "closed",
    ]  # fmt: skip
    assert history[2]["seen_by"] == "recepción CRR, turno A"


async def test_what_was_not_shared_stays_at_the_sender(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter), share=["identity"])
    await network.settle()
    there = json.dumps(await look(institute, referral))
    assert "0000-1204" not in there
    assert "dolor de cabeza" not in there
    assert "T-1" not in there
    assert (await look(shelter, referral))["withheld"] == ["contact", "health"]


async def test_a_gateway_reads_nothing_of_the_person(network: Network) -> None:
    shelter = network.members[SHELTER]
    await submitted(shelter, await consented(shelter))
    await network.settle()
    for jws in network.carried:
        _, claims = jose.peek(jws)
        text = json.dumps(claims, ensure_ascii=False)
        for secret in ("Tomasa", "Temaj", "0000-1204", "milpa", "safe_transport"):
            assert secret not in text


async def test_nothing_personal_stands_in_the_clear_in_the_databases(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    await step(institute, referral, to="acknowledged")
    await network.settle()

    def dump(connection: Connection) -> str:
        tables = MetaData()
        tables.reflect(connection)
        return repr(
            [[tuple(r) for r in connection.execute(select(t))] for t in tables.sorted_tables]
        )

    for member in (shelter, institute):
        text = member.node.database.read_now(dump)
        for secret in ("Tomasa", "Temaj", "0000-1204", "milpa", "Coronado", "safe_transport"):
            assert secret not in text


async def test_the_same_key_and_body_submit_once(network: Network) -> None:
    shelter = network.members[SHELTER]
    body, key = a_submission(await consented(shelter)), a_key()
    async with shelter.http() as http:
        first = await http.post("/v1/referrals", json=body, headers=key)
        again = await http.post("/v1/referrals", json=body, headers=key)
        other = await http.post("/v1/referrals", json=body | {"triage": "red"}, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert other.status_code == 422
    assert other.json()["type"].endswith("/idempotency_key_reused")


async def test_an_offline_node_still_submits_(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    network.down = True
    referral = await submitted(shelter, await consented(shelter))
    await shelter.send_what_waits()
    assert (await look(shelter, referral))["delivery"] == "waiting"
    network.down = False
    network.clock.advance(timedelta(minutes=2))  # past the relay's back-off
    await network.settle()
    assert (await look(institute, referral))["state"] == "received"


async def test_another_units_referral_looks_like_none(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    async with institute.http(unit="gt.igm.car") as http:
        theirs = await http.get(f"/v1/referrals/{referral}")
        absent = await http.get("/v1/referrals/0198c7a2-4f1e-7d51-9a60-6f1b7a51ffff")
        listed = (await http.get("/v1/referrals")).json()["referrals"]
        told = (await http.get("/v1/events")).json()["events"]
    assert theirs.status_code == absent.status_code == 404
    assert theirs.content == absent.content
    assert listed == told == []
    async with institute.http(unit=RECEPTION) as http:
        assert (await http.get(f"/v1/referrals/{referral}")).status_code == 200


async def test_events_carry_ids_only_and_skip_nothing(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    ids = [await submitted(shelter, await consented(shelter)) for _ in range(3)]
    await network.settle()
    async with institute.http() as http:
        seen, after = [], 0
        while True:
            page = (await http.get("/v1/events", params={"after": after, "limit": 1})).json()
            if not page["events"]:
                break
            seen += page["events"]
            after = page["next_after"]
    assert [event["subject"] for event in seen] == ids
    assert all(set(event["data"]) <= {"id", "event_seq"} for event in seen)


async def test_withdrawal_before_acceptance_ends_it_on_both_sides(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await consented(shelter)
    referral = await submitted(shelter, consent)
    await network.settle()
    async with shelter.http() as http:
        answer = await http.post(
            f"/v1/consents/{consent}/withdraw", json={"said_at": "2026-03-02T18:00:00Z"}
        )
    assert answer.json()["state"] == "withdrawn"
    await network.settle()
    for member in (shelter, institute):
        seen = await look(member, referral)
        assert (seen["state"], seen["sharing"]) == ("consent_withdrawn", "withdrawn")


async def test_withdrawal_after_acceptance_stops_the_return_and_not_the_care(
    network: Network,
) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await consented(shelter)
    referral = await submitted(shelter, consent)
    await network.settle()
    await step(institute, referral, to="accepted")
    await network.settle()
    async with shelter.http() as http:
        await http.post(
            f"/v1/consents/{consent}/withdraw", json={"said_at": "2026-03-02T18:00:00Z"}
        )
    await network.settle()
    assert (await look(institute, referral))["state"] == "accepted"
    assert (await step(institute, referral, **COMPLETION)).status_code == 200
    await network.settle()
    seen = await look(shelter, referral)
    assert (seen["state"], seen["counter_referral"]) == ("completed", None)


async def test_withdrawal_while_the_link_is_down_lets_nothing_leave(network: Network) -> None:
    shelter = network.members[SHELTER]
    network.down = True
    consent = await consented(shelter)
    referral = await submitted(shelter, consent)
    async with shelter.http() as http:
        await http.post(
            f"/v1/consents/{consent}/withdraw", json={"said_at": "2026-03-02T18:00:00Z"}
        )
    network.down = False
    await network.settle()
    assert network.carried == []
    assert (await look(shelter, referral))["state"] == "consent_withdrawn"


async def test_an_illegal_step_names_both_states(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    answer = await step(institute, referral, to="in_progress")
    assert answer.status_code == 409
    assert (answer.json()["from_state"], answer.json()["to_state"]) == ("received", "in_progress")
    theirs = await step(shelter, referral, to="accepted")
    assert theirs.json()["type"].endswith("/not_your_step")
