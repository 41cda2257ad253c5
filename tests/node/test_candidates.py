"""Records that may be one person's: found by what nobody can read, merged by people, and unmerged."""

from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from relevo.node.operations.reindex import forget_erased, reindex_once
from relevo.node.storage.matching_tables import returnee_indexed, returnee_key
from relevo.node.storage.tables import returnee
from tests.support.candidates import (
    ERVIN,
    ERWIN,
    KELVIN,
    KEVIN,
    candidates,
    entered,
    merge,
    problem,
    unmerge,
)
from tests.support.institutions import RECEPTION, SHELTER
from tests.support.manifests import CSV, a_list, a_row
from tests.support.nodes import Member
from tests.support.reception import events, get, posted, rows_of

pytestmark = pytest.mark.asyncio
ELSEWHERE = "gt.igm.car"


def keys(member: Member, returnee_id: str) -> int:
    """How many keys the index holds of a record."""

    def count(connection: Connection) -> int:
        of_it = returnee_key.c.returnee_id == returnee_id
        return connection.scalar(select(func.count()).select_from(returnee_key).where(of_it)) or 0

    return member.node.database.read_now(count)


async def test_a_record_under_another_spelling_is_found_with_what_agrees(reception: Member) -> None:
    last_year = await entered(
        reception, ERVIN, location_municipality={"country": "GT", "name": "Carchá"}
    )
    await entered(reception, KEVIN)
    now = await entered(reception, ERWIN)
    found = await get(reception, f"/v1/returnees/{now}/candidates")
    assert found["compared"]
    [candidate] = found["candidates"]
    assert (candidate["returnee_id"], candidate["state"]) == (last_year, "arrived")
    assert candidate["likeness"] == "likely"
    assert {said["field"]: said["agreement"] for said in candidate["evidence"]} == {
        "given_names": "same",
        "family_names": "same",
        "birth_date": "same",
        "sex": "same",
    }
    assert await candidates(reception, last_year) == [(now, "likely")]


async def test_nothing_is_shown_of_the_other_but_its_id_and_every_look_is_noted(
    reception: Member,
) -> None:
    other = await entered(reception, ERVIN)
    record = await entered(reception, ERWIN)
    async with reception.http(unit=RECEPTION) as http:
        answer = await http.get(f"/v1/returnees/{record}/candidates")
        log = (await http.get("/v1/access-log")).json()["entries"]
    for word in ("Ervin", "ERWIN", "Cucul", "KUKUL", "2016-05-04"):
        assert word not in answer.text
    noted = {entry["subject"] for entry in log if entry["what"] == "candidates"}
    assert noted == {record, other}


async def test_a_list_is_compared_with_what_was_there_before(reception: Member) -> None:
    before = await entered(reception, ERVIN)
    row = a_row(given_names="ERWIN", family_names="CUCUL TUL", birth_date="04/05/2016", sex="M")
    manifest = await posted(reception, a_list(CSV, row))
    listed = (await rows_of(reception, manifest["id"]))[0]["returnee_id"]
    assert await candidates(reception, listed) == [(before, "possible")]
    again = a_row(given_names="ERWIN", family_names="XOL", birth_date="04/05/2016", sex="M")
    await posted(reception, a_list(CSV, again))
    assert (await get(reception, f"/v1/returnees/{listed}"))["details"]["identity"][
        "family_names"
    ] == ["XOL"]
    assert await candidates(reception, before) == []


async def test_records_of_another_unit_are_nobodys_candidates(reception: Member) -> None:
    elsewhere = await entered(reception, ERVIN, unit=ELSEWHERE)
    record = await entered(reception, ERWIN)
    assert await candidates(reception, record) == []
    path = f"/v1/returnees/{record}/candidates"
    assert (await get(reception, path, unit=None))["candidates"] == []
    async with reception.http(unit=ELSEWHERE) as http:
        absent = await http.get(path)
    async with reception.http(institution=SHELTER) as http:
        assert problem(await http.get(path)) == "not_yours"
    async with reception.http(unit=RECEPTION, scopes="returnees:write") as http:
        assert problem(await http.get(path)) == "insufficient_scope"
    assert absent.status_code == (await merge(reception, record, elsewhere)).status_code == 404
    assert problem(await merge(reception, record, elsewhere, unit=None)) == "invalid_input"


