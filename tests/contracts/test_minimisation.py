import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.contracts.message_types.referral_submitted import sections_of
from relevo.contracts.minimisation import minimise, withheld
from relevo.contracts.person import (
    SECTIONS,
    UNCATEGORISED,
    Person,
    category_of_need,
    excluded_countries,
    has_protection_need,
)
from tests.support.records import CATEGORIES, NEEDS, a_whole_person, mark

any_categories = st.sets(st.sampled_from(CATEGORIES))
any_needs = st.lists(st.sampled_from(NEEDS), unique=True, max_size=12)


@given(any_categories, any_categories, any_needs)
def test_no_byte_leaves_that_was_not_both_allowed_and_asked_for(
    allowed: set[str], wanted: set[str], needs: list[str]
) -> None:
    sent = minimise(a_whole_person(specific_needs=needs), allowed=allowed, wanted=wanted)
    text = json.dumps(sent)
    for section in SECTIONS:
        leaves = section in allowed & wanted
        assert (section in sent) == leaves
        assert (mark(section) in text) == leaves
    for need in needs:
        leaves = category_of_need(need) in allowed & wanted
        assert (need in sent.get("specific_needs", [])) == leaves
    assert "local-person-key" not in text
    assert not {"person_id", "case_profile"} & sent.keys()
    assert "returned_or_deported" not in text


@given(any_categories, any_categories, any_needs)
def test_what_leaves_says_itself_which_categories_it_holds(
    allowed: set[str], wanted: set[str], needs: list[str]
) -> None:
    """The receiver and the sender's envelope must agree without trusting one another."""
    sent = minimise(a_whole_person(specific_needs=needs), allowed=allowed, wanted=wanted)
    assert sections_of({"persons": [{"person_id": "1", **sent}]}) <= allowed & wanted


@given(any_categories, any_categories, any_needs)
def test_what_left_and_what_was_withheld_make_the_whole(
    allowed: set[str], wanted: set[str], needs: list[str]
) -> None:
    person = a_whole_person(specific_needs=needs)
    sent = minimise(person, allowed=allowed, wanted=wanted)
    kept = withheld(person, sent)
    held = set(SECTIONS) | {category_of_need(need) for need in needs}
    assert set(kept) == held - (allowed & wanted)
    assert kept == [category for category in CATEGORIES if category in kept]


@given(any_categories, st.sampled_from(CATEGORIES), any_needs)
def test_taking_a_category_away_only_ever_takes_away(
    allowed: set[str], gone: str, needs: list[str]
) -> None:
    person = a_whole_person(specific_needs=needs)
    before = minimise(person, allowed=allowed, wanted=CATEGORIES)
    after = minimise(person, allowed=allowed - {gone}, wanted=CATEGORIES)
    for name, value in after.items():
        if name == "specific_needs":
            assert set(value) <= set(before[name])
        else:
            assert value == before[name]


def test_what_leaves_is_the_same_bytes_every_time_and_reads_as_a_person_again() -> None:
    person = a_whole_person(specific_needs=["cannot_read"])
    sent = minimise(person, allowed=set(CATEGORIES), wanted=set(CATEGORIES))
    again = minimise(person, allowed=list(CATEGORIES)[::-1], wanted=list(CATEGORIES)[::-1])
    assert json.dumps(sent) == json.dumps(again)
    read = Person.model_validate({"person_id": "1", **sent})
    assert read.model_dump(exclude={"person_id", "case_profile"}) == person.model_dump(
        exclude={"person_id", "case_profile"}
    )


def test_every_leaf_of_a_person_belongs_to_a_data_category() -> None:
    assert set(SECTIONS) <= set(CATEGORIES)
    assert set(Person.model_fields) == set(SECTIONS) | UNCATEGORISED
    for need in NEEDS:
        assert category_of_need(need) in CATEGORIES


def test_no_field_exists_for_what_never_crosses_a_gateway() -> None:
    never = {"genetic_forensic", "criminal_record", "photo", "attachments"}
    assert never <= set(CATEGORIES)
    assert not never & set(SECTIONS)


@pytest.mark.parametrize(
    "person",
    [
        {"asylum_claim": {"summary": "x"}},
        {"case_profile": "international_protection_need"},
        {"case_profile": "resettlement_or_relocation"},
        {"specific_needs": ["threatened_at_origin"]},
        {"specific_needs": ["indigenous_person", "international_protection_need"]},
    ],
)
def test_a_protection_need_excludes_the_countries_of_nationality(
    person: dict[str, object],
) -> None:
    identity = {"given_names": "Ana", "nationalities": ["HN", "SV"]}
    protected = Person.model_validate({"person_id": "1", "identity": identity, **person})
    other = Person.model_validate(
        {"person_id": "2", "identity": {"given_names": "Eva", "nationalities": ["GT"]}}
    )
    assert has_protection_need(protected)
    assert not has_protection_need(other)
    assert excluded_countries([protected, other]) == {"HN", "SV"}
