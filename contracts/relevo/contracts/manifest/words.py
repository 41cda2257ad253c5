"""What people write and what is meant by it, read once from `data/`."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from relevo.contracts.plain_text import plain


@cache
def data(name: str) -> dict[str, Any]:
    """One data file."""
    text = (resources.files(__package__) / "data" / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def meanings(table: str) -> dict[str, str]:
    """Word to code. The codes themselves are words too."""
    codes: dict[str, list[str]] = data("words")[table]
    spoken = {plain(word): code for code, words in codes.items() for word in words}
    return {plain(code): code for code in codes} | spoken


@cache
def words(table: str) -> frozenset[str]:
    """A list of words without codes."""
    return frozenset(plain(word) for word in data("words")[table]["words"])


def meaning(table: str, text: str) -> str | None:
    """The code that is meant, or None."""
    return meanings(table).get(plain(text))


def says_unknown(text: str) -> bool:
    """Whether a cell says that nobody knows, which is as good as an empty cell."""
    spoken = plain(text)
    return not spoken or spoken in words("unknown")
