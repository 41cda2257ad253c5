"""What is said of a row or a column of a list: a code, its column, and advice in English and Spanish.

Advice never repeats a value: it may be personal. A code that refuses leaves the row unstored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from relevo.contracts.problem import Language

from .words import data

_Texts = Mapping[str, Mapping[Language, str]]

REFUSALS: Final[_Texts] = MappingProxyType(data("advice")["refusals"])
NOTES: Final[_Texts] = MappingProxyType(data("advice")["notes"])
COLUMNS: Final[_Texts] = MappingProxyType(data("advice")["columns"])


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know about a row.

    Attributes:
        column: The column's canonical name.
        lines: Other lines of the list that it is about.
    """

    code: str
    column: str | None = None
    lines: tuple[int, ...] = ()

    @property
    def refuses(self) -> bool:
        return self.code in REFUSALS


def advice(code: str, language: Language) -> str:
    """The advice of a code.

    Raises:
        KeyError: There is no such code.
    """
    for table in (REFUSALS, NOTES, COLUMNS):
        if code in table:
            return table[code][language]
    raise KeyError(code)
