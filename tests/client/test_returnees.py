"""Lists of people who return, and their records, through both clients and as commands."""

import asyncio
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from relevo.client import manifests
from relevo.client.exceptions import (
    IllegalTransitionError,
    InvalidInputError,
    RelevoProblemError,
    UnavailableError,
)
from relevo.client.manifests import read_list
from relevo.contracts.returnee import Manifest
from relevo.node.operations.intake import read_next
from tests.client.test_commands import Person, done
from tests.client.world import World, cut

HEADINGS = "No.;Apellidos;Nombres;Fecha nac.;Sexo;Antecedentes penales\n"
SOME = HEADINGS + "1;Pop;Ana;1990;F;robo\n2;Pop;Juan;2019-03-04;M;\n3;Pop;N/N;;M;\n"
CSV = "text/csv"


def a_reference() -> str:
    return f"GT-{uuid.uuid4()}"


def a_long_list(rows: int = 700) -> bytes:
    lines = [f"{number};Pop{number};Ana;{1950 + number % 50};F;\n" for number in range(1, rows + 1)]
    return (HEADINGS + "".join(lines)).encode()


def read_what_waits(world: World) -> None:
    """What the node's own worker does."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(read_next(world.institute.member.node))).result(60)


def test_a_list_is_posted_and_each_row_answered(world: World, desk: Any) -> None:
    reference = a_reference()
    # The answer is lost once; the same list again changes nothing.
    world.institute.app.on("/v1/manifests", cut)
    read = desk.manifests.post(SOME.encode(), CSV, reference=reference, return_mode="air_charter")
    assert (read.state, read.rows_total, read.kept, read.refused) == ("done", 3, 2, 1)
    assert [column.column for column in read.columns] == ["criminal_record"]
    assert read in list(desk.manifests.find())
    rows = list(desk.manifests.rows(read.id))
    assert [row.result for row in rows] == ["kept", "kept", "refused"]
    [refused] = desk.manifests.rows(read.id, result="refused")
    assert refused.line == 4
    assert refused.notes[0].advice
    assert desk.manifests.get(read.id) == read
    assert {record.id for record in desk.returnees.find(manifest_id=read.id)} == {
        row.returnee_id for row in rows[:2]
    }


def test_the_progress_of_a_long_list_is_told(world: World, desk: Any) -> None:
    seen: list[Manifest] = []

    def look(far: Manifest) -> None:
        seen.append(far)
        if far.state != "done":
            read_what_waits(world)

    read = desk.manifests.post(
        a_long_list(), CSV, reference=a_reference(), on_progress=look, every_seconds=0.01
    )
    assert (seen[0].rows_read, seen[-1].rows_read, seen[-1].rows_total) == (0, 700, 700)
    assert read.kept == 700
    assert sum(1 for _ in desk.manifests.rows(read.id)) == 700


def test_a_list_that_nobody_reads_on_is_not_waited_for_for_ever(
    world: World, desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "STALLED_SECONDS", 0.05)
    with pytest.raises(UnavailableError, match="has the list, and has read 0 of 700 rows"):
        desk.manifests.post(a_long_list(), CSV, reference=a_reference(), every_seconds=0.02)
    read_what_waits(world)


def test_a_file_that_is_no_list_is_refused(desk: Any) -> None:
    xlsx = manifests.MEDIA_TYPES[".xlsx"]
    with pytest.raises(InvalidInputError) as refused:
        desk.manifests.post(b"no workbook", xlsx, reference=a_reference())
    assert refused.value.name == "manifest_unreadable"


def test_somebody_on_no_list_is_entered_and_received(desk: Any) -> None:
    record = desk.returnees.enter(
        {
            "identity": {"given_names": "Franklin", "family_names": ["Marín"], "sex": "male"},
            "walk_on": True,
            "state": "announced",
        }
    )
    assert desk.returnees.arrive(record.id).state == "arrived"
    assert desk.returnees.receive(record.id).state == "received"
    read = desk.returnees.get(record.id)
    assert read.details.identity.given_names == "Franklin"
    assert [step.state for step in read.history] == ["announced", "arrived", "received"]
    with pytest.raises(IllegalTransitionError):
        desk.returnees.arrive(record.id)
    assert desk.returnees.take_step(record.id, {"to": "closed"}).state == "closed"
    assert record.id in {one.id for one in desk.returnees.find(state="closed")}


def test_two_records_are_found_to_be_one_person_and_then_two(desk: Any) -> None:
    of_this_test = a_reference()

    def somebody(given: str, family: str) -> str:
        born = {"value": "1991-07-09", "precision": "day"}
        names = {"given_names": given, "family_names": [family, of_this_test]}
        record = desk.returnees.enter({"identity": names | {"birth_date": born}})
        return str(record.id)

    one, other = somebody("Rigoberto", "Cucul"), somebody("Rigoverto", "Kukul")
    proposed = desk.returnees.candidates(one, limit=50)
    assert proposed.compared
    assert other in {candidate.returnee_id for candidate in proposed.candidates}
    said = {"ground": "asked", "confirmed_by": "Turno A"}
    merged = desk.returnees.merge(one, other, **said)
    assert (merged.state, merged.merged_into, merged.history[-1].ground) == (
        "merged",
        other,
        "asked",
    )
    assert desk.returnees.get(other).merged_from == [one]
    assert desk.returnees.unmerge(one, confirmed_by="Turno B").state == "arrived"
    with pytest.raises(IllegalTransitionError):
        desk.returnees.unmerge(other, confirmed_by="Turno B")
    sister = somebody("Cecilia", "Cucul")
    with pytest.raises(RelevoProblemError) as refused:
        desk.returnees.merge(sister, other, ground="recognised", confirmed_by="Turno A")
    assert refused.value.name == "siblings_not_ruled_out"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.CSV", CSV), ("a.ndjson", "application/x-ndjson"), ("a.jsonl", "application/x-ndjson")],
)
def test_a_list_is_known_by_its_ending(tmp_path: Path, name: str, media_type: str) -> None:
    file = tmp_path / name
    file.write_text(SOME, "utf-8")
    assert read_list(file) == (SOME.encode(), media_type)


def test_another_ending_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\.csv, \.jsonl"):
        read_list(Path("list.pdf"))


# -- as commands ------------------------------------------------------------------------------------


@pytest.fixture
def typed(world: World, tmp_path: Path) -> Person:
    return Person(tmp_path, world.arguments["desk"])


def test_a_list_is_posted_from_a_file(typed: Person, tmp_path: Path) -> None:
    file = tmp_path / "AA123.csv"
    file.write_text(SOME, "utf-8")
    reference = a_reference()
    posted = typed("returnees", "post", file, "--reference", reference, "--destination", "GT")
    assert posted.exit_code == 1
    assert f"List {reference}, version 1" in posted.stderr
    assert "2 kept, 0 changed, 0 unchanged, 1 refused" in posted.stderr
    assert "Column 6: " in posted.stderr
    assert "1 of 3 rows were refused; the others are kept." in posted.stderr
    assert [line.split("\t")[:3] for line in posted.stdout.splitlines()] == [["4", "refused", ""]]

    file.write_text(SOME.replace("N/N", "Luis"), "utf-8")
    mended = typed("returnees", "post", file, "--reference", reference, "--destination", "GT")
    assert done(mended) == ""
    assert "1 kept, 0 changed, 2 unchanged, 0 refused" in mended.stderr

    manifest = mended.stderr.rpartition("id ")[2].split()[0]
    rows = done(typed("returnees", "rows", manifest, "--result", "kept")).splitlines()
    [record] = {row.split("\t")[2] for row in rows}
    assert record in done(typed("returnees", "list", "--manifest", manifest))
    assert done(typed("returnees", "arrive", record)) == f"{record} is arrived.\n"
    at = ("--at", "2026-03-02T10:40-06:00")
    assert done(typed("returnees", "receive", record, *at)) == f"{record} is received.\n"
    assert json.loads(done(typed("returnees", "show", record)))["state"] == "received"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("returnees", "post", "list.pdf"), "a list ends in one of"),
        (("returnees", "post", "none.csv"), "There is no none.csv"),
        (("returnees", "list", "--state", "lost"), "--state is one of: announced"),
        (("returnees", "rows", "x", "--result", "good"), "--result is one of: kept"),
    ],
)
def test_what_cannot_be_done_is_one_line(typed: Person, words: tuple[str, ...], said: str) -> None:
    result = typed(*words)
    assert result.exit_code == 1
    assert said in result.stderr


def test_somebody_at_a_desk_finds_merges_and_unmerges(typed: Person, desk: Any) -> None:
    identity = {"given_names": "Tomasa", "family_names": ["Ixmatá", a_reference()]}
    one, other = [desk.returnees.enter({"identity": identity}).id for _ in range(2)]
    desk.returnees.enter({"identity": identity | {"sex": "female"}})
    shown = done(typed("returnees", "candidates", one, "--limit", "50"))
    assert other in shown
    assert "family_names same" in shown
    by = ("--confirmed-by", "Turno A")
    assert "is merged into" in done(
        typed("returnees", "merge", one, other, "--ground", "asked", *by)
    )
    nothing = typed("returnees", "candidates", one)
    assert "not compared with any" in nothing.stderr
    assert "is arrived again" in done(typed("returnees", "unmerge", one, *by))
