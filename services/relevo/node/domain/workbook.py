"""Lists as workbooks (XLSX), read without trusting the file: no bomb, no entity, no formula gets in."""

import io
import re
import threading
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Final

from relevo.contracts.manifest.door import (
    MAX_COLUMNS,
    Door,
    RawList,
    UnreadableListError,
    as_text,
    headings_at,
)

_MAX_UNPACKED: Final = 64 * 1024 * 1024
_MAX_MEMBERS: Final = 500
_PIECE: Final = 256 * 1024
_MAX_BLANK: Final = 1000
_FIRST_ROWS: Final = 20
_UTF_8: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml(?![^>]{0,100}encoding=[\"'](?!utf-8[\"']))|(?!\?xml))",
    re.IGNORECASE,
)
_DECLARATION: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_LONGEST_DECLARATION: Final = 9

# The warnings filter is the whole process's, so one workbook is opened at a time.
_one_at_a_time = threading.Lock()


def read_workbook(body: bytes) -> RawList:
    """The first sheet that has headings.

    Raises:
        UnreadableListError: `not_a_workbook`, `workbook_too_large`, `workbook_with_entities`,
            `no_headings`, `empty` or `too_many_rows`.
    """
    _check(body)
    with _opened(body) as workbook:
        for sheet in workbook.worksheets:
            door = _read_sheet(sheet)
            if door is not None:
                return door.closed()
    raise UnreadableListError("no_headings")


def _check(body: bytes) -> None:
    """Bounds what unpacking costs, before anything is parsed."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = archive.infolist()
            if len(members) > _MAX_MEMBERS or sum(m.file_size for m in members) > _MAX_UNPACKED:
                raise UnreadableListError("workbook_too_large")
            for member in members:
                if member.filename.lower().endswith((".xml", ".rels", ".vml")):
                    _check_xml(archive, member)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
        EOFError,
        zlib.error,
    ) as e:
        if isinstance(e, UnreadableListError):
            raise
        raise UnreadableListError("not_a_workbook") from None


def _check_xml(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    # A member never gives more bytes than the size it declares.
    with archive.open(member) as stream:
        before = b""
        while piece := stream.read(_PIECE):
            if not before and not _UTF_8.match(piece):
                raise UnreadableListError("not_a_workbook")
            if _DECLARATION.search(before[-_LONGEST_DECLARATION:] + piece):
                raise UnreadableListError("workbook_with_entities")
            before = piece


@contextmanager
def _opened(body: bytes) -> Iterator[Any]:
    # Here, because a node that is sent no workbook should not hold the library in memory.
    import openpyxl  # type: ignore[import-untyped]  # noqa: PLC0415

    with _one_at_a_time, warnings.catch_warnings():
        # A warning may quote a cell.
        warnings.simplefilter("ignore")
        try:
            workbook = openpyxl.load_workbook(
                io.BytesIO(body), read_only=True, data_only=False, keep_links=False
            )
            try:
                yield workbook
            finally:
                workbook.close()
        except UnreadableListError:
            raise
        except Exception:  # noqa: BLE001 - whatever a damaged workbook makes the library raise
            raise UnreadableListError("not_a_workbook") from None


def _read_sheet(sheet: Any) -> Door | None:
    if not hasattr(sheet, "reset_dimensions"):
        return None  # a chart
    # What a sheet says of its size is not to be believed.
    sheet.reset_dimensions()
    rows = sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True)
    door = Door()
    first: list[tuple[int, list[str]]] = []
    headings: list[str | None] = []
    blank = 0
    for number, values in enumerate(rows, start=1):
        cells = _texts(values)
        blank = 0 if any(cells) else blank + 1
        if blank > _MAX_BLANK:
            break
        if headings:
            door.row(number, zip(headings, cells, strict=False))
            continue
        first.append((number, cells))
        if len(first) == _FIRST_ROWS:
            headings = _begin(door, first)
            if not headings:
                return None
    if not headings:
        headings = _begin(door, first)
    return door if headings else None


def _begin(door: Door, first: list[tuple[int, list[str]]]) -> list[str | None]:
    """Finds the headings among the first rows and lets in the rows below them."""
    at = headings_at([cells for _, cells in first])
    if at is None:
        return []
    headings = door.headings(first[at][1])
    for number, cells in first[at + 1 :]:
        door.row(number, zip(headings, cells, strict=False))
    return headings


def _texts(values: tuple[Any, ...]) -> list[str]:
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = as_text(value)
    # Array formulas and the like come as objects; they are formulas all the same.
    return "=()" if text is None else text
