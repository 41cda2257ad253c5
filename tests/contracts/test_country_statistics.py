"""Nobody works out a small group from what a gateway publishes, not even who takes the own ones away."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relevo.contracts.country_statistics import (
    UNKNOWN_ROUTE,
    CountryPublication,
    CountryRoute,
    Part,
    Passed,
    band,
    counted_name,
    place_of,
    publish_classes,
    publish_routes,
)
from relevo.contracts.country_tables import (
    COUNTRY_COLUMNS,
    CountryTable,
    coordination_of,
    country_csv,
    country_dimensions,
    country_rows,
)
from relevo.contracts.problem import ProblemError
from relevo.contracts.statistics import NOT_SHOWN

_ROUTES = ["route-a", "route-b", "route-c"]
_PARTIES = ["gt.one", "gt.two", "gt.three", "gt.hospital"]
_PLACES: list[tuple[str, ...]] = [
    ("completed",),
    ("ended_without_service",),
    ("waiting", "in_time", "no_rung"),
    ("waiting", "acknowledge", "supervisor"),
    ("waiting", "decide", "supervisor"),
    ("waiting", "decide", "coordination_table"),
    ("in_care", "in_time", "no_rung"),
    ("in_care", "deliver", "alternate_receiver"),
]
_BY = ["", "pathway", "state", "pathway,state", "state,clock", "pathway,state,clock"]
_LEAST = 5

_counts = st.dictionaries(
    st.tuples(
        st.sampled_from(_ROUTES),
        st.sampled_from(_PARTIES[:3]),
        st.sampled_from(_PARTIES),
        st.sampled_from(_PLACES),
    ),
    st.one_of(st.integers(0, 7), st.integers(0, 40)),
    max_size=16,
)


def _referrals(counts: dict[Any, int]) -> list[Passed]:
    return [
        Passed("GT", route, frozenset({sender, receiver}), place, {"accepted": 3.0})
        for (route, sender, receiver, place), count in counts.items()
        for _ in range(count)
    ]


def _views(held: list[Passed]) -> list[list[Passed]]:
    """What is unknown to an outsider, and to each institution that knows its own."""
    return [held, *([one for one in held if party not in one.parties] for party in _PARTIES)]


def _check_division(held: list[Passed], parts: list[Part], level: int, codes: int) -> None:
    """A total that is known, divided: no reader bounds what is hidden within the small range."""
    shown = {part.code: part for part in parts if part.code != NOT_SHOWN}
    if not shown:
        assert not parts
        return
    assert sum(part.count for part in parts) == len(held)
    for view in _views(held):
        sizes = Counter(one.place[level] for one in view)
        assert all(sizes[code] == 0 or sizes[code] >= _LEAST for code in shown)
        hidden = len(view) - sum(sizes[code] for code in shown)
        assert hidden == 0 or (hidden >= _LEAST and codes - len(shown) >= 2)
        # Of all that somebody does not know, a figure never says one thing of each.
        assert not view or hidden or len([code for code in shown if sizes[code]]) > 1
    for code, part in shown.items():
        assert part.count == sum(one.place[level] == code for one in held)
        inside = [one for one in held if one.place[level] == code]
        if part.parts:
            _check_division(inside, part.parts, level + 1, 4)


@settings(deadline=None, max_examples=150)
@given(_counts)
def test_no_reader_bounds_a_hidden_group_within_the_small_range(counts: dict[Any, int]) -> None:
    held = _referrals(counts)
    published = {route.pathway: route for route in publish_routes("2026-01", held).routes}
    for name in _ROUTES:
        of = [one for one in held if one.pathway == name]
        sizes = [len(view) for view in _views(of)]
        if name not in published:
            assert any(0 < size < _LEAST for size in sizes) or not of
            continue
        assert all(size == 0 or size >= _LEAST for size in sizes)
        assert published[name].count == len(of)
        _check_division(of, published[name].states, 0, 4)
    rest = [one for one in held if one.pathway not in published]
    if NOT_SHOWN in published:
        assert published[NOT_SHOWN].count == len(rest)
        assert all(not view or len(view) >= _LEAST for view in _views(rest))


@settings(deadline=None, max_examples=60)
@given(_counts)
def test_no_table_says_more_than_the_publication_that_it_is_read_from(
    counts: dict[Any, int],
) -> None:
    published = publish_routes("2026-01", _referrals(counts))
    finest = country_rows([published], country_dimensions("pathway,state,clock"))
    for by in _BY:
        wanted = country_dimensions(by)
        coarse: Counter[tuple[str | None, ...]] = Counter()
        for row in finest:
            kept = {"pathway": row.pathway, "state": row.state, "clock": row.clock}
            coarse[tuple(kept[name] for name in wanted)] += row.count
        table = country_rows([published], wanted)
        assert {tuple(getattr(row, name) for name in wanted): row.count for row in table} == coarse
        assert all(row.count >= _LEAST for row in table)


@settings(deadline=None, max_examples=60)
@given(st.lists(_counts, min_size=3, max_size=3))
def test_a_quarter_is_its_months_so_that_no_two_answers_can_be_subtracted(
    months: list[dict[Any, int]],
) -> None:
    published = [publish_routes(f"2026-0{n}", _referrals(m)) for n, m in enumerate(months, 1)]
    for by in ("pathway", "pathway,state", "pathway,state,clock"):
        wanted = country_dimensions(by)
        summed: Counter[tuple[Any, ...]] = Counter()
        for one in published:
            for row in country_rows([one], wanted):
                summed[row.pathway, row.state, row.clock] += row.count
        quarter = country_rows(published, wanted)
        assert {(row.pathway, row.state, row.clock): row.count for row in quarter} == summed
        # Shares and times do not add up, so that a longer period has none.
        assert all(row.without_outcome_percent is None and not row.times for row in quarter)


@settings(deadline=None, max_examples=60)
@given(_counts, st.integers(1, 4))
def test_a_small_route_more_or_less_changes_no_figure_of_another(
    counts: dict[Any, int], few: int
) -> None:
    without = {key: count for key, count in counts.items() if key[0] != "route-a"}
    small = {**without, ("route-a", "gt.one", "gt.hospital", ("completed",)): few}

    def shown(held: dict[Any, int]) -> list[CountryRoute]:
        routes = publish_routes("2026-01", _referrals(held)).routes
        return [route for route in routes if route.pathway != NOT_SHOWN]

    assert shown(without) == shown(small)


@settings(deadline=None, max_examples=50)
@given(_counts, st.randoms(use_true_random=False))
def test_the_same_referrals_in_any_order_make_the_same_bytes(
    counts: dict[Any, int], random: Random
) -> None:
    held = _referrals(counts)
    first, second = (
        publish_routes("2026-01", one) for one in (held, random.sample(held, len(held)))
    )
    assert first.model_dump_json() == second.model_dump_json()


def test_an_institution_that_takes_its_own_away_is_left_with_nothing_small() -> None:
    own = [Passed("GT", "route-a", frozenset({"gt.one"}), ("completed",))] * 20
    others = [Passed("GT", "route-a", frozenset({"gt.two"}), ("completed",))] * 4
    assert publish_routes("2026-01", own + others).routes == []
    (only,) = publish_routes("2026-01", own + others[:1] * 5).routes
    assert (only.count, only.states, only.times) == (25, [], [])


def test_classes_of_sealed_routes_show_how_many_from_ten_on() -> None:
    ten = [Passed("GT", "protection", frozenset({"gt.one"}), ("completed",))] * 10
    nine = [Passed("GT", "health", frozenset({"gt.one"}), ("completed",))] * 9
    (only,) = publish_classes("2026-Q1", ten + nine).routes
    assert (only.pathway, only.count, only.states, only.times) == ("protection", 10, [], [])


def test_the_minimum_cannot_be_lowered() -> None:
    held = [Passed("GT", "route-a", frozenset({"gt.one"}), ("completed",))] * 4
    assert publish_routes("2026-01", held, minimum=1).routes == []
    assert publish_classes("2026-Q1", held * 2, minimum=1).routes == []


def test_a_page_says_what_is_overdue_by_clock_and_rung_and_how_long_it_took() -> None:
    held = _referrals(
        {
            ("route-a", "gt.one", "gt.hospital", ("completed",)): 20,
            ("route-a", "gt.one", "gt.hospital", ("waiting", "in_time", "no_rung")): 10,
            ("route-a", "gt.one", "gt.hospital", ("waiting", "decide", "supervisor")): 6,
            ("route-a", "gt.one", "gt.hospital", ("waiting", "decide", "coordination_table")): 8,
            ("route-a", "gt.one", "gt.hospital", ("in_care", "in_time", "no_rung")): 6,
        }
    )
    page: Any = coordination_of([publish_routes("2026-01", held)], "GT", "route-a")
    assert page["count"] == 50
    assert page["states"] == [
        {"code": "completed", "count": 20},
        {"code": "in_care", "count": 6},
        {"code": "waiting", "count": 24},
    ]
    assert page["overdue"] == [
        {"clock": "decide", "rung": "coordination_table", "count": 8},
        {"clock": "decide", "rung": "supervisor", "count": 6},
    ]
    assert page["without_outcome_percent"] == 60
    assert [(one.state, one.median) for one in page["times"]] == [("accepted", "within_4_hours")]
    assert coordination_of([publish_routes("2026-01", held)], "GT", "route-b") == {}
    assert coordination_of([publish_routes("2026-01", held)], "MX", "route-a") == {}


@pytest.mark.parametrize(
    ("steps", "days", "place"),
    [
        ([], 0, ("waiting", "in_time", "no_rung")),
        ([("received", 0)], 2, ("waiting", "acknowledge", "alternate_receiver")),
        ([("received", 0), ("acknowledged", 1)], 2, ("waiting", "in_time", "no_rung")),
        (
            [("received", 0), ("acknowledged", 1)],
            4,
            ("waiting", "decide", "supervisor"),
        ),
        # Questions are out: the clocks stand still, and go on where they stood.
        ([("acknowledged", 1), ("waiting", 2)], 30, ("waiting", "in_time", "no_rung")),
        (
            [("acknowledged", 1), ("waiting", 2), ("acknowledged", 20 * 24)],
            21,
            ("waiting", "in_time", "no_rung"),
        ),
        ([("accepted", 5)], 60, ("in_care", "in_time", "no_rung")),
        ([("accepted", 5), ("completed", 9), ("closed", 10)], 60, ("completed",)),
        ([("ended_without_service", 9), ("closed", 10)], 60, ("ended_without_service",)),
        ([("waiting", 9), ("closed", 10)], 60, ("ended_without_service",)),
    ],
)
def test_where_a_referral_stands_by_what_passed(
    steps: list[tuple[str, int]], days: int, place: tuple[str, ...]
) -> None:
    passed = [(state, timedelta(hours=hours)) for state, hours in steps]
    assert place_of("rrocm-triage", "yellow", passed, timedelta(days=days)) == place
    open_place = place_of("not-a-route", "yellow", passed, timedelta(days=days))
    assert open_place[0] == place[0]
    assert open_place[1:] in {(), ("in_time", "no_rung")}


def test_only_the_names_of_open_routes_and_of_classes_are_counted() -> None:
    assert counted_name("gt-izabal-health") == ("gt-izabal-health", False)
    assert counted_name("sealed-protection") == ("sealed-protection", True)
    # A sealed route's own name, or any other, says nothing here.
    assert counted_name("gt-izabal-violence") == (UNKNOWN_ROUTE, True)
    assert counted_name("whatever-somebody-sent") == (UNKNOWN_ROUTE, True)


def test_bands_are_coarse() -> None:
    assert [band(hours) for hours in (0.2, 2, 20, 60, 150, 300, 700, 9000)] == [
        "within_1_hour", "within_4_hours", "within_1_day", "within_3_days", "within_1_week",
        "within_2_weeks", "within_30_days", "longer",
    ]  # fmt: skip


@pytest.mark.parametrize("by", ["clock", "outcome", "state,state", "case_profile"])
def test_what_no_table_is_divided_by(by: str) -> None:
    with pytest.raises(ProblemError) as refused:
        country_dimensions(by)
    assert refused.value.name == "invalid_input"


def test_lines_of_text_say_the_same() -> None:
    done = [Passed("GT", "route-a", frozenset({"gt.one"}), ("completed",), {"accepted": 2.0})] * 12
    open_ones = [Passed("GT", "route-a", frozenset({"gt.one"}), ("waiting", "in_time", "no_rung"))]
    published: CountryPublication = publish_routes("2026-01", done + open_ones * 6)
    table = CountryTable(
        period="2026-01",
        by=["pathway"],
        counted_at=datetime(2026, 3, 1, tzinfo=UTC),
        minimum=5,
        sealed_minimum=10,
        rows=country_rows([published], ["pathway"]),
        digests=[published.digest],
    )
    head, line = country_csv(table).splitlines()
    assert head.split(",") == list(COUNTRY_COLUMNS)
    assert line == "GT,route-a,,,18,,,,within_4_hours,,"
