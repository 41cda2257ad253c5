"""The list of 120 of the main story: every row about a person that must be in it, and its answer.

Each row is tried in every form in which it can come. Rows about the file itself are in
`test_manifest_texts.py`.
"""

import pytest

from relevo.contracts.manifest.advice import advice
from relevo.contracts.person import BirthDate
from tests.support.manifests import a_list, a_row
from tests.support.row_answers import every_form, first, kept, read, refused, written


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
    assert {note.code for note in row.notes} == {"relative_on_other_list", "child_without_adult"}
    assert row.relatives[0].manifest_reference == "GT-2026-03-03-AA124"


@every_form
def test_row_16_a_pair_of_siblings(form: str) -> None:
    pair = [
        a_row(row_reference=str(n), given_names=name, birth_date=born, sibling_group="H1")
        for n, name, born in ((16, "Marta Elena", "2011-02-03"), (17, "Ervin", "2016-05-04"))
    ]
    rows = read(form, a_list(form, *pair))
    assert rows[0].groups == rows[1].groups == (("sibling_group", "H1"),)
    # A sister of 15 is no adult.
    assert [[note.code for note in row.notes] for row in rows[:2]] == [["child_without_adult"]] * 2


@every_form
def test_row_16_children_whose_care_is_known_are_not_asked_about(form: str) -> None:
    kept(form, "child_without_adult", birth_date="2016-05-04")
    details = kept(form, birth_date="2016-05-04", child_care_status="no acompañado")
    assert details.child_data is not None
    assert details.child_data.child_care_status == "unaccompanied"


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
        for n, name in enumerate(("Kevin Alexander", "Kelvin Alexander"), start=5)
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


@every_form
def test_a_code_of_el_salvador_without_its_edition_is_kept_as_written(form: str) -> None:
    details = kept(
        form, "third_country_national", "place_code_without_edition",
        nationality="SV", municipality="SV-1405",
    )  # fmt: skip
    assert details.location_municipality is None
    assert written(details) == {"municipality": "SV-1405"}


@every_form
def test_a_code_of_a_country_we_have_no_list_of_never_breaks_a_row(form: str) -> None:
    row = first(form, nationality="ES", municipality="123456789", municipality_country="ES")
    assert "place_code_unknown" in [note.code for note in row.notes]


@every_form
@pytest.mark.parametrize(
    ("nationality", "column", "wrong"),
    [
        ("SV", "national_id_number", "00001234-9"),
        ("HN", "national_id_number", "1904-1973-00012"),
        ("NI", "national_id_number", "001-170593-0000Z"),
        ("MX", "population_key", "XEXX931317HNEXXXA0"),
    ],
)
def test_a_number_that_does_not_check_is_kept_as_written_in_every_country(
    form: str, nationality: str, column: str, wrong: str
) -> None:
    row = first(form, **{"nationality": nationality, "municipality": "", column: wrong})
    assert row.details is not None
    assert row.details.identity_document is not None
    assert row.details.identity_document.documents[0].number is None
    assert written(row.details) == {column: wrong}
    assert "check_digit" in [note.code for note in row.notes]


@every_form
@pytest.mark.parametrize("said", ["Mixteco", "mix", "nahuatl"])
def test_a_group_of_languages_is_never_stored_as_one_of_them(form: str, said: str) -> None:
    details = kept(form, "language_as_written", language=said)
    assert details.ethnicity_language is not None
    assert details.ethnicity_language.languages == []
    assert details.ethnicity_language.language_group == said


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
