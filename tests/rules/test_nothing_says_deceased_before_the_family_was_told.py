"""Domain rule 8. Until the family was told in person, nothing says that somebody died."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, MetaData, select

from relevo.servicekit import jose
from tests.support.nodes import (
    INSTITUTE,
    RECEPTION,
    SHELTER,
    START,
    Member,
    Network,
    a_consent,
    a_key,
    a_person,
    a_submission,
    consented,
    look,
    step,
    submitted,
)

pytestmark = pytest.mark.asyncio

TOLD: dict[str, Any] = {
    "kind": "family_told",
    "told_at": START.isoformat(),
    "told_by": "Comisión de búsqueda",
    "relatives": ["mother"],
    "place": "Santa Rosa de Copán",
    "accompanied_by": ["psychologist"],
    "in_person": True,
}
CONFIRMED: dict[str, Any] = {
    "kind": "identification",
    "certainty": "confirmed",
    "method": "genetic",
    "authority": "Medicina Legal",
    "reference": "ML-2026-0431",
    "established_at": START.isoformat(),
}
PRESUMED = CONFIRMED | {"certainty": "presumed", "method": "belongings", "reference": None}


def completion(outcome: str) -> dict[str, Any]:
    ended_at = (START + timedelta(hours=1)).isoformat()
    return {
        "to": "completed",
        "counter_referral": {"outcome": outcome, "services": [], "ended_at": ended_at},
    }


async def write(member: Member, referral: str, record: dict[str, Any]) -> httpx.Response:
    async with member.http(unit=RECEPTION) as http:
        return await http.post(
            f"/v1/referrals/{referral}/sealed-records", json=record, headers=a_key()
        )


def problem(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


async def under_way(network: Network) -> str:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    for to in ("accepted", "in_progress"):
        assert (await step(institute, referral, to=to)).status_code == 200
    await network.settle()
    return referral


async def everything_seen(network: Network, referral: str) -> str:
    """All that anybody but the unit that knows can read: the other side, the feeds, the gateways."""
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    seen: list[Any] = [await look(shelter, referral)]
    for member in (shelter, institute):
        async with member.http() as http:
            seen.append((await http.get("/v1/events?limit=500")).json())
            seen.append((await http.get(f"/v1/referrals/{referral}/history")).json())
            seen.append((await http.get("/v1/referrals")).json())
    seen += [jose.peek(jws)[1] for jws in network.carried]
    return json.dumps(seen)


@pytest.mark.parametrize("outcome", ["identity_of_remains_confirmed", "remains_delivered"])
async def test_the_outcome_waits_until_somebody_recorded_that_the_family_was_told(
    network: Network, outcome: str
) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await under_way(network)
    assert (await write(institute, referral, CONFIRMED)).status_code == 201
    assert problem(await step(institute, referral, **completion(outcome))) == "family_not_told"
    await network.settle()
    assert (await look(shelter, referral))["state"] == "in_progress"
    seen = await everything_seen(network, referral)
    for word in ("remains", "deceased", "death", "ML-2026", "identification"):
        assert word not in seen
    assert (await write(institute, referral, TOLD)).status_code == 201
    assert (await step(institute, referral, **completion(outcome))).status_code == 200
    await network.settle()
    told = await look(shelter, referral)
    assert (told["state"], told["counter_referral"]["outcome"]) == ("completed", outcome)


@pytest.mark.parametrize("to", ["on_hold", "failed"])
async def test_no_reason_tells_it_either(network: Network, to: str) -> None:
    institute = network.members[INSTITUTE]
    referral = await under_way(network)
    sealed = await step(institute, referral, to=to, reason="death_notified")
    assert problem(sealed) == "family_not_told"
    await write(institute, referral, TOLD)
    assert (await step(institute, referral, to=to, reason="death_notified")).status_code == 200
    # What gateways see of it is what they see of every end without service, or of every pause.
    states = {jose.peek(jws)[1].get("state") for jws in network.carried}
    assert "deceased" not in json.dumps(sorted(filter(None, states)))


async def test_nor_does_a_wish_to_cancel(network: Network) -> None:
    shelter = network.members[SHELTER]
    referral = await under_way(network)
    async with shelter.http() as http:
        path = f"/v1/referrals/{referral}/cancel"
        answer = await http.post(path, json={"reason": "death_notified"})
    assert problem(answer) == "family_not_told"


async def test_presumed_and_confirmed_are_two_things(network: Network) -> None:
    institute = network.members[INSTITUTE]
    referral = await under_way(network)
    for record in (PRESUMED, TOLD):
        assert (await write(institute, referral, record)).status_code == 201
    named = completion("identity_of_remains_confirmed")
    assert problem(await step(institute, referral, **named)) == "identity_not_confirmed"
    by_sight = CONFIRMED | {"method": "sight"}
    assert (await write(institute, referral, by_sight)).status_code == 422
    without_report = CONFIRMED | {"reference": None}
    assert (await write(institute, referral, without_report)).status_code == 422
    assert (await write(institute, referral, CONFIRMED)).status_code == 201
    assert (await step(institute, referral, **named)).status_code == 200


async def test_told_means_in_person_with_who_when_where_and_with_whom(network: Network) -> None:
    institute = network.members[INSTITUTE]
    referral = await under_way(network)
    lacking: list[dict[str, Any]] = [
        {"in_person": False},
        {"relatives": []},
        {"accompanied_by": []},
    ]
    lacking += [{name: None} for name in ("told_at", "told_by", "place")]
    tomorrow = (network.clock.now + timedelta(days=1)).isoformat()
    for changes in [*lacking, {"told_at": tomorrow}]:
        assert (await write(institute, referral, TOLD | changes)).status_code == 422


async def test_the_unit_that_holds_it_reads_it_and_nobody_else(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await under_way(network)
    carried = len(network.carried)
    await write(institute, referral, TOLD)
    path = f"/v1/referrals/{referral}/sealed-records"
    async with institute.http(unit=RECEPTION) as http:
        [kept] = (await http.get(path)).json()["records"]
    assert kept["record"]["place"] == "Santa Rosa de Copán"
    for member, claims in ((institute, {}), (institute, {"unit": "gt.igm.car"})):
        async with member.http(**claims) as http:
            assert (await http.get(path)).status_code == 404
    async with shelter.http() as http:
        assert (await http.get(path)).json() == {"records": []}
    await network.settle()
    assert len(network.carried) == carried

    def dump(connection: Connection) -> str:
        tables = MetaData()
        tables.reflect(connection)
        return repr(
            [[tuple(r) for r in connection.execute(select(t))] for t in tables.sorted_tables]
        )

    text = institute.node.database.read_now(dump)
    assert "family_told" not in text
    assert "Santa Rosa" not in text


async def test_while_relatives_disagree_nothing_is_shipped(network: Network) -> None:
    institute = network.members[INSTITUTE]
    referral = await under_way(network)
    await write(institute, referral, TOLD)
    disputed = {
        "kind": "remains_decision",
        "state": "disputed",
        "heard": ["wife", "mother"],
        "at": START.isoformat(),
    }
    assert (await write(institute, referral, disputed)).status_code == 201
    held = await step(institute, referral, **completion("remains_delivered"))
    assert problem(held) == "remains_disputed"
    nobody = disputed | {"state": "decided"}
    assert (await write(institute, referral, nobody)).status_code == 422
    decided = nobody | {"choice": "body", "decided_by": "wife", "law": "N.J.S.A. 45:27-22"}
    assert (await write(institute, referral, decided)).status_code == 201
    after = await step(institute, referral, **completion("remains_delivered"))
    assert after.status_code == 200


async def test_an_appointment_to_ship_waits_as_well(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    await step(institute, referral, to="accepted")
    disputed = {
        "kind": "remains_decision",
        "state": "disputed",
        "heard": ["wife", "mother"],
        "at": START.isoformat(),
    }
    await write(institute, referral, disputed)
    flight = {"to": "scheduled", "appointment": {"at": (START + timedelta(days=5)).isoformat()}}
    assert problem(await step(institute, referral, **flight)) == "remains_disputed"


async def test_relatives_decide_for_the_dead_and_for_nobody_else(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    mother = {"capacity": "relative", "relation": "mother", "decides": ["burial_place"]}
    wife = {"capacity": "relative", "relation": "wife", "decides": ["contact", "documents", "cost"]}
    consents = [await consented(shelter, given_by=who) for who in (mother, wife)]
    ids: dict[str, Any] = {"consent_ids": consents}
    async with shelter.http() as http:
        living = await http.post("/v1/referrals", json=a_submission(None, **ids), headers=a_key())
        dead = a_submission(None, persons=[a_person(case_profile="deceased_migrant")], **ids)
        taken = await http.post("/v1/referrals", json=dead, headers=a_key())
        deciding_nothing = await http.post(
            "/v1/consents",
            json={**a_consent(), "given_by": mother | {"decides": []}},
            headers=a_key(),
        )
    assert problem(living) == "relative_not_entitled"
    assert taken.status_code == 201, taken.text
    assert deciding_nothing.status_code == 422
    await network.settle()
    there = await look(institute, taken.json()["id"])
    # That he died is not among what arrives unless a section says so: the profile stays at home.
    assert "deceased" not in json.dumps(there)


async def test_a_death_on_board_is_told_to_the_unit_and_to_no_list_event_or_state(
    reception: Member,
) -> None:
    async with reception.http(unit=RECEPTION) as http:
        entered = await http.post(
            "/v1/returnees",
            json={"identity": {"given_names": "Marvin"}, "sealed_event": "died_on_board"},
            headers=a_key(),
        )
        returnee = entered.json()["id"]
        own = (await http.get(f"/v1/returnees/{returnee}")).json()
        others = [(await http.get(path)).text for path in ("/v1/returnees", "/v1/events?limit=500")]
    async with reception.http() as http:
        others.append((await http.get(f"/v1/returnees/{returnee}")).text)
    assert own["sealed_event"] == "died_on_board"
    assert own["state"] == "arrived"
    assert not any("died" in text for text in others)
