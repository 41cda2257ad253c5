"""What a list holds stays with those it concerns, and some of it comes in nowhere."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from relevo.node.operations.post_manifest import READ_AT_ONCE
from relevo.node.storage import manifests
from tests.support.institutions import RECEPTION
from tests.support.manifests import CSV, EVERY_FORM, a_list, a_row, ordinary_rows
from tests.support.nodes import ALL_SCOPES, Member, Network
from tests.support.reception import events, get, posted, read_all, rows_of

every_form = pytest.mark.parametrize("form", EVERY_FORM, ids=["csv", "ndjson", "xlsx"])


pytestmark = pytest.mark.asyncio


async def test_a_death_on_board_is_read_by_the_unit_alone(reception: Member) -> None:
    manifest = await posted(reception, a_list(CSV, a_row(boarding="fallecido a bordo")))
    [row, _] = await rows_of(reception, manifest["id"])
    path = f"/v1/returnees/{row['returnee_id']}"
    own = await get(reception, path)
    assert (own["sealed_event"], own["state"]) == ("died_on_board", "announced")
    assert [note["code"] for note in row["notes"]] == ["sealed_event"]
    async with reception.http(unit=RECEPTION) as http:
        closing = {"to": "void", "reason": "death_notified", "note": "avisada su esposa"}
        assert (await http.post(f"{path}/transitions", json=closing)).status_code == 200
    wide = await get(reception, path, unit=None)
    assert wide["sealed_event"] is None
    assert all(step["reason"] is step["note"] is None for step in wide["history"])
    rows = await get(reception, f"/v1/manifests/{manifest['id']}/rows", unit=None)
    assert rows["rows"][0]["notes"] == []
    told = json.dumps([wide, rows, await events(reception), dump(reception)])
    for word in ("died", "death", "decease", "fallec", "muert"):
        assert word not in told.lower()


async def test_nobody_is_told_of_a_person_of_another_country(
    reception: Member, alone: Network
) -> None:
    manifest = await posted(reception, a_list(CSV, a_row(nationality="HN")))
    [row, _] = await rows_of(reception, manifest["id"])
    assert [note["code"] for note in row["notes"]] == ["third_country_national"]
    await alone.settle()
    assert alone.carried == []


def dump(member: Member) -> str:
    """Everything that the node's database holds, as text."""
    database = member.node.database

    def every_row(connection: Any) -> str:
        found = MetaData()
        found.reflect(connection)
        return "\n".join(
            repr(tuple(row))
            for table in found.sorted_tables
            for row in connection.execute(select(table))
        )

    return database.read_now(every_row)


@every_form
async def test_forbidden_columns_are_nowhere_in_the_database_or_the_log(
    reception: Member, form: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [
        a_row(criminal_record="ZZrobo agravadoZZ", a_number="A123-456-789"),
        a_row(row_reference="3", given_names="Óscarín", document_type="A-Number", document_number="987654321"),
        *ordinary_rows(READ_AT_ONCE, first=100),
    ]  # fmt: skip
    manifest = await posted(reception, a_list(form, *rows), form)
    assert manifest["state"] == "waiting"
    said = {(note["code"], note["column"]) for note in manifest["columns"]}
    assert said == {("forbidden_column", "criminal_record"), ("forbidden_column", "a_number")}
    waiting = opened_blocks(reception)
    await read_all(reception)
    everything = dump(reception) + waiting
    out, err = capfd.readouterr()
    files = contents(tmp_path)
    for secret in ("ZZrobo", "agravado", "A123-456", "987654321"):
        assert secret not in everything
        assert secret not in out + err
        assert not any(secret.encode() in content for content in files)
    assert "Mario René" in waiting
    assert "Mario René" not in dump(reception)
    assert "Óscarín" not in out + err


def contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


def opened_blocks(member: Member) -> str:
    """What waits sealed, as only the node itself can read it."""

    def blocks(connection: Any) -> str:
        found = MetaData()
        found.reflect(connection)
        [upload_id] = connection.scalars(select(found.tables["manifest_upload"].c.manifest_id))
        upload = manifests.newest(connection, upload_id)
        assert upload is not None
        return repr(manifests.waiting_blocks(connection, member.node.vault, upload))

    return member.node.database.read_now(blocks)


async def test_what_waited_is_gone_once_it_is_read(reception: Member) -> None:
    manifest = await posted(reception, a_list(CSV, *ordinary_rows(3)))
    assert manifest["state"] == "done"

    def left(connection: Any) -> int:
        found = MetaData()
        found.reflect(connection)
        return len(connection.execute(select(found.tables["manifest_block"])).all())

    assert reception.node.database.read_now(left) == 0


async def test_another_unit_and_a_client_without_the_scope_get_nothing(reception: Member) -> None:
    manifest = await posted(reception, a_list(CSV, a_row()))
    for path in (f"/v1/manifests/{manifest['id']}", f"/v1/manifests/{manifest['id']}/rows"):
        async with reception.http(unit="gt.igm.car") as http:
            assert (await http.get(path)).status_code == 404
        async with reception.http(unit=RECEPTION, scopes="returnees:write") as http:
            assert (await http.get(path)).status_code == 403
    async with reception.http(scopes=ALL_SCOPES.replace("returnees:write", "")) as http:
        answer = await http.post(
            "/v1/manifests?reference=x1", content=b"x", headers={"content-type": CSV}
        )
    assert answer.status_code == 403
