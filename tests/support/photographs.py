"""Files that tell where they were made: a position, a maker, an author."""

import functools
import io
import struct
from typing import Any

from pikepdf import Dictionary, Name, ObjectStreamMode, Pdf, Stream
from PIL import Image

MAKER = "Refugio La Esperanza"
PLACE = b"14.905,-92.263"


@functools.cache
def _noise() -> Image.Image:
    image = Image.effect_noise((48, 32), 90).convert("RGB")
    image.paste((20, 10, 10), (8, 8, 24, 24))
    return image


def a_photograph(kind: str = "JPEG", **how: Any) -> bytes:
    """As a telephone takes it: turned, with the position and who owns the telephone."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x013B] = MAKER
    position = exif.get_ifd(0x8825)
    position[1], position[2] = "N", (14.0, 54.0, 18.0)
    position[3], position[4] = "W", (92.0, 15.0, 46.0)
    written = io.BytesIO()
    _noise().save(written, kind, exif=exif if kind == "TIFF" else exif.tobytes(), **how)
    return written.getvalue()


def a_pdf(*, packed: bool = False) -> bytes:
    """One page with a photograph on it; `packed`: as newer programs write it."""
    with Pdf.new() as pdf:
        picture = Stream(
            pdf,
            a_photograph(),
            Type=Name.XObject,
            Subtype=Name.Image,
            Width=48,
            Height=32,
            ColorSpace=Name.DeviceRGB,
            BitsPerComponent=8,
            Filter=Name.DCTDecode,
        )
        page = pdf.add_blank_page(page_size=(200, 200))
        page.Resources = Dictionary(XObject=Dictionary(Im0=pdf.make_indirect(picture)))
        page.Contents = Stream(pdf, b"q 100 0 0 100 0 0 cm /Im0 Do Q")
        pdf.docinfo[Name.Author] = MAKER
        pdf.Root.Metadata = Stream(pdf, f"<x:xmpmeta>{MAKER}</x:xmpmeta>".encode())
        written = io.BytesIO()
        mode = ObjectStreamMode.generate if packed else ObjectStreamMode.disable
        pdf.save(
            written, object_stream_mode=mode, deterministic_id=True, fix_metadata_version=False
        )
        return written.getvalue()


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def a_heic(item: bytes = b"hvc1") -> bytes:
    """The boxes of ISO 23008-12 with a picture, its EXIF and its XMP; what draws is not decoded here."""
    parts = [
        (item, b"pixels of the picture"),
        (b"Exif", b"\0\0\0\0II*\0" + PLACE * 3),
        (b"mime", PLACE),
    ]
    entries = b"".join(
        _box(b"infe", b"\2\0\0\0" + struct.pack(">HH", number, 0) + kind + b"\0")
        for number, (kind, _) in enumerate(parts, start=1)
    )
    iinf = _box(b"iinf", b"\0\0\0\0" + struct.pack(">H", len(parts)) + entries)
    ftyp = _box(b"ftyp", b"heic\0\0\0\0mif1heic")
    described = _box(b"iprp", _box(b"ipco", _box(b"udes", MAKER.encode())))

    def meta(start: int) -> bytes:
        rows = b""
        for number, (_, content) in enumerate(parts, start=1):
            rows += struct.pack(">HHHII", number, 0, 1, start, len(content))
            start += len(content)
        iloc = _box(b"iloc", b"\0\0\0\0\x44\0" + struct.pack(">H", len(parts)) + rows)
        return _box(b"meta", b"\0\0\0\0" + _box(b"pitm", b"\0\0\0\0\0\1") + iinf + described + iloc)

    data = b"".join(content for _, content in parts) + b"left over by " + MAKER.encode()
    start = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(start) + _box(b"mdat", data) + _box(b"uuid", MAKER.encode())
