"""Nobody works out a small group from what is published."""

from collections import Counter
from datetime import UTC, datetime
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relevo.contracts.lifecycles.referral import Event
from relevo.contracts.problem import ProblemError
from relevo.contracts.statistics import (
    NOT_SHOWN,
    Counted,
    Direction,
    Outcome,
    Publication,
    RouteFigures,
    groups_shown,
    profile_of,
    publish,
    publish_sealed,
    referral_counted,
)
from relevo.contracts.statistics_periods import parse_period, period_at
from relevo.contracts.statistics_table import StatisticsTable, csv, dimensions, rows

_ROUTES = [f"route-{letter}" for letter in "abcd"]
_OUTCOMES = list(get_args(Outcome))
_PROFILES = ["returned_or_deported", "refugee", "unaccompanied_child", "not_stated"]
_TABLES = ["", "pathway", "outcome", "case_profile", "pathway,outcome", "pathway,case_profile"]

_counts = st.dictionaries(
    st.tuples(st.sampled_from([*_ROUTES, None]), st.sampled_from(_OUTCOMES)),
    st.one_of(st.integers(0, 7), st.integers(0, 60)),
    max_size=14,
)


def _referrals(counts: dict[tuple[str | None, Outcome], int]) -> list[Counted]:
    return [Counted("sent", *key) for key, count in counts.items() for _ in range(count)]


def _tables(publication: Publication) -> dict[str, dict[tuple[str | None, ...], int]]:
    """Every table that can be asked for, as an attacker reads it."""
    return {
        by: {
            (row.pathway, row.outcome, row.case_profile): row.count
            for row in rows([publication], dimensions(by))
        }
        for by in _TABLES
    }


def _bounds(total: int, shown: int, *, others: int) -> tuple[int, int]:
    """The least and the most that one hidden group of a known total may be.

    Args:
        total: Of shown and hidden together.
        shown: What of it is shown.
        others: How many groups may be hidden beside this one.
    """
    hidden = total - shown
    return (0 if others else hidden), hidden


@settings(deadline=None, max_examples=300)
@given(_counts, st.randoms(use_true_random=False))
def test_no_hidden_group_can_be_bounded_within_the_small_range(
    counts: dict[Any, int], random: Random
) -> None:
    held = _referrals(counts)
    sizes = Counter(one.pathway for one in held)
    profiles: dict[tuple[Direction, str], Counter[str]] = {}
    for one in held:
        if one.pathway is not None:
            chosen = random.choice(_PROFILES)
            profiles.setdefault(("sent", one.pathway), Counter())[chosen] += 1
    tables = _tables(publish("2026-Q1", held, profiles))
    routes = {key[0]: count for key, count in tables["pathway"].items()}
    # Routes: what is not shown is a sum of at least the minimum, spread over routes nobody can count.
    for name, size in sizes.items():
        if name is not None and size >= 5:
            assert routes[name] == size
        else:
            assert name not in routes
    assert routes.get(NOT_SHOWN, 5) >= 5
    assert sum(routes.values()) == sum(tables[""].values())
    # Groups within a route, whose size is known, under both of its partitions.
    for by, place, codes in (("outcome", 1, 10), ("case_profile", 2, 20)):
        table = tables[f"pathway,{by}"]
        for name, size in routes.items():
            if name == NOT_SHOWN:
                continue
            cells = {key[place]: count for key, count in table.items() if key[0] == name}
            assert sum(cells.values()) == size
            shown = {code: count for code, count in cells.items() if code != NOT_SHOWN}
            assert all(count >= 5 for count in shown.values())
            if cells.get(NOT_SHOWN, 0):
                others = codes - len(shown) - 1
                least, most = _bounds(size, sum(shown.values()), others=others)
                assert least == 0
                assert most >= 4
        # A table of one dimension is a sum of what the finer one shows, and says nothing more.
        summed: Counter[str | None] = Counter()
        for key, count in table.items():
            summed[key[place]] += count
        assert {key[place]: count for key, count in tables[by].items()} == summed


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 12)), st.integers(5, 9))
def test_every_hidden_group_could_be_any_small_number(counts: dict[Any, int], minimum: int) -> None:
    shown = groups_shown(counts, "abcdef", minimum=minimum)
    hidden = {code: n for code, n in counts.items() if n and code not in shown}
    assert all(n >= minimum for n in shown.values())
    if hidden:
        rest = sum(counts.values()) - sum(shown.values())
        unseen = [code for code in "abcdef" if code not in shown]
        assert not shown or (rest >= minimum and len(unseen) >= 2)
        for code in unseen if shown else []:
            # The least and the most that it may be, when all others that are hidden may be anything.
            least, most = _bounds(sum(counts.values()), sum(shown.values()), others=len(unseen) - 1)
            assert least == 0, code
            assert most >= minimum, code


