"""Documents of HSDS 3 come back without loss, as models and as tables; hours are read or unknown."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relevo.contracts.hsds import Schedule, Service
from relevo.contracts.problem import ProblemError
from relevo.contracts.service import attribute, check_entry, codes, term, without_names
from relevo.contracts.service_hours import is_open, next_opening
from relevo.contracts.service_tables import TableError, read_tables, table_name, write_tables
from relevo.contracts.vocabularies.loader import code_list
from relevo.servicekit.service_examples import SERVICE

WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12
)
RISKY = st.sampled_from(
    ["=1+1", "+502 2222", "-x", "@a", "'=a", "''+", "'", 'a,"b"', "línea\r\ndos"]
)
TEXT = WORDS | RISKY
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
IDS = st.uuids().map(str)
FEW = settings(
    max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def some(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"id": IDS, **required}, optional=optional)


def many(of: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(of, min_size=1, max_size=2)


TERM = some({"name": TEXT, "description": TEXT}, {"code": TEXT, "taxonomy": TEXT})
TERMS = {"attributes": many(some({"taxonomy_term": TERM}, {"value": TEXT, "label": TEXT}))}
PHONE = some({"number": TEXT}, {"description": TEXT, "extension": st.integers(0, 999)})
LANGUAGE = some({}, {"name": TEXT, "code": TEXT, "note": TEXT})
SCHEDULE = some(
    {}, {"freq": st.just("WEEKLY"), "byday": st.just("MO,TU"), "timezone": st.integers(-8, 0)}
)
ADDRESS = some(
    dict.fromkeys(("address_1", "city", "state_province", "postal_code", "country"), TEXT)
    | {"address_type": st.just("physical")},
    {"address_2": TEXT},
)
CONTACT = some({}, {"name": TEXT, "title": TEXT, "phones": many(PHONE)})
LOCATION = some(
    {"location_type": st.sampled_from(["physical", "postal", "virtual"])},
    {
        "name": TEXT,
        "latitude": st.integers(-90, 90) | st.just(14.625),
        "addresses": many(ADDRESS),
        "languages": many(LANGUAGE),
        "phones": many(PHONE),
        **TERMS,
    },
)
ORGANIZATION = some(
    {"name": TEXT, "description": TEXT}, {"contacts": many(CONTACT), "locations": many(LOCATION)}
)
SERVICES = some(
    {"name": TEXT, "status": st.sampled_from(["active", "inactive", "defunct"])},
    {
        "description": TEXT,
        "minimum_age": st.integers(0, 99),
        "organization": ORGANIZATION,
        "service_at_locations": many(some({}, {"location": LOCATION, "schedules": many(SCHEDULE)})),
        "languages": many(LANGUAGE),
        "schedules": many(SCHEDULE),
        "service_areas": many(some({}, {"name": TEXT, "extent": TEXT})),
        "contacts": many(CONTACT),
        "capacities": many(
            some(
                {
                    "available": st.integers(0, 99),
                    "updated": TEXT,
                    "unit": some({"name": TEXT}, {}),
                },
                {},
            )
        ),
        "x_publisher": TEXT,
        **TERMS,
    },
)


@FEW
@given(SERVICES, st.dictionaries(st.from_regex(r"x_[a-z]{1,8}", fullmatch=True), JSON, max_size=3))
def test_a_document_comes_back_without_loss(document: dict[str, Any], more: dict[str, Any]) -> None:
    told = {**document, **more, "name": document["name"]}
    assert Service.model_validate(told).document() == told


@FEW
@given(st.lists(SERVICES, min_size=1, max_size=2))
def test_tables_come_back_without_loss(documents: list[dict[str, Any]]) -> None:
    found = [one.document for one in read_tables(write_tables(documents))]
    assert [unlinked(one) for one in found] == documents


def unlinked(value: Any) -> Any:
    """Without the columns that join tables, which a document does not need."""
    if isinstance(value, list):
        return [unlinked(item) for item in value]
    if not isinstance(value, dict):
        return value
    joins = {"link_id", "link_entity"} | {
        f"{name}_id"
        for name in (
            "service", "location", "organization", "contact", "service_at_location", "taxonomy_term", "unit",
        )
    }  # fmt: skip
    return {key: unlinked(item) for key, item in value.items() if key not in joins}


@FEW
@given(SERVICES)
def test_no_cell_is_a_formula(document: dict[str, Any]) -> None:
    for text in write_tables([document]).values():
        for row in csv.reader(io.StringIO(text, newline="")):
            for cell in row:
                risky = cell[:1] in ("=", "+", "@", "\t", "\r") or cell[:1] == "-"
                assert not risky or cell.lstrip("-").replace(".", "", 1).isdigit()


def test_files_are_taken_by_their_names_alone() -> None:
    assert table_name("../../etc/services.csv") == "services"
    assert table_name("C:\\x\\Service_at_location.CSV") == "service_at_locations"
    assert table_name("passwd") is None
    for files, line in (
        ({"x.csv": "id\n1\n"}, 0),
        ({"services.csv": "name\nx\n"}, 1),
        ({"services.csv": "id,name\n1,a\n,b\n"}, 3),
        ({"services.csv": "id,name\n1,a,b\n"}, 2),
        ({"services.csv": 'id,name\n1,"a\n'}, 2),
        ({"phones.csv": "id\n1\n"}, 0),
    ):
        with pytest.raises(TableError) as refused:
            read_tables(files)
        assert refused.value.line == line, files


def test_every_service_type_is_a_term_and_back() -> None:
    for entry in code_list("service_type").codes:
        linked = attribute("s", "service_type", entry.code)
        service = Service(id="s", name="n", status="active", attributes=[linked])
        assert codes(service, "service_type") == [entry.code]
    ids = {term("service_type", entry.code).id for entry in code_list("service_type").codes}
    assert len(ids) == len(code_list("service_type").codes)


def test_names_can_be_left_out() -> None:
    document = {**SERVICE, "contacts": [{"id": "c", "name": "Ana", "title": "Dirección"}]}
    with pytest.raises(ProblemError, match="invalid_input"):
        check_entry(Service.model_validate(document), safe_house=False)
    kept = without_names(document)
    assert kept["contacts"] == [{"id": "c", "title": "Dirección"}]
    check_entry(Service.model_validate(kept), safe_house=False)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


GT = "America/Guatemala"


@pytest.mark.parametrize(
    ("rule", "moment", "expected"),
    [
        ({"byday": "MO", "opens_at": "08:00", "closes_at": "16:00"}, "2026-03-02T08:00-06:00", True),
        ({"byday": "MO", "opens_at": "08:00", "closes_at": "16:00"}, "2026-03-02T16:00-06:00", False),
        ({"byday": "MO", "opens_at": "14:00Z", "closes_at": "22:00Z"}, "2026-03-02T08:00-06:00", True),
        ({"byday": "MO", "opens_at": "08:00", "timezone": -5}, "2026-03-02T07:30-06:00", True),
        ({"byday": "MO", "opens_at": "20:00", "closes_at": "06:00"}, "2026-03-03T05:00-06:00", True),
        ({"byday": "MO", "opens_at": "20:00", "closes_at": "06:00"}, "2026-03-03T21:00-06:00", False),
        ({"freq": "MONTHLY", "byday": "-1FR"}, "2026-03-27T12:00-06:00", True),
        ({"freq": "MONTHLY", "byday": "-1FR"}, "2026-03-20T12:00-06:00", False),
        ({"freq": "MONTHLY", "bymonthday": "-1"}, "2026-02-28T12:00-06:00", True),
        ({"byday": "MO", "interval": 2, "dtstart": "2026-03-02"}, "2026-03-09T12:00-06:00", False),
        ({"byday": "MO", "interval": 2, "dtstart": "2026-03-02"}, "2026-03-16T12:00-06:00", True),
        ({"byday": "MO", "dtstart": "2026-03-02", "count": 2}, "2026-03-16T12:00-06:00", False),
        ({"byday": "MO", "valid_to": "2026-03-01"}, "2026-03-02T12:00-06:00", False),
        ({"byday": "someday"}, "2026-03-02T12:00-06:00", None),
        ({"byweekno": "2"}, "2026-03-02T12:00-06:00", None),
        ({"opens_at": "eight"}, "2026-03-02T12:00-06:00", None),
    ],
)  # fmt: skip
def test_hours_are_read_or_unknown(rule: dict[str, Any], moment: str, expected: Any) -> None:
    schedule = Schedule.model_validate({"id": "s", "freq": "WEEKLY", **rule})
    assert is_open([schedule], at(moment), GT) is expected


def test_a_time_without_zone_is_nobodys() -> None:
    schedule = Schedule.model_validate({"id": "s", "byday": "MO", "opens_at": "08:00"})
    assert is_open([schedule], at("2026-03-02T12:00-06:00"), None) is None
    assert is_open([], at("2026-03-02T12:00-06:00"), GT) is None
    assert next_opening([schedule], at("2026-03-03T12:00-06:00"), None) is None
    assert next_opening([schedule], at("2026-03-03T12:00-06:00"), GT) == at(
        "2026-03-09T08:00-06:00"
    )


@given(
    st.dictionaries(
        st.sampled_from(
            ["byday", "bymonthday", "opens_at", "closes_at", "valid_from", "dtstart", "until"]
        ),
        st.sampled_from(
            ["", "MO", "9XX", "31", "25:00", "24:00", "08:00+99:99", "9999-99-99", "0000-00-00"]
        ),
    ),
    st.sampled_from(["WEEKLY", "MONTHLY", None]),
    st.none() | st.integers(-99, 99) | st.floats(-20, 20),
)
def test_no_schedule_makes_the_answer_fail(rule: dict[str, Any], freq: Any, number: Any) -> None:
    numbers = {"timezone": number, "interval": number, "count": number}
    schedule = Schedule.model_validate({"id": "s", "freq": freq, **rule, **numbers})
    assert is_open([schedule], at("2026-03-02T12:00-06:00"), GT) in (True, False, None)
    next_opening([schedule], at("2026-03-02T12:00-06:00"), GT)
