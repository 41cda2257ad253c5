"""Places by country, level, edition and code. A code without its country is two towns: `1804`.

What is here is the shape of each national list, its editions, and the places that our own examples
use; a whole list is loaded by whoever has the national institute's file.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from relevo.contracts.plain_text import plain

from .read import data

_NUMBERED: Final = re.compile(r"[0-9]{2,6}")


@dataclass(frozen=True, slots=True)
class PlaceList:
    """One edition of a country's list.

    Attributes:
        country: ISO 3166-1 alpha-2.
        level: What the list's places are called there: municipality, district, canton, county.
        edition: How the edition is named: the date from which it holds, or the census that it is of.
        digits: Length of a code.
        first: How many of its digits number the level above.
        upper: The highest number of the level above.
        count: How many places the list has.
        until: The last day on which it held.
    """

    country: str
    level: str
    edition: str
    digits: int
    first: int
    upper: int
    count: int
    until: str | None = None


@cache
def place_lists() -> tuple[PlaceList, ...]:
    """Every edition that we know the shape of, the newest of a country first."""
    return tuple(PlaceList(**entry) for entry in data("places")["lists"])


@cache
def lists_of(country: str) -> tuple[PlaceList, ...]:
    """The editions of one country, the newest first."""
    return tuple(listed for listed in place_lists() if listed.country == country)


def is_ambiguous(country: str) -> bool:
    """Whether a code of this country says nothing without the edition it is of."""
    return len(lists_of(country)) > 1


def has_shape(country: str, number: str, *, edition: str | None = None) -> bool:
    """Whether these digits can be a code of the country's list, in one edition or in any.

    Of a country whose list we do not know, anything can be.
    """
    if not _NUMBERED.fullmatch(number):
        return False
    known = [p for p in lists_of(country) if edition is None or p.edition == edition]
    if not known:
        return not lists_of(country)
    return any(
        len(number) == listed.digits
        and 1 <= int(number[: listed.first]) <= listed.upper
        and int(number[listed.first :]) > 0
        for listed in known
    )


def fault_of(country: str, code: str, edition: str | None) -> str | None:
    """What is wrong with a place code such as `GT-1804`; None when nothing is.

    Codes by letters (`SV-UN`, ISO 3166-2) are taken as they are.
    """
    own, _, number = code.partition("-")
    if own != country:
        return "the place code belongs to another country"
    if not _NUMBERED.fullmatch(number):
        return None
    editions = [listed.edition for listed in lists_of(country)]
    if is_ambiguous(country) and edition not in editions:
        return f"a code of {country} needs the edition it is of: {' or '.join(editions)}"
    if edition in editions and not has_shape(country, number, edition=edition):
        return f"no such code in the list of {country}"
    return None


@cache
def _named() -> dict[str, dict[str, str]]:
    known: dict[str, dict[str, str]] = data("places")["places"]
    return known


def name_of(code: str) -> str | None:
    """The name of a place of our examples, by its whole code: `GT-1804` is Morales."""
    country, _, number = code.partition("-")
    return _named().get(country, {}).get(number)


def codes_called(name: str, country: str | None = None) -> tuple[str, ...]:
    """Whole codes of places so called; several when several countries have one."""
    return tuple(
        f"{where}-{number}"
        for where, places in _named().items()
        if country in {None, where}
        for number, called in places.items()
        if plain(called) == plain(name)
    )


def municipalities_since_2024(department: str) -> tuple[str, ...]:
    """The municipalities of El Salvador since 1 May 2024, by department (Decreto 762)."""
    departments: dict[str, list[str]] = data("places")["el_salvador"]["municipalities"]
    found = next((v for k, v in departments.items() if plain(k) == plain(department)), [])
    return tuple(f"{department} {side}" for side in found)
