"""Rows of one list that may be one person under two spellings. Only said, never merged."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from .birth import read_birth_date
from .names import read_name, sounds

# Only differences between dates matter here, so any day far enough will do.
_FAR: Final = date(2200, 12, 31)
_MOST: Final = 10
_NEAR: Final = 50


def possible_duplicates(
    rows: Sequence[tuple[int, Mapping[str, str]]],
) -> dict[int, tuple[int, ...]]:
    """Line to the other lines that may be the same person."""
    alike: dict[tuple[str, str], list[tuple[int, _Likeness]]] = defaultdict(list)
    for line, cells in rows:
        likeness = _likeness(cells)
        if likeness is not None:
            alike[likeness.given[0], likeness.family[0]].append((line, likeness))
    found: dict[int, list[int]] = defaultdict(list)
    for group in alike.values():
        for index, (line, one) in enumerate(group):
            for other_line, other in group[index + 1 : index + _NEAR]:
                if len(found[line]) < _MOST and one.may_be(other):
                    found[line].append(other_line)
                    found[other_line].append(line)
    return {line: tuple(sorted(lines)[:_MOST]) for line, lines in found.items() if lines}


class _Likeness:
    __slots__ = ("birth", "family", "given", "sex")

    def __init__(
        self, given: tuple[str, ...], family: tuple[str, ...], birth: str, sex: str
    ) -> None:
        self.given = given
        self.family = family
        self.birth = birth
        self.sex = sex

    def may_be(self, other: "_Likeness") -> bool:
        """Every part that both have agrees; what one leaves out speaks against nothing."""
        return (
            _agree(self.given, other.given)
            and _agree(self.family, other.family)
            and (self.birth.startswith(other.birth) or other.birth.startswith(self.birth))
            and (not self.sex or not other.sex or self.sex == other.sex)
        )


def _agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return all(left == right for left, right in zip(one, other, strict=False))


def _likeness(cells: Mapping[str, str]) -> _Likeness | None:
    name, _ = read_name(cells)
    if name is None:
        return None
    given, family = sounds(name)
    if not family and len(given) > 1:
        given, family = given[:1], given[1:]
    if not given or not family:
        return None
    born = None
    if "birth_date" in cells:
        born, _ = read_birth_date(cells["birth_date"], today=_FAR)
    return _Likeness(
        given, family, "" if born is None else born.value, cells.get("sex", "")[:1].upper()
    )
