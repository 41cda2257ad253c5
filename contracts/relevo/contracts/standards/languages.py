"""Languages by ISO 639-3, and groups of languages that have no code of their own.

Names are those that the speakers' own academies write (ALMG in Guatemala, INALI in Mexico); the names
of the standard are older spellings. A form that stores `mix` for Mixteco stores the speech of one town.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

from relevo.contracts.plain_text import plain

from .read import data

NOT_FOR_FORMS: Final = frozenset({"mix", "nah", "zap"})
"""What forms write for a whole group: one variant of it, no code of ISO 639-3, a macrolanguage."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    Attributes:
        code: ISO 639-3.
        name: As its speakers' academy writes it, or in Spanish.
        iso_name: The standard's reference name.
        signed: A sign language.
        countries: Where interpreters for it are looked for first.
    """

    code: str
    name: str
    iso_name: str
    signed: bool
    countries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LanguageGroup:
    """Languages that are called alike and that ISO 639-3 codes one by one, variant by variant."""

    name: str
    countries: tuple[str, ...]


@cache
def languages() -> dict[str, Language]:
    """Every language that we name, by code. Other codes of ISO 639-3 are as good."""
    return {
        code: Language(
            code,
            entry["name"],
            entry.get("iso", entry["name"]),
            entry.get("signed", False),
            tuple(entry.get("in", "").split()),
        )
        for code, entry in data("languages")["languages"].items()
    }


@cache
def _spoken() -> dict[str, Language | LanguageGroup]:
    known: dict[str, Language | LanguageGroup] = {}
    for entry in data("languages")["groups"]:
        group = LanguageGroup(entry["name"], tuple(entry.get("in", "").split()))
        known |= {plain(word): group for word in (entry["name"], *entry.get("also", []))}
    for code, entry in data("languages")["languages"].items():
        words = (code, entry["name"], entry.get("iso", code), *entry.get("also", []))
        known |= {plain(word): languages()[code] for word in words}
    return known


def read_language(text: str) -> Language | LanguageGroup | None:
    """What people call a language, with any apostrophe or none; None for what is not known."""
    return _spoken().get(plain(text))


def is_code(text: str) -> bool:
    """Whether a language may be stored by this code: three letters, and not a group's stand-in."""
    return (
        len(text) == 3 and text.isascii() and text.isalpha() and text.islower()
    ) and text not in NOT_FOR_FORMS
