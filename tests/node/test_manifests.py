"""Lists of returnees at a node: taken, read, and posted again."""

import json
from datetime import datetime, timedelta

import pytest

from relevo.node.domain.manifest_file import XLSX
from relevo.node.operations.read_manifest import forget_answers
from tests.support.institutions import RECEPTION
from tests.support.manifests import CSV, EVERY_FORM, NDJSON, a_list, a_row, ordinary_rows
from tests.support.nodes import Member, Network
from tests.support.reception import counts, events, get, post, posted, rows_of

every_form = pytest.mark.parametrize("form", EVERY_FORM, ids=["csv", "ndjson", "xlsx"])


pytestmark = pytest.mark.asyncio


@every_form
async def test_good_rows_are_kept_and_bad_ones_say_where_and_why(
    reception: Member, form: str
) -> None:
    bad = a_row(row_reference="3", given_names="Juan", birth_date="01.01.1900")
    manifest = await posted(reception, a_list(form, a_row(), bad), form)
    assert (manifest["state"], *counts(manifest)) == ("done", 2, 0, 0, 1)
    rows = await rows_of(reception, manifest["id"])
    assert [row["result"] for row in rows] == ["kept", "refused", "kept"]
    [note] = rows[1]["notes"]
    assert (note["code"], note["column"]) == ("fake_birth_date", "birth_date")
    assert rows[1]["line"] == (2 if form == NDJSON else 3)
    assert "1900" not in json.dumps(rows)
    record = await get(reception, f"/v1/returnees/{rows[0]['returnee_id']}")
    assert (record["state"], record["owner"]) == ("announced", RECEPTION)
    assert record["details"]["identity"]["given_names"] == "Mario René"


@every_form
async def test_the_same_list_again_changes_nothing(reception: Member, form: str) -> None:
    # A workbook holds the time of saving, so the same bytes come again.
    body = a_list(form, a_row(), a_row(row_reference="3", given_names="N/N"))
    first = await posted(reception, body, form)
    told = await events(reception)
    assert await posted(reception, body, form) == first
    assert await events(reception) == told


async def test_the_same_rows_in_another_file_change_nothing(reception: Member) -> None:
    rows = ordinary_rows(20)
    await posted(reception, a_list(CSV, *rows))
    told = await events(reception)
    again = await posted(reception, a_list(XLSX, *rows), XLSX)
    assert (again["version"], *counts(again)) == (2, 0, 0, 21, 0)
    assert again["absent"] == 0
    fresh = [event["type"] for event in (await events(reception))[len(told) :]]
    assert fresh == ["org.relevo.manifest.read"]


async def test_a_changed_row_changes_its_record_until_she_is_received(reception: Member) -> None:
    manifest = await posted(reception, a_list(CSV, a_row(municipality="GT-1301")))
    [row, _] = await rows_of(reception, manifest["id"])
    moved = await posted(reception, a_list(CSV, a_row(municipality="GT-1302")))
    assert counts(moved) == [0, 1, 1, 0]
    record = await get(reception, f"/v1/returnees/{row['returnee_id']}")
    assert record["details"]["location_municipality"]["code"] == "GT-1302"
    for state in ("arrived", "received"):
        async with reception.http(unit=RECEPTION) as http:
            path = f"/v1/returnees/{row['returnee_id']}/transitions"
            assert (await http.post(path, json={"to": state})).status_code == 200
    late = await posted(reception, a_list(CSV, a_row(municipality="GT-1303")))
    assert counts(late) == [0, 0, 1, 1]
    [answer, _] = await rows_of(reception, manifest["id"])
    assert answer["notes"][0]["code"] == "received_already"
    assert answer["returnee_id"] == row["returnee_id"]
    record = await get(reception, f"/v1/returnees/{row['returnee_id']}")
    assert record["details"]["location_municipality"]["code"] == "GT-1302"


async def test_did_not_board_is_said_by_the_list_and_taken_back_by_a_later_one(
    reception: Member,
) -> None:
    manifest = await posted(reception, a_list(CSV, a_row()))
    [row, _] = await rows_of(reception, manifest["id"])
    path = f"/v1/returnees/{row['returnee_id']}"
    for said, state in (("no abordó", "did_not_board"), ("abordó", "announced")):
        again = await posted(reception, a_list(CSV, a_row(boarding=said)))
        assert counts(again) == [0, 1, 1, 0]
        assert (await get(reception, path))["state"] == state
    history = [step["state"] for step in (await get(reception, path))["history"]]
    assert history == ["announced", "did_not_board", "announced"]


