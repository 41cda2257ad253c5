"""The list of 120 of the main story: every row that must be in it, and the answer that it must get.

Each row is tried in every form in which it can come.
"""

from datetime import date
from typing import Any

import pytest

from relevo.contracts.manifest.advice import COLUMNS, NOTES, REFUSALS, advice
from relevo.contracts.manifest.read_row import Listing, ReadRow, read_row
from relevo.contracts.person import BirthDate
from relevo.contracts.returnee import ManifestTerms, ReturneeDetails
from relevo.node.domain.manifest_file import XLSX
from tests.support.manifests import CSV, EVERY_FORM, NDJSON, a_list, a_row, opened

TERMS = ManifestTerms(reference="GT-2026-03-02-AA123", destination="GT")
TODAY = date(2026, 3, 2)

every_form = pytest.mark.parametrize("form", EVERY_FORM, ids=["csv", "ndjson", "xlsx"])


def read(form: str, body: bytes) -> list[ReadRow]:
    raw = opened(form, body)
    listing = Listing(TERMS, TODAY, raw.m_means)
    return [read_row(row, listing) for row in raw.rows]


def first(form: str, **changes: Any) -> ReadRow:
    """The answer to an ordinary row with these changes."""
    return read(form, a_list(form, a_row(**changes)))[0]


def kept(form: str, *codes: str, **changes: Any) -> ReturneeDetails:
    """The record of a row that is kept with exactly these notes."""
    row = first(form, **changes)
    assert row.details is not None, row.notes
    assert {note.code for note in row.notes} == set(codes)
    return row.details


def refused(form: str, code: str, column: str | None, **changes: Any) -> None:
    """The row is refused for one reason, at its line and column, with advice in both languages."""
    row = first(form, **changes)
    assert row.details is None
    assert [(note.code, note.column) for note in row.notes if note.refuses] == [(code, column)]
    assert row.line == (1 if form == NDJSON else 2)
    assert advice(code, "en")
    assert advice(code, "es")


def written(details: ReturneeDetails) -> dict[str, str]:
    return {entry.field: entry.text for entry in details.as_written}


@every_form
def test_row_01_ordinary(form: str) -> None:
    details = kept(form)
    assert details.identity.given_names == "Mario René"
    assert details.identity.family_names == ["Ajanel", "Ixcot"]
    assert details.identity.birth_date == BirthDate(value="1993-05-17", precision="day")
    assert (details.identity.sex, details.identity.nationalities) == ("male", ["GT"])
    assert details.location_municipality is not None
    assert details.location_municipality.code == "GT-1301"
    assert details.as_written == []


@every_form
def test_row_02_only_one_surname(form: str) -> None:
    assert kept(form, family_names="Ixmatá").identity.family_names == ["Ixmatá"]


@every_form
def test_row_03_no_surname(form: str) -> None:
    details = kept(form, family_names=None, given_names="Catarina")
    assert (details.identity.given_names, details.identity.family_names) == ("Catarina", [])


@every_form
def test_row_04_birth_date_unknown(form: str) -> None:
    assert kept(form, birth_date=None).identity.birth_date is None
    said = kept(form, "birth_date_unknown", birth_date="se desconoce")
    assert said.identity.birth_date is None


@every_form
def test_row_05_year_only(form: str) -> None:
    details = kept(form, birth_date="1993")
    assert details.identity.birth_date == BirthDate(value="1993", precision="year")


@every_form
def test_row_06_first_of_january_is_possible_and_flagged_softly(form: str) -> None:
    details = kept(form, "first_of_january", birth_date="01/01/1990")
    assert details.identity.birth_date == BirthDate(value="1990-01-01", precision="day")


@every_form
@pytest.mark.parametrize("invented", ["01.01.1900", "1900-01-01", "00/00/0000", "99/99/9999"])
def test_row_07_an_invented_birth_date(form: str, invented: str) -> None:
    refused(form, "fake_birth_date", "birth_date", birth_date=invented)
    assert "empty" in advice("fake_birth_date", "en")


@every_form
@pytest.mark.parametrize("invented", ["N/N", "NN", "xx", "LNU", "desconocido"])
def test_row_08_a_name_that_stands_for_none(form: str, invented: str) -> None:
    refused(form, "fake_name", "given_names", given_names=invented)
    refused(form, "fake_name", "family_names", family_names=invented)
    assert "unidentified" in advice("fake_name", "en")


