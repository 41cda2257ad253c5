"""Keys by which records worth comparing are found, to be blinded before they are stored.

Two records are compared when a key of one is a key of the other. Every key is made of what a record
holds of a person: only its HMAC under the institution's own key may be written down.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from .subject import Subject
from .words import joined, skeleton

EDITION: Final = 1
"""One more whenever another key is made of the same record: what is stored is then made anew."""


def kept_keys(subject: Subject) -> frozenset[str]:
    """Keys that are stored, blinded, beside the record."""
    return frozenset(_keys(subject, around=(0,)))


def asked_keys(subject: Subject) -> frozenset[str]:
    """Keys to look for: those that are stored, and the years beside the year of birth."""
    return frozenset(_keys(subject, around=(-1, 0, 1)))


def _keys(subject: Subject, *, around: tuple[int, ...]) -> Iterator[str]:
    names = [*subject.given, *subject.family]
    surnames = subject.family or subject.given
    # Banegas Mejía may have been written as one word, and begins the same.
    for surname in {skeleton(name) for name in (*surnames, joined(surnames))}:
        if subject.birth_date is not None:
            year = int(subject.birth_date.value[:4])
            for step in around:
                yield f"name-year/{surname}/{year + step}"
        if subject.municipality is not None:
            yield f"name-place/{surname}/{subject.municipality}"
    if subject.birth_date is not None and subject.birth_date.precision == "day":
        for name in {skeleton(name) for name in names}:
            yield f"name-day/{name}/{subject.birth_date.value}"
    # Given and family names may stand in each other's place, so a pair has no order.
    for pair in combinations(sorted({skeleton(name) for name in names}), 2):
        yield "pair/" + "/".join(pair)
    for kind, country, number in subject.papers:
        yield f"paper/{kind}/{country}/{number}"