async def test_the_same_words_do_not_undo_what_people_did(reception: Member) -> None:
    rows = [a_row(boarding="abordó")]
    manifest = await posted(reception, a_list(CSV, *rows))
    [row, _] = await rows_of(reception, manifest["id"])
    async with reception.http(unit=RECEPTION) as http:
        path = f"/v1/returnees/{row['returnee_id']}"
        await http.post(f"{path}/transitions", json={"to": "did_not_board"})
    again = await posted(reception, a_list(NDJSON, *rows), NDJSON)
    assert counts(again) == [0, 0, 2, 0]
    assert (await get(reception, path))["state"] == "did_not_board"


async def test_a_later_arrival_changes_every_record_of_the_list(reception: Member) -> None:
    body = a_list(CSV, *ordinary_rows(5))
    manifest = await posted(reception, body, expected_at="2026-03-02T15:00:00Z")
    delayed = await posted(reception, body, expected_at="2026-03-02T19:00:00Z")
    assert counts(delayed) == [0, 6, 0, 0]
    [row, *_] = await rows_of(reception, manifest["id"])
    record = await get(reception, f"/v1/returnees/{row['returnee_id']}")
    assert record["details"]["travel_and_return"]["expected_at"] == "2026-03-02T19:00:00Z"


async def test_a_reference_that_now_names_somebody_else_is_refused(reception: Member) -> None:
    await posted(reception, a_list(CSV, a_row()))
    other = a_row(given_names="Selvin", family_names="Caal Pop", birth_date="1988-08-08")
    again = await posted(reception, a_list(CSV, other))
    assert counts(again) == [0, 0, 1, 1]
    [row, _] = await rows_of(reception, again["id"])
    assert row["notes"][0]["code"] == "row_holds_another_person"


async def test_rows_without_references_keep_their_records_when_a_line_is_put_in_above(
    reception: Member,
) -> None:
    rows = [{k: v for k, v in row.items() if k != "row_reference"} for row in ordinary_rows(12)]
    first = await posted(reception, a_list(CSV, *rows, company=False))
    before = {row["returnee_id"] for row in await rows_of(reception, first["id"])}
    fresh = {k: v for k, v in a_row(given_names="Aurelio").items() if k != "row_reference"}
    again = await posted(reception, a_list(CSV, fresh, *rows, company=False))
    assert counts(again) == [1, 0, 12, 0]
    assert {row["returnee_id"] for row in await rows_of(reception, first["id"])} > before
    # One goes, one is mended, and nobody is written over.
    mended = [*rows[1:4], {**rows[4], "municipality": "GT-1415"}, *rows[5:]]
    third = await posted(reception, a_list(CSV, fresh, *mended, company=False))
    assert third["absent"] >= 1
    assert third["refused"] == 0
    names = set()
    for row in await rows_of(reception, first["id"]):
        record = await get(reception, f"/v1/returnees/{row['returnee_id']}")
        names.add(record["details"]["identity"]["given_names"])
    assert "Aurelio" in names


async def test_a_row_that_is_gone_leaves_its_record_and_is_counted(reception: Member) -> None:
    rows = ordinary_rows(5)
    await posted(reception, a_list(CSV, *rows))
    again = await posted(reception, a_list(CSV, *rows[:3]))
    assert again["absent"] == 2
    listed = await get(reception, f"/v1/returnees?manifest_id={again['id']}")
    assert len(listed["returnees"]) == 6
    assert {record["state"] for record in listed["returnees"]} == {"announced"}


async def test_families_siblings_and_a_mother_on_tomorrows_flight_are_linked(
    reception: Member,
) -> None:
    tomorrow = "GT-2026-03-03-AA124"
    rows = [
        a_row(row_reference="14", given_names="Petrona", sex="F", family_group="F1"),
        a_row(row_reference="15", birth_date="2018-04-05", family_group="F1", relative_reference="14"),
        a_row(row_reference="16", given_names="Marta Elena", birth_date="2011-02-03", sibling_group="H1"),
        a_row(row_reference="17", given_names="Ervin", birth_date="2016-05-04", sibling_group="H1"),
        a_row(
            row_reference="18",
            given_names="Yesenia",
            birth_date="2017-03-03",
            relative_reference="7",
            relative_manifest=tomorrow,
        ),
    ]  # fmt: skip
    manifest = await posted(reception, a_list(CSV, *rows))
    ids = [row["returnee_id"] for row in await rows_of(reception, manifest["id"])]
    mother, child, sister, brother, waiting = [
        await get(reception, f"/v1/returnees/{one}") for one in ids[:5]
    ]
    assert mother["relatives"] == [{"relation": "child", "returnee_id": child["id"]}]
    assert child["relatives"] == [{"relation": "parent", "returnee_id": mother["id"]}]
    assert mother["groups"] == [{"kind": "family_unit", "returnee_ids": [child["id"]]}]
    assert sister["groups"] == [{"kind": "sibling_group", "returnee_ids": [brother["id"]]}]
    assert waiting["relatives"] == [{"relation": "parent", "returnee_id": None}]
    later = await posted(
        reception, a_list(CSV, a_row(row_reference="7", sex="F")), reference=tomorrow
    )
    [arrived, _] = await rows_of(reception, later["id"])
    waiting = await get(reception, f"/v1/returnees/{waiting['id']}")
    assert waiting["relatives"] == [{"relation": "parent", "returnee_id": arrived["returnee_id"]}]


