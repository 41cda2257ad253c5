"""One row of a list, read: a record with notes, or a refusal with advice. It never raises.

Unknown is legitimate and codes that nobody knows are kept as written; invented values are refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from relevo.contracts.lifecycles.returnee import State
from relevo.contracts.person import (
    BirthDate,
    ChildData,
    Contact,
    EthnicityLanguage,
    Family,
    Identity,
    IdentityDocuments,
    TravelAndReturn,
)
from relevo.contracts.plain_text import plain
from relevo.contracts.returnee import AsWritten, GroupKind, ManifestTerms, ReturneeDetails
from relevo.contracts.standards.languages import Language, is_code, read_language

from .advice import Note
from .birth import age, read_age, read_birth_date
from .door import RawRow
from .names import Name, read_name
from .papers import read_papers
from .places import read_nationalities, read_place
from .words import meaning, meanings, says_unknown, words

_ADULT: Final = 18
_OLDER: Final = 60
_PARTS: Final = re.compile(r"\s*[,;/|+]\s*")
_MAX_NOTES: Final = 30
_STATE_OF: Final[Mapping[str, State]] = {
    "announced": "announced",
    "boarded": "announced",
    "walk_on": "announced",
    "did_not_board": "did_not_board",
    "arrived": "arrived",
    "no_show": "no_show",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list says for all of its rows, and the day on which it is read."""

    terms: ManifestTerms
    today: date
    m_means: Literal["male", "female"] | None = None


@dataclass(frozen=True, slots=True)
class RelativeOnList:
    """A relative by the reference of her row, on this list or on another."""

    relation: str
    row_reference: str | None
    manifest_reference: str | None


@dataclass(frozen=True, slots=True)
class ReadRow:
    """What a row says.

    Attributes:
        details: None when the row is refused.
        state: Where the list says she is; None when it says nothing of it.
        groups: Families and siblings by the list's own name for them.
    """

    line: int
    reference: str | None
    notes: tuple[Note, ...]
    details: ReturneeDetails | None = None
    state: State | None = None
    sealed_event: Literal["died_on_board"] | None = None
    groups: tuple[tuple[GroupKind, str], ...] = ()
    relatives: tuple[RelativeOnList, ...] = ()

    @property
    def refused(self) -> bool:
        return self.details is None


@dataclass
class _Reading:
    """A row on its way to a record."""

    cells: dict[str, str]
    listing: Listing
    notes: list[Note]
    as_written: list[AsWritten] = field(default_factory=list)

    def code(self, table: str, column: str) -> str | None:
        """The code of a cell; unknown words stay as written."""
        text = self.cells.get(column)
        if text is None:
            return None
        found = meaning(table, text)
        if found is None:
            if not says_unknown(text):
                self.keep(column, text, f"{table}_as_written")
            return None
        return found

    def keep(self, column: str, text: str, code: str) -> None:
        self.notes.append(Note(code, column))
        self.as_written.append(AsWritten(field=column, text=text))


def read_row(raw: RawRow, listing: Listing) -> ReadRow:
    """Reads one row."""
    reading = _Reading(raw.cells, listing, list(raw.notes))
    reference = raw.cells.get("row_reference")
    try:
        return _read(reading, raw.line, reference)
    except _RefusedError:
        return ReadRow(raw.line, reference, _said(reading.notes))


class _RefusedError(Exception):
    """A note that refuses has been said."""


def _said(notes: list[Note]) -> tuple[Note, ...]:
    """Refusals first, each thing once."""
    once = dict.fromkeys(notes)
    return tuple(sorted(once, key=lambda note: not note.refuses)[:_MAX_NOTES])


def _read(reading: _Reading, line: int, reference: str | None) -> ReadRow:
    cells, notes = reading.cells, reading.notes
    unread = any(note.refuses and note.column is None for note in notes)
    name = None
    if not unread:
        already = any(note.refuses for note in notes)
        name, said = read_name(cells)
        # A formula or a 400-character name left the cell empty: its own advice is enough.
        notes += [note for note in said if not already or note.code == "fake_name"]
    born = _born(reading)
    if unread or name is None or any(note.refuses for note in notes):
        raise _RefusedError
    return _record(reading, line, reference, name, born)


def _record(
    reading: _Reading, line: int, reference: str | None, name: Name, born: BirthDate | None
) -> ReadRow:
    cells, notes, terms = reading.cells, reading.notes, reading.listing.terms
    nationalities = read_nationalities(cells, destination=terms.destination)
    papers = read_papers(
        cells,
        nationalities=nationalities.codes,
        today=reading.listing.today,
        order=terms.date_order,
    )
    place = read_place(cells, nationalities=nationalities.codes, destination=terms.destination)
    for part in (nationalities, papers, place):
        notes += part.notes
        reading.as_written += part.as_written
    needs, prepare = _needs(reading)
    boarding = reading.code("boarding", "boarding")
    groups, relatives = _kin(reading)
    care = reading.code("child_care_status", "child_care_status")
    household = reading.code("household", "household")
    years = None if born is None else age(born, reading.listing.today)
    if (
        years is not None
        and years < _ADULT
        and not (care or _names_an_adult(reading, groups, relatives))
    ):
        notes.append(Note("child_without_adult", "child_care_status"))
    if years is not None and years >= _OLDER:
        notes.append(Note("older_person", "birth_date"))
    identity = Identity(
        given_names=name.given,
        family_names=list(name.family),
        birth_date=born,
        sex=_sex(reading),
        nationalities=nationalities.codes,
    )
    details = ReturneeDetails(
        identity=identity,
        identity_document=IdentityDocuments(documents=papers.documents[:10])
        if papers.documents
        else None,
        contact=_contact(cells),
        location_municipality=place.municipality,
        family=Family(household=household) if household else None,
        child_data=ChildData(child_care_status=care) if care else None,
        travel_and_return=_travel(reading),
        ethnicity_language=_language(reading),
        specific_needs=needs,
        reception_needs=prepare,
        walk_on=boarding == "walk_on",
        as_written=reading.as_written[:30],
    )
    if boarding in {"walk_on", "did_not_board"}:
        notes.append(Note(boarding, "boarding"))
    if boarding == "died_on_board":
        notes.append(Note("sealed_event", "boarding"))
    return ReadRow(
        line,
        reference,
        _said(notes),
        details,
        state=_STATE_OF.get(boarding or ""),
        sealed_event="died_on_board" if boarding == "died_on_board" else None,
        groups=groups,
        relatives=relatives,
    )


