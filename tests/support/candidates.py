"""Records at a reception that may be one person's, and what a person says of them."""

from typing import Any, Final

import httpx

from tests.support.institutions import RECEPTION
from tests.support.node_requests import a_key
from tests.support.nodes import Member
from tests.support.reception import get

ERVIN: Final[dict[str, Any]] = {
    "given_names": "Ervin",
    "family_names": ["Cucul", "Tiul"],
    "birth_date": {"value": "2016-05-04", "precision": "day"},
    "sex": "male",
    "nationalities": ["GT"],
}
ERWIN: Final = ERVIN | {"given_names": "ERWIN", "family_names": ["KUKUL", "TIUL"]}
KEVIN: Final[dict[str, Any]] = {
    "given_names": "Kevin Alexander",
    "family_names": ["Funes", "Rivas"],
    "birth_date": {"value": "2009-08-11", "precision": "day"},
    "sex": "male",
    "nationalities": ["HN"],
}
KELVIN: Final = KEVIN | {"given_names": "Kelvin Alexander"}


async def entered(
    member: Member, identity: dict[str, Any], *, unit: str = RECEPTION, **more: Any
) -> str:
    """Enters somebody; the record's id."""
    async with member.http(unit=unit) as http:
        answer = await http.post(
            "/v1/returnees", json={"identity": identity} | more, headers=a_key()
        )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def candidates(
    member: Member, returnee_id: str, *, unit: str = RECEPTION
) -> list[tuple[str, str]]:
    """Id and likeness of each, in order."""
    found = await get(member, f"/v1/returnees/{returnee_id}/candidates", unit=unit)
    return [(one["returnee_id"], one["likeness"]) for one in found["candidates"]]


async def merge(
    member: Member, one: str, into: str, ground: str = "asked", **claims: Any
) -> httpx.Response:
    said = {"into": into, "ground": ground, "confirmed_by": "Turno A"}
    async with member.http(**({"unit": RECEPTION} | claims)) as http:
        return await http.post(f"/v1/returnees/{one}/merge", json=said)


async def unmerge(member: Member, one: str) -> httpx.Response:
    async with member.http(unit=RECEPTION) as http:
        return await http.post(f"/v1/returnees/{one}/unmerge", json={"confirmed_by": "Turno B"})


def problem(answer: httpx.Response) -> str:
    return str(answer.json().get("type", answer.text)).rpartition("/")[2]
