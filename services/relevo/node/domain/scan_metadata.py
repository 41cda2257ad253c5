"""TIFF and HEIC without what a scanner or a telephone wrote into them.

Both say where in the file everything stands, so nothing is moved: what the picture needs is copied to
where it was, and all the rest becomes zeros, whatever it was and whether anything pointed at it.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Final

from .tiff_layout import Entry, LayoutError, byte_order, directory, numbers, unpack

_MOST_PAGES: Final = 1000
_MOST_BOXES: Final = 10_000

_PAIRS: Final = ((273, 279), (324, 325), (513, 514))
"""Fields with offsets and lengths of strips, tiles and old JPEG."""
_SHOWN_TAGS: Final = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 282}
    | {283, 284, 290, 291, 292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325}
    | {332, 334, 336, 338, 339, 340, 341, 347, 512, 513, 514, 515, 529, 530, 531, 532, 34675}
)
"""What TIFF 6.0 and its fax and JPEG supplements need to draw, and the colour profile."""


class UncleanableError(Exception):
    """It holds parts that are not known here, and may tell anything."""


class _Copy:
    """Zeros as long as the file, into which its needed parts are copied."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._left = 4 * len(content) + 4096
        self.made = bytearray(len(content))

    def keep(self, start: int, size: int) -> None:
        """Raises LayoutError: parts that overlap again and again."""
        self._left -= size
        if self._left < 0:
            raise LayoutError
        part = self._content[start : start + size]
        self.made[start : start + len(part)] = part

    def write(self, start: int, part: bytes) -> None:
        self.made[start : start + len(part)] = part


def clean_tiff(content: bytes) -> bytes:
    """Its pages, each with the fields that draw it.

    Raises:
        LayoutError: It does not fit together.
    """
    order = byte_order(content)
    copy = _Copy(content)
    copy.keep(0, 8)
    (place,) = unpack(order + "I", content, 4)
    seen: set[int] = set()
    while place:
        if place in seen or len(seen) == _MOST_PAGES:
            raise LayoutError
        seen.add(place)
        entries, following = directory(content, order, place)
        shown = [entry for entry in entries if entry.tag in _SHOWN_TAGS]
        _keep_page(copy, content, order, shown)
        fields = b"".join(entry.raw for entry in shown)
        head, tail = struct.pack(order + "H", len(shown)), struct.pack(order + "I", following)
        copy.write(place, head + fields + tail)
        place = following
    return bytes(copy.made)


def _keep_page(copy: _Copy, content: bytes, order: str, shown: Sequence[Entry]) -> None:
    for entry in shown:
        if entry.size > 4:
            copy.keep(entry.start, entry.size)
    by_tag = {entry.tag: numbers(content, order, entry) for entry in shown if entry.tag in _PLACES}
    for offsets, sizes in _PAIRS:
        for start, size in zip(by_tag.get(offsets, ()), by_tag.get(sizes, ()), strict=False):
            copy.keep(start, size)


_PLACES: Final = frozenset(tag for pair in _PAIRS for tag in pair)

_DRAWS: Final = frozenset(
    {b"hvc1", b"av01", b"avc1", b"vvc1", b"j2k1", b"grid", b"iden", b"iovl", b"tmap"}
)
_TELLS: Final = frozenset({b"Exif", b"mime", b"uri "})
_NEEDED_BOXES: Final = frozenset({b"hdlr", b"dinf", b"pitm", b"iref", b"iinf", b"iloc", b"grpl"})
_TELLING_PROPERTIES: Final = frozenset({b"udes", b"altt", b"crtt", b"mdft", b"uuid"})
_EMPTY_EXIF: Final = b"\0\0\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"

_Box = tuple[bytes, int, int, int]
"""Kind, where it starts, where its content starts, where it ends."""


def clean_heic(content: bytes) -> bytes:
    """Its pictures with the properties that draw them.

    Raises:
        LayoutError: It does not fit together.
        UncleanableError: It is a film, or has an item of a kind that is not known here.
    """
    copy = _Copy(content)
    for kind, start, inside, end in _boxes(content, 0, len(content)):
        if kind in {b"moov", b"moof"}:
            raise UncleanableError("it is a film")
        if kind == b"ftyp":
            copy.keep(start, end - start)
        elif kind == b"meta":
            copy.keep(start, inside + 4 - start)
            _keep_meta(copy, content, inside + 4, end)
        else:
            _keep_head(copy, kind, start, inside)
    return bytes(copy.made)


