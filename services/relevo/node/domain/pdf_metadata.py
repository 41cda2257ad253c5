"""PDF without what a program wrote into it: author, program, times, and what cameras wrote into its pictures."""

import io
import re
import zlib
from collections.abc import Iterator
from typing import Final

from pikepdf import Array, Dictionary, Name, ObjectStreamMode, PasswordError, Pdf, PdfError, Stream

from .picture_metadata import clean_jpeg
from .scan_metadata import UncleanableError, clean_jp2
from .tiff_layout import LayoutError

_MOST_OBJECTS: Final = 200_000
_MOST_INFLATED: Final = 64 * 1024 * 1024
_TELLING: Final = (Name.Metadata, Name.PieceInfo, Name.LastModified)
_INDEX_STREAM: Final = re.compile(rb"/(?:ObjStm|XRef)\b[^\0]{0,2048}?stream\r?\n", re.DOTALL)
"""What holds objects, and is opened whole as soon as a file is."""


def clean_pdf(content: bytes) -> tuple[bytes, bool]:
    """What is shown, in one revision; and whether everything is left as it was because it is signed.

    Raises:
        LayoutError: Not a PDF, or one that would fill the memory.
        UncleanableError: It opens with a password alone, or holds other files.
    """
    _check_indices(content)
    try:
        with Pdf.open(io.BytesIO(content), suppress_warnings=True) as pdf:
            if len(pdf.objects) > _MOST_OBJECTS:
                raise LayoutError
            return _cleaned(pdf, content)
    except PasswordError:
        raise UncleanableError("it opens with a password alone") from None
    except (PdfError, ValueError, TypeError, KeyError, RuntimeError):
        raise LayoutError from None


def _check_indices(content: bytes) -> None:
    left = _MOST_INFLATED
    for found in _INDEX_STREAM.finditer(content):
        if found.group().count(b"Decode") > 2:  # one filter, and its parameters
            raise LayoutError
        try:
            left -= len(zlib.decompressobj().decompress(content[found.end() :], left + 1))
        except zlib.error:
            continue
        if left < 0:
            raise LayoutError


def _cleaned(pdf: Pdf, content: bytes) -> tuple[bytes, bool]:
    changed = content.count(b"%%EOF") > 1
    for one in _dictionaries(pdf):
        if Name.ByteRange in one:
            return content, True
        if Name.EF in one:
            raise UncleanableError("it holds other files")
    for one in _dictionaries(pdf):
        for name in _TELLING:
            if name in one:
                del one[name]
                changed = True
        if isinstance(one, Stream):
            changed = _clean_picture(one) or changed
    if Name.Info in pdf.trailer:
        del pdf.trailer[Name.Info]
        changed = True
    if not changed:
        return content, False
    written = io.BytesIO()
    pdf.save(
        written,
        deterministic_id=True,
        fix_metadata_version=False,
        object_stream_mode=ObjectStreamMode.preserve,
    )
    return written.getvalue(), False


def _dictionaries(pdf: Pdf) -> Iterator[Dictionary | Stream]:
    for one in pdf.objects:
        if isinstance(one, Dictionary | Stream):
            yield one


def _clean_picture(stream: Stream) -> bool:
    """Whether there was anything in it."""
    found = stream.get(Name.Filter)
    filters = found if isinstance(found, Array) else [found]
    names = [name for name in filters if isinstance(name, Name)]
    cleaners = {Name.DCTDecode: clean_jpeg, Name.JPXDecode: clean_jp2}
    clean = next((cleaners[name] for name in names if name in cleaners), None)
    if clean is None:
        return False
    if len(names) > 1:
        raise UncleanableError("a picture in it is packed twice")
    raw = stream.read_raw_bytes()
    made = clean(raw)
    if made == raw:
        return False
    parameters = stream.get(Name.DecodeParms)
    kept = parameters if isinstance(parameters, Dictionary | Array) else None
    stream.write(made, filter=names[0], decode_parms=kept)
    return True
