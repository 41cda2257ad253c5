"""A follow-up after return as tests ask for it, try it and report it."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.support.institutions import CONSULATE, INSTITUTE, SHELTER, START
from tests.support.node_requests import a_key, consented, submitted
from tests.support.nodes import Member, Network

HERS = "+502 0000-1204"
PHRASE = "la milpa ya espigó"
RULES = {
    "only_numbers": [HERS],
    "channels_refused": ["whatsapp"],
    "from_time": "17:00",
    "until_time": "20:00",
    "time_zone": "America/Guatemala",
    "introduce_as": "de la tienda de celulares",
    "pass_phrase": PHRASE,
}
DAY = timedelta(days=1)
FROM, UNTIL = START + 28 * DAY, START + 35 * DAY
REPORT: dict[str, Any] = {
    "ended": "completed",
    "situation": "stable",
    "living_situation": "with_own_family",
    "document_received": True,
    "wants": ["vocational_training"],
    "remigration_intention": "yes",
    "note": "Vive con su hija.",
}
ALERT: dict[str, Any] = {
    "receiver": SHELTER,
    "pathway": "rrocm-triage",
    "needs": [{"service": "emergency_shelter"}],
    "share": ["identity", "contact", "protection_concern"],
    "concern": "Quien la amenazó sabe dónde vive.",
    "basis": {"basis": "vital_interest", "law": "Decreto 22-2008, art. 13", "authority": "gt.igm"},
}


def guatemala(day: int, clock: str) -> datetime:
    """A local time there, which is UTC-6 all year."""
    hour, minute = map(int, clock.split(":"))
    midnight = START.replace(hour=6, minute=0)
    return midnight + timedelta(days=day, hours=hour, minutes=minute)


async def consent(shelter: Member, **changes: Any) -> str:
    purposes = ["service_delivery", "follow_up"]
    given = {"purposes": purposes, "contact_rules": RULES, **changes}
    return await consented(shelter, **given)


async def referred(network: Network, **changes: Any) -> str:
    """A referral whose person opted in, at the institute; its reference code."""
    shelter = network.members[SHELTER]
    referral = await submitted(shelter, await consent(shelter, **changes))
    await network.settle()
    async with shelter.http() as http:
        return str((await http.get(f"/v1/referrals/{referral}")).json()["reference_code"])


def an_ask(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "reference_code": code,
        "window_from": FROM.isoformat(),
        "window_until": UNTIL.isoformat(),
        **changes,
    }


async def ask(network: Network, code: str, **changes: Any) -> httpx.Response:
    async with network.members[CONSULATE].http() as http:
        return await http.post("/v1/follow-ups", json=an_ask(code, **changes), headers=a_key())


async def post(member: Member, path: str, body: Any = None, **claims: Any) -> httpx.Response:
    async with member.http(**claims) as http:
        return await http.post(f"/v1/follow-ups/{path}", json=body, headers=a_key())


async def get(member: Member, follow_up: str) -> dict[str, Any]:
    async with member.http() as http:
        answer = await http.get(f"/v1/follow-ups/{follow_up}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def asked(network: Network, **changes: Any) -> str:
    """A follow-up that the institute has accepted."""
    code = await referred(network, **changes)
    answer = await ask(network, code)
    assert answer.status_code == 201, answer.text
    await network.settle()
    follow_up = str(answer.json()["id"])
    accepted = await post(
        network.members[INSTITUTE], f"{follow_up}/transitions", {"to": "accepted"}
    )
    assert accepted.status_code == 200, accepted.text
    await network.settle()
    return follow_up


async def tried(
    network: Network, follow_up: str, at: datetime, outcome: str, **more: Any
) -> dict[str, Any]:
    """Opens an attempt and says what came of it; the answer to opening it."""
    network.clock.now = at
    institute = network.members[INSTITUTE]
    opened = await post(institute, f"{follow_up}/attempts", {"modality": "call", **more})
    assert opened.status_code == 201, opened.text
    ending = {"outcome": outcome} | ({"pass_phrase": PHRASE} if outcome == "answered" else {})
    path = f"{follow_up}/attempts/{opened.json()['seq']}/outcome"
    ended = await post(institute, path, ending)
    assert ended.status_code == 200, ended.text
    found: dict[str, Any] = opened.json()
    return found


def problem(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


async def feed_of(member: Member) -> list[dict[str, Any]]:
    async with member.http() as http:
        page = (await http.get("/v1/events?limit=500")).json()
    return [event for event in page["events"] if "follow_up" in event["type"]]