@every_form
def test_row_09_no_document(form: str) -> None:
    details = kept(form, document_type="ninguno")
    assert details.identity_document is not None
    assert [paper.type for paper in details.identity_document.documents] == ["none"]
    assert kept(form).identity_document is None


@every_form
def test_row_10_an_expired_passport_is_kept_as_one(form: str) -> None:
    details = kept(
        form,
        "document_expired",
        document_type="Pasaporte",
        document_number="000012345",
        document_state="vencido",
    )
    assert details.identity_document is not None
    [paper] = details.identity_document.documents
    assert (paper.type, paper.number, paper.state) == ("passport", "000012345", "expired")
    assert kept(form, "document_expired", document_type="Pasaporte vencido") is not None


@every_form
def test_row_11_a_cui_whose_check_digit_does_not_fit(form: str) -> None:
    wrong, right = "0000 12345 1301", "0000 12343 1301"
    details = kept(form, "check_digit", national_id_number=wrong)
    assert details.identity_document is not None
    assert details.identity_document.documents[0].number is None
    assert written(details) == {"national_id_number": wrong}
    details = kept(form, national_id_number=right)
    assert details.identity_document is not None
    assert details.identity_document.documents[0].number == right


@every_form
def test_row_12_two_nationalities(form: str) -> None:
    assert kept(form, nationality="GT / MX").identity.nationalities == ["GT", "MX"]
    both = kept(form, nationality="guatemalteca y mexicana")
    assert both.identity.nationalities == ["GT", "MX"]


@every_form
def test_row_13_a_honduran_on_a_flight_to_guatemala(form: str) -> None:
    details = kept(form, "third_country_national", nationality="HN", municipality="HN-1804")
    assert details.identity.nationalities == ["HN"]
    assert "no consulate" in advice("third_country_national", "en")


@every_form
def test_row_14_a_child_with_her_mother_on_the_same_flight(form: str) -> None:
    mother = a_row(row_reference="14", given_names="Petrona", sex="F", family_group="F1")
    child = a_row(
        row_reference="15", birth_date="2018-04-05", family_group="F1", relative_reference="14"
    )
    rows = read(form, a_list(form, mother, child))
    assert rows[0].groups == rows[1].groups == (("family_unit", "F1"),)
    [link] = rows[1].relatives
    assert (link.relation, link.row_reference, link.manifest_reference) == ("parent", "14", None)
    assert rows[1].notes == ()


@every_form
def test_row_15_a_child_whose_mother_is_on_tomorrows_flight(form: str) -> None:
    row = first(
        form,
        birth_date="2018-04-05",
        relative_reference="7",
        relative_manifest="GT-2026-03-03-AA124",
    )
    assert [note.code for note in row.notes] == ["relative_on_other_list"]
    assert row.relatives[0].manifest_reference == "GT-2026-03-03-AA124"


@every_form
def test_row_16_a_pair_of_siblings(form: str) -> None:
    pair = [
        a_row(row_reference=str(n), given_names=name, birth_date=born, sibling_group="H1")
        for n, name, born in ((16, "Marta Elena", "2011-02-03"), (17, "Ervin", "2016-05-04"))
    ]
    rows = read(form, a_list(form, *pair))
    assert rows[0].groups == rows[1].groups == (("sibling_group", "H1"),)
    assert not any(row.notes for row in rows)


@every_form
def test_row_16_siblings_that_nobody_declared_are_still_children_without_an_adult(
    form: str,
) -> None:
    kept(form, "child_without_adult", birth_date="2016-05-04")


@every_form
def test_row_17_a_person_over_60(form: str) -> None:
    kept(form, "older_person", birth_date="1960-02-02")


@every_form
def test_row_18_advanced_pregnancy_and_unfit_to_sit(form: str) -> None:
    details = kept(
        form,
        "prepare_reception",
        sex="F",
        specific_needs="embarazo avanzado, no apta para ir sentada",
    )
    assert details.specific_needs == ["pregnant_or_lactating"]
    assert details.reception_needs == ["medical_attention", "lying_down"]


@every_form
def test_row_19_a_wheelchair(form: str) -> None:
    details = kept(form, "prepare_reception", specific_needs="silla de ruedas")
    assert details.specific_needs == ["disability_physical"]
    assert details.reception_needs == ["wheelchair"]


