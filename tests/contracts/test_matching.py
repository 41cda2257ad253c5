"""Two records may be one person: names as people write them, dates as they are known, twins never one."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relevo.contracts.matching.blocking import asked_keys, kept_keys
from relevo.contracts.matching.compare import Comparison, compare
from relevo.contracts.matching.likeness import of_words
from relevo.contracts.matching.subject import Subject, subject_of
from relevo.contracts.matching.words import closeness, heard
from relevo.contracts.person import Identity, IdentityDocument, LocationMunicipality
from relevo.contracts.placeholders import stands_for_no_name
from tests.support.likenesses import a_country, quality


def somebody(
    given_names: str,
    *family_names: str,
    born: str | None = None,
    place: str | None = "GT-1609",
    number: str | None = None,
    **more: Any,
) -> Subject:
    precision = {4: "year", 7: "month"}.get(len(born or ""), "day")
    subject = subject_of(
        Identity.model_validate(
            {
                "given_names": given_names,
                "family_names": list(family_names),
                "birth_date": None if born is None else {"value": born, "precision": precision},
            }
        ),
        municipality=None
        if place is None
        else LocationMunicipality.model_validate({"country": place[:2], "code": place}),
        documents=[]
        if number is None
        else [IdentityDocument(type="national_id", country="GT", number=number)],
        **more,
    )
    assert subject is not None
    return subject


def found(one: Subject, other: Subject) -> Comparison | None:
    """What a look-up says of these two: None when neither would be opened for the other."""
    return compare(one, other) if asked_keys(one) & kept_keys(other) else None


def level(one: Subject, other: Subject) -> str:
    result = found(one, other)
    return "never compared" if result is None else result.level


@pytest.mark.parametrize(
    "spellings",
    [
        "Xol Shol",
        "Caal Ca'al Ca’al Caʼal Ca`al CAAL",  # noqa: RUF001 - as it arrives
        "Cucul Kukul",
        "Tzoc Tz'oc Tz’oc",  # noqa: RUF001 - as it arrives
        "Q'anil Kanil",
        "Ixcoy Ixkoy",
        "Chub Ch'ub",
        "Quib Kib",
        "Cux Kux",
        "Ervin Erwin",
        "Güity GUITY",
        "Chávez Chavez CHAVES",
    ],
)
def test_one_sound_however_it_is_written(spellings: str) -> None:
    assert len({heard(spelling) for spelling in spellings.split()}) == 1
    first = somebody("Marta Elena", spellings.split(maxsplit=1)[0], "Tiul", born="2010-05-04")
    for spelling in spellings.split():
        assert (
            level(first, somebody("Marta Elena", spelling, "Tiul", born="2010-05-04")) == "likely"
        )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Ana Lucrecia", "Pérez", "Tumax", "de Coj"), ("Ana Lucrecia", "Pérez", "Tumax")),
        (("Pascual Andrés", "Pascual"), ("Pascual", "Andrés", "Pascual")),
        (("Rigoberto", "Banegas", "Mejía"), ("RIGOBERTO", "BANEGASMEJIA")),
        (("Wesly", "Jean-Baptiste"), ("Wesly", "Jean", "Baptiste")),
        (("Xiaoming", "Chen"), ("Chen", "Xiaoming")),
        (("Xiao Ming", "Chen"), ("Xiaoming", "Chen")),
        (("Óscar Danilo", "Quintanilla", "Umaña"), ("QUINTANILLA UMANA OSCAR DANILO",)),
        (("Yadira del Carmen", "Rostrán", "Lazo"), ("Yadira Carmen", "Rostran", "Lazo")),
        (("Juan", "de León"), ("Juan", "De Leon")),
        (("Ashley Nicole", "Hernandez-Sanchez"), ("Ashley Nicole", "Hernández", "Sánches")),
    ],
)
def test_one_person_written_otherwise_is_likely(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    assert level(somebody(*one, born="1990-03-17"), somebody(*other, born="1990-03-17")) == "likely"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Santos", "Ixmatá"), ("Santos", "Ixmatá", "Tum")),
        (("Catarina",), ("Catarina", "Tzoy")),
        (("Aurelio", "Cuautle"), ("Aurelio", "Cuautla")),
        (("Tomasa Isabel", "Temaj", "Coronado"), ("Tomasa", "Temaj")),
    ],
)
def test_less_of_a_name_is_still_a_candidate(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    day = {"born": "1990-03-17"}
    assert level(somebody(*one, **day), somebody(*other, **day)) in {"possible", "likely"}


def test_a_husbands_name_is_not_matched_on() -> None:
    married = somebody("Ana", "Tumax", "de Coj", born="1990-03-17")
    assert married.family == ("tumax",)
    assert level(married, somebody("Ana", "Coj", born="1990-03-17")) != "likely"


def test_ervin_on_last_years_list_is_a_candidate_for_a_person_to_confirm() -> None:
    here = somebody("Ervin", "Cucul", "Tiul", born="2016-05-04")
    listed = somebody("ERWIN", "CUCUL", "TUL", born="2016-01-01")
    result = found(here, listed)
    assert result is not None
    assert result.level == "possible"
    assert not result.may_be_siblings
    assert {said.field: said.agreement for said in result.evidence}["birth_date"] == "shorter"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Kevin Alexander", "Funes", "Rivas"), ("Kelvin Alexander", "Funes", "Rivas")),
        (("FUNES RIVAS KEVIN ALEXANDER",), ("Kelvin Alexander", "Funes", "Rivas")),
        (("José Luis", "Funes", "Rivas"), ("José Antonio", "Funes", "Rivas")),
        (("Funes", "Kevin Alexander"), ("Kelvin Alexander", "Funes")),
    ],
)
@pytest.mark.parametrize("born", ["2009-08-11", "2009", None])
def test_twins_never_become_one(
    one: tuple[str, ...], other: tuple[str, ...], born: str | None
) -> None:
    result = compare(somebody(*one, born=born), somebody(*other, born=born))
    assert result.level in {"possible", "siblings", "no"}
    assert result.may_be_siblings == (result.level != "no")


def test_twins_are_said_to_be_siblings_and_proposed_to_nobody() -> None:
    born = {"born": "2009-08-11"}
    kevin = somebody("Kevin Alexander", "Funes", "Rivas", **born)
    assert level(kevin, somebody("Kelvin Alexander", "Funes", "Rivas", **born)) == "siblings"
    assert level(kevin, somebody("Kelvin Alexánder", "Fúnez", "Rivas", **born)) == "siblings"


def test_cousins_of_whom_no_name_is_one_are_no_candidates() -> None:
    born = {"born": "2009-08-11"}
    kevin = somebody("Kevin Alexander", "Funes", "Rivas", **born)
    assert level(kevin, somebody("Kelvin Alexander", "Funes", "Ribera", **born)) == "no"


def test_siblings_with_names_of_their_own_are_two_people() -> None:
    born = {"born": "2009-08-11"}
    ana, pedro = (
        somebody("Ana", "Funes", "Rivas", **born),
        somebody("Pedro", "Funes", "Rivas", **born),
    )
    assert level(ana, pedro) == "no"


def test_a_father_and_a_son_of_one_name_are_two_people() -> None:
    father = somebody("Mateo", "Lucas", "Mateo", born="1980-02-03")
    assert level(father, somebody("Mateo", "Lucas", "Mateo", born="2004-02-03")) in {
        "no",
        "never compared",
    }


def test_a_common_name_without_a_birth_date_is_never_likely() -> None:
    one, other = somebody("José", "García", "López"), somebody("José", "García", "López")
    assert level(one, other) == "possible"


def test_one_number_on_a_paper_outweighs_a_birth_date_that_differs() -> None:
    one = somebody("Juan", "Pérez", "Gómez", born="1990-03-17", number="2561 45879 1609")
    other = somebody("Juan", "Pérez", "Gómez", born="1982-11-02", number="2561458791609")
    assert level(one, other) != "no"


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ("1990-03-17", "1990-03-17", "same"),
        ("1990-03-17", "1990-03", "shorter"),
        ("1990-03-17", "1990", "shorter"),
        ("1990-03-17", "1990-01-01", "shorter"),
        ("1990-01-01", "1990-01-01", "shorter"),
        ("1990-03-07", "1990-07-03", "near"),
        ("1990-03-17", "1991-03-17", "near"),
        ("1990-03-17", "1975-03-17", "different"),
        ("1990", "1991", "different"),
        ("1990-03-17", None, "unknown"),
    ],
)
def test_a_birth_date_agrees_as_far_as_it_is_known(one: str, other: str | None, says: str) -> None:
    result = compare(
        somebody("Juan", "Pérez", born=one, number="1"),
        somebody("Juan", "Pérez", born=other, number="1"),
    )
    assert {said.field: said.agreement for said in result.evidence}["birth_date"] == says


def test_searches_and_remains_match_nothing() -> None:
    known = Identity(given_names="Darwin", family_names=["Orellana"])
    assert subject_of(known, purpose="tracing_of_missing") is None
    assert subject_of(known, services=["missing_migrant_search"]) is None
    assert subject_of(Identity(given_names="NN", unidentified=True)) is None
    assert subject_of(known) is not None


# -- laws -----------------------------------------------------------------------------------------

words = st.text(alphabet="aceghiklnopqrstuxzáéñüÁ'’ -CQ", min_size=1, max_size=12)  # noqa: RUF001
dates = st.one_of(
    st.none(),
    st.sampled_from(
        ["1990", "1990-03", "1990-03-17", "1990-01-01", "1991-03-17", "1990-12-03", "2001"]
    ),
)
people = st.builds(
    lambda names, born, place, number: subject_of(
        Identity.model_validate(
            {
                "given_names": names[0],
                "family_names": names[1:],
                "birth_date": None
                if born is None
                else {"value": born, "precision": {4: "year", 7: "month", 10: "day"}[len(born)]},
            }
        ),
        municipality=place and LocationMunicipality(country="GT", code=place),
        documents=[IdentityDocument(type="national_id", country="GT", number=number)]
        if number
        else [],
    ),
    st.lists(
        words.filter(lambda word: not stands_for_no_name(word)), min_size=1, max_size=4
    ).filter(lambda names: all(name.strip() for name in names)),
    dates,
    st.sampled_from([None, "GT-1204", "GT-1609"]),
    st.sampled_from([None, "1", "2"]),
).filter(lambda subject: subject is not None)


@given(st.one_of(words, st.text(max_size=20)))
def test_hearing_a_name_again_changes_nothing(name: str) -> None:
    once = heard(name)
    assert heard(" ".join(once)) == once


@settings(max_examples=200, deadline=None)
@given(people, people)
def test_the_comparison_is_the_same_from_either_side(one: Subject, other: Subject) -> None:
    assert compare(one, other) == compare(other, one)
    assert bool(asked_keys(one) & kept_keys(other)) == bool(asked_keys(other) & kept_keys(one))


@settings(max_examples=100, deadline=None)
@given(people)
def test_nothing_in_a_record_speaks_against_itself(one: Subject) -> None:
    result = compare(one, one)
    assert all(said.weight >= 0 for said in result.evidence)
    assert not result.may_be_siblings
    assert kept_keys(one) <= asked_keys(one)


@given(words, words)
def test_closeness_has_no_direction_and_is_a_share(one: str, other: str) -> None:
    assert closeness(one, other) == closeness(other, one)
    assert 0 <= closeness(one, other) <= 1
    assert of_words([one], [other]) == of_words([other], [one])


def test_a_generated_country_is_matched_well_and_its_twins_are_kept_apart() -> None:
    result = quality(a_country(600))
    assert result.recall >= 0.9
    assert result.precision >= 0.7
    assert result.precision_likely >= 0.99
    assert result.twins_likely == 0
