"""The list of 120, continued: broken text, formulas, forbidden columns, and lists of other shapes."""

from datetime import date

import pytest

from relevo.contracts.manifest.advice import COLUMNS, NOTES, REFUSALS, advice
from relevo.contracts.person import BirthDate
from relevo.node.domain.manifest_file import XLSX
from tests.support.manifests import CSV, NDJSON, a_list, a_row, opened
from tests.support.row_answers import every_form, kept, read, refused


@pytest.mark.parametrize("form", [CSV, NDJSON], ids=["csv", "ndjson"])
def test_row_29_broken_utf_8(form: str) -> None:
    body = a_list(form, a_row()).replace("René".encode(), b"Ren\xc3")
    rows = read(form, body)
    assert [note.code for note in rows[0].notes] == ["text_broken"]
    assert rows[0].refused
    assert not rows[1].refused


@every_form
def test_row_29_letters_that_were_lost_or_changed_twice(form: str) -> None:
    refused(form, "text_broken", "given_names", given_names="Ren\ufffd")
    details = kept(form, "text_repaired", given_names="Mario RenÃ©")
    assert details.identity.given_names == "Mario René"


@pytest.mark.parametrize("form", [CSV, NDJSON], ids=["csv", "ndjson"])
@pytest.mark.parametrize("whole_file", [True, False])
def test_row_30_windows_1252(form: str, whole_file: bool) -> None:  # noqa: FBT001
    body = a_list(form, a_row())
    part = body if whole_file else "René".encode()
    body = body.replace(part, part.decode().encode("cp1252"))
    row, other = read(form, body)
    assert row.details is not None
    assert row.details.identity.given_names == "Mario René"
    assert [note.code for note in row.notes] == ["windows_1252"]
    assert not other.refused


def test_row_31_a_trailing_separator() -> None:
    lines = a_list(CSV, a_row()).split(b"\r\n")
    plain = read(CSV, b"\r\n".join(lines))
    assert read(CSV, b"\r\n".join([lines[0], lines[1] + b";;", *lines[2:]])) == plain
    assert read(CSV, b"\r\n".join(line + b";" for line in lines if line)) == plain


def test_row_31_more_cells_than_headings_are_not_guessed_at() -> None:
    body = 'Apellidos,Nombres,Sexo\nHernández, Brandon,Luis,M\n"Hernández, Cruz",Luis,M\n'.encode()
    wrong, right = read(CSV, body)
    assert [note.code for note in wrong.notes] == ["too_many_cells"]
    assert right.details is not None


@every_form
def test_row_32_a_formula_as_a_name(form: str) -> None:
    formula = '=HYPERLINK("http://x.example","Mario")'
    refused(form, "formula", "given_names", given_names=formula)
    for other in ("=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-cmd()"):
        refused(form, "formula", "given_names", given_names=other)


@every_form
def test_row_32_a_formula_elsewhere_is_left_out(form: str) -> None:
    details = kept(form, "formula_dropped", municipality='=HYPERLINK("http://x.example")')
    assert details.location_municipality is None
    assert details.as_written == []


@every_form
def test_row_33_a_name_of_400_characters(form: str) -> None:
    refused(form, "too_long", "given_names", given_names="A" * 400)


@every_form
def test_row_37_a_criminal_record_column(form: str) -> None:
    raw = opened(form, a_list(form, a_row(criminal_record="robo agravado")))
    assert [(fate.code, fate.column) for fate in raw.columns] == [
        ("forbidden_column", "criminal_record")
    ]
    assert "robo" not in repr(raw)
    kept(form, criminal_record="robo agravado")


@every_form
def test_row_38_an_a_number_column(form: str) -> None:
    raw = opened(form, a_list(form, a_row(a_number="A123-456-789")))
    assert [(fate.code, fate.column) for fate in raw.columns] == [("forbidden_column", "a_number")]
    assert "456" not in repr(raw)
    kept(form, a_number="A123-456-789")


