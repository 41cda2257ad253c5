"""Searches, transfers of remains, and what is written down beside them."""

from datetime import timedelta
from typing import Any

import httpx

from tests.support.institutions import COMMISSION, COMMITTEE, CONSULATE, FAMILIES_ABROAD, START
from tests.support.node_requests import a_key, a_person, a_submission, consented, step
from tests.support.nodes import Member, Network

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
KINSHIP: dict[str, Any] = {
    "kind": "kinship",
    "relation": "mother",
    "evidence": "civil_registry",
    "verified_by": "Comisión",
    "verified_at": START.isoformat(),
}
AGREED: dict[str, Any] = {
    "kind": "searched_person_answer",
    "answer": "contact_agreed",
    "asked_at": START.isoformat(),
    "asked_by": "Albergue, turno B",
    "words": "Que me llame.",
}
DISPUTED: dict[str, Any] = {
    "kind": "remains_decision",
    "state": "disputed",
    "heard": ["wife", "mother"],
    "at": START.isoformat(),
}
SEARCH: dict[str, Any] = {
    "pathway": "missing-migrant-search",
    "purpose": "tracing_of_missing",
    "needs": [{"service": "missing_migrant_search"}],
    "share": ["identity", "family"],
    "persons": [a_person(family={"summary": "Muestra de la madre: FGR-LAB-2026-118."})],
    "receiver": COMMISSION,
    "triage": "green",
}


async def write(
    member: Member, referral: str, record: dict[str, Any], **claims: Any
) -> httpx.Response:
    async with member.http(**claims) as http:
        path = f"/v1/referrals/{referral}/sealed-records"
        return await http.post(path, json=record, headers=a_key())


async def written(member: Member, referral: str, *records: dict[str, Any]) -> None:
    for record in records:
        answer = await write(member, referral, record)
        assert answer.status_code == 201, answer.text


def completion(outcome: str) -> dict[str, Any]:
    ended_at = (START + timedelta(hours=1)).isoformat()
    return {
        "to": "completed",
        "counter_referral": {"outcome": outcome, "services": [], "ended_at": ended_at},
    }


def problem(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


async def ask_to_search(
    committee: Member, *, person_id: str = "T-1", **changes: Any
) -> httpx.Response:
    """A mother's committee asks the commission to search for her son."""
    consent = await consented(
        committee,
        person_id=person_id,
        purposes=["tracing_of_missing"],
        categories=["identity", "family"],
        recipients=[{"party": COMMISSION}],
        valid_until=(START + timedelta(days=700)).isoformat(),
    )
    async with committee.http() as http:
        body = a_submission(consent, **(SEARCH | changes))
        return await http.post("/v1/referrals", json=body, headers=a_key())


async def a_search(network: Network, *, under_way: bool = False) -> str:
    answer = await ask_to_search(network.members[COMMITTEE])
    assert answer.status_code == 201, answer.text
    referral = str(answer.json()["id"])
    await network.settle()
    if under_way:
        await begin(network, network.members[COMMISSION], referral)
    return referral


async def a_transfer(
    network: Network, service: str = "repatriation_of_remains", **changes: Any
) -> dict[str, Any]:
    """A consulate abroad asks an office at home to receive somebody who died."""
    consulate = network.members[CONSULATE]
    consent = await consented(
        consulate,
        given_by={"capacity": "relative", "relation": "mother", "decides": ["burial_place"]},
        purposes=["repatriation_of_remains", "follow_up"],
        categories=["identity", "contact", "family", "third_party_contact"],
        recipients=[
            {"party": FAMILIES_ABROAD},
            {"party": CONSULATE, "only": ["follow_up"], "requested_by_person": True},
        ],
        contact_rules={"only_numbers": ["+52 000 000 1019"]},
    )
    person = a_person(
        case_profile="deceased_migrant",
        family={"summary": "Madre en Atlixco."},
        third_party_contact={"relation": "mother", "phones": ["+52 000 000 1019"]},
    )
    body = a_submission(
        consent,
        receiver=FAMILIES_ABROAD,
        pathway="repatriation-of-remains",
        purpose="repatriation_of_remains",
        needs=[{"service": service}],
        persons=[person],
        share=["identity", "family", "third_party_contact"],
        **changes,
    )
    async with consulate.http() as http:
        answer = await http.post("/v1/referrals", json=body, headers=a_key())
    assert answer.status_code == 201, answer.text
    await network.settle()
    made: dict[str, Any] = answer.json()
    return made


async def begin(network: Network, member: Member, referral: str) -> None:
    for to in ("accepted", "in_progress"):
        answer = await step(member, referral, to=to)
        assert answer.status_code == 200, answer.text
    await network.settle()
