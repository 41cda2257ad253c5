"""Countries and places. Place codes are unique inside one country only: `1804` is two towns."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Final

from relevo.contracts.person import LocationMunicipality
from relevo.contracts.plain_text import plain
from relevo.contracts.returnee import AsWritten
from relevo.contracts.standards.places import has_shape, is_ambiguous

from .advice import Note
from .words import data, says_unknown

_BETWEEN: Final = re.compile(r"\s*[,;/|&+]\s*|\s+(?:y|e|and)\s+|\s+-\s+")
_WITH_COUNTRY: Final = re.compile(r"([A-Za-z]{2})[\s-]?(\d{2,6})")


@cache
def _countries() -> dict[str, str]:
    """Name or code, plain, to ISO 3166-1 alpha-2."""
    raw = data("countries")
    pairs = [pair.split(":") for pair in raw["codes"].split()]
    known = {plain(name): code for code, names in raw["names"].items() for name in names}
    known |= {three.lower(): two for two, three in pairs}
    return known | {two.lower(): two for two, _ in pairs}


@lru_cache(maxsize=1024)
def read_country(text: str) -> str | None:
    """The country that is meant, or None."""
    return _countries().get(plain(text))


@dataclass
class Nationalities:
    """What a row says of nationalities."""

    codes: list[str] = field(default_factory=list)
    as_written: list[AsWritten] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read_nationalities(cells: Mapping[str, str], *, destination: str) -> Nationalities:
    """Every nationality of a row, at most five; what is no country stays as written."""
    found = Nationalities()
    for column in ("nationality", "second_nationality"):
        text = cells.get(column)
        if text is None or says_unknown(text):
            continue
        whole = read_country(text)
        for part in [text] if whole else _BETWEEN.split(text):
            code = read_country(part)
            if code is not None:
                if code not in found.codes and len(found.codes) < 5:
                    found.codes.append(code)
                continue
            probably = part.strip().upper() in data("countries")["probably"]
            note = Note("nationality_probably" if probably else "nationality_as_written", column)
            if note not in found.notes:
                found.notes.append(note)
                found.as_written.append(AsWritten(field=column, text=text))
    if found.codes and destination not in found.codes:
        found.notes.append(Note("third_country_national", "nationality"))
    return found


@dataclass
class Place:
    """What a row says of her municipality."""

    municipality: LocationMunicipality | None = None
    as_written: list[AsWritten] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read_place(cells: Mapping[str, str], *, nationalities: list[str], destination: str) -> Place:
    """The municipality of a row. A name is taken to be in the country of arrival for its own people."""
    text = cells.get("municipality")
    if text is None or says_unknown(text):
        return Place()
    written = [AsWritten(field="municipality", text=text)]
    said = cells.get("municipality_country")
    country = read_country(said) if said is not None else None
    match = _WITH_COUNTRY.fullmatch(text)
    if match and match[1].lower() in _countries():
        country, text = match[1].upper(), match[2]
    elif text.isdigit() and country is None:
        return Place(None, written, [Note("place_code_without_country", "municipality")])
    if text.isdigit():
        return _by_code(country, text, written)
    if country is None and (not nationalities or destination in nationalities):
        country = destination
    note = [Note("place_name_as_written", "municipality")]
    if country is None:
        return Place(None, written, note)
    department = cells.get("department")
    name = text if department is None else f"{text}, {department}"
    return Place(LocationMunicipality(country=country, name=name[:200]), [], note)


def _by_code(country: str | None, digits: str, written: list[AsWritten]) -> Place:
    if country is None or not has_shape(country, digits):
        return Place(None, written, [Note("place_code_unknown", "municipality")])
    if is_ambiguous(country):
        return Place(None, written, [Note("place_code_without_edition", "municipality")])
    return Place(LocationMunicipality(country=country, code=f"{country}-{digits}"))
