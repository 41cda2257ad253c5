"""What a row of a list is answered, in whatever form the list comes."""

from datetime import date
from typing import Any, Final

import pytest

from relevo.contracts.manifest.advice import advice
from relevo.contracts.manifest.read_row import Listing, ReadRow, read_row
from relevo.contracts.returnee import ManifestTerms, ReturneeDetails
from tests.support.manifests import EVERY_FORM, NDJSON, a_list, a_row, opened

TERMS: Final = ManifestTerms(reference="GT-2026-03-02-AA123", destination="GT")
TODAY: Final = date(2026, 3, 2)

every_form = pytest.mark.parametrize("form", EVERY_FORM, ids=["csv", "ndjson", "xlsx"])


def read(form: str, body: bytes) -> list[ReadRow]:
    raw = opened(form, body)
    listing = Listing(TERMS, TODAY, raw.m_means)
    return [read_row(row, listing) for row in raw.rows]


def first(form: str, **changes: Any) -> ReadRow:
    """The answer to an ordinary row with these changes."""
    return read(form, a_list(form, a_row(**changes)))[0]


def kept(form: str, *codes: str, **changes: Any) -> ReturneeDetails:
    """The record of a row that is kept with exactly these notes."""
    row = first(form, **changes)
    assert row.details is not None, row.notes
    assert {note.code for note in row.notes} == set(codes)
    return row.details


def refused(form: str, code: str, column: str | None, **changes: Any) -> None:
    """The row is refused for one reason, at its line and column, with advice in both languages."""
    row = first(form, **changes)
    assert row.details is None
    assert [(note.code, note.column) for note in row.notes if note.refuses] == [(code, column)]
    assert row.line == (1 if form == NDJSON else 2)
    assert advice(code, "en")
    assert advice(code, "es")


def written(details: ReturneeDetails) -> dict[str, str]:
    return {entry.field: entry.text for entry in details.as_written}
