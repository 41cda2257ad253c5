"""Pictures without what a camera or a program wrote into them. Not one pixel is coded anew.

What a picture needs to be shown is copied, everything else is left out: position, time, names,
serial numbers, comments, previews, whatever hangs on behind its end. Which way up it is stays.
"""

import re
import struct
from collections.abc import Iterator
from typing import Final
from zlib import crc32

from .tiff_layout import LayoutError, orientation_alone, unpack

_MOST_PARTS: Final = 50_000
_EXIF: Final = b"Exif\0\0"

_SOS: Final = 0xDA
_EOI: Final = 0xD9
_APP0: Final = 0xE0
_APP1: Final = 0xE1
_SHOWN_SEGMENTS: Final = frozenset(
    {*range(0xC0, 0xD0), _SOS, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF}  # frames, tables, scans
) - {0xC8}
_AFTER_SCAN: Final = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
"""A marker; 0xFF00 and the restarts belong to the scan."""
_JFIF_BYTES: Final = 12
"""Without the preview that may follow."""


def clean_jpeg(content: bytes) -> bytes:
    """JFIF with its tables and scans, its colour profile and its orientation.

    Raises:
        LayoutError: It is cut off, or not a JPEG.
    """
    front, rest, exif = [b"\xff\xd8"], [], b""
    for marker, payload, scan in _segments(content):
        if marker == _APP0 and payload.startswith(b"JFIF\0") and len(payload) >= _JFIF_BYTES:
            front.append(_segment(_APP0, payload[:_JFIF_BYTES] + b"\0\0"))
        elif marker == _APP1 and payload.startswith(_EXIF):
            exif = exif or orientation_alone(payload[len(_EXIF) :])
        elif marker in _SHOWN_SEGMENTS or _is_about_colour(marker, payload):
            rest.append(_segment(marker, payload) + scan)
    if exif:
        front.append(_segment(_APP1, _EXIF + exif))
    return b"".join([*front, *rest, b"\xff\xd9"])


def _is_about_colour(marker: int, payload: bytes) -> bool:
    return (marker == 0xE2 and payload.startswith(b"ICC_PROFILE\0")) or (
        marker == 0xEE and payload.startswith(b"Adobe")
    )


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _segments(content: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Marker, payload, and the coded scan that follows a header of one."""
    place = 2
    for _ in range(_MOST_PARTS):
        found = _AFTER_SCAN.match(content, place)
        if found is None:
            break
        marker = found.group()[-1]
        if marker == _EOI:
            return
        (length,) = unpack(">H", content, found.end())
        end = found.end() + length
        if length < 2 or end > len(content):
            break
        payload, place = content[found.end() + 2 : end], end
        if marker == _SOS:
            following = _AFTER_SCAN.search(content, end)
            place = following.start() if following else len(content)
        yield marker, payload, content[end:place]
    raise LayoutError


_PNG_HEAD: Final = b"\x89PNG\r\n\x1a\n"
_SHOWN_CHUNKS: Final = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD pHYs acTL fcTL fdAT".split()
)


def clean_png(content: bytes) -> bytes:
    """The chunks that draw, and its orientation.

    Raises:
        LayoutError: It is cut off, needs a chunk that nobody knows, or is not a PNG.
    """
    kept = [_PNG_HEAD]
    place = len(_PNG_HEAD)
    for _ in range(_MOST_PARTS):
        (length,) = unpack(">I", content, place)
        kind, end = content[place + 4 : place + 8], place + 12 + length
        if end > len(content):
            break
        if kind in _SHOWN_CHUNKS:
            kept.append(content[place:end])
        elif kind == b"eXIf":
            turned = orientation_alone(content[place + 8 : end - 4])
            if turned:
                kept.append(_chunk(kind, turned))
        elif not kind[:1].islower():
            break
        if kind == b"IEND":
            return b"".join(kept)
        place = end
    raise LayoutError


def _chunk(kind: bytes, payload: bytes) -> bytes:
    return (
        struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", crc32(kind + payload))
    )


_SHOWN_IN_WEBP: Final = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_HAS_EXIF: Final = 0x08
_HAS_XMP: Final = 0x04


def clean_webp(content: bytes) -> bytes:
    """The chunks that draw, and its orientation.

    Raises:
        LayoutError: It is cut off, or not a WebP.
    """
    kept: list[tuple[bytes, bytes]] = []
    turned = b""
    for kind, payload in _riff_chunks(content):
        if kind in _SHOWN_IN_WEBP:
            kept.append((kind, payload))
        elif kind == b"EXIF":
            turned = turned or orientation_alone(payload.removeprefix(_EXIF))
    if turned and kept and kept[0][0] == b"VP8X":
        kept.append((b"EXIF", turned))
    kept = [
        (kind, _flagged(payload, turned) if kind == b"VP8X" else payload) for kind, payload in kept
    ]
    body = b"WEBP" + b"".join(_riff_chunk(kind, payload) for kind, payload in kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _flagged(payload: bytes, turned: bytes) -> bytes:
    if not payload:
        raise LayoutError
    flags = payload[0] & ~(_HAS_EXIF | _HAS_XMP)
    return bytes([flags | (_HAS_EXIF if turned else 0)]) + payload[1:]


def _riff_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    (length,) = unpack("<I", content, 4)
    end = 8 + length
    if end > len(content):
        raise LayoutError
    place = 12
    for _ in range(_MOST_PARTS):
        if place >= end:
            return
        (size,) = unpack("<I", content, place + 4)
        if place + 8 + size > end:
            break
        yield content[place : place + 4], content[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
    raise LayoutError


def _riff_chunk(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)
