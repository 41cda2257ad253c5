"""What people write: words, times, dates and places."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from relevo.contracts.model import LongText, Moment, ShortText
from relevo.contracts.person import BirthDate, LocationMunicipality


@given(
    st.datetimes(timezones=st.timezones() | st.sampled_from([UTC]))
    .map(lambda moment: moment.isoformat())
    .filter(lambda text: len(text) < 33)
)
@example("0001-01-01T00:00:00+14:00")
@example("9999-12-31T23:59:59-14:00")
@example("1899-12-31T23:59:59Z")
def test_a_time_is_read_in_utc_or_refused_and_nothing_else(text: str) -> None:
    try:
        moment = TypeAdapter(Moment).validate_python(text)
    except ValidationError:
        assert not 1901 <= int(text[:4]) <= 2199
        return
    assert moment.utcoffset() == timedelta(0)
    assert moment == datetime.fromisoformat(text)


@pytest.mark.parametrize(
    "value",
    [
        1_772_000_000,
        1.5,
        True,
        "1772000000",
        "2026-03-02",
        "2026-03-02T10:20:00",
        "2026-03-02T10:20Z",
        "2026-02-30T10:20:00Z",
        "2026-03-02T25:00:00Z",
        "٢٠٢٦-03-02T10:20:00Z",
        datetime(2026, 3, 2),  # noqa: DTZ001 - that it has no zone is the point
        "",
    ],
    ids=repr,
)
def test_a_time_without_offset_or_form_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Moment).validate_python(value)


@given(st.text(alphabet=st.characters(), max_size=30))
@example("a\x00b")
@example("\ud800")
@example("two\nlines")
def test_one_line_of_text_holds_no_control_character(text: str) -> None:
    try:
        line = TypeAdapter(ShortText).validate_python(text)
    except ValidationError:
        return
    assert line
    assert not any(ord(symbol) < 32 or ord(symbol) == 127 for symbol in line)
    line.encode()


def test_long_text_keeps_its_paragraphs_and_no_other_control_character() -> None:
    assert TypeAdapter(LongText).validate_python("uno\n\tdos") == "uno\n\tdos"
    for text in ("a\x00", "a\x0bb", "", "x" * 4001):
        with pytest.raises(ValidationError):
            TypeAdapter(LongText).validate_python(text)


@given(st.dates().map(str), st.sampled_from(["day", "month", "year", "estimated"]))
@example("1900-01-01", "day")
def test_a_birth_date_is_a_real_date_as_precise_as_it_is_known(day: str, precision: str) -> None:
    parts = {"day": 3, "month": 2, "year": 1, "estimated": 3}[precision]
    value = "-".join(day.split("-")[:parts])
    if 1905 <= int(day[:4]) <= 2100:
        assert BirthDate.model_validate({"value": value, "precision": precision}).value == value
    else:
        with pytest.raises(ValidationError):
            BirthDate.model_validate({"value": value, "precision": precision})


@pytest.mark.parametrize(
    ("value", "precision"),
    [
        ("1993-02-29", "day"),
        ("1900-02-28", "day"),
        ("2000-13", "month"),
        ("2000-00", "month"),
        ("2000-04-31", "day"),
        ("1993", "day"),
        ("1993-05", "year"),
        ("1993-5", "month"),
        ("93", "year"),
    ],
)
def test_a_date_that_cannot_be_is_refused(value: str, precision: str) -> None:
    with pytest.raises(ValidationError):
        BirthDate.model_validate({"value": value, "precision": precision})


def test_a_place_code_belongs_to_its_country() -> None:
    LocationMunicipality(country="GT", code="GT-1804")
    with pytest.raises(ValidationError):
        LocationMunicipality(country="GT", code="HN-1804")