def test_a_group_that_could_be_subtracted_takes_another_with_it() -> None:
    assert groups_shown({"a": 30, "b": 8, "c": 1}, "abcd", minimum=5) == {"a": 30}
    few = {"a": 30, "b": 8, "c": 3, "d": 4}
    assert groups_shown(few, "abcde", minimum=5) == {"a": 30, "b": 8}
    assert groups_shown({"a": 30, "b": 8}, "abc", minimum=5) == {"a": 30, "b": 8}


def test_nothing_is_shown_where_the_rule_would_tell_how_many_are_hidden() -> None:
    # Eight in two groups that are each below five: four and four.
    assert groups_shown({"a": 30, "b": 4, "c": 4}, "abc", minimum=5) == {}
    assert groups_shown({"a": 30, "b": 4, "c": 4}, "abcd", minimum=5) == {"a": 30}
    # One alone that is not shown, and no other that it could be.
    assert groups_shown({"a": 30, "b": 8, "c": 1}, "abc", minimum=5) == {}


def test_a_group_that_is_everybody_is_not_told_of_each() -> None:
    assert groups_shown({"a": 30}, "abc", minimum=5) == {}


@settings(deadline=None, max_examples=100)
@given(_counts, st.sampled_from(_ROUTES), st.integers(1, 4))
def test_one_small_route_more_or_less_changes_no_figure_of_another(
    counts: dict[Any, int], route: str, few: int
) -> None:
    without = {key: count for key, count in counts.items() if key[0] not in {route, None}}
    small = {**without, (route, "completed"): few}

    def shown(held: dict[Any, int]) -> list[RouteFigures]:
        published = publish("2026-Q1", _referrals(held), {}).routes
        return [one for one in published if one.pathway != NOT_SHOWN]

    assert shown(without) == shown(small)


def test_coarse_referrals_stand_in_no_route() -> None:
    counted = [Counted("sent", "route-a", "completed")] * 9 + [Counted("sent", None, "completed")]
    table = rows([publish("2026-Q1", counted, {})], ["pathway"])
    assert [(row.pathway, row.count) for row in table] == [("route-a", 9)]


def test_sealed_routes_show_how_many_and_nothing_below_ten() -> None:
    counted = [Counted("sent", "protection", "completed", {"accepted": 2.0})] * 10
    few = [Counted("sent", "health", "completed")] * 9
    (only,) = publish_sealed("2026-Q1", counted + few).routes
    assert (only.pathway, only.count) == ("protection", 10)
    assert not only.outcomes
    assert not only.times


def test_the_minimum_cannot_be_lowered() -> None:
    held = [Counted("sent", "route-a", "completed")] * 4
    assert publish("2026-Q1", held, {}, minimum=1).routes == []
    assert publish_sealed("2026-Q1", held * 2, minimum=1).routes == []


@settings(deadline=None, max_examples=50)
@given(_counts, st.randoms(use_true_random=False))
def test_the_same_referrals_in_any_order_make_the_same_bytes(
    counts: dict[Any, int], random: Random
) -> None:
    held = _referrals(counts)
    mixed = random.sample(held, len(held))
    first, second = (publish("2026-Q1", one, {}) for one in (held, mixed))
    assert first.model_dump_json() == second.model_dump_json()


