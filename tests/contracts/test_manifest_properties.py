"""Whatever a list holds, it is read: no row raises, none harms another, and no answer repeats a value."""

from datetime import date
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from relevo.contracts.manifest.advice import COLUMNS, NOTES, REFUSALS
from relevo.contracts.manifest.birth import age, read_birth_date
from relevo.contracts.manifest.door import MAX_CELL, Door, RawList, RawRow, UnreadableListError
from relevo.contracts.manifest.read_row import Listing, read_row
from relevo.contracts.manifest.text_lines import read_csv, read_json_lines
from relevo.contracts.manifest.words import data
from relevo.contracts.returnee import ManifestTerms, ReturneeDetails, as_person
from relevo.contracts.standards.identity_numbers import is_cui
from tests.support.manifests import CSV, HEADINGS, NDJSON, a_list, a_row

KNOWN = frozenset(data("columns")["columns"])
LISTING = Listing(ManifestTerms(reference="L-1", destination="GT"), date(2026, 3, 2))

# Words that mean something, and text that means nothing, with whatever signs there are.
said = st.one_of(
    st.text(max_size=30),
    st.text(min_size=190, max_size=260),
    st.text(alphabet="0123456789/.- ", max_size=14),
    st.sampled_from(
        [
            "GT",
            "1804",
            "GT-1804",
            "N/N",
            "01/01/1990",
            "M",
            "no",
            "=1+1",
            "A123-456-789",
            "Ana",
            "x",
        ]
    ),
)
rows = st.dictionaries(st.sampled_from(sorted(KNOWN)), said, max_size=12)


def let_in(cells: dict[str, str]) -> list[RawRow]:
    door = Door()
    door.row(2, list(cells.items()))
    return door.rows


@settings(max_examples=300, deadline=None)
@given(rows)
@example({"given_names": "Ana", "population_key": "A 123 456 789"})
@example({"given_names": "a" * 190, "second_given_name": "b" * 190})
@example({"given_names": "Ana", "married_name": "c" * 199})
@example({"given_names": "no,1"})
def test_no_row_raises_and_its_notes_are_codes_of_the_table(cells: dict[str, str]) -> None:
    for raw in let_in(cells):
        row = read_row(raw, LISTING)
        for note in row.notes:
            assert note.code in REFUSALS or note.code in NOTES
            assert note.column is None or note.column in KNOWN
        assert row.refused == any(note.refuses for note in row.notes)


@settings(max_examples=200, deadline=None)
@given(rows)
@example({"given_names": "!,A"})
@example({"given_names": "Ana", "family_names": "-- Caal"})
def test_a_row_that_is_kept_is_a_record_that_can_be_stored_and_referred(
    cells: dict[str, str],
) -> None:
    for raw in let_in(cells):
        row = read_row(raw, LISTING)
        if row.details is not None:
            stored = row.details.model_dump(mode="json", exclude_none=True)
            assert ReturneeDetails.model_validate(stored) == row.details
            assert as_person("R-1", row.details).identity == row.details.identity
            assert all(len(entry.text) <= MAX_CELL for entry in row.details.as_written)


@settings(max_examples=200, deadline=None)
@given(rows)
def test_a_row_waits_as_json_and_comes_back_as_it_was(cells: dict[str, str]) -> None:
    for raw in let_in(cells):
        assert RawRow.unpacked(raw.packed()) == raw


def read(reader: Any, body: bytes) -> RawList | None:
    try:
        found: RawList = reader(body)
    except UnreadableListError:
        return None
    return found


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_bytes_of_any_kind_are_a_list_or_none(body: bytes, headed: bool) -> None:  # noqa: FBT001
    body = (b"Nombres;Apellidos;Sexo\n" if headed else b"") + body
    for reader in (read_csv, read_json_lines):
        found = read(reader, body)
        for raw in found.rows if found else ():
            read_row(raw, LISTING)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200).filter(lambda line: b"\n" not in line and b"\r" not in line))
def test_a_bad_line_harms_no_other(line: bytes) -> None:
    for form, reader in ((CSV, read_csv), (NDJSON, read_json_lines)):
        lines = a_list(form, a_row()).splitlines()
        at = 1 if form == CSV else 0
        body = b"\n".join([*lines[: at + 1], line, *lines[at + 1 :]])
        found = read(reader, body)
        assert found is not None
        around = [raw for raw in found.rows if raw.line != at + 2]
        assert [raw.cells["given_names"] for raw in around] == ["Mario René", "Irma"]


@given(st.sampled_from(["criminal_record", "a_number"]), st.text(min_size=8, max_size=40))
@settings(max_examples=100, deadline=None)
def test_nothing_of_a_forbidden_column_comes_in(column: str, secret: str) -> None:
    door = Door()
    columns = door.headings(["Nombres", HEADINGS[column]])
    door.row(2, list(zip(columns, ["Ana", f"§{secret}§"], strict=True)))
    assert "§" not in repr(door.closed())


@given(
    st.dates(min_value=date(1906, 1, 1), max_value=date(2026, 3, 2)),
    st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d"]),
)
def test_every_true_date_is_read_as_itself(born: date, form: str) -> None:
    found, notes = read_birth_date(born.strftime(form), today=LISTING.today)
    assert found is not None
    assert found.value == born.isoformat()
    assert [note.code for note in notes] == (
        ["first_of_january"] if (born.month, born.day) == (1, 1) else []
    )
    assert 0 <= age(found, LISTING.today) <= 120


@given(st.integers(min_value=0, max_value=99_999_999), st.integers(min_value=1, max_value=22))
def test_of_ten_check_digits_of_a_cui_one_fits_at_most(number: int, department: int) -> None:
    fitting = [d for d in range(10) if is_cui(f"{number:08}{d}{department:02}01")]
    assert len(fitting) <= 1


def test_tables_of_advice_do_not_overlap() -> None:
    assert not (REFUSALS.keys() & NOTES.keys()) | (COLUMNS.keys() & {*REFUSALS, *NOTES})
