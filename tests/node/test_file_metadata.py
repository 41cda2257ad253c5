"""What is taken out of files, and what stays exactly as it was."""

import contextlib
import io
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pikepdf import AttachedFileSpec, Dictionary, Encryption, Name, Pdf
from PIL import Image, ImageSequence

from relevo.contracts.problem import ProblemError
from relevo.node.domain.metadata import without_metadata
from tests.support.photographs import MAKER, PLACE, a_heic, a_pdf, a_photograph

KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff"}
PDF = "application/pdf"


def pixels(content: bytes) -> list[tuple[str, bytes]]:
    with Image.open(io.BytesIO(content)) as image:
        return [(one.mode, one.tobytes()) for one in ImageSequence.Iterator(image)]


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "comment": MAKER}),
        ("PNG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"save_all": True, "append_images": [Image.new("RGB", (48, 32), 9)]}),
        ("TIFF", {"compression": "tiff_lzw", "description": MAKER}),
        ("TIFF", {"save_all": True, "append_images": [Image.new("RGB", (9, 9), 9)]}),
    ],
)
def test_a_photograph_keeps_every_pixel_and_tells_nothing_else(
    kind: str, how: dict[str, Any]
) -> None:
    taken = a_photograph(kind, **how) + b"a film hangs on behind, taken by " + MAKER.encode()
    clean, metadata = without_metadata(KINDS[kind], taken)
    assert metadata == "removed"
    assert pixels(clean) == pixels(taken)
    assert MAKER.encode() in taken
    assert MAKER.encode() not in clean
    with Image.open(io.BytesIO(clean)) as image:
        assert set(image.getexif()) <= {0x0112} or kind == "TIFF"
        assert not image.getexif().get_ifd(0x8825)
    assert without_metadata(KINDS[kind], clean) == (clean, "none")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_it_still_stands_the_right_way_up(kind: str) -> None:
    clean, _ = without_metadata(KINDS[kind], a_photograph(kind))
    with Image.open(io.BytesIO(clean)) as image:
        assert image.getexif()[0x0112] == 6


def test_a_colour_profile_stays() -> None:
    profile = b"\0" * 200
    clean, _ = without_metadata("image/jpeg", a_photograph("JPEG", icc_profile=profile))
    with Image.open(io.BytesIO(clean)) as image:
        assert image.info["icc_profile"] == profile


def test_a_telephones_picture_keeps_its_items_and_not_what_it_noted() -> None:
    taken = a_heic()
    clean, metadata = without_metadata("image/heic", taken)
    assert (len(clean), metadata) == (len(taken), "removed")
    assert b"pixels of the picture" in clean
    assert PLACE not in clean
    assert MAKER.encode() not in clean
    assert without_metadata("image/heic", clean) == (clean, "none")


@pytest.mark.parametrize("kind", [b"moov", b"blob"])
def test_a_picture_with_parts_that_nobody_knows_is_refused_with_advice(kind: bytes) -> None:
    taken = a_heic(item=kind) if kind == b"blob" else a_heic() + b"\0\0\0\x08" + kind
    with pytest.raises(ProblemError, match="JPEG") as refused:
        without_metadata("image/heic", taken)
    assert refused.value.name == "attachment_not_cleaned"


def written(pdf: Pdf, **how: Any) -> bytes:
    made = io.BytesIO()
    pdf.save(made, **how)
    return made.getvalue()


@pytest.mark.parametrize("packed", [False, True])
def test_a_document_loses_its_author_and_what_the_camera_wrote_into_its_pictures(
    *, packed: bool
) -> None:
    taken = a_pdf(packed=packed)
    clean, metadata = without_metadata(PDF, taken)
    assert metadata == "removed"
    with Pdf.open(io.BytesIO(clean)) as pdf:
        assert Name.Info not in pdf.trailer
        assert Name.Metadata not in pdf.Root
        photograph = pdf.pages[0].Resources.XObject.Im0
        assert photograph.read_raw_bytes() == without_metadata("image/jpeg", a_photograph())[0]
    assert MAKER.encode() not in clean
    assert without_metadata(PDF, taken) == (clean, "removed")  # a retry is the same upload
    assert without_metadata(PDF, clean) == (clean, "none")


def test_what_an_earlier_revision_held_is_gone() -> None:
    taken = a_pdf()
    with Pdf.open(io.BytesIO(taken)) as pdf:
        del pdf.trailer[Name.Info]
    revised = taken + b"\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    assert MAKER.encode() not in without_metadata(PDF, revised)[0]


def test_a_signed_document_stays_as_it_is_and_it_is_said() -> None:
    with Pdf.open(io.BytesIO(a_pdf())) as pdf:
        signature = Dictionary(Type=Name.Sig, ByteRange=[0, 1, 2, 3], Contents=b"signed")
        pdf.Root.AcroForm = pdf.make_indirect(Dictionary(V=pdf.make_indirect(signature)))
        signed = written(pdf)
    assert without_metadata(PDF, signed) == (signed, "kept")


def locked() -> bytes:
    with Pdf.open(io.BytesIO(a_pdf())) as pdf:
        return written(pdf, encryption=Encryption(owner="a", user="b"))


def filled() -> bytes:
    with Pdf.open(io.BytesIO(a_pdf())) as pdf:
        pdf.attachments["foto.jpg"] = AttachedFileSpec(pdf, a_photograph())
        return written(pdf)


@pytest.mark.parametrize(("make", "why"), [(locked, "password"), (filled, "other files")])
def test_a_document_that_nobody_can_look_into_is_refused_with_advice(make: Any, why: str) -> None:
    with pytest.raises(ProblemError, match=why) as refused:
        without_metadata(PDF, make())
    assert refused.value.name == "attachment_not_cleaned"


def test_a_document_that_would_fill_the_memory_is_not_opened() -> None:
    bomb = zlib.compress(bytes(80 * 1024 * 1024), 9)
    content = (
        b"%%PDF-1.5\n1 0 obj<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n"
        % len(bomb)
    )
    with pytest.raises(ProblemError) as refused:
        without_metadata(PDF, content + bomb + b"\nendstream endobj\n%%EOF\n")
    assert refused.value.name == "attachment_unreadable"


def whole_files() -> Iterator[tuple[str, bytes]]:
    for kind, media_type in KINDS.items():
        yield media_type, a_photograph(kind)
    yield "image/heic", a_heic()
    yield PDF, a_pdf()


FILES = list(whole_files())


@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=6)), max_size=4),
    st.none() | st.integers(0, 3000),
)
def test_whatever_a_file_holds_it_comes_out_clean_or_is_refused(
    file: tuple[str, bytes], spoiled: list[tuple[int, bytes]], cut: int | None
) -> None:
    media_type, content = file
    made = bytearray(content)
    for place, rubbish in spoiled:
        made[place : place + len(rubbish)] = rubbish
    with contextlib.suppress(ProblemError):
        clean, metadata = without_metadata(media_type, bytes(made[:cut]))
        assert metadata == "kept" or without_metadata(media_type, clean)[0] == clean