async def test_a_broken_line_and_a_windows_1252_line_are_answered_on_their_own(
    reception: Member,
) -> None:
    lines = a_list(CSV, *ordinary_rows(4)).splitlines()
    lines[2] = b'77;Ren\xc3;"Jos;1990-02-02;M;GT;GT-1301'
    lines[3] = "78;Núñez;José;1990-02-02;M;GT;GT-1301".encode("cp1252")
    manifest = await posted(reception, b"\n".join(lines))
    rows = await rows_of(reception, manifest["id"])
    assert [row["result"] for row in rows] == ["kept", "refused", "kept", "kept", "kept"]
    assert [note["code"] for note in rows[2]["notes"]] == ["windows_1252"]
    record = await get(reception, f"/v1/returnees/{rows[2]['returnee_id']}")
    assert record["details"]["identity"]["family_names"] == ["Núñez"]


async def test_refused_rows_can_be_asked_for_alone_and_in_spanish(reception: Member) -> None:
    body = a_list(CSV, a_row(), a_row(row_reference="3", given_names="N/N"))
    manifest = await posted(reception, body)
    async with reception.http(unit=RECEPTION) as http:
        answer = await http.get(
            f"/v1/manifests/{manifest['id']}/rows?result=refused",
            headers={"accept-language": "es"},
        )
    [row] = answer.json()["rows"]
    assert row["notes"][0]["advice"].startswith("Esto sustituye")


NO_LISTS = [
    (b"\n\n", CSV, "empty"),
    (b"Ana;Pop;1990\nLuis;Caal;1991\n", CSV, "no_headings"),
    (b"Nombres;Apellidos\n", CSV, "empty"),
    (b"\xff\xfe\x00", CSV, "not_text"),
    (b"\n", NDJSON, "empty"),
    (b"PK not really", XLSX, "not_a_workbook"),
]


async def test_a_file_that_is_no_list_leaves_nothing(reception: Member) -> None:
    for body, form, fault in NO_LISTS:
        answer = await post(reception, body, form)
        problem = answer.json()
        assert (answer.status_code, problem["fault"]) == (422, fault)
        assert problem["type"].endswith("/manifest_unreadable")
    assert await events(reception) == []


async def test_other_types_and_files_that_are_too_large_are_refused(reception: Member) -> None:
    assert (await post(reception, b"{}", "application/json")).status_code == 415
    assert (await post(reception, b"x" * (16 * 1024 * 1024 + 1))).status_code == 413
    assert (await post(reception, b"x", reference="Ana;Pop")).status_code == 422


async def test_lists_are_listed_newest_first_to_the_unit_that_posted_them(
    reception: Member,
) -> None:
    made = [
        (await posted(reception, a_list(CSV, a_row()), reference=f"GT-2026-03-02-{number}"))["id"]
        for number in range(3)
    ]
    again = await posted(reception, a_list(CSV, a_row(sex="F")), reference="GT-2026-03-02-0")
    first = await get(reception, "/v1/manifests?limit=2")
    second = await get(reception, f"/v1/manifests?limit=2&cursor={first['next_cursor']}")
    assert [one["id"] for one in first["manifests"] + second["manifests"]] == made[::-1]
    assert second["manifests"] == [again]
    assert second.get("next_cursor") is None
    other = await get(reception, "/v1/manifests", unit="gt.igm.car")
    assert other["manifests"] == []


async def test_answers_to_rows_are_forgotten_and_the_list_and_its_records_stay(
    alone: Network,
) -> None:
    [member] = alone.members.values()
    body = a_list(CSV, *ordinary_rows(3))
    read = await posted(member, body)
    records = [row["returnee_id"] for row in await rows_of(member, read["id"])]
    await forget_answers(member.node)
    assert len(await rows_of(member, read["id"])) == len(records)
    until = datetime.fromisoformat(read["rows_until"])
    assert until == datetime.fromisoformat(read["finished_at"]) + timedelta(days=90)

    alone.clock.now = until + timedelta(seconds=1)
    await forget_answers(member.node)
    assert await rows_of(member, read["id"]) == []
    assert await get(member, f"/v1/manifests/{read['id']}") == read
    for record in records:
        await get(member, f"/v1/returnees/{record}")
    # Posted once more, in another form, it makes nobody twice.
    again = await posted(member, a_list(XLSX, *ordinary_rows(3)), XLSX)
    assert counts(again) == [0, 0, len(records), 0]
    await forget_answers(member.node)
    assert len(await rows_of(member, read["id"])) == len(records)