async def test_a_merge_is_recorded_repeated_and_undone(reception: Member) -> None:
    into, record = await entered(reception, ERVIN), await entered(reception, ERWIN)
    first = (await merge(reception, record, into, "recognised")).json()
    assert (first["state"], first["merged_into"], first["possible_next"]) == ("merged", into, [])
    assert first["history"][-1] | {"at": ""} == {
        "state": "merged",
        "at": "",
        "reason": None,
        "note": None,
        "ground": "recognised",
        "confirmed_by": "Turno A",
    }
    assert (await merge(reception, record, into, "recognised")).json() == first
    goes_on = await get(reception, f"/v1/returnees/{into}")
    assert goes_on["merged_from"] == [record]
    assert await candidates(reception, into) == []
    assert problem(await merge(reception, into, record)) == "illegal_transition"

    undone = (await unmerge(reception, record)).json()
    assert (undone["state"], undone["merged_into"]) == ("arrived", None)
    assert [step["state"] for step in undone["history"]] == ["arrived", "merged", "arrived"]
    assert (await unmerge(reception, record)).json() == undone
    assert await candidates(reception, into) == [(record, "likely")]
    assert problem(await unmerge(reception, into)) == "illegal_transition"
    told = [
        (event["data"]["id"], event["type"].rpartition(".")[2]) for event in await events(reception)
    ]
    assert told[-4:] == [
        (record, "state_changed"),
        (into, "changed"),
        (record, "state_changed"),
        (into, "changed"),
    ]


async def test_only_two_records_that_still_go_on_are_merged(reception: Member) -> None:
    into, record = await entered(reception, ERVIN), await entered(reception, ERWIN)
    assert problem(await merge(reception, record, record)) == "invalid_input"
    async with reception.http(unit=RECEPTION) as http:
        away = {"to": "void", "reason": "duplicate"}
        assert (await http.post(f"/v1/returnees/{into}/transitions", json=away)).status_code == 200
    assert problem(await merge(reception, record, into)) == "illegal_transition"
    assert keys(reception, into) == 0
    assert await candidates(reception, record) == []


async def test_who_differs_as_siblings_do_is_asked_first(reception: Member) -> None:
    kevin, kelvin = await entered(reception, KEVIN), await entered(reception, KELVIN)
    assert await candidates(reception, kevin) == [(kelvin, "siblings")]
    for ground in ("listed_twice", "recognised"):
        assert problem(await merge(reception, kelvin, kevin, ground)) == "siblings_not_ruled_out"
    assert (await merge(reception, kelvin, kevin, "asked")).status_code == 200


async def test_an_erased_person_leaves_nothing_in_the_index_nor_in_a_merge(
    reception: Member,
) -> None:
    into, record = await entered(reception, ERVIN), await entered(reception, ERWIN)
    other = await entered(reception, ERWIN)
    assert (await merge(reception, record, into)).status_code == 200
    for one in (record, other):
        reception.node.vault.destroy(key_of(reception, one))
    assert await candidates(reception, into) == []
    assert await forget_erased(reception.node) == 1
    assert (keys(reception, record), keys(reception, other)) == (0, 0)
    assert keys(reception, into) > 0
    left = await get(reception, f"/v1/returnees/{record}")
    assert (left["merged_into"], left["history"][-1]["confirmed_by"]) == (into, None)
    assert problem(await merge(reception, other, into)) == "grant_not_live"
    assert (await get(reception, f"/v1/returnees/{other}/candidates"))["compared"] is False


def key_of(member: Member, returnee_id: str) -> str:
    query = select(returnee.c.data_key_id).where(returnee.c.id == returnee_id)
    return str(member.node.database.read_now(lambda connection: connection.scalar(query)))


async def test_what_was_written_before_the_index_or_for_another_one_is_indexed(
    reception: Member,
) -> None:
    before, outdated = await entered(reception, ERVIN), await entered(reception, ERWIN)
    fresh = await entered(reception, ERVIN)

    def as_of_old(connection: Connection) -> None:
        for table, of in (
            (returnee_key, before),
            (returnee_key, outdated),
            (returnee_indexed, before),
        ):
            connection.execute(table.delete().where(table.c.returnee_id == of))
        connection.execute(
            update(returnee_indexed)
            .where(returnee_indexed.c.returnee_id == outdated)
            .values(edition="of another key")
        )

    reception.node.database.write_now(as_of_old)
    assert await candidates(reception, fresh) == []
    assert not await reindex_once(reception.node)
    assert {one for one, _ in await candidates(reception, fresh)} == {before, outdated}
    assert keys(reception, before) == keys(reception, fresh)


async def test_no_name_stands_in_the_index_and_units_share_no_value(reception: Member) -> None:
    here = await entered(reception, ERVIN)
    there = await entered(reception, ERVIN, unit=ELSEWHERE)

    def index(connection: Connection) -> dict[str, set[Any]]:
        rows = connection.execute(select(returnee_key)).all()
        return {one: {row.blind for row in rows if row.returnee_id == one} for one in (here, there)}

    blinds = reception.node.database.read_now(index)
    assert len(blinds[here]) == len(blinds[there]) > 0
    assert not blinds[here] & blinds[there]
    assert {len(blind) for blind in blinds[here]} == {16}
    told = b"".join(blinds[here] | blinds[there]).lower()
    assert not any(word in told for word in (b"ervin", b"cucul", b"tiul", b"2016"))
