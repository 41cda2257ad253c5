"""Where each key and value of a TOML text stands: what `tomllib` reads and then forgets.

Only for texts that `tomllib` accepts, so nothing here judges the grammar.
"""

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

Path = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_KEY: Final = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_SCALAR: Final = re.compile(r"[^,\]}#\n]+")


@dataclass(frozen=True)
class Place:
    """Line and column, counted from 1 as editors do."""

    line: int
    column: int


@dataclass(frozen=True)
class Entry:
    """Where a key begins, and its value; for an element of a list both are the same."""

    key: Place
    value: Place


def positions(text: str) -> dict[Path, Entry]:
    """The place of every key and list element of a TOML text that `tomllib` accepts."""
    return _Reader(text.replace("\r\n", "\n")).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: dict[Path, Entry] = {}
        self._lengths: dict[Path, int] = {}
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def read(self) -> dict[Path, Entry]:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._found

    def _header(self) -> Path:
        is_element = self._text.startswith("[[", self._at)
        self._at += 2 if is_element else 1
        path: Path = ()
        parts = self._keys()
        for number, (part, place) in enumerate(parts):
            path = (*path, part)
            self._found.setdefault(path, Entry(place, place))
            if is_element and number == len(parts) - 1:
                self._lengths[path] = self._lengths.get(path, 0) + 1
                path = (*path, self._lengths[path] - 1)
                self._found[path] = Entry(place, place)
            elif path in self._lengths:
                path = (*path, self._lengths[path] - 1)
        self._at += 2 if is_element else 1
        return path

    def _pair(self, table: Path) -> None:
        parts = self._keys()
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        begin = self._place()
        path = table
        for part, place in parts:
            path = (*path, part)
            self._found.setdefault(path, Entry(place, begin))
        self._value(path)

    def _keys(self) -> list[tuple[str, Place]]:
        """A key with dots, up to what follows it."""
        parts: list[tuple[str, Place]] = []
        while True:
            self._skip(_SPACE)
            place = self._place()
            written = self._take(_KEY)
            parts.append((_plain(written), place))
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        elif opening in "\"'":
            self._take(_STRING)
        else:
            self._take(_SCALAR)

    def _array(self, path: Path) -> None:
        self._at += 1
        number = 0
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == "]":
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            place = self._place()
            self._found[(*path, number)] = Entry(place, place)
            self._value((*path, number))
            number += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == "}":
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._pair(path)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError("not TOML that tomllib accepts")
        self._at = found.end()
        return found.group()

    def _place(self) -> Place:
        line = bisect_right(self._line_starts, self._at)
        return Place(line, self._at - self._line_starts[line - 1] + 1)


def _plain(written: str) -> str:
    """A key without its quotation marks and escapes."""
    if written[0] not in "\"'":
        return written
    return next(iter(tomllib.loads(f"{written} = 0")))