def clean_jp2(content: bytes) -> bytes:
    """JPEG 2000, as it stands in a PDF: its boxes without those that tell.

    Raises:
        LayoutError: It does not fit together.
    """
    if content[4:8] != b"jP  ":
        return content
    copy = _Copy(content)
    for kind, start, inside, end in _boxes(content, 0, len(content)):
        if kind in {b"uuid", b"uinf", b"xml "}:
            copy.write(start, content[start:inside])
            copy.write(start + 4, b"free")
        else:
            copy.keep(start, end - start)
    return bytes(copy.made)


def _keep_head(copy: _Copy, kind: bytes, start: int, inside: int) -> None:
    """The room that a box takes; what it was is said of boxes with pictures alone."""
    copy.keep(start, inside - start)
    if kind not in {b"mdat", b"idat"}:
        copy.write(start + 4, b"free")


def _boxes(content: bytes, start: int, end: int) -> Iterator[_Box]:
    for _ in range(_MOST_BOXES):
        if start == end:
            return
        (size,) = unpack(">I", content, start)
        head = 8
        if size == 1:
            (size,) = unpack(">Q", content, start + 8)
            head = 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            break
        yield content[start + 4 : start + 8], start, start + head, start + size
        start += size
    raise LayoutError


def _keep_meta(copy: _Copy, content: bytes, start: int, end: int) -> None:
    boxes = {box[0]: box for box in _boxes(content, start, end)}
    for kind, begin, inside, finish in _boxes(content, start, end):
        if kind in _NEEDED_BOXES:
            copy.keep(begin, finish - begin)
        elif kind == b"iprp":
            copy.keep(begin, finish - begin)
            _drop_properties(copy, content, inside, finish)
        else:
            _keep_head(copy, kind, begin, inside)
    if b"iinf" not in boxes or b"iloc" not in boxes:
        raise LayoutError
    kinds = dict(_items(content, boxes[b"iinf"]))
    stored_inside = boxes[b"idat"][2] if b"idat" in boxes else None
    for item, extents in _locations(content, boxes[b"iloc"], stored_inside):
        kind = kinds.get(item, b"")
        if kind in _DRAWS:
            for place, size in extents:
                copy.keep(place, size)
        elif kind not in _TELLS:
            raise UncleanableError("it has parts of a kind that is not known")
        elif kind == b"Exif" and extents and extents[0][1] >= len(_EMPTY_EXIF):
            copy.write(extents[0][0], _EMPTY_EXIF)


def _drop_properties(copy: _Copy, content: bytes, start: int, end: int) -> None:
    for kind, _, inside, finish in _boxes(content, start, end):
        if kind == b"ipco":
            for one, begin, within, last in _boxes(content, inside, finish):
                if one in _TELLING_PROPERTIES:
                    copy.write(begin + 4, b"free")
                    copy.write(within, bytes(last - within))


def _items(content: bytes, box: _Box) -> Iterator[tuple[int, bytes]]:
    _, _, inside, end = box
    (form,) = unpack(">B", content, inside)
    first = inside + (8 if form else 6)
    for kind, _, within, _ in _boxes(content, first, end):
        if kind != b"infe":
            continue
        (version,) = unpack(">B", content, within)
        if version not in {2, 3}:
            raise UncleanableError("it lists its parts in a way that is not known")
        width = 2 if version == 2 else 4
        item = int.from_bytes(content[within + 4 : within + 4 + width])
        yield item, content[within + 6 + width : within + 10 + width]


class _Reader:
    def __init__(self, content: bytes, start: int, end: int) -> None:
        self._content, self._place, self._end = content, start, end

    def number(self, width: int) -> int:
        if self._place + width > self._end:
            raise LayoutError
        self._place += width
        return int.from_bytes(self._content[self._place - width : self._place])


def _locations(
    content: bytes, box: _Box, stored_inside: int | None
) -> Iterator[tuple[int, Sequence[tuple[int, int]]]]:
    """Where the parts of each item stand in the file (ISO 14496-12, `iloc`)."""
    reader = _Reader(content, box[2], box[3])
    version = reader.number(1)
    reader.number(3)
    sizes, bases = reader.number(1), reader.number(1)
    for _ in range(reader.number(2 if version < 2 else 4)):
        item = reader.number(2 if version < 2 else 4)
        method = reader.number(2) & 15 if version else 0
        elsewhere = reader.number(2)
        base = reader.number(bases >> 4)
        if method == 1 and stored_inside is not None:
            base += stored_inside
        elif method or elsewhere:
            raise UncleanableError("its parts stand in a way that is not known")
        extents = []
        for _ in range(reader.number(2)):
            reader.number(bases & 15 if version else 0)
            extents.append((base + reader.number(sizes >> 4), reader.number(sizes & 15)))
        if any(place + size > len(content) or not size for place, size in extents):
            raise LayoutError
        yield item, extents
