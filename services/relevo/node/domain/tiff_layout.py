"""Directories of TIFF 6.0, which EXIF is written in too: as far as cleaning a picture needs them."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

ORIENTATION: Final = 0x0112
_TURNED: Final = frozenset(range(2, 9))
_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Bytes of one value, by field type."""
_SHORT: Final = 3
_LONG: Final = 4
_MOST_ENTRIES: Final = 4096


class LayoutError(Exception):
    """A file that is not built as its kind is built."""


@dataclass(frozen=True)
class Entry:
    """One field of a directory.

    Attributes:
        raw: Its twelve bytes.
        start: Where its values stand in the file.
        size: Bytes of its values.
    """

    tag: int
    kind: int
    raw: bytes
    start: int
    size: int


def byte_order(content: bytes) -> str:
    """`<` or `>`, as `struct` says it.

    Raises:
        LayoutError: It does not begin as a TIFF.
    """
    try:
        return _ORDERS[content[:4]]
    except KeyError:
        raise LayoutError from None


def unpack(layout: str, content: bytes, start: int) -> tuple[int, ...]:
    """Numbers out of a file.

    Raises:
        LayoutError: It ends before.
    """
    try:
        return struct.unpack_from(layout, content, start)
    except struct.error:
        raise LayoutError from None


def directory(content: bytes, order: str, start: int) -> tuple[Sequence[Entry], int]:
    """The fields of a directory, and where the next one is; 0: there is none.

    Raises:
        LayoutError: It does not fit into the file.
    """
    (count,) = unpack(order + "H", content, start)
    if count > _MOST_ENTRIES:
        raise LayoutError
    (following,) = unpack(order + "I", content, start + 2 + 12 * count)
    return list(_entries(content, order, start + 2, count)), following


def _entries(content: bytes, order: str, start: int, count: int) -> Iterator[Entry]:
    for place in range(start, start + 12 * count, 12):
        tag, kind, values, offset = unpack(order + "HHII", content, place)
        size = _SIZES.get(kind, 1) * values
        begin = place + 8 if size <= 4 else offset
        if begin + size > len(content):
            raise LayoutError
        yield Entry(tag, kind, content[place : place + 12], begin, size)


def numbers(content: bytes, order: str, entry: Entry) -> tuple[int, ...]:
    """The values of a field of whole numbers.

    Raises:
        LayoutError: It has others.
    """
    if entry.kind not in {_SHORT, _LONG}:
        raise LayoutError
    letter = "H" if entry.kind == _SHORT else "I"
    return unpack(f"{order}{entry.size // _SIZES[entry.kind]}{letter}", content, entry.start)


def orientation_alone(exif: bytes) -> bytes:
    """EXIF that says which way up the picture is and nothing else; empty when it need not be said."""
    try:
        order = byte_order(exif)
        (start,) = unpack(order + "I", exif, 4)
        entries, _ = directory(exif, order, start)
        found = [numbers(exif, order, entry) for entry in entries if entry.tag == ORIENTATION]
    except LayoutError:
        return b""
    turned = next((value for value in found if len(value) == 1 and value[0] in _TURNED), None)
    if turned is None:
        return b""
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, ORIENTATION, _SHORT, 1, turned[0], 0, 0)
