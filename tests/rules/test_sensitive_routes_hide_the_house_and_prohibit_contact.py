"""Domain rule 12. Sealed routes: unlisted safe houses, contact prohibited and no follow-up by default."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from relevo.node.operations.ring import ring_once
from relevo.servicekit import jose
from tests.support.institutions import CONSULATE, PGN, SAFE_HOUSE, SHELTER
from tests.support.node_requests import a_key, a_person, a_submission, consented, look, step
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio
Networked = Callable[..., Network]

SEALED: dict[str, Any] = {
    "pathway": "gt-child-protection-referral",
    "purpose": "child_protection",
    "needs": [{"service": "child_protection"}],
    "share": ["identity", "child_data"],
    "persons": [a_person(child_data={"child_care_status": "unknown"})],
}


async def said(member: Member, **changes: Any) -> str:
    """A consent for the sealed route, without a word about contact unless changed."""
    given: dict[str, Any] = {
        "purposes": ["child_protection", "follow_up"],
        "categories": ["identity", "child_data", "contact", "location_precise"],
        "recipients": [
            {"party": PGN},
            {"party": SAFE_HOUSE},
            {"party": CONSULATE, "only": ["follow_up"], "requested_by_person": True},
        ],
        "contact_rules": {},
    }
    return await consented(member, **(given | changes))


async def referred(network: Network, sender: str, receiver: str, consent: str) -> str:
    async with network.members[sender].http() as http:
        answer = await http.post(
            "/v1/referrals",
            json=a_submission(consent, receiver=receiver, **SEALED),
            headers=a_key(),
        )
    assert answer.status_code == 201, answer.text
    await network.settle()
    return str(answer.json()["id"])


async def test_contact_is_prohibited_unless_she_said_how(networked: Networked) -> None:
    network = networked(SHELTER, PGN)
    shelter, pgn = network.members[SHELTER], network.members[PGN]
    silent = await referred(network, SHELTER, PGN, await said(shelter))
    assert [rules["prohibited"] for rules in (await look(pgn, silent))["contact_rules"]] == [True]
    own_rules = {"from_time": "17:00", "until_time": "20:00"}
    spoken = await referred(network, SHELTER, PGN, await said(shelter, contact_rules=own_rules))
    assert [rules["prohibited"] for rules in (await look(pgn, spoken))["contact_rules"]] == [False]


async def test_nobody_is_named_for_follow_up_though_she_named_somebody(
    networked: Networked,
) -> None:
    network = networked(SHELTER, PGN, CONSULATE)
    await referred(network, SHELTER, PGN, await said(network.members[SHELTER]))
    for jws in network.carried:
        for grant in jose.peek(jws)[1].get("grants", []):
            assert jose.peek(grant)[1]["follow_up_parties"] == []


async def test_a_gateway_sees_a_class_and_not_the_route(networked: Networked) -> None:
    network = networked(SHELTER, PGN)
    await referred(network, SHELTER, PGN, await said(network.members[SHELTER]))
    for jws in network.carried:
        claims = jose.peek(jws)[1]
        assert claims["pathway"] == "sealed-protection"
        assert "gt-child-protection-referral" not in json.dumps(claims)


async def test_a_safe_house_never_says_where_anybody_is(networked: Networked) -> None:
    network = networked(SAFE_HOUSE, PGN)
    house = network.members[SAFE_HOUSE]
    consent = await said(house)
    person = {**SEALED["persons"][0], "location_precise": {"address": "5a calle 3-21"}}
    body = a_submission(
        consent,
        receiver=PGN,
        **(SEALED | {"persons": [person], "share": [*SEALED["share"], "location_precise"]}),
    )
    async with house.http(mandates=["gbv_services"]) as http:
        refused = await http.post("/v1/referrals", json=body, headers=a_key())
        body["share"] = SEALED["share"]
        taken = await http.post("/v1/referrals", json=body, headers=a_key())
    assert (refused.status_code, taken.status_code) == (403, 201)
    assert refused.json()["type"].endswith("/address_never_leaves")
    await network.settle()
    there = await look(network.members[PGN], taken.json()["id"])
    assert "5a calle" not in json.dumps(there)


async def test_a_safe_house_names_no_place_for_an_appointment(networked: Networked) -> None:
    network = networked(SHELTER, SAFE_HOUSE)
    house = network.members[SAFE_HOUSE]
    referral = await referred(network, SHELTER, SAFE_HOUSE, await said(network.members[SHELTER]))
    await step(house, referral, to="accepted")
    at = (network.clock.now + timedelta(hours=6)).isoformat()
    async with house.http(mandates=["gbv_services"]) as http:
        path = f"/v1/referrals/{referral}/transitions"
        placed = await http.post(
            path, json={"to": "scheduled", "appointment": {"at": at, "place": "5a calle 3-21"}}
        )
        without = await http.post(path, json={"to": "scheduled", "appointment": {"at": at}})
    assert (placed.status_code, without.status_code) == (403, 200)
    assert placed.json()["type"].endswith("/address_never_leaves")


async def test_an_overdue_alarm_is_told_to_the_institution_and_calls_nobody(
    networked: Networked,
) -> None:
    network = networked(SHELTER, PGN)
    pgn = network.members[PGN]
    referral = await referred(network, SHELTER, PGN, await said(network.members[SHELTER]))
    carried = len(network.carried)
    network.clock.now += timedelta(days=20)
    assert await ring_once(pgn.node)
    await network.settle()
    async with pgn.http() as http:
        events = (await http.get("/v1/events?limit=500")).json()["events"]
    alarms = [event for event in events if event["type"].endswith(("overdue", "escalated"))]
    assert alarms
    assert referral in [event["data"]["id"] for event in alarms]
    assert all(event["data"].keys() <= {"id", "event_seq"} for event in alarms)
    # What an alarm makes is an event at home: no message to anybody, and none to her.
    assert len(network.carried) == carried