@every_form
def test_row_20_a_name_in_capitals_without_accents(form: str) -> None:
    details = kept(form, "name_in_capitals", given_names="JOSE", family_names="LOPEZ PEREZ")
    assert (details.identity.given_names, details.identity.family_names) == (
        "JOSE",
        ["LOPEZ", "PEREZ"],
    )


@every_form
def test_row_21_surname_and_name_swapped_are_flagged_and_left(form: str) -> None:
    details = kept(
        form,
        "names_may_be_swapped",
        given_names="Velásquez López",
        family_names="Marvin Estuardo",
    )
    assert details.identity.given_names == "Velásquez López"


@every_form
def test_row_21_given_names_that_are_family_names_too_are_not_flagged(form: str) -> None:
    kept(form, given_names="Diego Mateo", family_names="Pascual Lucas")
    kept(form, given_names="Pascual Andrés", family_names="Pascual")


@every_form
def test_row_22_one_person_in_two_spellings(form: str) -> None:
    one = a_row(row_reference="22", given_names="Ervin", family_names="Cucul Tiul")
    other = a_row(row_reference="23", given_names="ERWIN", family_names="KUKUL TIUL")
    rows = read(form, a_list(form, one, other))
    twins = [
        [note.lines for note in row.notes if note.code == "possible_duplicate"] for row in rows
    ]
    assert twins[:2] == [[(rows[1].line,)], [(rows[0].line,)]]
    assert not any(row.refused for row in rows)


@every_form
def test_row_22_twins_are_not_taken_for_one(form: str) -> None:
    rows = [
        a_row(row_reference=str(n), given_names=name, family_names="Funes Rivas")
        for n, name in enumerate(("Kevin Alexander", "Kelvin Alexander"))
    ]
    assert not any(row.notes for row in read(form, a_list(form, *rows)))


@every_form
def test_row_23_sex_x(form: str) -> None:
    assert kept(form, sex="X").identity.sex == "x"


@every_form
def test_row_24_sex_empty(form: str) -> None:
    assert kept(form, sex=None).identity.sex is None


@every_form
def test_row_25_an_age_and_no_date(form: str) -> None:
    details = kept(form, "age_only", birth_date=None, age="33")
    assert details.identity.birth_date == BirthDate(value="1993", precision="estimated")


@every_form
def test_row_26_nationality_gua(form: str) -> None:
    details = kept(form, "nationality_probably", nationality="GUA")
    assert details.identity.nationalities == []
    assert written(details) == {"nationality": "GUA"}
    details = kept(form, "nationality_as_written", nationality="Sakartvelo")
    assert written(details) == {"nationality": "Sakartvelo"}


@every_form
def test_row_27_municipality_sn_pedro_carcha(form: str) -> None:
    details = kept(form, "place_name_as_written", municipality="Sn Pedro Carcha")
    assert details.location_municipality is not None
    assert details.location_municipality.name == "Sn Pedro Carcha"
    assert details.location_municipality.code is None


@every_form
def test_row_28_a_municipality_code_without_country(form: str) -> None:
    details = kept(form, "place_code_without_country", municipality="1804")
    assert details.location_municipality is None
    assert written(details) == {"municipality": "1804"}
    named = kept(form, "third_country_national", nationality="HN", municipality="HN-1804")
    assert named.location_municipality is not None
    assert named.location_municipality.code == "HN-1804"
    kept(form, "place_code_unknown", municipality="GT-9901")


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
def test_row_34_announced_and_did_not_board(form: str) -> None:
    row = first(form, boarding="no abordó")
    assert (row.state, [note.code for note in row.notes]) == ("did_not_board", ["did_not_board"])
    assert not row.refused


@every_form
def test_row_35_boarded_and_not_announced(form: str) -> None:
    assert kept(form, "walk_on", boarding="no anunciado").walk_on


@every_form
def test_row_36_died_on_board(form: str) -> None:
    row = first(form, boarding="fallecido a bordo")
    assert row.details is not None
    assert row.sealed_event == "died_on_board"
    assert row.state is None
    assert [note.code for note in row.notes] == ["sealed_event"]
    said = advice("sealed_event", "en") + advice("sealed_event", "es")
    assert not any(word in said.lower() for word in ("dead", "death", "died", "muert", "falle"))
    assert not row.details.as_written


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
