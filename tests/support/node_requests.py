"""What institutions' systems send to their nodes, and what they read there."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.support.institutions import CONSULATE, RECEPTION, START
from tests.support.nodes import Member


def a_consent(now: datetime = START, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "person_id": "T-1",
        "notice": {
            "id": "general",
            "version": "3",
            "language": "es",
            "channel": "read_aloud",
            "before_statements": {
                "told_at": now.isoformat(),
                "also_enforces": ["gt.igm.control"],
            },
        },
        "purposes": ["service_delivery", "identity_documentation"],
        "categories": ["identity", "contact", "location_municipality", "family"],
        "recipients": [
            {"party": RECEPTION},
            {"party": "gt.renap"},
            {"party": CONSULATE, "only": ["status", "follow_up"], "requested_by_person": True},
        ],
        "denials": [],
        "given_by": {"capacity": "self"},
        "method": "signature",
        "given_at": now.isoformat(),
        "valid_from": now.isoformat(),
        "valid_until": (now + timedelta(days=180)).isoformat(),
        "contact_rules": {"pass_phrase": "la milpa ya espigó"},
    }
    return given | changes


def a_person(**changes: Any) -> dict[str, Any]:
    person: dict[str, Any] = {
        "person_id": "T-1",
        "identity": {
            "given_names": "Tomasa Isabel",
            "family_names": ["Temaj", "Coronado"],
            "birth_date": {"value": "1993", "precision": "year"},
            "sex": "female",
            "nationalities": ["GT"],
        },
        "contact": {"phones": ["+502 0000-1204"]},
        "health": {"summary": "dolor de cabeza"},
    }
    return {k: v for k, v in (person | changes).items() if v is not None}


def a_submission(consent_id: str | None, **changes: Any) -> dict[str, Any]:
    submission: dict[str, Any] = {
        "receiver": RECEPTION,
        "pathway": "gt-retorno-al-hogar",
        "triage": "green",
        "needs": [{"service": "safe_transport_accompanied"}, {"service": "national_id"}],
        "persons": [a_person()],
        "share": ["identity", "contact"],
        "consent_ids": [] if consent_id is None else [consent_id],
    }
    return submission | changes


def a_key() -> dict[str, str]:
    return {"idempotency-key": str(uuid.uuid4())}


async def consented(member: Member, **changes: Any) -> str:
    """Records a consent; its id."""
    async with member.http() as http:
        answer = await http.post("/v1/consents", json=a_consent(**changes), headers=a_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def submitted(member: Member, consent_id: str, **changes: Any) -> str:
    """Submits a referral; its id."""
    async with member.http() as http:
        answer = await http.post(
            "/v1/referrals", json=a_submission(consent_id, **changes), headers=a_key()
        )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def step(member: Member, referral_id: str, **transition: Any) -> httpx.Response:
    async with member.http() as http:
        return await http.post(f"/v1/referrals/{referral_id}/transitions", json=transition)


async def look(member: Member, referral_id: str) -> dict[str, Any]:
    async with member.http() as http:
        answer = await http.get(f"/v1/referrals/{referral_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


COMPLETION: dict[str, Any] = {
    "to": "completed",
    "counter_referral": {
        "outcome": "service_delivered",
        "services": [{"service": "safe_transport_accompanied"}],
        "remaining_needs": [{"service": "child_protection", "already_referred": True}],
        "ended_at": "2026-03-04T15:00:00Z",
    },
}
