"""Lists as text: CSV with any usual separator, and JSON lines. A line is a row; a bad one harms no other."""

import csv
import json
from collections.abc import Sequence
from typing import Any, Final

from .advice import Note
from .door import Door, RawList, UnreadableListError, cells_of, headings_at, known_headings

_MAX_LINE: Final = 32 * 1024
_SEPARATORS: Final = (";", ",", "\t", "|")
_FIRST_LINES: Final = 20
# What letters beyond ASCII a Windows-1252 list of the region has; others mean broken UTF-8.
_OF_THE_REGION: Final = frozenset("áéíóúüñÁÉÍÓÚÜÑäëïöÄËÏÖàèìòùÀÈÌÒÙçÇâêîôû¿¡ºª°·’‘´“”–«»\xa0")  # noqa: RUF001
_Line = tuple[int, str | None, bool]
"""Number, text (None when it is broken), whether it was Windows-1252."""


def decoded_lines(body: bytes) -> list[_Line]:
    """The lines of a file, each decoded on its own: one broken line is one refused row."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            body = body.decode("utf-16").encode()
        except ValueError:
            raise UnreadableListError("not_text") from None
    body = body.removeprefix(b"\xef\xbb\xbf")
    return [(number, *_decoded(line)) for number, line in enumerate(body.splitlines(), start=1)]


def _decoded(line: bytes) -> tuple[str | None, bool]:
    try:
        return line.decode("utf-8"), False
    except UnicodeDecodeError:
        pass
    try:
        text = line.decode("cp1252")
    except UnicodeDecodeError:
        return None, False
    if all(sign.isascii() or sign in _OF_THE_REGION for sign in text):
        return text, True
    return None, False


def read_csv(body: bytes) -> RawList:
    """A list as CSV.

    Raises:
        UnreadableListError: `empty`, `no_headings`, `not_text` or `too_many_rows`.
    """
    lines = decoded_lines(body)
    separator, at = _form(lines)
    door = Door()
    headings = door.headings(_cells(lines[at][1] or "", separator) or [])
    for number, text, converted in lines[at + 1 :]:
        if text is None:
            door.refuse(number, "text_broken")
        elif len(text) > _MAX_LINE:
            door.refuse(number, "row_too_long")
        else:
            _let_in(door, number, _cells(text, separator), headings, converted=converted)
    return door.closed()


def _let_in(
    door: Door,
    number: int,
    cells: list[str] | None,
    headings: Sequence[str | None],
    *,
    converted: bool,
) -> None:
    if cells is None:
        door.refuse(number, "quote_not_closed")
    elif any(cell.strip() for cell in cells[len(headings) :]):
        door.refuse(number, "too_many_cells")
    else:
        said = [Note("windows_1252")] if converted else []
        door.row(number, zip(headings, cells, strict=False), *said)


def _form(lines: Sequence[_Line]) -> tuple[str, int]:
    """Separator and heading line: the pair under which most headings are known."""
    if not any(text is None or text.strip() for _, text, _ in lines):
        raise UnreadableListError("empty")
    best: tuple[int, str, int] = (0, "", 0)
    for separator in _SEPARATORS:
        rows = [
            (text is not None and len(text) <= _MAX_LINE and _cells(text, separator)) or []
            for _, text, _ in lines[:_FIRST_LINES]
        ]
        at = headings_at(rows)
        if at is not None:
            best = max(best, (known_headings(rows[at]), separator, at), key=lambda form: form[0])
    if not best[0]:
        raise UnreadableListError("no_headings")
    return best[1], best[2]


def _cells(line: str, separator: str) -> list[str] | None:
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error:
        return None


def read_json_lines(body: bytes) -> RawList:
    """A list as NDJSON: an object a line, its members named like the columns of a CSV.

    Raises:
        UnreadableListError: `empty`, `not_text` or `too_many_rows`.
    """
    door = Door(one_each=False)
    for number, text, converted in decoded_lines(body):
        if text is None:
            door.refuse(number, "text_broken")
        elif len(text) > _MAX_LINE:
            door.refuse(number, "row_too_long")
        elif text.strip():
            _let_in_object(door, number, text, converted=converted)
    return door.closed()


def _let_in_object(door: Door, number: int, text: str, *, converted: bool) -> None:
    try:
        members: Any = json.loads(text, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        door.refuse(number, "not_json")
        return
    if not isinstance(members, dict):
        door.refuse(number, "not_an_object")
        return
    cells = cells_of(members, door)
    if cells is None:
        door.refuse(number, "value_not_text")
    else:
        door.row(number, cells, *([Note("windows_1252")] if converted else []))


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member twice")
    return members
