"""Workbooks that are not what they seem: refused for what they are, before they cost anything."""

import io
import re
import time
import warnings
import zipfile
from collections.abc import Callable
from datetime import datetime

import openpyxl  # type: ignore[import-untyped]
import pytest

from relevo.contracts.manifest.door import MAX_ROWS, UnreadableListError
from relevo.node.domain.workbook import read_workbook
from tests.support.manifests import XLSX, a_list, a_row, ordinary_rows

SHEET = "xl/worksheets/sheet1.xml"
GOOD = a_list(XLSX, a_row())


def changed(name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The good workbook with one member changed."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(GOOD)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.infolist():
            content = old.read(member)
            new.writestr(member.filename, change(content) if member.filename == name else content)
    return out.getvalue()


def fault(body: bytes) -> str:
    with pytest.raises(UnreadableListError) as refused:
        read_workbook(body)
    return refused.value.fault


def test_a_bomb_is_not_unpacked() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(SHEET, b"<x>" + b" " * (80 * 1024 * 1024))
    began = time.process_time()
    assert fault(bomb.getvalue()) == "workbook_too_large"
    assert time.process_time() - began < 0.5


def test_many_members_are_not_even_counted_out() -> None:
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(600):
            archive.writestr(f"xl/{number}.xml", b"<x/>")
    assert fault(many.getvalue()) == "workbook_too_large"


@pytest.mark.parametrize(
    "declared",
    [
        b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>',
        b'<!doctype x SYSTEM "file:///etc/passwd">',
        b"<!-- " + b"x" * 300_000 + b" --><!DOCTYPE x>",
    ],
)
def test_a_document_type_is_refused_wherever_it_stands(declared: bytes) -> None:
    body = changed(SHEET, lambda content: content.replace(b"<worksheet", declared + b"<worksheet"))
    assert fault(body) == "workbook_with_entities"


def test_another_encoding_hides_nothing() -> None:
    for encoding in ("utf-16", "utf-7"):
        body = changed(
            SHEET,
            lambda content, e=encoding: (  # type: ignore[misc]
                f'<?xml version="1.0" encoding="{e}"?>'.encode() + content
            ),
        )
        assert fault(body) == "not_a_workbook"
    assert fault(changed(SHEET, lambda content: content.decode().encode("utf-16"))) == (
        "not_a_workbook"
    )


@pytest.mark.parametrize("size", [0, 10, 200, len(GOOD) // 2, len(GOOD) - 30])
def test_a_workbook_that_was_cut_off(size: int) -> None:
    assert fault(GOOD[:size]) == "not_a_workbook"


@pytest.mark.parametrize("at", range(0, 120, 7))
def test_packed_bytes_that_were_damaged_on_the_way(at: int) -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        member = archive.getinfo(SHEET)
    begins = member.header_offset + 30 + len(SHEET)
    body = bytearray(GOOD)
    body[begins + at : begins + at + 4] = b"\xff\xff\xff\xff"
    assert fault(bytes(body)) in {"not_a_workbook", "workbook_with_entities"}


def test_xml_that_does_not_close() -> None:
    assert fault(changed(SHEET, lambda content: content[:-40])) == "not_a_workbook"


def test_a_sheet_that_claims_to_be_endless_is_as_long_as_its_rows() -> None:
    body = changed(
        SHEET,
        lambda content: re.sub(
            rb'<dimension ref="[^"]+"', b'<dimension ref="A1:XFD1048576"', content
        ),
    )
    began = time.process_time()
    assert len(read_workbook(body).rows) == 2
    assert time.process_time() - began < 2


def test_a_cell_far_away_costs_nothing() -> None:
    body = changed(
        SHEET,
        lambda content: content.replace(
            b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
        ),
    )
    assert len(read_workbook(body).rows) == 2


def test_a_date_that_no_calendar_has_warns_nobody() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Nombres", "Apellidos", "Fecha de nacimiento"])
    book.active.append(["Ana", "Pop", datetime(1990, 1, 2)])  # noqa: DTZ001
    out = io.BytesIO()
    book.save(out)
    book.close()
    with zipfile.ZipFile(io.BytesIO(out.getvalue())) as old:
        sheet = old.read(SHEET)
    assert b"<v>32875</v>" in sheet
    global_filters = list(warnings.filters)
    rows = read_workbook(out.getvalue()).rows
    assert rows[0].cells["birth_date"] == "1990-01-02"
    assert list(warnings.filters) == global_filters


def test_a_title_above_and_a_sheet_before_do_not_hide_the_list() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Portada"])
    sheet = book.create_sheet("Lista")
    for cells in (["Instituto", None], [], ["Nombres", "Apellidos"], ["Ana", "Pop"]):
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    book.close()
    [row] = read_workbook(out.getvalue()).rows
    assert (row.line, row.cells) == (4, {"given_names": "Ana", "family_names": "Pop"})


def test_an_array_formula_is_a_formula() -> None:
    body = changed(
        SHEET,
        lambda content: content.replace(
            b"</sheetData>",
            b'<row r="9"><c r="B9" t="str"><v>Pop</v></c>'
            b'<c r="C9"><f t="array" ref="C9">A1</f><v>Ana</v></c></row></sheetData>',
        ),
    )
    row = read_workbook(body).rows[-1]
    assert [note.code for note in row.notes] == ["formula"]


def test_a_list_of_more_rows_than_any_list_has() -> None:
    rows = ordinary_rows(3)
    body = a_list(XLSX, *(rows * (MAX_ROWS // 3 + 1)))
    assert fault(body) == "too_many_rows"
