"""How alike two words sound, where people wrote what they heard."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from relevo.contracts.manifest.names import sound
from relevo.contracts.plain_text import plain

_PARTICLES: Final = frozenset(
    {"de", "del", "la", "las", "los", "da", "das", "do", "dos", "van", "von", "y"}
)
_APOSTROPHES: Final = re.compile("['’ʼ`´‘]")  # noqa: RUF001 - five ways to write one sound
_NOT_LETTERS: Final = re.compile(r"[\W\d_]+")
_VOWELS: Final = re.compile("(?<=.)[aeiou]")
_TWICE: Final = re.compile(r"(.)\1+")

ALIKE: Final = 0.72
"""From here on two words may be one: Tul and Tiul, Kevin and Kelvin; not López and Gómez."""


def heard(text: str) -> tuple[str, ...]:
    """The words of a name as they sound: no accents, capitals, apostrophes or particles.

    Hearing what comes out once more changes nothing.
    """
    text = _APOSTROPHES.sub("", text)  # before one of them is taken for an accent on a space
    while (folded := unicodedata.normalize("NFKC", text.casefold())) != text:
        text = folded
    return tuple(
        one
        for word in _NOT_LETTERS.split(_APOSTROPHES.sub("", text))
        if plain(word) not in _PARTICLES and (one := _settled(word))
    )


def _settled(word: str) -> str:
    spoken = sound(word)
    if not spoken:
        return word  # other letters than Latin ones stand as they are written
    while (again := sound(spoken)) != spoken:
        spoken = again  # a letter that goes may bring two others together
    return "" if spoken in _PARTICLES else spoken


def joined(words: Sequence[str]) -> str:
    """Words without the spaces between them: Banegas Mejía, BANEGASMEJIA."""
    return _TWICE.sub(r"\1", "".join(words))


@lru_cache(maxsize=8192)
def skeleton(word: str) -> str:
    """The first sounds of a word without its vowels, for looking up what may be compared."""
    return _VOWELS.sub("", word)[:4]


@lru_cache(maxsize=65536)
def closeness(one: str, other: str) -> float:
    """From 0 to 1: the share of a word that stays as it is from one spelling to the other."""
    if one == other:
        return 1.0
    longest = max(len(one), len(other))
    if abs(len(one) - len(other)) > longest * (1 - ALIKE):
        return 0.0
    return 1 - _changes(*sorted((one, other))) / longest


def _changes(one: str, other: str) -> int:
    """Letters added, left out, changed, or written in each other's place."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        current = [i]
        for j, against in enumerate(other, 1):
            cost = min(row[j] + 1, current[j - 1] + 1, row[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        before, row = row, current
    return row[-1]
