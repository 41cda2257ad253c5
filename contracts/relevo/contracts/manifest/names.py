"""Names as lists have them: read, never corrected. What looks wrong is said and kept."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from relevo.contracts.placeholders import stands_for_no_name
from relevo.contracts.plain_text import plain

from .advice import Note
from .words import words

NAME_COLUMNS: Final = (
    "full_name",
    "given_names",
    "second_given_name",
    "family_names",
    "second_family_name",
    "married_name",
)
_MAY_BE_ABSENT: Final = frozenset({"second_given_name", "second_family_name", "married_name"})
_PARTICLES: Final = frozenset(
    {"de", "del", "la", "las", "los", "da", "das", "do", "dos", "van", "von", "y"}
)
_MAX_FAMILY_NAMES: Final = 4
_LONGEST: Final = 200
_APOSTROPHES: Final = re.compile("['’ʼ`´‘]")  # noqa: RUF001 - five ways to write one sound
_MIN_CAPITALS: Final = 4


@dataclass(frozen=True, slots=True)
class Name:
    """A name in its parts; `given` may be a whole name that nobody divided."""

    given: str
    family: tuple[str, ...]


def read_name(cells: Mapping[str, str]) -> tuple[Name | None, list[Note]]:
    """The name of a row.

    Returns:
        The name and what is to be said; None with a note that refuses.
    """
    present = [column for column in NAME_COLUMNS if column in cells]
    for column in present:
        if stands_for_no_name(cells[column]) and column not in _MAY_BE_ABSENT:
            return None, [Note("fake_name", column)]
    # "No tiene" says what an empty cell says, where most people have something to write.
    cells = {column: cells[column] for column in present if not stands_for_no_name(cells[column])}
    present = [*cells]
    name, notes = _divided(cells)
    if name is None:
        return None, [Note("name_missing", "given_names")]
    if max(map(len, (name.given, *name.family))) > _LONGEST:
        # No cell is, but two together may be.
        return None, [Note("too_long", max(present, key=lambda column: len(cells[column])))]
    letters = "".join(cells[column] for column in present)
    if letters.isupper() and sum(map(str.isalpha, letters)) >= _MIN_CAPITALS:
        notes.append(Note("name_in_capitals", present[0]))
    if look_swapped(name):
        notes.append(Note("names_may_be_swapped", "family_names"))
    return name, notes


def _divided(cells: Mapping[str, str]) -> tuple[Name | None, list[Note]]:
    given = " ".join(cells[c] for c in ("given_names", "second_given_name") if c in cells)
    family = _family_names(cells)
    whole = cells.get("full_name", "") or ("" if family else given)
    if given and family:
        return Name(given, family), []
    if "," in whole:
        # "Hernández, Brandon": only a family name stands before a comma.
        before, _, after = whole.partition(",")
        known = split_family_names(before)
        if known and not stands_for_no_name(after):
            return Name(after.strip(), known), []
    if "full_name" in cells and not (given or family):
        one_word = len(whole.split()) == 1
        return Name(whole, ()), [] if one_word else [Note("name_not_divided", "full_name")]
    if given:
        return Name(given, ()), []
    if family:
        # Known by the family name alone; the models ask for one name, whichever it is.
        return Name(" ".join(family), ()), [Note("name_not_divided", "family_names")]
    return None, []


def _family_names(cells: Mapping[str, str]) -> tuple[str, ...]:
    found = split_family_names(cells.get("family_names", ""))
    if "second_family_name" in cells:
        found += split_family_names(cells["second_family_name"])
    if "married_name" in cells:
        married = cells["married_name"]
        found += (married if plain(married).startswith("de ") else f"de {married}",)
    if len(found) > _MAX_FAMILY_NAMES:
        found = (*found[: _MAX_FAMILY_NAMES - 1], " ".join(found[_MAX_FAMILY_NAMES - 1 :]))
    return found


def split_family_names(text: str) -> tuple[str, ...]:
    """Family names of one cell: particles stay with what follows, as in "Pérez Tumax de Coj".

    What stands for no name ("--", "XX") is left out.
    """
    found: list[str] = []
    held: list[str] = []
    for word in text.split():
        held.append(word)
        if plain(word) not in _PARTICLES:
            found.append(" ".join(held))
            held = []
    if held:
        found = [*found[:-1], " ".join([*found[-1:], *held])]
    return tuple(name for name in found if not stands_for_no_name(name))


def look_swapped(name: Name) -> bool:
    """Whether family names stand where given names should, as far as names tell at all.

    Names that are both (Pascual, Lucas, Mateo) say nothing.
    """
    given = plain(name.given).split()
    family = plain(" ".join(name.family)).split()
    if not given or not family:
        return False
    given_words, family_words = words("given_only"), words("family_only")
    return (
        not given_words.isdisjoint(family)
        and not family_words.isdisjoint(given)
        and given_words.isdisjoint(given)
        and family_words.isdisjoint(family)
    )


_SOUNDS: Final = (
    (re.compile("ph"), "f"),
    (re.compile("sh"), "x"),
    (re.compile("(?<!c)h"), ""),
    (re.compile("qu(?=[ei])"), "k"),
    (re.compile("gu(?=[ei])"), "g"),
    (re.compile("q"), "k"),
    (re.compile("c(?=[eiy])"), "s"),
    (re.compile("c(?!h)"), "k"),
    (re.compile("z"), "s"),
    (re.compile("[vw]"), "b"),
    (re.compile("ll|y"), "i"),
    (re.compile(r"(.)\1+"), r"\1"),
)


@lru_cache(maxsize=4096)
def sound(word: str) -> str:
    """A name as it sounds, so that Kukul is Cucul, Shol Xol and Ca'al Caal."""
    bare = _APOSTROPHES.sub("", word)
    letters = unicodedata.normalize("NFKD", bare.lower())
    spoken = "".join(letter for letter in letters if "a" <= letter <= "z")
    for pattern, instead in _SOUNDS:
        spoken = pattern.sub(instead, spoken)
    return spoken


def sounds(name: Name) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Given and family names as they sound. A husband's name ("de Coj") is none to match on."""
    given = tuple(s for word in name.given.split() if (s := sound(word)))
    family = tuple(
        s
        for part in name.family
        if not part.lower().startswith(("de ", "del "))
        for word in part.split()
        if (s := sound(word))
    )
    return given, family
