"""Which time zone a called number or a place lives by. Clocks run on UTC; windows for calls do not.

Since 2022 Mexico keeps one time all year, except the municipalities on the northern border, which
change with the United States (Ley de los Husos Horarios). Guatemala, Honduras, El Salvador, Nicaragua
and Costa Rica do not change.
"""

from functools import cache
from typing import Any, Final

from .read import data

_PREFIX_LENGTH: Final = 4


@cache
def _mexico() -> dict[str, str]:
    """Municipality or state of INEGI to zone."""
    mexico: dict[str, Any] = data("time_zones")["mexico"]
    return {code: zone for zone, codes in mexico.items() for code in codes}


def zone_of_number(number: str) -> str | None:
    """The zone of a telephone number, where its country has one zone only.

    A number of Mexico or the United States does not tell the hour.
    """
    digits = "".join(symbol for symbol in number if symbol.isdigit() or symbol == "+")
    zones: dict[str, str] = data("time_zones")["prefixes"]
    return zones.get(digits[:_PREFIX_LENGTH])


def zone_of_place(code: str) -> str | None:
    """The zone of a place such as `MX-08037`; None where the code does not tell it."""
    country, _, number = code.partition("-")
    if country == "MX" and len(number) == 5:
        return _mexico().get(number) or _mexico().get(number[:2]) or "America/Mexico_City"
    countries: dict[str, str] = data("time_zones")["countries"]
    return countries.get(country)
