"""Domain rule 4: whole by default; a split for safety needs no yes of the other adult, and no trace."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from relevo.node.operations.split import escalate_splits_once
from tests.support.children import consent_for, listed, of_guardian, post, recorded, told_of
from tests.support.institutions import INSTITUTE, RECEPTION, SAFE_HOUSE, SHELTER
from tests.support.node_requests import a_person, a_submission, look, step
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio
Networked = Callable[..., Network]


def an_adult(person_id: str, given_names: str) -> dict[str, Any]:
    born = {"value": "1995-05-17", "precision": "day"}
    identity = {"given_names": given_names, "family_names": ["Castillo"], "birth_date": born}
    return a_person(person_id=person_id, identity=identity, contact={"phones": ["+504 0000-0107"]})


def a_child_of(person_id: str, given_names: str) -> dict[str, Any]:
    born = {"value": "2014", "precision": "year"}
    identity = {"given_names": given_names, "family_names": ["Arriola"], "birth_date": born}
    return a_person(person_id=person_id, identity=identity, contact=None)


NIDIA, KEYLA, DEYSI, WILMER = (
    an_adult("N-1", "Nidia"),
    a_child_of("K-1", "Keyla"),
    a_child_of("D-1", "Deysi"),
    an_adult("W-1", "Wilmer"),
)
FAMILY = [NIDIA, KEYLA, DEYSI, WILMER]


async def consents_of(member: Member, persons: list[dict[str, Any]], recipient: str) -> list[str]:
    """One consent each: an adult's own, and for a child the mother's."""
    return [
        await recorded(
            member,
            of_guardian(person["person_id"], recipient)
            if person in (KEYLA, DEYSI)
            else consent_for(
                person["person_id"],
                recipient,
                contact_rules={"introduce_as": f"para {person['identity']['given_names']}"},
            ),
        )
        for person in persons
    ]


async def arrived(network: Network, persons: list[dict[str, Any]] = FAMILY) -> str:
    """A family's referral, accepted whole at the reception centre; its id."""
    shelter = network.members[SHELTER]
    body = a_submission(None, persons=persons, share=["identity", "contact"])
    body["consent_ids"] = await consents_of(shelter, persons, RECEPTION)
    sent = await post(shelter, "/v1/referrals", body)
    assert sent.status_code == 201, sent.text
    await network.settle()
    referral = str(sent.json()["id"])
    assert (await step(network.members[INSTITUTE], referral, to="accepted")).status_code == 200
    await network.settle()
    return referral


async def a_split(
    network: Network, going: list[dict[str, Any]], places: list[int], **changes: Any
) -> dict[str, Any]:
    belen = network.members[INSTITUTE]
    onward = a_submission(None, receiver=SAFE_HOUSE, persons=going, share=["identity"])
    onward |= {"pathway": "gt-retorno-al-hogar", "needs": [{"service": "emergency_shelter"}]}
    onward["consent_ids"] = await consents_of(belen, going, SAFE_HOUSE)
    return {
        "persons": places,
        "reason": "safety_concern",
        "explanation": "Si pregunta, dígale que es por la niña.",
        "recorded_by": "Psicología, turno A",
        "sheet_text": "medical_transfer",
        "referral": onward,
    } | changes


async def test_a_family_is_one_referral_with_one_grant_each(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE)
    there = await look(network.members[INSTITUTE], await arrived(network))
    assert len(there["persons"]) == 4
    assert there["marks"] == []


@pytest.mark.parametrize("basis", [None, "legal_obligation"])
async def test_an_adult_without_her_own_consent_is_not_carried_along(
    networked: Networked, basis: str | None
) -> None:
    network = networked(SHELTER, INSTITUTE)
    shelter = network.members[SHELTER]
    body = a_submission(None, persons=FAMILY, share=["identity"])
    body["consent_ids"] = await consents_of(shelter, [NIDIA, KEYLA, DEYSI], RECEPTION)
    if basis is not None:
        body["basis"] = {"basis": basis, "law": "Decreto 27-2003", "authority": INSTITUTE}
    refused = (await post(shelter, "/v1/referrals", body)).json()
    assert refused["type"].endswith("/adult_needs_own_consent")
    assert refused["persons"] == [4]
    body["consent_ids"] += [await recorded(shelter, of_guardian("W-1", RECEPTION))]
    # Nobody signs for an adult.
    refused = (await post(shelter, "/v1/referrals", body)).json()
    assert refused["type"].rpartition("/")[2] in {"adult_needs_own_consent", "guardian_basis_ended"}


async def test_a_safety_concern_splits_without_the_other_adult(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE, SAFE_HOUSE)
    belen = network.members[INSTITUTE]
    stays = await arrived(network)
    before = await look(belen, stays)
    history = await _history(belen, stays)
    body = await a_split(network, [NIDIA, KEYLA, DEYSI], [1, 2, 3], needs=["national_id"])
    answer = await post(belen, f"/v1/referrals/{stays}/split", body)
    assert answer.status_code == 201, answer.text
    split = answer.json()
    assert (split["state"], split["stays"]) == ("waiting", stays)
    assert split["sheet"]["es"] == "Una parte de la familia tiene un traslado médico."
    await network.settle()
    goes = split["goes"]
    assert len((await look(network.members[SAFE_HOUSE], goes))["persons"]) == 3
    # What is left to read of those who stay tells nothing of the others.
    left = await look(belen, stays)
    assert [person["identity"]["given_names"] for person in left["persons"]] == ["Wilmer"]
    assert [rules["introduce_as"] for rules in left["contact_rules"]] == ["para Wilmer"]
    assert [need["service"] for need in left["needs"]] == ["safe_transport_accompanied"]
    text = json.dumps(left) + json.dumps(await _history(belen, stays))
    for trace in ("Nidia", "Keyla", "split", goes, split["goes_reference_code"], SAFE_HOUSE):
        assert trace not in text
    assert await _history(belen, stays) == history
    assert left["updated_at"] == before["updated_at"]
    assert (await look(belen, goes))["part_of"] is None
    assert [e for e in await told_of(belen) if "split" in e[0]] == [("referral.split", goes)]
    # And the sender of the family's referral hears nothing of it.
    sent = [r for r in await listed(network.members[SHELTER], "sender") if r["id"] != stays]
    assert sent == []
    assert goes not in json.dumps(await look(network.members[SHELTER], stays))


