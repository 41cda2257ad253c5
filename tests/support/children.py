"""Children and families of the stories, as institutions' systems write them down."""

from datetime import timedelta
from typing import Any

from tests.support.institutions import ALTERNATE, AUTHORITY, START
from tests.support.node_requests import a_consent, a_key, a_person, a_submission
from tests.support.nodes import Member


def a_child(**changes: Any) -> dict[str, Any]:
    """Brenda, 17, alone; what changes is given by section."""
    child: dict[str, Any] = a_person(
        person_id="B-1",
        identity={
            "given_names": "Brenda Sarahí",
            "family_names": ["Amador", "Zúniga"],
            "birth_date": {"value": "2008-03-23", "precision": "day"},
            "sex": "female",
            "nationalities": ["HN"],
        },
        child_data={
            "child_care_status": "unaccompanied",
            "opinion": {
                "age_band": "14_to_17",
                "words": "Todavía no quiero que avisen al consulado.",
                "asked_alone": True,
                "asked_at": START.isoformat(),
            },
        },
    )
    return {k: v for k, v in (child | changes).items() if v is not None}


def a_referral_of(child: dict[str, Any], receiver: str, **changes: Any) -> dict[str, Any]:
    """To somebody who helps, under a basis that asks nobody: a life at risk."""
    basis = {"basis": "vital_interest", "law": "CIRC, manual, capítulo 3", "authority": receiver}
    said = {"basis": basis, "share": ["identity"], "triage": "red"} | changes
    return a_submission(None, receiver=receiver, persons=[child], **said)


def tells(
    member: Member, *, authority: str | None = AUTHORITY, alternate: str | None = None
) -> None:
    """Sets whom this node tells of children."""
    member.node.settings = member.node.settings.model_copy(
        update={
            "child_protection_authority": authority,
            "child_protection_alternate": alternate,
        }
    )


def tells_both(member: Member) -> None:
    tells(member, alternate=ALTERNATE)


def consent_for(person_id: str, recipient: str, **changes: Any) -> dict[str, Any]:
    """A consent that names one recipient."""
    return a_consent(person_id=person_id, recipients=[{"party": recipient}], **changes)


def of_guardian(person_id: str, recipient: str, **changes: Any) -> dict[str, Any]:
    given = {"capacity": "guardian", "relation": "madre", "evidence": "seen", **changes}
    return consent_for(
        person_id, recipient, given_by=given, valid_until=(START + timedelta(days=200)).isoformat()
    )


async def recorded(member: Member, consent: dict[str, Any]) -> str:
    """Records it; its id."""
    async with member.http() as http:
        answer = await http.post("/v1/consents", json=consent, headers=a_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def post(member: Member, path: str, body: dict[str, Any]) -> Any:
    async with member.http() as http:
        return await http.post(path, json=body, headers=a_key())


async def told_of(member: Member) -> list[tuple[str, str]]:
    """Type and subject of everything on this node's feed."""
    async with member.http() as http:
        answer = await http.get("/v1/events", params={"limit": 200})
    return [(e["type"].removeprefix("org.relevo."), e["subject"]) for e in answer.json()["events"]]


async def listed(member: Member, role: str = "receiver") -> list[dict[str, Any]]:
    async with member.http() as http:
        answer = await http.get("/v1/referrals", params={"role": role})
    found: list[dict[str, Any]] = answer.json()["referrals"]
    return found
