"""What comes in of a list and what stays outside: columns by their headings, cells by their text.

Forbidden columns end here, before anything is stored. So does whatever is no text.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any, Final, Literal

from relevo.contracts.plain_text import plain

from .advice import Note
from .duplicates import possible_duplicates
from .names import NAME_COLUMNS
from .papers import drop_forbidden
from .words import data

MAX_ROWS: Final = 20_000
MAX_CELL: Final = 200
MAX_COLUMNS: Final = 64
_MAX_HEADINGS: Final = 200
_HEADINGS_WITHIN: Final = 20
_MOJIBAKE: Final = ("Ã", "Â", "â€")
_LOST: Final = "\ufffd"
# Columns of codes, whose unknown words would be kept.
_KEPT_AS_WRITTEN: Final = (
    "boarding",
    "child_care_status",
    "document_state",
    "document_type",
    "household",
    "relative_relation",
    "return_type",
    "specific_needs",
)


class UnreadableListError(ValueError):
    """The file as a whole is no list. `fault` is a code that says why."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row: its text by canonical column, and what was said of it on the way in."""

    line: int
    cells: dict[str, str]
    notes: tuple[Note, ...] = ()

    def packed(self) -> list[Any]:
        """JSON-ready."""
        return [self.line, self.cells, [[n.code, n.column, list(n.lines)] for n in self.notes]]

    @classmethod
    def unpacked(cls, row: list[Any]) -> "RawRow":
        return cls(row[0], row[1], tuple(Note(c, k, tuple(lines)) for c, k, lines in row[2]))


@dataclass(frozen=True, slots=True)
class ColumnFate:
    """A column that does not come in, or only once."""

    position: int
    code: Literal["forbidden_column", "unknown_column", "column_twice"]
    column: str | None = None


@dataclass(frozen=True)
class RawList:
    """A list as it is stored until it is read."""

    rows: list[RawRow]
    columns: list[ColumnFate]
    m_means: Literal["male", "female"] | None


@cache
def _headings() -> dict[str, str]:
    columns: dict[str, list[str]] = data("columns")["columns"]
    known = {plain(heading): column for column, spoken in columns.items() for heading in spoken}
    return known | {plain(column): column for column in columns}


@lru_cache(maxsize=1024)
def _forbidden(heading: str) -> str | None:
    for name, what in data("columns")["forbidden"].items():
        if heading == plain(name) or heading in what["headings"]:
            return str(name)
    return _speaks_of(heading)


@lru_cache(maxsize=1024)
def _speaks_of(spoken: str) -> str | None:
    """What of an enforcement file a text speaks of."""
    for name, what in data("columns")["forbidden"].items():
        if any(f" {part}" in f" {spoken}" for part in what["parts"]):
            return str(name)
    return None


def known_headings(cells: Sequence[str]) -> int:
    """How many of these are headings that are known; a row with none of a name has none."""
    found = {_headings().get(plain(cell)) for cell in cells if len(cell) <= MAX_CELL} - {None}
    return 0 if found.isdisjoint(NAME_COLUMNS) else len(found)


def headings_at(rows: Sequence[Sequence[str]]) -> int | None:
    """Which of the first rows holds the headings; titles may stand above."""
    counts = [known_headings(row) for row in rows[:_HEADINGS_WITHIN]]
    best = max(counts, default=0)
    return counts.index(best) if best else None


