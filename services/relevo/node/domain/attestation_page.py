"""One printed page: what an attestation shows in words, and the same in a code that anyone can verify."""

import io
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import segno
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

from relevo.contracts.attestation import LABELS
from relevo.contracts.vocabularies.loader import code_list

_MM: Final = 72 / 25.4
_MARGIN: Final = 22 * _MM
_WIDTH: Final = A4[0] - 2 * _MARGIN
_CODE_SIDE: Final = 90 * _MM
_QUIET_MODULES: Final = 4
_LABEL_WIDTH: Final = 60 * _MM
_LISTS: Final = {"purposes": "purpose", "categories": "data_category"}
# Mayan and other spellings use letters for the apostrophe that printers' fonts lack.
_APOSTROPHES: Final = str.maketrans(dict.fromkeys("\u02bc\u02bb\ua78b\ua78c\u2032'", "\u2019"))
_CLOSING: Final = (
    (
        "Este papel muestra sólo lo que la persona eligió mostrar. El código contiene lo mismo, firmado por la "
        "institución; el nombre exacto está en el código. Para verificarlo sin internet: relevo attestation verify."
    ),
    (
        "This page shows only what the person chose to show. The code holds the same, signed by the institution. "
        "To verify it without a network: relevo attestation verify."
    ),
)


class TooMuchForOneCodeError(ValueError):
    """No printed code holds that much."""


@dataclass(frozen=True)
class Sheet:
    """What is printed. Nothing else of the record reaches this module."""

    type: str
    issuer: str
    folio: str
    issued_at: datetime
    valid_until: datetime
    shown: Mapping[str, Any] = field(repr=False)
    presentation: str = field(repr=False)


def draw(sheet: Sheet) -> bytes:
    """A PDF of one page, Spanish first; a consent with many recipients takes a second.

    Raises:
        TooMuchForOneCodeError: She shows more than one code can hold.
    """
    modules = _modules(sheet.presentation)
    out = io.BytesIO()
    # Same sheet, same bytes; and no title, author or date of ours in the file.
    canvas = Canvas(out, pagesize=A4, invariant=1)
    label = code_list("attestation_type")
    canvas.setTitle(label.label(sheet.type, "es"))
    y = A4[1] - _MARGIN
    y = _text(canvas, str(sheet.shown.get("institution_name", sheet.issuer)), y, size=12)
    title = label.label(sheet.type, f"es-{sheet.issuer[:2].upper()}")
    y = _text(canvas, title[:1].upper() + title[1:], y - 10, size=20, bold=True)
    y = _text(canvas, label.label(sheet.type, "en"), y, size=10)
    rows = [
        ("Folio", "Number", sheet.folio),
        ("Emisor", "Issuer", sheet.issuer),
        ("Expedida", "Issued", f"{sheet.issued_at:%Y-%m-%d}"),
        ("Vence", "Valid until", f"{sheet.valid_until:%Y-%m-%d}"),
    ]
    rows += [(*LABELS[name], in_words(name, value)) for name, value in sheet.shown.items()]
    y -= 12
    for spanish, english, value in rows:
        y = _row(canvas, f"{spanish} / {english}", value, y)
    floor = _CODE_SIDE + _MARGIN + 60
    if y < floor:
        canvas.showPage()
        y = A4[1] - _MARGIN
    _code(canvas, modules, y - _CODE_SIDE - 8)
    y -= _CODE_SIDE + 24
    for text in _CLOSING:
        y = _text(canvas, text, y, size=8)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def in_words(name: str, value: Any) -> str:
    """A claim as a person reads it on paper."""
    if name in _LISTS:
        known = code_list(_LISTS[name])
        return "; ".join(known.label(code, "es") if code in known else code for code in value)
    if name == "identity_document":
        known = code_list("identity_document_type")
        kind = value.get("type", "")
        parts = (
            known.label(kind, "es") if kind in known else kind,
            value.get("country"),
            value.get("number"),
        )
        return " · ".join(part for part in parts if part)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(value)


def printable(text: str) -> str:
    """The text in letters that every printer has; the code beside it keeps the exact spelling."""
    kept = []
    for letter in text.translate(_APOSTROPHES):
        try:
            letter.encode("cp1252")
            kept.append(letter)
        except UnicodeEncodeError:
            plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
            kept.append(plain or "?")
    return "".join(kept)


def _modules(presentation: str) -> list[bytes]:
    for level in ("m", "l"):
        try:
            code = segno.make(presentation, error=level, micro=False, boost_error=False)
        except segno.DataOverflowError:
            continue
        return [bytes(row) for row in code.matrix]
    raise TooMuchForOneCodeError


def _text(canvas: Any, text: str, y: float, *, size: float, bold: bool = False) -> float:
    font = "Helvetica-Bold" if bold else "Helvetica"
    canvas.setFont(font, size)
    for line in simpleSplit(printable(text), font, size, _WIDTH):
        y -= size * 1.3
        canvas.drawString(_MARGIN, y, line)
    return y


def _row(canvas: Any, label: str, value: str, y: float) -> float:
    canvas.setFont("Helvetica", 8)
    canvas.drawString(_MARGIN, y - 13, printable(label))
    canvas.setFont("Helvetica-Bold", 10)
    for line in simpleSplit(printable(value), "Helvetica-Bold", 10, _WIDTH - _LABEL_WIDTH) or [""]:
        y -= 13
        canvas.drawString(_MARGIN + _LABEL_WIDTH, y, line)
    return y - 3


def _code(canvas: Any, modules: list[bytes], bottom: float) -> None:
    side = _CODE_SIDE / (len(modules) + 2 * _QUIET_MODULES)
    left = (A4[0] - _CODE_SIDE) / 2
    for row, line in enumerate(modules, start=_QUIET_MODULES):
        y = bottom + _CODE_SIDE - (row + 1) * side
        start = 0
        for column in range(len(line) + 1):
            if column < len(line) and line[column]:
                continue
            if column > start:  # one rectangle per run: no seams between modules
                x = left + (start + _QUIET_MODULES) * side
                canvas.rect(x, y, (column - start) * side, side, stroke=0, fill=1)
            start = column + 1