def _names_an_adult(
    reading: _Reading,
    groups: tuple[tuple[GroupKind, str], ...],
    relatives: tuple[RelativeOnList, ...],
) -> bool:
    """Whether the list says with whom a child is; siblings and a mother on a later flight are not with her."""
    here = {None, reading.listing.terms.reference}
    return any(kind == "family_unit" for kind, _ in groups) or any(
        relative.manifest_reference in here for relative in relatives
    )


def _born(reading: _Reading) -> BirthDate | None:
    cells, today = reading.cells, reading.listing.today
    born = None
    if "birth_date" in cells:
        text = cells["birth_date"]
        born, notes = read_birth_date(text, today=today, order=reading.listing.terms.date_order)
        reading.notes += notes
        if any(note.code == "birth_date_as_written" for note in notes):
            reading.as_written.append(AsWritten(field="birth_date", text=text))
    if born is None and "age" in cells and not says_unknown(cells["age"]):
        born = read_age(cells["age"], today=today)
        if born is None:
            reading.keep("age", cells["age"], "age_as_written")
        else:
            reading.notes.append(Note("age_only", "age"))
    return born


def _sex(reading: _Reading) -> str | None:
    text = reading.cells.get("sex", "")
    if plain(text) == "m":
        if reading.listing.m_means is None:
            reading.keep("sex", text, "sex_ambiguous")
        return reading.listing.m_means
    return reading.code("sex", "sex")


def _needs(reading: _Reading) -> tuple[list[str], list[Any]]:
    text = reading.cells.get("specific_needs")
    if text is None:
        return [], []
    needs: list[str] = []
    prepare: list[str] = []
    for part in _PARTS.split(text):
        spoken = plain(part)
        need = meanings("specific_needs").get(spoken)
        ready = meanings("reception_needs").get(spoken)
        needs += [need] if need else []
        prepare += [ready] if ready else []
        if spoken and not need and not ready:
            reading.keep("specific_needs", part, "need_as_written")
    if prepare:
        reading.notes.append(Note("prepare_reception", "specific_needs"))
    return list(dict.fromkeys(needs))[:30], list(dict.fromkeys(prepare))


def _kin(
    reading: _Reading,
) -> tuple[tuple[tuple[GroupKind, str], ...], tuple[RelativeOnList, ...]]:
    cells = reading.cells
    groups: list[tuple[GroupKind, str]] = []
    if not says_unknown(cells.get("family_group", "")):
        groups.append(("family_unit", cells["family_group"]))
    if not says_unknown(cells.get("sibling_group", "")):
        groups.append(("sibling_group", cells["sibling_group"]))
    row, other_list = cells.get("relative_reference"), cells.get("relative_manifest")
    if row is None and other_list is None:
        return tuple(groups), ()
    relation = meaning("relation", cells.get("relative_relation", "")) or "other_relative"
    if "relative_relation" not in cells:
        # The column is mostly headed "madre" or "responsable".
        relation = "parent"
    elif meaning("relation", cells["relative_relation"]) is None:
        reading.keep("relative_relation", cells["relative_relation"], "relation_as_written")
    if other_list is not None and other_list != reading.listing.terms.reference:
        reading.notes.append(Note("relative_on_other_list", "relative_manifest"))
    return tuple(groups), (RelativeOnList(relation, row, other_list),)


def _contact(cells: dict[str, str]) -> Contact | None:
    phones = [
        part
        for part in re.split(r"\s*[,;/|]\s*", cells.get("phone", ""))
        if any(map(str.isdigit, part))
    ]
    return Contact(phones=phones[:5]) if phones else None


def _travel(reading: _Reading) -> TravelAndReturn | None:
    terms = reading.listing.terms
    travel = TravelAndReturn(
        return_type=reading.code("return_type", "return_type") or terms.return_type,
        return_mode=terms.return_mode,
        expected_at=terms.expected_at,
        point_of_entry=reading.cells.get("point_of_entry") or terms.point_of_entry,
    )
    return travel if travel.model_fields_set and travel != TravelAndReturn() else None


def _language(reading: _Reading) -> EthnicityLanguage | None:
    cells = reading.cells
    codes: list[str] = []
    groups: list[str] = []
    for part in _PARTS.split(cells.get("language", "")):
        spoken = plain(part)
        if not spoken or says_unknown(part):
            continue
        meant = read_language(part)
        if isinstance(meant, Language):
            codes.append(meant.code)
        elif meant is None and is_code(part):
            codes.append(part)
        else:
            reading.notes.append(Note("language_as_written", "language"))
            groups.append(part)
    interpreter = plain(cells.get("interpreter", "")) in words("yes")
    if not (codes or groups or interpreter):
        return None
    return EthnicityLanguage(
        languages=codes[:10],
        language_group=", ".join(groups)[:200] or None,
        needs_interpreter=interpreter,
    )
