"""Comparing two records: evidence, and how likely it is one person. A person decides, never this."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from .likeness import (
    Agreement,
    of_birth_dates,
    of_papers,
    of_places,
    of_whole_names,
    of_words,
    years_apart,
)
from .subject import Subject

Field = Literal[
    "given_names", "family_names", "whole_name", "birth_date", "sex", "municipality", "paper"
]
Level = Literal["likely", "possible", "no"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one field says. It names no value, so it may be shown beside both records or alone.

    Attributes:
        weight: For one person when above 0, against it when below.
    """

    field: Field
    agreement: Agreement
    weight: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What speaks for and against one person behind two records.

    Attributes:
        may_be_siblings: Born together with names alike but not one: twins are two people.
    """

    level: Level
    score: float
    evidence: tuple[Evidence, ...]
    may_be_siblings: bool = False


_WEIGHTS: Final[Mapping[Field, Mapping[Agreement, float]]] = MappingProxyType(
    {
        "given_names": {"same": 3, "shorter": 2, "near": 1, "different": -7},
        "family_names": {"same": 5, "shorter": 3, "near": 2.5, "different": -6},
        "whole_name": {"same": 7, "shorter": 4, "near": 3, "different": -9},
        "birth_date": {"same": 5, "shorter": 2, "near": 2, "different": -5},
        "sex": {"same": 0, "different": -2},
        "municipality": {"same": 2, "different": -1},
        "paper": {"same": 8, "different": -3},
    }
)
_ONE_FAMILY_NAME: Final = 3
_GENERATION: Final = 5
_OF_A_GENERATION: Final = -4.0
_LIKELY: Final = 11.0
_POSSIBLE: Final = 7.0


def compare(one: Subject, other: Subject) -> Comparison:
    """Weighs every field that both records have. Symmetric, and it changes neither.

    Returns:
        `likely` only with a birth date to the day or a paper that agrees; never `likely` where two
        siblings born together would look the same.
    """
    birth = of_birth_dates(one.birth_date, other.birth_date)
    paper = of_papers(one.papers, other.papers)
    if birth == "different" and paper != "same":
        # No name outweighs it, so names need not be looked at.
        against = _said("birth_date", birth)
        return Comparison("no", against.weight, (against,))
    names = _names(one, other)
    evidence = (
        *names,
        _said("birth_date", birth),
        _said("sex", _of_sexes(one.sex, other.sex)),
        _said("municipality", of_places(one.municipality, other.municipality)),
        _said("paper", paper),
    )
    score = sum(said.weight for said in evidence)
    if years_apart(one.birth_date, other.birth_date) >= _GENERATION:
        score += _OF_A_GENERATION  # a parent's name is often the child's
    siblings = _may_be_siblings(names, birth) and paper != "same"
    level: Level = "possible" if score >= _POSSIBLE else "no"
    named_otherwise = any(said.agreement in {"near", "different"} for said in names)
    if (
        score >= _LIKELY
        and not siblings
        and (
            paper == "same" or (birth == "same" and not named_otherwise) or _spelling(names, birth)
        )
    ):
        level = "likely"
    return Comparison(level, score, evidence, may_be_siblings=siblings and level != "no")


def _spelling(names: tuple[Evidence, ...], birth: Agreement) -> bool:
    """Only the family names are spelt otherwise, the day of birth is one."""
    return birth == "same" and [said.agreement for said in names] == ["same", "near"]


def _names(one: Subject, other: Subject) -> tuple[Evidence, ...]:
    given = _said("given_names", of_words(one.given, other.given))
    family = _said("family_names", of_words(one.family, other.family))
    if family.agreement == "same" and min(len(one.family), len(other.family)) == 1:
        family = Evidence("family_names", "same", _ONE_FAMILY_NAME)
    if family.agreement == "same" and given.agreement in {"same", "different"}:
        return given, family  # nothing stands in another's place
    whole = _said(
        "whole_name", of_whole_names((*one.given, *one.family), (*other.given, *other.family))
    )
    # As it is divided, where that says as much.
    if whole.agreement != "unknown" and whole.weight > given.weight + family.weight:
        return (whole,)
    return given, family


def _may_be_siblings(names: tuple[Evidence, ...], birth: Agreement) -> bool:
    if birth == "different":
        return False
    return any(
        said.agreement == "near" and said.field in {"given_names", "whole_name"} for said in names
    )


def _of_sexes(one: str | None, other: str | None) -> Agreement:
    if one is None or other is None:
        return "unknown"
    return "same" if one == other else "different"


def _said(field: Field, agreement: Agreement) -> Evidence:
    return Evidence(field, agreement, float(_WEIGHTS[field].get(agreement, 0)))
