"""Numbers of identity documents, country by country: which fit, and which are kept as written only.

A number that does not fit is never an identifier: it would make two people of one, or one of two. That
it fits says that it was copied well, and nothing about whose it is.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, Literal

from .places import has_shape

Verdict = Literal["fits", "does_not_fit", "not_known"]
"""`not_known`: no format of that country and kind is known here, so the number stands as it is."""

_BETWEEN: Final = re.compile(r"[\s.–-]")  # noqa: RUF001 - a dash that spreadsheets put in
_CURP: Final = re.compile(
    r"[A-Z][AEIOUX][A-Z]{2}(?P<date>\d{6})(?P<sex>[HMX])(?P<state>[A-Z]{2})"
    r"[B-DF-HJ-NP-TV-Z]{3}(?P<century>[0-9A-Z])(?P<check>\d)"
)
_CURP_SYMBOLS: Final = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
_CURP_STATES: Final = frozenset(
    re.findall("..", "ASBCBSCCCLCMCSCHDFDGGTGRHGJCMCMNMSNTNLOCPLQTQRSPSLSRTCTSTLVZYNZSNE")
)
_NICARAGUA_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXY"
_PANAMA: Final = re.compile(r"(?:(?:1[0-3]|[1-9])(?:AV|PI)?|E|N|PE)-\d{1,4}-\d{1,6}")
_ELECTOR: Final = re.compile(r"[A-Z]{6}\d{8}[HMX]\d{3}")


def normal(number: str) -> str:
    """A number without the signs that people put between its digits, in capitals."""
    return _BETWEEN.sub("", number).upper()


def check(kind: str, country: str | None, number: str) -> Verdict:
    """Whether a number can be one of that kind and country.

    Args:
        kind: A code of `identity_document_type`.
        country: ISO 3166-1 alpha-2; None when nobody said.
        number: As written.
    """
    if country is None:
        return "not_known"
    rule = _RULES.get((country, kind))
    if rule is None:
        return "not_known"
    return "fits" if rule(number) else "does_not_fit"


def is_cui(text: str) -> bool:
    """Guatemala, CUI of the DPI: eight digits, their check digit, department, municipality."""
    digits = normal(text)
    if len(digits) != 13 or not _are_digits(digits):
        return False
    total = sum(int(digit) * weight for weight, digit in enumerate(digits[:8], start=2))
    return total % 11 == int(digits[8]) and has_shape("GT", digits[9:])


def is_dni(text: str) -> bool:
    """Honduras, DNI: municipality of registration, year, serial number; it has no check digit."""
    digits = normal(text)
    return (
        len(digits) == 13
        and _are_digits(digits)
        and has_shape("HN", digits[:4])
        and 1900 <= int(digits[4:8]) <= 2100
    )


def is_dui(text: str) -> bool:
    """El Salvador, DUI: eight digits and their check digit."""
    digits = normal(text)
    if len(digits) != 9 or not _are_digits(digits):
        return False
    total = sum(int(d) * weight for d, weight in zip(digits[:8], range(9, 1, -1), strict=True))
    return (10 - total % 10) % 10 == int(digits[8])


def is_curp(text: str) -> bool:
    """Mexico, CURP: initials, birth date, sex, state, consonants, century, check digit."""
    key = normal(text)
    parts = _CURP.fullmatch(key)
    if parts is None or parts["state"] not in _CURP_STATES:
        return False
    century = 1900 if parts["century"].isdigit() else 2000
    said = parts["date"]
    if not _is_date(century + int(said[:2]), int(said[2:4]), int(said[4:])):
        return False
    total = sum(
        _CURP_SYMBOLS.index(symbol) * weight
        for symbol, weight in zip(key[:17], range(18, 1, -1), strict=True)
    )
    return (10 - total % 10) % 10 == int(parts["check"])


def is_elector_key(text: str) -> bool:
    """Mexico, the key on the INE card; it has no public check digit."""
    return _ELECTOR.fullmatch(normal(text)) is not None


def is_nicaraguan_cedula(text: str) -> bool:
    """Nicaragua: municipality, birth date, serial number, check letter."""
    written = normal(text)
    digits, letter = written[:13], written[13:]
    if len(digits) != 13 or not _are_digits(digits) or len(letter) != 1:
        return False
    day, month, year = int(digits[3:5]), int(digits[5:7]), int(digits[7:9])
    return (
        _is_date(2000 + year, month, day) or _is_date(1900 + year, month, day)
    ) and _NICARAGUA_LETTERS[int(digits) % 23] == letter


def is_costa_rican_cedula(text: str) -> bool:
    """Costa Rica, nationals: province and two groups of four; it has no check digit."""
    digits = normal(text)
    return len(digits) == 9 and _are_digits(digits) and digits[0] != "0"


def is_dimex(text: str) -> bool:
    """Costa Rica, foreign residents: 11 or 12 digits."""
    digits = normal(text)
    return len(digits) in {11, 12} and _are_digits(digits) and digits[0] == "1"


def is_panamanian_cedula(text: str) -> bool:
    """Panama: province (or E, N, PE), volume, entry; the hyphens are part of it."""
    return _PANAMA.fullmatch(text.strip().upper().replace(" ", "")) is not None


def is_belizean_card(text: str) -> bool:
    """Belize, the Social Security card, which serves as one of identity: nine digits."""
    digits = normal(text)
    return len(digits) == 9 and _are_digits(digits)


def _none(_: str) -> bool:
    """The United States have no national identity document; their other numbers are not asked for."""
    return False


def _are_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


_RULES: Final[Mapping[tuple[str, str], Callable[[str], bool]]] = MappingProxyType(
    {
        ("GT", "national_id"): is_cui,
        ("GT", "population_key"): is_cui,
        ("HN", "national_id"): is_dni,
        ("SV", "national_id"): is_dui,
        ("MX", "population_key"): is_curp,
        ("MX", "national_id"): is_elector_key,
        ("NI", "national_id"): is_nicaraguan_cedula,
        ("CR", "national_id"): is_costa_rican_cedula,
        ("CR", "residence_card"): is_dimex,
        ("PA", "national_id"): is_panamanian_cedula,
        ("BZ", "national_id"): is_belizean_card,
        ("US", "national_id"): _none,
    }
)
KNOWN: Final = frozenset(_RULES)
"""Country and kind of every number whose form is known here."""