def test_times_and_shares_stand_where_their_groups_are_shown() -> None:
    done = [
        Counted("sent", "route-a", "completed", {"accepted": float(n), "completed": 100.0})
        for n in range(20)
    ]
    waiting = [Counted("sent", "route-a", "open_in_time")] * 14
    late = [Counted("sent", "route-a", "open_overdue")] * 6
    publication = publish("2026-Q1", done + waiting + late, {})
    (row,) = rows([publication], ["pathway"])
    assert (row.count, row.without_feedback_percent, row.overdue_percent) == (40, 50, 15)
    accepted, completed = row.times
    assert (accepted.state, accepted.median_hours, accepted.p90_hours) == ("accepted", 10, 18)
    assert completed.median_hours == 100
    hidden = rows([publish("2026-Q1", done[:9] + waiting + late[:4], {})], ["pathway"])[0]
    assert hidden.overdue_percent is None
    assert hidden.without_feedback_percent is None
    assert hidden.times == []


def test_a_year_is_the_sum_of_its_quarters() -> None:
    quarters = [
        publish(f"2026-Q{n}", [Counted("received", "route-a", "completed")] * size, {})
        for n, size in enumerate((7, 4, 6, 0), start=1)
    ]
    (row,) = rows(quarters, ["pathway"])
    assert row.count == 13  # the four of the second quarter cannot be found by subtraction


def test_a_referral_is_counted_as_its_events_say() -> None:
    begun, taken = Event(0, "submitted", "sender"), Event(1, "received", "receiver")
    accepted, done = Event(2, "accepted", "receiver"), Event(3, "completed", "receiver")
    closed = Event(4, "closed", "sender")
    steps = [(begun, 10.0), (taken, 11.0), (accepted, 20.0), (done, 58.0), (closed, 60.0)]
    counted = referral_counted("sent", "route-a", steps, overdue=False)
    assert counted is not None
    assert counted.outcome == "completed"
    assert counted.hours["completed"] == 48.0
    open_one = referral_counted("sent", "route-a", steps[:3], overdue=True)
    assert open_one is not None
    assert open_one.outcome == "open_overdue"
    assert referral_counted("sent", "route-a", [], overdue=False) is None
    assert profile_of(["a", "a"]) == "a"
    assert profile_of(["a", None]) == "several"
    assert profile_of([None]) == "not_stated"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-Q4", "2026-10-01", "2027-01-01"),
        ("2026-Q1", "2026-01-01", "2026-04-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-02", "2026-02-01", "2026-03-01"),
    ],
)
def test_periods(text: str, first: str, last: str) -> None:
    period = parse_period(text)
    assert period.name == text
    assert (f"{period.start:%Y-%m-%d}", f"{period.end:%Y-%m-%d}") == (first, last)
    assert period_at(period.start, period.kind) == period


@pytest.mark.parametrize("text", ["", "2026-Q5", "2026-13", "26", "2026-1", "2026-Q0", "1999"])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="period"):
        parse_period(text)


def test_parts_of_periods() -> None:
    assert [part.name for part in parse_period("2026").parts("quarter")][-1] == "2026-Q4"
    assert parse_period("2026-02").parts("quarter") == []
    assert period_at(datetime(2026, 8, 9, tzinfo=UTC), "quarter").name == "2026-Q3"


@pytest.mark.parametrize("by", ["outcome,case_profile", "sex", "pathway,pathway"])
def test_what_no_table_is_divided_by(by: str) -> None:
    with pytest.raises(ProblemError) as refused:
        dimensions(by)
    assert refused.value.name == "invalid_input"


def test_lines_of_text_say_the_same() -> None:
    found = rows([publish("2026-Q1", [Counted("sent", "route-a", "completed")] * 9, {})], [])
    table = StatisticsTable(
        period="2026-Q1",
        by=[],
        counted_at=datetime(2026, 5, 1, tzinfo=UTC),
        minimum=5,
        sealed_minimum=10,
        rows=found,
        digests=[],
    )
    assert csv(table).splitlines()[1] == "sent,,,,9,,"