@dataclass
class Door:
    """Lets rows in. One for each list.

    Attributes:
        one_each: Whether two headings of one meaning are two columns, as in a table, or two ways to
            write it, as from row to row of JSON.
    """

    one_each: bool = True
    rows: list[RawRow] = field(default_factory=list)
    columns: list[ColumnFate] = field(default_factory=list)
    _by_heading: dict[str, str | None] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def headings(self, texts: Sequence[str]) -> list[str | None]:
        """The canonical columns of a heading row, by position; None stays outside."""
        last = max((at for at, text in enumerate(texts, start=1) if text.strip()), default=0)
        return [self._column(text, at) for at, text in enumerate(texts[:last], start=1)]

    def heading(self, text: str) -> str | None:
        """The canonical column of a heading that rows repeat, None when it stays outside."""
        if text not in self._by_heading:
            column = self._column(text, len(self._by_heading) + 1)
            if len(self._by_heading) == _MAX_HEADINGS:
                return column
            self._by_heading[text] = column
        return self._by_heading[text]

    def _column(self, text: str, position: int) -> str | None:
        spoken = plain(text[:MAX_CELL])
        forbidden = _forbidden(spoken)
        column = None if forbidden else _headings().get(spoken)
        if forbidden:
            self._say(ColumnFate(position, "forbidden_column", forbidden))
        elif column is None or position > MAX_COLUMNS:
            self._say(ColumnFate(position, "unknown_column"))
            return None
        elif self.one_each and column in self._taken:
            self._say(ColumnFate(position, "column_twice", column))
            return None
        self._taken |= {column} if column else set()
        return column

    def _say(self, fate: ColumnFate) -> None:
        if len(self.columns) < _MAX_HEADINGS:
            self.columns.append(fate)

    def row(self, line: int, cells: Iterable[tuple[str | None, str]], *said: Note) -> None:
        """One row, by canonical column; columns that stay outside are None.

        Raises:
            UnreadableListError: `too_many_rows`.
        """
        let_in: dict[str, str] = {}
        notes: list[Note] = list(said)
        for column, text in cells:
            if column is None or not text or column in let_in:
                continue
            clean, note = let_in_text(text, column)
            if note is not None:
                notes.append(note)
            if clean:
                let_in[column] = clean
        self._append(line, let_in, notes)

    def refuse(self, line: int, code: str) -> None:
        """A row that could not be read at all."""
        self._append(line, {}, [Note(code)])

    def _append(self, line: int, cells: dict[str, str], notes: list[Note]) -> None:
        if not cells and not any(note.refuses for note in notes):
            return  # a blank line is no row
        if len(self.rows) >= MAX_ROWS:
            raise UnreadableListError("too_many_rows")
        notes += drop_forbidden(cells)
        for column in [c for c in _KEPT_AS_WRITTEN if c in cells and _speaks_of(plain(cells[c]))]:
            del cells[column]
            notes.append(Note("forbidden_value", column))
        self.rows.append(RawRow(line, cells, tuple(notes)))

    def closed(self) -> RawList:
        """The whole list, once every row is in.

        Raises:
            UnreadableListError: `empty`.
        """
        if not self.rows:
            raise UnreadableListError("empty")
        return RawList(_related(self.rows), self.columns, _m_means(self.rows))


def let_in_text(text: str, column: str) -> tuple[str, Note | None]:
    """The text of a cell, without what cannot be seen; empty when it cannot come in."""
    note: Note | None = None
    if not (text.isascii() and text.isprintable()):
        if any(mark in text for mark in _MOJIBAKE):
            repaired = _repaired(text)
            if repaired is not None:
                text, note = repaired, Note("text_repaired", column)
        if _LOST in text or any("\ud800" <= sign <= "\udfff" for sign in text):
            return "", Note("text_broken", column)
        text = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
        text = " ".join(text.split())
        if any(unicodedata.category(sign) == "Cc" for sign in text):
            return "", Note("control_characters", column)
    text = " ".join(text.split()) if "  " in text else text.strip()
    if _is_formula(text):
        refuses = column in NAME_COLUMNS
        return "", Note("formula" if refuses else "formula_dropped", column)
    if len(text) > MAX_CELL:
        return "", Note("too_long", column)
    # A dash or a dot is an empty cell.
    return (text if any(map(str.isalnum, text)) else ""), note


def _is_formula(text: str) -> bool:
    return len(text) > 1 and (
        text[0] in "=@" or (text[0] in "+-" and not (text[1].isdigit() or text[1] in " (.-"))
    )


def _repaired(text: str) -> str | None:
    try:
        return text.encode("cp1252").decode("utf-8")
    except ValueError:
        return None


def _related(rows: list[RawRow]) -> list[RawRow]:
    """The rows with what they say of each other: references used twice, one person on two lines."""
    by_reference: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if "row_reference" in row.cells:
            by_reference[row.cells["row_reference"]].append(row.line)
    twins = possible_duplicates([(row.line, row.cells) for row in rows])
    related = []
    for row in rows:
        extra: list[Note] = []
        lines = by_reference.get(row.cells.get("row_reference", ""), [])
        if len(lines) > 1 and row.line != lines[0]:
            extra.append(Note("row_reference_twice", "row_reference", (lines[0],)))
        if row.line in twins:
            extra.append(Note("possible_duplicate", lines=twins[row.line]))
        related.append(replace(row, notes=(*row.notes, *extra)) if extra else row)
    return related


def _m_means(rows: list[RawRow]) -> Literal["male", "female"] | None:
    """Lists with H (hombre) write M for mujer; lists with F (femenino) write it for masculino."""
    letters = {row.cells["sex"].upper() for row in rows if len(row.cells.get("sex", "")) == 1}
    if ("H" in letters) == ("F" in letters):
        return None
    return "female" if "H" in letters else "male"


def as_text(value: object) -> str | None:
    """A JSON value as the text of a cell; None when it is no text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | str):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "; ".join(value)
    return None


def cells_of(members: Mapping[str, object], door: Door) -> list[tuple[str | None, str]] | None:
    """The cells of a JSON object; None when one of those that come in is no text."""
    cells: list[tuple[str | None, str]] = []
    for heading, value in members.items():
        column = door.heading(heading)
        if column is None:
            continue
        text = as_text(value)
        if text is None:
            return None
        cells.append((column, text))
    return cells