async def _history(member: Member, referral: str) -> Any:
    async with member.http() as http:
        return (await http.get(f"/v1/referrals/{referral}/history")).json()


async def test_a_second_person_confirms_within_the_hour(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE, SAFE_HOUSE)
    belen = network.members[INSTITUTE]
    stays = await arrived(network)
    body = await a_split(network, [NIDIA, KEYLA, DEYSI], [1, 2, 3])
    split = (await post(belen, f"/v1/referrals/{stays}/split", body)).json()
    path = f"/v1/splits/{split['id']}/confirm"
    same = await post(belen, path, {"confirmed_by": "psicología,  Turno A"})
    assert same.json()["type"].endswith("/second_person_needed")
    network.clock.advance(timedelta(minutes=18))
    confirmed = (await post(belen, path, {"confirmed_by": "SENAF"})).json()
    assert (confirmed["state"], confirmed["confirmed_by"]) == ("confirmed", "SENAF")
    network.clock.advance(timedelta(hours=2))
    assert not await escalate_splits_once(belen.node)


async def test_an_unconfirmed_split_is_escalated_and_not_undone(
    networked_on_each: Networked,
) -> None:
    network = networked_on_each(SHELTER, INSTITUTE, SAFE_HOUSE)
    belen = network.members[INSTITUTE]
    stays = await arrived(network)
    body = await a_split(network, [NIDIA, KEYLA, DEYSI], [1, 2, 3])
    split = (await post(belen, f"/v1/referrals/{stays}/split", body)).json()
    assert not await escalate_splits_once(belen.node)
    network.clock.advance(timedelta(minutes=61))
    assert await escalate_splits_once(belen.node)
    assert not await escalate_splits_once(belen.node)
    assert ("referral.split_unconfirmed", split["goes"]) in await told_of(belen)
    assert len((await look(belen, stays))["persons"]) == 1
    late = await post(belen, f"/v1/splits/{split['id']}/confirm", {"confirmed_by": "Coordinación"})
    assert late.json()["state"] == "confirmed"


@pytest.mark.parametrize(
    ("family", "places", "changes", "answer"),
    [
        ([KEYLA, DEYSI], [2], {}, "split_needs_best_interests"),
        ([NIDIA, KEYLA], [2], {}, "split_needs_best_interests"),
        ([KEYLA, DEYSI], [2], {"reason": "best_interests"}, "second_person_needed"),
        (
            [KEYLA, DEYSI],
            [2],
            {"reason": "best_interests", "confirmed_by": "Psicología, turno A"},
            "second_person_needed",
        ),
        ([KEYLA, DEYSI], [2], {"reason": "best_interests", "confirmed_by": "PGN"}, "confirmed"),
        ([KEYLA, DEYSI], [2], {"reason": "risk_to_life"}, "waiting"),
        ([NIDIA, KEYLA], [2], {"reason": "risk_to_life"}, "waiting"),
        ([NIDIA, WILMER], [1], {}, "waiting"),
    ],
    ids=str,
)
async def test_what_separates_siblings_or_a_child_from_parents_needs_more(
    networked: Networked,
    family: list[dict[str, Any]],
    places: list[int],
    changes: dict[str, Any],
    answer: str,
) -> None:
    network = networked(SHELTER, INSTITUTE, SAFE_HOUSE)
    belen = network.members[INSTITUTE]
    stays = await arrived(network, family)
    body = await a_split(network, [family[place - 1] for place in places], places, **changes)
    got = (await post(belen, f"/v1/referrals/{stays}/split", body)).json()
    assert got.get("state") == answer or got["type"].endswith(f"/{answer}")


async def test_the_same_split_again_changes_nothing_and_nobody_goes_twice(
    networked_on_each: Networked,
) -> None:
    network = networked_on_each(SHELTER, INSTITUTE, SAFE_HOUSE)
    belen = network.members[INSTITUTE]
    stays = await arrived(network)
    body = await a_split(network, [NIDIA, KEYLA, DEYSI], [1, 2, 3])
    path, key = f"/v1/referrals/{stays}/split", {"idempotency-key": "once"}
    async with belen.http() as http:
        first = await http.post(path, json=body, headers=key)
        again = await http.post(path, json=body, headers=key)
        other = await http.post(path, json=body, headers={"idempotency-key": "twice"})
    assert first.json() == again.json()
    assert other.json()["errors"][0]["pointer"] == "/persons"
    async with belen.http() as http:
        found = (await http.get("/v1/splits", params={"state": "waiting"})).json()["splits"]
    assert [split["id"] for split in found] == [first.json()["id"]]
    async with belen.http(unit="gt.igm.car") as http:
        unseen = await http.get(f"/v1/splits/{first.json()['id']}")
    assert unseen.status_code == 404
