"""Identity documents of a row. A number that does not check is kept as written, never as an identifier."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from relevo.contracts.person import IdentityDocument
from relevo.contracts.placeholders import is_a_number
from relevo.contracts.plain_text import plain
from relevo.contracts.returnee import AsWritten
from relevo.contracts.standards.identity_numbers import check

from .advice import Note
from .birth import DateOrder, read_birth_date
from .places import read_country
from .words import meaning, meanings, says_unknown

_OWN_COLUMNS: Final = (
    ("national_id_number", "national_id"),
    ("population_key", "population_key"),
    ("passport_number", "passport"),
)


@dataclass
class Papers:
    """What a row says of documents."""

    documents: list[IdentityDocument] = field(default_factory=list)
    as_written: list[AsWritten] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def drop_forbidden(cells: dict[str, str]) -> list[Note]:
    """Takes A-numbers out of a row, before anything of it is stored."""
    dropped: list[str] = []
    if is_a_number(cells.get("row_reference", "")):
        dropped.append("row_reference")
    if is_a_number(cells.get("relative_reference", "")):
        dropped.append("relative_reference")
    kind = cells.get("document_type", "")
    if meaning("document_type", kind) == "forbidden":
        dropped += ["document_type", "document_number"]
    elif meaning("document_type", kind) != "passport" and is_a_number(
        cells.get("document_number", "")
    ):
        dropped.append("document_number")
    for column in ("national_id_number", "population_key"):
        if is_a_number(cells.get(column, "")):
            dropped.append(column)
    for column in dropped:
        cells.pop(column, None)
    return [Note("forbidden_value", column) for column in dropped[:1]]


def read_papers(
    cells: Mapping[str, str], *, nationalities: list[str], today: date, order: DateOrder
) -> Papers:
    """The documents of a row."""
    found = Papers()
    country = read_country(cells["document_country"]) if "document_country" in cells else None
    state = _state(cells, today, order, found)
    for column, kind in _OWN_COLUMNS:
        if column in cells:
            _add(found, kind, cells[column], column, country, nationalities, state)
    number = cells.get("document_number", "")
    said = cells.get("document_type", "")
    if number or not says_unknown(said):
        meant, own_state = _kind(said)
        if meant is None and not says_unknown(said):
            found.notes.append(Note("document_type_as_written", "document_type"))
            found.as_written.append(AsWritten(field="document_type", text=said))
        state = own_state or state
        _add(found, meant or "other", number, "document_number", country, nationalities, state)
    if any(document.state == "expired" for document in found.documents):
        found.notes.append(Note("document_expired", "document_state"))
    return found


def _add(
    found: Papers,
    kind: str,
    number: str,
    column: str,
    country: str | None,
    nationalities: list[str],
    state: str,
) -> None:
    if number and (says_unknown(number) or meaning("document_type", number) == "none"):
        number = ""
        if column != "document_number":
            kind = "none"
    if kind == "none":
        if not any(document.type == "none" for document in found.documents):
            found.documents.append(IdentityDocument(type="none"))
        return
    if country is None and kind in {"national_id", "population_key"} and len(nationalities) == 1:
        country = nationalities[0]
    if number and check(kind, country, number) == "does_not_fit":
        found.notes.append(Note("check_digit", column))
        found.as_written.append(AsWritten(field=column, text=number))
        number = ""
    found.documents.append(
        IdentityDocument(
            type=kind,
            country=country,
            number=number or None,
            state=state,  # type: ignore[arg-type]
        )
    )


def _kind(text: str) -> tuple[str | None, str | None]:
    """Type and state: "Pasaporte vencido" says both."""
    kind = meaning("document_type", text)
    if kind is not None and kind != "forbidden":
        return kind, None
    spoken = plain(text)
    for word, state in meanings("document_state").items():
        if spoken.endswith(f" {word}"):
            return meanings("document_type").get(spoken.removesuffix(word).strip()), state
    return None, None


def _state(cells: Mapping[str, str], today: date, order: DateOrder, found: Papers) -> str:
    if "document_state" in cells:
        state = meaning("document_state", cells["document_state"])
        if state is not None:
            return state
        found.notes.append(Note("document_state_as_written", "document_state"))
        found.as_written.append(AsWritten(field="document_state", text=cells["document_state"]))
    if "document_expiry" in cells:
        until, _ = read_birth_date(cells["document_expiry"], today=date(2200, 12, 31), order=order)
        if until is not None and until.value < today.isoformat()[: len(until.value)]:
            return "expired"
    return "valid"
