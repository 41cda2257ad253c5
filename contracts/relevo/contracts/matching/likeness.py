"""How two names, two birth dates, two places agree. The same answer from either side."""

from collections.abc import Sequence
from typing import Final, Literal

from relevo.contracts.person import BirthDate

from .words import ALIKE, closeness, joined

Agreement = Literal["same", "shorter", "near", "different", "unknown"]
"""`shorter`: one leaves out what the other has. `near`: another spelling, or a part of a date."""

_FEW: Final = 2
_MANY: Final = 4
_ONE_EACH: Final = frozenset({"national_id"})
"""A person has one number of this kind for life; passports are renewed."""
_CLOSE_YEARS: Final = 1


def of_words(one: Sequence[str], other: Sequence[str]) -> Agreement:
    """Names of one kind, in whatever order they stand."""
    if not one or not other:
        return "unknown"
    if sorted(one) == sorted(other) or joined(one) == joined(other):
        return "same"
    found = _pairs(one, other)
    fewest = min(len(one), len(other))
    if sum(pair == 1.0 for pair in found) == fewest:
        return "shorter"
    if len(found) == fewest or closeness(joined(one), joined(other)) >= ALIKE:
        return "near"
    # Two given names of which one is another may still be twins' names: José Luis, José Antonio.
    return "near" if fewest >= _FEW and 2 * len(found) >= fewest else "different"


def of_whole_names(one: Sequence[str], other: Sequence[str]) -> Agreement:
    """Whole names whose order says nothing: swapped, undivided, family name first."""
    fewest = min(len(one), len(other))
    if fewest < _FEW:
        return "unknown"
    if sorted(one) == sorted(other):
        return "same"
    found = _pairs(one, other)
    if sum(pair == 1.0 for pair in found) == fewest:
        return "shorter"
    if len(found) == fewest or (fewest >= _MANY and len(found) >= fewest - 1 and 1.0 in found):
        return "near"
    return "different"


def _pairs(one: Sequence[str], other: Sequence[str]) -> list[float]:
    """How alike each word is to its partner; the most alike are paired first."""
    possible: list[tuple[float, str, str, int, int]] = []
    for i, left in enumerate(one):
        for j, right in enumerate(other):
            near = closeness(left, right)
            if near >= ALIKE:
                possible.append((-near, min(left, right), max(left, right), i, j))
    taken_one: set[int] = set()
    taken_other: set[int] = set()
    found: list[float] = []
    for minus, _, _, i, j in sorted(possible):
        if i not in taken_one and j not in taken_other:
            taken_one.add(i)
            taken_other.add(j)
            found.append(-minus)
    return found


def of_birth_dates(one: BirthDate | None, other: BirthDate | None) -> Agreement:
    """Dates as precise as they are known: what one leaves out speaks against nothing.

    Returns:
        `same` for one day; `shorter` where one knows less, or wrote the first of January for it;
        `near` for a day and month exchanged, one part written otherwise, or estimates a year apart.
    """
    if one is None or other is None:
        return "unknown"
    left, right = _parts(one), _parts(other)
    apart = abs(left[0] - right[0])
    if "estimated" in {one.precision, other.precision}:
        return "shorter" if apart <= _CLOSE_YEARS else "different"
    if one.value == other.value:
        return "same" if len(left) == 3 and not one.looks_unknown else "shorter"
    if apart == 0 and (one.looks_unknown or other.looks_unknown):
        return "shorter"
    known = min(len(left), len(right))
    if left[:known] == right[:known]:
        return "shorter"
    return "near" if known == 3 and _one_slip(left, right) else "different"


def _one_slip(left: Sequence[int], right: Sequence[int]) -> bool:
    """Day and month exchanged, or one of the three written otherwise."""
    if left[0] == right[0] and (left[1], left[2]) == (right[2], right[1]):
        return True
    wrong = sum(a != b for a, b in zip(left, right, strict=True))
    return wrong == 1 and abs(left[0] - right[0]) <= _CLOSE_YEARS


def years_apart(one: BirthDate | None, other: BirthDate | None) -> int:
    """Whole years between two births, 0 where one is unknown."""
    return 0 if one is None or other is None else abs(_parts(one)[0] - _parts(other)[0])


def _parts(date: BirthDate) -> list[int]:
    return [int(part) for part in date.value.split("-")]


def of_places(one: str | None, other: str | None) -> Agreement:
    """Municipalities. A code and a name cannot be compared, and people move: it never decides."""
    if one is None or other is None or ("-" in one[:3]) != ("-" in other[:3]):
        return "unknown"
    return "same" if one == other else "different"


def of_papers(
    one: frozenset[tuple[str, str, str]], other: frozenset[tuple[str, str, str]]
) -> Agreement:
    """Papers: one number is enough; two numbers of one kind and country speak against."""
    if one & other:
        return "same"
    kinds = {paper[:2] for paper in one} & {paper[:2] for paper in other}
    return "different" if any(kind in _ONE_EACH for kind, _ in kinds) else "unknown"
