"""Domain rules 3 and 9: a machine proposes, people merge, and twins are never one person.

Kevin Alexander and Kelvin Alexander Funes Rivas: one birth date, one mother, one village.
"""

from typing import Any

import pytest

from tests.support.candidates import (
    ERVIN,
    ERWIN,
    KELVIN,
    KEVIN,
    candidates,
    entered,
    merge,
    problem,
)
from tests.support.manifests import CSV, a_list, a_row
from tests.support.nodes import Member
from tests.support.reception import get, posted, rows_of

pytestmark = pytest.mark.asyncio
SIBLINGS: dict[str, Any] = {"groups": [{"kind": "sibling_group", "reference": "H1"}]}
GROUNDS = ("asked", "same_paper", "listed_twice", "recognised")


async def never_merged(reception: Member, one: str, other: str) -> None:
    for ground in GROUNDS:
        for pair in ((one, other), (other, one)):
            assert problem(await merge(reception, *pair, ground)) == "two_people"
    for record in (one, other):
        assert (await get(reception, f"/v1/returnees/{record}"))["state"] != "merged"


async def test_twins_of_one_family_are_never_merged_whatever_anybody_says(
    reception: Member,
) -> None:
    kevin = await entered(reception, KEVIN, **SIBLINGS)
    kelvin = await entered(reception, KELVIN, **SIBLINGS)
    assert await candidates(reception, kevin) == [(kelvin, "siblings")]
    await never_merged(reception, kevin, kelvin)


async def test_twins_of_one_list_are_never_merged(reception: Member) -> None:
    rows = [
        a_row(
            row_reference=given,
            given_names=given,
            family_names="FUNES RIVAS",
            birth_date="11/08/2009",
            sibling_group="A",
        )
        for given in ("KEVIN ALEXANDER", "KELVIN ALEXANDER")
    ]
    manifest = await posted(reception, a_list(CSV, *rows))
    kevin, kelvin, *_ = [row["returnee_id"] for row in await rows_of(reception, manifest["id"])]
    await never_merged(reception, kevin, kelvin)


async def test_children_of_one_mother_are_never_merged_if_anything_differs(
    reception: Member,
) -> None:
    mother = await entered(reception, ERVIN | {"given_names": "Elvira", "sex": "female"})
    of_hers = {"relatives": [{"relation": "parent", "returnee_id": mother}]}
    kevin = await entered(reception, KEVIN, **of_hers)
    kelvin = await entered(reception, KELVIN, **of_hers)
    await never_merged(reception, kevin, kelvin)


async def test_whom_a_record_names_as_her_relative_is_no_candidate(reception: Member) -> None:
    father = await entered(reception, KEVIN)
    named_alike = await entered(
        reception, KEVIN, relatives=[{"relation": "parent", "returnee_id": father}]
    )
    assert await candidates(reception, named_alike) == []
    await never_merged(reception, named_alike, father)


async def test_no_machine_merges_even_two_records_that_are_the_same_to_the_letter(
    reception: Member,
) -> None:
    first, second = [await entered(reception, ERVIN) for _ in range(2)]
    manifest = await posted(
        reception,
        a_list(CSV, a_row(given_names="ERVIN", family_names="CUCUL TIUL", birth_date="04/05/2016")),
    )
    row, *_ = await rows_of(reception, manifest["id"])
    for one in (first, second, row["returnee_id"]):
        assert (await get(reception, f"/v1/returnees/{one}"))["merged_into"] is None
    assert len(await candidates(reception, first)) == 2
    third = await entered(reception, ERWIN)
    assert (await merge(reception, third, first, "listed_twice")).status_code == 200
