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
Level = Literal["likely", "possible", "siblings", "no"]
"""`siblings`: born together, of one family, with given names alike but not one. Twins are two people."""


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
    """What speaks for and against one person behind two records."""

    level: Level
    score: float
    evidence: tuple[Evidence, ...]

    @property
    def may_be_siblings(self) -> bool:
        """Whether two people born together would look like this: only a person who asks can tell."""
        said = {(one.field, one.agreement) for one in self.evidence}
        return (
            self.level != "no"
            and ("paper", "same") not in said
            and bool(said & {("given_names", "near"), ("whole_name", "near")})
        )


_WEIGHTS: Final[Mapping[Field, Mapping[Agreement, float]]] = MappingProxyType(
    {
        "given_names": {"same": 3, "shorter": 1.5, "near": 1, "different": -7},
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
        siblings born together would look the same. One number is enough: a paper outweighs a name.
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
    return Comparison(_level(names, birth, paper, score), score, evidence)


def _level(names: tuple[Evidence, ...], birth: Agreement, paper: Agreement, score: float) -> Level:
    if score < _POSSIBLE:
        return "no"
    if paper == "same":
        return "likely" if score >= _LIKELY else "possible"
    agreements = [said.agreement for said in names]
    if agreements == ["near", "near"]:
        return "no"  # neither name is one: cousins are many
    if names[0].field == "given_names" and agreements[0] == "near":
        return "siblings"
    named_alike = not {"near", "different"} & set(agreements) or _spelling(names, birth)
    return "likely" if score >= _LIKELY and birth == "same" and named_alike else "possible"


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


def _of_sexes(one: str | None, other: str | None) -> Agreement:
    if one is None or other is None:
        return "unknown"
    return "same" if one == other else "different"


def _said(field: Field, agreement: Agreement) -> Evidence:
    return Evidence(field, agreement, float(_WEIGHTS[field].get(agreement, 0)))
