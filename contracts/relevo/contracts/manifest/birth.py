"""Birth dates as lists have them, to the precision they are known to."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from relevo.contracts.person import BirthDate

from .advice import Note
from .words import meaning, says_unknown

DateOrder = Literal["day_first", "month_first"]
_COLUMN: Final = "birth_date"
_OLDEST: Final = 1905
_LATEST: Final = 2100
_MAX_AGE: Final = 115
_YEAR: Final = re.compile(r"(\d{4})")
_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/. ](\d{1,2})(?:[-/. ](\d{1,2}))?(?:[T ]\d\d:\d\d.*)?")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})")
_MONTH_AND_YEAR: Final = re.compile(r"(\d{1,2})[-/. ](\d{4})")
_IN_WORDS: Final = re.compile(
    r"(?:(\d{1,2})[ ./-]*(?:de )?)?([a-zA-Z]{3,10})[ ./,-]*(?:de |del )?(\d{4}|\d{2})"
)
_ABOUT: Final = re.compile(r"(?:aprox\.?|aproximadamente|c\.|ca\.|circa|~|about)\s*", re.IGNORECASE)
_EXACTLY_NO_DATE: Final = re.compile(r"[0./ -]+|9{1,2}[./ -]9{1,2}[./ -]9{2,4}|9{4}")


@dataclass(frozen=True, slots=True)
class _Parts:
    year: int
    month: int | None = None
    day: int | None = None


def read_birth_date(
    text: str, *, today: date, order: DateOrder = "day_first"
) -> tuple[BirthDate | None, list[Note]]:
    """A birth date, or nothing with the reason: unknown is legitimate, invented is refused."""
    if _EXACTLY_NO_DATE.fullmatch(text) and any(map(str.isdigit, text)):
        return None, [Note("fake_birth_date", _COLUMN)]
    if says_unknown(text):
        return None, [Note("birth_date_unknown", _COLUMN)]
    about = _ABOUT.match(text)
    parts, notes = _parts(text[about.end() :].strip() if about else text.strip(), today, order)
    against = "birth_date_as_written" if parts is None else _against(parts, today)
    found = None if parts is None or against else _birth_date(parts, estimated=about is not None)
    if parts is None or found is None:
        return None, [Note(against or "birth_date_as_written", _COLUMN)]
    if (parts.month, parts.day) == (1, 1):
        notes.append(Note("first_of_january", _COLUMN))
    return found, notes


def _parts(text: str, today: date, order: DateOrder) -> tuple[_Parts | None, list[Note]]:
    parts: _Parts | None = None
    if match := _YEAR.fullmatch(text):
        parts = _Parts(int(match[1]))
    elif match := _YEAR_FIRST.fullmatch(text):
        parts = _known(int(match[1]), int(match[2]), int(match[3] or 0))
    elif match := _MONTH_AND_YEAR.fullmatch(text):
        parts = _known(int(match[2]), int(match[1]), 0)
    elif match := _YEAR_LAST.fullmatch(text):
        first, second = int(match[1]), int(match[2])
        day, month = (first, second) if order == "day_first" else (second, first)
        year = _year(match[3], today)
        if month > 12 >= day:
            return _known(year, day, month), [Note("date_order_other", _COLUMN)]
        parts = _known(year, month, day)
    elif (match := _IN_WORDS.fullmatch(text)) and (month_word := meaning("months", match[2])):
        parts = _known(_year(match[3], today), int(month_word), int(match[1] or 0))
    return parts, []


def _known(year: int, month: int, day: int) -> _Parts:
    """Zeros stand for what is not known: 00/00/1993 is a year."""
    return _Parts(year, month or None, (day or None) if month else None)


def _year(text: str, today: date) -> int:
    if len(text) == 4:
        return int(text)
    century = today.year - today.year % 100
    year = century + int(text)
    return year if year <= today.year else year - 100


def _against(parts: _Parts, today: date) -> str | None:
    if not _OLDEST <= parts.year <= _LATEST:
        return "fake_birth_date"
    return "birth_date_in_future" if _begin(parts) > today else None


def _begin(parts: _Parts) -> date:
    try:
        return date(parts.year, parts.month or 1, parts.day or 1)
    except ValueError:
        return date(parts.year, 1, 1)


def _birth_date(parts: _Parts, *, estimated: bool) -> BirthDate | None:
    value = f"{parts.year:04}"
    precision: Literal["day", "month", "year", "estimated"] = "year"
    if parts.month is not None:
        value += f"-{parts.month:02}"
        precision = "month"
    if parts.day is not None:
        value += f"-{parts.day:02}"
        precision = "day"
    try:
        return BirthDate(value=value, precision="estimated" if estimated else precision)
    except ValueError:
        return None  # such as 31 February


def read_age(text: str, *, today: date) -> BirthDate | None:
    """The year of birth that an age in years implies, marked as estimated; None if it is no age."""
    match = re.match(r"\s*(\d{1,3})\b", text)
    if match is None or int(match[1]) > _MAX_AGE:
        return None
    months = re.search(r"mes|month|d[ií]a|day", text, re.IGNORECASE)
    return BirthDate(
        value=f"{today.year - (0 if months else int(match[1])):04}", precision="estimated"
    )


def age(born: BirthDate, today: date) -> int:
    """Her age in years; the youngest that the date allows, because doubt means child."""
    parts = [int(part) for part in born.value.split("-")]
    if len(parts) == 3:
        year, month, day = parts
        return today.year - year - ((today.month, today.day) < (month, day))
    if len(parts) == 2:
        return today.year - parts[0] - (today.month <= parts[1])
    return today.year - parts[0] - (born.precision == "year")
