"""Is a file what it says it is, and is there anything on it?

Peers of ours keep blank pages as identity documents. What is clearly blank is refused with advice;
whatever cannot be judged is taken.
"""

import io
import re
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from PIL import Image

from relevo.contracts.attachment import ENDINGS
from relevo.contracts.problem import ProblemError

Image.MAX_IMAGE_PIXELS = None  # larger ones are not decoded here, see `_check_image`

_PDF: Final = "application/pdf"
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"hevc", b"mif1", b"msf1"})
_MOST_PIXELS: Final = 60_000_000
_SAME_SHADE: Final = 6
"""Of 256: what a scanner makes of an empty white page differs by that much."""
_JPEG_PREVIEW: Final = (1024, 1024)
_MOST_INFLATED: Final = 4 * 1024 * 1024

_STREAM: Final = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_PAINTS: Final = re.compile(
    rb"(?<![/\w])(?:Tj|TJ|'|\"|Do|sh|BI|[fFBbSs]\*?)(?=[\s/\[(<]|$)|/Subtype\s*/Image"
)
"""Operators of ISO 32000 that leave something on a page."""


def _is_heic(content: bytes) -> bool:
    return content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS


_SIGNATURES: Final[Mapping[str, Callable[[bytes], bool]]] = MappingProxyType(
    {
        _PDF: lambda content: b"%PDF-" in content[:1024] and b"%%EOF" in content,
        "image/heic": _is_heic,
        "image/jpeg": lambda content: content.startswith(b"\xff\xd8\xff"),
        "image/png": lambda content: content.startswith(b"\x89PNG\r\n\x1a\n"),
        "image/tiff": lambda content: content[:4] in {b"II*\0", b"MM\0*"},
        "image/webp": lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP",
    }
)
_DECODED: Final = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/tiff": "TIFF",
    "image/webp": "WEBP",
}


def check_file(media_type: str, content: bytes) -> None:
    """Refuses what is empty, what is blank and what is something else.

    Raises:
        ProblemError: `attachment_blank`, `attachment_unreadable` or `unsupported_media_type`.
    """
    if not content:
        raise ProblemError("attachment_blank", blank="no bytes")
    if media_type not in _SIGNATURES:
        raise ProblemError("unsupported_media_type", expected=" or ".join(ENDINGS))
    if not _SIGNATURES[media_type](content):
        raise ProblemError("attachment_unreadable", media_type=media_type)
    if media_type == _PDF and _is_blank_pdf(content):
        raise ProblemError("attachment_blank", blank="pages without a mark")
    if media_type in _DECODED:
        _check_image(media_type, content)


def _check_image(media_type: str, content: bytes) -> None:
    try:
        with Image.open(io.BytesIO(content), formats=[_DECODED[media_type]]) as image:
            if getattr(image, "n_frames", 1) > 1:
                return
            if media_type == "image/jpeg":
                image.draft("L", _JPEG_PREVIEW)
            if image.width * image.height > _MOST_PIXELS:
                return
            extrema = image.getextrema()
    except (OSError, ValueError, SyntaxError, EOFError, zlib.error):
        raise ProblemError("attachment_unreadable", media_type=media_type) from None
    bands = extrema if isinstance(extrema[0], tuple) else (extrema,)
    if all(high - low <= _SAME_SHADE for low, high in bands):
        raise ProblemError("attachment_blank", blank="one colour")


def _is_blank_pdf(content: bytes) -> bool:
    """Nothing in it paints. Encrypted ones and what is not deflated are not judged."""
    if b"/Encrypt" in content or _PAINTS.search(content[: content.find(b"stream")]):
        return False
    inflated = 0
    for match in _STREAM.finditer(content):
        found = _inflated(match.group(1))
        inflated += len(found or b"")
        if found is None or inflated > _MOST_INFLATED or _PAINTS.search(found):
            return False
    return True


def _inflated(stream: bytes) -> bytes | None:
    """The text of a stream; None when it is of a kind that is not read here."""
    try:
        return zlib.decompressobj().decompress(stream, _MOST_INFLATED)
    except zlib.error:
        printable = all(byte in b"\t\n\f\r" or 32 <= byte < 127 for byte in stream)
        return stream if printable else None