@every_form
def test_row_38_an_a_number_in_another_column(form: str) -> None:
    for cells in (
        {"document_type": "A-Number", "document_number": "123456789"},
        {"document_number": "A123-456-789"},
        {"row_reference": "A123456789"},
    ):
        raw = opened(form, a_list(form, a_row(**cells)))
        assert "456" not in repr(raw)
        assert [note.code for note in raw.rows[0].notes] == ["forbidden_value"]
    passport = kept(form, document_type="Pasaporte", document_number="A12345678")
    assert passport.identity_document is not None
    assert passport.identity_document.documents[0].number == "A12345678"


@every_form
def test_row_37_what_a_criminal_record_column_holds_is_dropped_in_others_too(form: str) -> None:
    details = kept(
        form, "forbidden_value", specific_needs="asma, antecedentes penales por robo agravado"
    )
    assert details.as_written == []


@pytest.mark.parametrize("empty", ["-", "--", ".", "no tiene", "N/A"])
def test_a_second_surname_that_there_is_none_of_is_an_empty_cell(empty: str) -> None:
    body = f"Nombres;Primer apellido;Segundo apellido\nAna;Pop;{empty}\n".encode()
    [row] = read(CSV, body)
    assert row.details is not None
    assert row.details.identity.family_names == ["Pop"]
    assert row.notes == ()


@pytest.mark.parametrize(
    "heading",
    ["ANTECEDENTES", "Antecedentes Policíacos", "Criminal history", "Delito", "Condenas", "A#", "Alien No.",
     "A-Number", "No. A", "INTERPOL", "Orden de captura", "Huella dactilar", "Tatuajes", "Foto"],
)  # fmt: skip
def test_headings_of_enforcement_files_are_forbidden(heading: str) -> None:
    raw = opened(CSV, f"Nombres;Apellidos;{heading}\nAna;Pop;secreto\n".encode())
    assert [fate.code for fate in raw.columns] == ["forbidden_column"]
    assert "secreto" not in repr(raw)


def test_a_column_that_nobody_knows_is_left_out_and_said_so() -> None:
    raw = opened(CSV, b"Nombres;Apellidos;Observaciones\nAna;Pop;habla mucho\n")
    assert [(fate.position, fate.code) for fate in raw.columns] == [(3, "unknown_column")]
    assert "habla" not in repr(raw)


def test_m_is_a_woman_where_h_is_a_man() -> None:
    rows = [a_row(sex="M"), a_row(sex="H", row_reference="3", given_names="Juan")]
    found = read(CSV, a_list(CSV, *rows, company=False))
    assert [row.details and row.details.identity.sex for row in found] == ["female", "male"]
    [alone] = read(CSV, a_list(CSV, a_row(sex="M"), company=False))
    assert [note.code for note in alone.notes] == ["sex_ambiguous"]
    assert alone.details is not None
    assert alone.details.identity.sex is None


def test_a_municipal_list_with_one_name_column() -> None:
    body = 'Nombre;Fecha nac.;Teléfono\n"Hernández, Brandon";09-05-17;+52 000 000 0001\n'
    [row] = read(CSV, body.encode("cp1252"))
    assert row.details is not None
    assert row.details.identity.family_names == ["Hernández"]
    assert row.details.identity.given_names == "Brandon"
    assert row.details.identity.birth_date == BirthDate(value="2017-05-09", precision="day")
    assert row.details.contact is not None


def test_two_rows_of_one_reference_are_not_guessed_at() -> None:
    rows = read(CSV, a_list(CSV, a_row(), a_row(given_names="Juan"), company=False))
    assert [row.refused for row in rows] == [False, True]
    assert [note.code for note in rows[1].notes] == ["row_reference_twice"]


def test_a_workbook_with_true_dates_and_titles_above() -> None:
    rows = read(XLSX, a_list(XLSX, a_row(birth_date=date(1993, 5, 17))))
    assert rows[0].details is not None
    assert rows[0].details.identity.birth_date == BirthDate(value="1993-05-17", precision="day")


def test_every_advice_is_in_both_languages_and_within_a_line_or_two() -> None:
    for code in (*REFUSALS, *NOTES, *COLUMNS):
        for language in ("en", "es"):
            assert 5 < len(advice(code, language)) < 300  # type: ignore[arg-type]
