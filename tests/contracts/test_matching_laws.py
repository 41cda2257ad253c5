"""What holds of every two records: how a name is written tells nobody apart, and no twin is taken for the other."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from relevo.contracts.matching.blocking import asked_keys, kept_keys
from relevo.contracts.matching.compare import compare
from relevo.contracts.matching.subject import Subject, subject_of
from relevo.contracts.person import Identity, IdentityDocument, LocationMunicipality

GIVEN = (
    "Marta", "Elena", "Ervin", "Rigoberto", "Tomasa", "Isabel", "Óscar", "Danilo", "Josué", "Wesly",
    "Yadira", "Ashley", "Nicole", "Bernardita", "Estuardo", "Candelaria",
)  # fmt: skip
FAMILY = (
    "Cucul", "Tiul", "Ca'al", "Xol", "Q'anil", "Tz'oc", "Chávez", "Güity", "Quintanilla", "Umaña",
    "Temaj", "Coronado", "Banegas", "Mejía", "Orellana", "Ch'ub", "Velásquez", "Menjívar",
)  # fmt: skip
TWINS = (
    ("Kevin", "Kelvin"), ("Ana", "Anabel"), ("José Luis", "José Antonio"), ("Marlon", "Marvin"),
    ("Wilmer", "Wilber"), ("María José", "María Fernanda"), ("Melvin", "Elvin"), ("Karla", "Carlos"),
    ("Rosa", "Rosalía"), ("Juan", "Juana"), ("Elder", "Elmer"), ("Ingrid", "Astrid"),
)  # fmt: skip
APOSTROPHES = "'’ʼ`´‘"  # noqa: RUF001 - as they arrive


@dataclass(frozen=True)
class Written:
    """A person as somebody wrote her down."""

    given: str
    family: tuple[str, ...]
    born: str | None = "1993-05-17"
    place: str | None = "GT-1609"

    def subject(self, **more: Any) -> Subject:
        subject = subject_of(
            Identity.model_validate(
                {
                    "given_names": self.given,
                    "family_names": self.family,
                    "birth_date": self.born
                    and {
                        "value": self.born,
                        "precision": {4: "year", 7: "month", 10: "day"}[len(self.born)],
                    },
                }
            ),
            municipality=self.place
            and LocationMunicipality(country=self.place[:2], code=self.place),
            **more,
        )
        assert subject is not None
        return subject


people = st.builds(
    lambda given, family, born, place: Written(" ".join(given), tuple(family), born, place),
    st.lists(st.sampled_from(GIVEN), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from(FAMILY), min_size=2, max_size=2, unique=True),
    st.dates(date(1950, 1, 2), date(2019, 12, 30)).map(date.isoformat),
    st.sampled_from(["GT-1609", "GT-1204"]),
)


def _bare(name: str) -> str:
    return name.translate(str.maketrans("áéíóúüÁÉÍÓÚÜ", "aeiouuAEIOUU"))


def _every_name(change: Callable[[str], str]) -> Callable[[Written], Written]:
    return lambda one: replace(
        one, given=change(one.given), family=tuple(change(name) for name in one.family)
    )


ANOTHER_HAND: dict[str, Callable[[Written], Written]] = {
    "capitals": _every_name(str.upper),
    "no capitals": _every_name(str.lower),
    "no accents": _every_name(_bare),
    "no apostrophes": _every_name(lambda name: name.replace("'", "")),
    "spaces": _every_name(lambda name: f"  {name}  ".replace(" ", "  ")),
    **{
        f"apostrophe {sign}": _every_name(lambda name, sign=sign: name.replace("'", sign))  # type: ignore[misc]
        for sign in APOSTROPHES
    },
}
"""How a name is written, and nothing else."""

ERRORS: dict[str, Callable[[Written], Written]] = {
    "by sound": _every_name(
        lambda name: (
            name.replace("Cu", "Ku").replace("X", "Sh").replace("Q'", "K").replace("z", "s")
        )
    ),
    "family name first": lambda one: replace(
        one, given=" ".join([*one.family, one.given]), family=()
    ),
    "in each other's place": lambda one: replace(
        one, given=" ".join(one.family), family=tuple(one.given.split())
    ),
    "family names in the other order": lambda one: replace(one, family=one.family[::-1]),
    "run together": lambda one: replace(one, family=("".join(one.family),)),
    "with a hyphen": lambda one: replace(one, family=("-".join(one.family),)),
    "one family name left out": lambda one: replace(one, family=one.family[:1]),
    "one given name left out": lambda one: replace(one, given=one.given.split()[0]),
    "the first of January": lambda one: replace(one, born=f"{(one.born or '')[:4]}-01-01"),
    "the year alone": lambda one: replace(one, born=(one.born or "")[:4]),
    "no date": lambda one: replace(one, born=None),
    "another municipality": lambda one: replace(one, place="GT-0101"),
    "no municipality": lambda one: replace(one, place=None),
}
"""What decision 0034 says is recognised."""


@settings(max_examples=40, deadline=None, derandomize=True)
@given(people, people)
def test_capitals_accents_apostrophes_and_spaces_change_nothing(
    one: Written, other: Written
) -> None:
    expected = compare(one.subject(), other.subject())
    for name, hand in ANOTHER_HAND.items():
        again = hand(one).subject()
        assert again == one.subject(), name
        assert compare(again, other.subject()) == expected, name
        assert kept_keys(again) == kept_keys(one.subject()), name


@settings(max_examples=40, deadline=None, derandomize=True)
@given(people)
def test_a_record_with_one_documented_error_is_found_and_never_ruled_out(one: Written) -> None:
    for name, error in ERRORS.items():
        again = error(one).subject()
        for asked, kept in ((one.subject(), again), (again, one.subject())):
            assert asked_keys(asked) & kept_keys(kept), name
            assert compare(asked, kept).level in {"likely", "possible"}, name


@settings(max_examples=40, deadline=None, derandomize=True)
@given(people, people, st.sampled_from(sorted(ERRORS)), st.sampled_from(sorted(ERRORS)))
def test_neither_side_of_a_comparison_comes_first(
    one: Written, other: Written, here: str, there: str
) -> None:
    first, second = ERRORS[here](one).subject(), ERRORS[there](other).subject()
    assert compare(first, second) == compare(second, first)
    assert bool(asked_keys(first) & kept_keys(second)) == bool(
        asked_keys(second) & kept_keys(first)
    )


@settings(max_examples=8, deadline=None, derandomize=True)
@given(people)
def test_names_in_whatever_order_are_the_same_candidates(one: Written) -> None:
    """Whoever wrote them down may not have known which are given and which are family names."""
    words = [*one.given.split(), *one.family]
    for order in permutations(words):
        for cut in range(1, len(order)):
            again = replace(one, given=" ".join(order[:cut]), family=order[cut:]).subject()
            assert asked_keys(again) & kept_keys(one.subject()), order
            assert compare(again, one.subject()).level != "no", (order, cut)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    people,
    st.sampled_from(TWINS),
    st.sampled_from(GIVEN),
    st.booleans(),
    st.sampled_from(sorted(ERRORS)),
)
def test_twins_are_never_likely_however_either_is_written(
    one: Written,
    names: tuple[str, str],
    second: str,
    has_second: bool,  # noqa: FBT001
    error: str,
) -> None:
    shared = f" {second}" if has_second and " " not in names[0] else ""
    first, other = (replace(one, given=name + shared) for name in names)
    for here, there in (
        (first, other),
        (ERRORS[error](first), other),
        (first, ERRORS[error](other)),
    ):
        assert compare(here.subject(), there.subject()).level != "likely", (here, there)


SEARCHES: list[dict[str, Any]] = [
    {"purpose": "tracing_of_missing"},
    {"services": ["missing_migrant_search"]},
    {"purpose": "service_delivery", "services": ["food", "missing_migrant_search"]},
]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(people, st.sampled_from(SEARCHES))
def test_whoever_is_searched_for_is_nobodys_candidate(one: Written, search: dict[str, Any]) -> None:
    identity = Identity(given_names=one.given, family_names=list(one.family))
    papers = [IdentityDocument(type="national_id", country="GT", number="2561458791609")]
    assert subject_of(identity, documents=papers, **search) is None
