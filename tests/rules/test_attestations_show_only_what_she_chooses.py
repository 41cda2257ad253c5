"""Whoever holds an attestation shows what she chooses and no byte more; what is false is never signed."""

import base64
from typing import Any

import pytest

from tests.node.test_attestations import a_certificate, attested, presented, words_of
from tests.node.test_returnees import entered
from tests.support.institutions import RECEPTION
from tests.support.nodes import Member

pytestmark = pytest.mark.asyncio

ALL = {
    "name": "Xóchitl Ajanel Ixcot",
    "birth_date": "1993-05-17",
    "nationalities": "ZW",
    "identity_document": "P-77120934",
    "point_of_entry": "Tecún Umán",
    "arrived_on": "2026-03-02",
}
RECORD: dict[str, Any] = {
    "identity": {
        "given_names": "Xóchitl",
        "family_names": ["Ajanel", "Ixcot"],
        "birth_date": {"value": ALL["birth_date"], "precision": "day"},
        "nationalities": [ALL["nationalities"]],
    },
    "identity_document": {
        "documents": [{"type": "passport", "country": "MX", "number": ALL["identity_document"]}]
    },
    "travel_and_return": {"point_of_entry": ALL["point_of_entry"]},
    "specific_needs": [],
    "contact": {"phones": ["+502 5555 0134"]},
}


def readable(presentation: str) -> str:
    """Everything that anyone can decode of it, letters for letters."""
    pieces = presentation.replace("~", ".").split(".")
    decoded = [base64.urlsafe_b64decode(one + "=" * (-len(one) % 4)) for one in pieces]
    return presentation + "\n".join(piece.decode("utf-8", "replace") for piece in decoded)


async def test_no_byte_of_what_she_did_not_choose_is_on_the_page_or_in_the_code(
    reception: Member,
) -> None:
    issued = await a_certificate(reception, **RECORD)
    assert set(ALL) <= set(issued["claims"])

    for show in ([], *([name] for name in sorted(ALL)), sorted(ALL)):
        travels = readable(await presented(reception, issued, *(show or ["none"])))
        async with reception.http(unit=RECEPTION) as http:
            path = f"/v1/attestations/{issued['id']}.pdf"
            page = words_of((await http.get(path, params={"show": show or ["none"]})).content)
        printed = page.decode("latin-1")
        for name, value in ALL.items():
            assert (f'"{value}"' in travels) == (name in show), (name, show)
            if value.isascii() and len(value) > 2 and name != "arrived_on":
                assert (value in printed) == (name in show), (name, show)
        assert "5555 0134" not in travels + printed


async def test_what_is_known_of_her_beyond_an_attestation_cannot_be_chosen(
    reception: Member,
) -> None:
    issued = await a_certificate(reception, **RECORD)
    async with reception.http(unit=RECEPTION) as http:
        for name in ("contact", "phones", "specific_needs", "sealed_event", "iss"):
            path = f"/v1/attestations/{issued['id']}/presentation"
            assert (await http.get(path, params={"show": [name]})).status_code == 422


async def test_nobody_types_what_is_attested(reception: Member) -> None:
    record = await entered(reception, **RECORD)
    answer = await attested(
        reception, type="returnee_certificate", returnee_id=record["id"], name="Somebody Else"
    )
    assert answer.status_code == 422
