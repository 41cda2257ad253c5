"""Domain rule 8. Until the family was told in person, nothing says that somebody died."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, select

from relevo.servicekit import jose
from tests.support.institutions import (
    COMMISSION,
    COMMITTEE,
    CONSULATE,
    FAMILIES_ABROAD,
    INSTITUTE,
    RECEPTION,
    SHELTER,
    START,
)
from tests.support.node_requests import (
    a_consent,
    a_key,
    a_person,
    a_submission,
    consented,
    look,
    step,
    submitted,
)
from tests.support.nodes import Member, Network
from tests.support.sealed import (
    CONFIRMED,
    DISPUTED,
    KINSHIP,
    PRESUMED,
    TOLD,
    a_search,
    a_transfer,
    begin,
    completion,
    problem,
    write,
    written,
)

pytestmark = pytest.mark.asyncio
Networked = Callable[..., Network]
IDENTIFIED = "identity_of_remains_confirmed"


async def everything_seen(network: Network, referral: str, *, but: str) -> str:
    """All that anybody reads: other institutions whole, gateways, and the feed and lists of whoever knows."""
    seen: list[Any] = [jose.peek(jws)[1] for jws in network.carried]
    for member in network.members.values():
        async with member.http() as http:
            paths = ["events?limit=500", f"referrals/{referral}/history", "referrals"]
            paths += [] if member.id == but else [f"referrals/{referral}"]
            seen += [(await http.get(f"/v1/{path}")).json() for path in paths]
    return json.dumps(seen)


async def under_way(network: Network) -> str:
    """An everyday referral, during which somebody dies."""
    shelter = network.members[SHELTER]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    await begin(network, network.members[INSTITUTE], referral)
    return referral


async def test_remains_are_identified_for_others_once_the_family_was_told(
    networked: Networked,
) -> None:
    network = networked(COMMITTEE, COMMISSION)
    commission, committee = network.members[COMMISSION], network.members[COMMITTEE]
    referral = await a_search(network, under_way=True)
    await written(commission, referral, KINSHIP, CONFIRMED)
    held = await step(commission, referral, **completion(IDENTIFIED))
    assert problem(held) == "family_not_told"
    await network.settle()
    assert (await look(committee, referral))["state"] == "in_progress"
    seen = await everything_seen(network, referral, but=COMMISSION)
    for word in ("remains", "deceased", "death", "ML-2026", "identification"):
        assert word not in seen
    await written(commission, referral, TOLD)
    assert (await step(commission, referral, **completion(IDENTIFIED))).status_code == 200
    await network.settle()
    told = await look(committee, referral)
    assert (told["state"], told["counter_referral"]["outcome"]) == ("completed", IDENTIFIED)


async def test_presumed_and_confirmed_are_two_things(networked_on_each: Networked) -> None:
    network = networked_on_each(COMMITTEE, COMMISSION)
    commission = network.members[COMMISSION]
    referral = await a_search(network, under_way=True)
    await written(commission, referral, KINSHIP, PRESUMED, TOLD)
    named = completion(IDENTIFIED)
    assert problem(await step(commission, referral, **named)) == "identity_not_confirmed"
    by_sight, without_report = CONFIRMED | {"method": "sight"}, CONFIRMED | {"reference": None}
    for record in (by_sight, without_report):
        assert (await write(commission, referral, record)).status_code == 422
    await written(commission, referral, CONFIRMED)
    assert (await step(commission, referral, **named)).status_code == 200


async def test_remains_are_delivered_for_others_once_the_family_was_told(
    networked: Networked,
) -> None:
    network = networked(CONSULATE, FAMILIES_ABROAD)
    office = network.members[FAMILIES_ABROAD]
    referral = (await a_transfer(network))["id"]
    await begin(network, office, referral)
    delivered = completion("remains_delivered")
    assert problem(await step(office, referral, **delivered)) == "family_not_told"
    await written(office, referral, TOLD)
    assert (await step(office, referral, **delivered)).status_code == 200


async def test_while_relatives_disagree_nothing_is_shipped(networked: Networked) -> None:
    network = networked(CONSULATE, FAMILIES_ABROAD)
    office = network.members[FAMILIES_ABROAD]
    referral = (await a_transfer(network))["id"]
    await step(office, referral, to="accepted")
    await written(office, referral, TOLD, DISPUTED)
    flight = {"to": "scheduled", "appointment": {"at": (START + timedelta(days=5)).isoformat()}}
    for to in (flight, completion("remains_delivered")):
        assert problem(await step(office, referral, **to)) == "remains_disputed"
    nobody = DISPUTED | {"state": "decided"}
    assert (await write(office, referral, nobody)).status_code == 422
    decided = nobody | {"choice": "body", "decided_by": "wife", "law": "N.J.S.A. 45:27-22"}
    await written(office, referral, decided)
    for to in (flight, completion("remains_delivered")):
        if to is not flight:
            await step(office, referral, to="in_progress")
        assert (await step(office, referral, **to)).status_code == 200


@pytest.mark.parametrize("to", ["on_hold", "failed"])
async def test_no_reason_tells_it_either(network: Network, to: str) -> None:
    institute = network.members[INSTITUTE]
    referral = await under_way(network)
    sealed = await step(institute, referral, to=to, reason="death_notified")
    assert problem(sealed) == "family_not_told"
    assert (await write(institute, referral, TOLD, unit=RECEPTION)).status_code == 201
    assert (await step(institute, referral, to=to, reason="death_notified")).status_code == 200
    # What gateways see of it is what they see of every end without service, or of every pause.
    seen = json.dumps([jose.peek(jws)[1] for jws in network.carried])
    assert "death" not in seen


async def test_nor_does_a_wish_to_cancel(network: Network) -> None:
    shelter = network.members[SHELTER]
    referral = await under_way(network)
    async with shelter.http() as http:
        path = f"/v1/referrals/{referral}/cancel"
        answer = await http.post(path, json={"reason": "death_notified"})
    assert problem(answer) == "family_not_told"


async def test_told_means_in_person_with_who_when_where_and_with_whom(network: Network) -> None:
    institute = network.members[INSTITUTE]
    referral = await under_way(network)
    lacking: list[dict[str, Any]] = [{name: None} for name in ("told_at", "told_by", "place")]
    lacking += [{"in_person": False}, {"relatives": []}, {"accompanied_by": []}]
    tomorrow = (network.clock.now + timedelta(days=1)).isoformat()
    for changes in [*lacking, {"told_at": tomorrow}]:
        answer = await write(institute, referral, TOLD | changes, unit=RECEPTION)
        assert answer.status_code == 422


async def test_the_unit_that_holds_it_reads_it_and_nobody_else(
    on_each_database: Network,
) -> None:
    network = on_each_database
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await under_way(network)
    carried = len(network.carried)
    assert (await write(institute, referral, TOLD, unit=RECEPTION)).status_code == 201
    path = f"/v1/referrals/{referral}/sealed-records"
    async with institute.http(unit=RECEPTION) as http:
        [kept] = (await http.get(path)).json()["records"]
    assert kept["record"]["place"] == "Santa Rosa de Copán"
    others: list[dict[str, Any]] = [{}, {"unit": "gt.igm.car"}]
    for claims in others:
        async with institute.http(**claims) as http:
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
        nothing = a_consent(given_by=mother | {"decides": []})
        deciding_nothing = await http.post("/v1/consents", json=nothing, headers=a_key())
    assert problem(living) == "relative_not_entitled"
    assert taken.status_code == 201, taken.text
    assert deciding_nothing.status_code == 422
    await network.settle()
    # That somebody died is not among what arrives unless a section says so: the profile stays at home.
    assert "deceased" not in json.dumps(await look(institute, taken.json()["id"]))


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
    assert (own["sealed_event"], own["state"]) == ("died_on_board", "arrived")
    assert not any("died" in text for text in others)
