"""When a referral is due: the same on both sides, later for every pause, and never sooner with time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from relevo.contracts.clocks import Alarm, alarms, alarms_on, reading
from relevo.contracts.lifecycles.referral import (
    ENDED,
    TRANSITIONS,
    Actor,
    Event,
    State,
    may_move,
    replay,
)
from relevo.contracts.triage.loader import (
    CLOCK_NAMES,
    RUNGS,
    ClockName,
    Rung,
    TriageScheme,
    triage_schemes,
)

START = datetime(2026, 3, 2, 16, 40, tzinfo=UTC)
SCHEMES = pytest.mark.parametrize("scheme", triage_schemes().values(), ids=list(triage_schemes()))
LEVELS = ("red", "yellow", "green")

schemes = st.sampled_from(list(triage_schemes().values()))
levels = st.sampled_from(LEVELS)
minutes = st.integers(0, 20 * 24 * 60)


def after(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def told(*steps: tuple[State, float]) -> dict[Event, datetime]:
    """A history by minutes after triage; `submitted` and `received` come of themselves."""
    history = {Event(0, "submitted", "sender"): START, Event(1, "received", "receiver"): after(1)}
    for state, minute in steps:
        history[Event(len(history), state, "receiver")] = after(minute)
    return history


def due(found: tuple[Alarm, ...], clock: ClockName, rung: Rung | None = None) -> datetime | None:
    return next((a.at for a in found if (a.clock, a.rung) == (clock, rung)), None)


@st.composite
def histories(draw: st.DrawFn) -> dict[Event, datetime]:
    """Legal steps, each at some time: entered later, by clocks that differ, in any order of time."""
    events = {Event(0, "submitted", "sender"): START}
    for _ in range(draw(st.integers(0, 10))):
        here = replay(events)
        moves: list[tuple[State, Actor]] = sorted(
            (to, by)
            for (come_from, to), by in TRANSITIONS.items()
            if come_from == here.state and may_move(come_from, to, by, here.way_back)
        )
        if not moves:
            break
        state, by = draw(st.sampled_from(moves))
        events[Event(len(events), state, by)] = after(draw(minutes))
    return events


# -- the schemes ------------------------------------------------------------------------------------


@SCHEMES
def test_the_redder_the_sooner(scheme: TriageScheme) -> None:
    for clock in CLOCK_NAMES:
        hours = [scheme.levels[level].hours.get(clock) for level in LEVELS]  # type: ignore[index]
        named = [one for one in hours if one is not None]
        assert named == sorted(named)
    assert scheme.levels["red"].ladder_starts == 0.5
    assert tuple(scheme.ladder) == RUNGS


@pytest.mark.parametrize(
    ("scheme", "clock", "hours"),
    [("rrocm", "decide", (24, 72, 168)), ("iasc", "decide", (24, 72, 336)), ("sv-border", "deliver", (1, 24, 24))],
)  # fmt: skip
def test_the_hours_are_those_of_the_sources(
    scheme: str, clock: ClockName, hours: tuple[float, ...]
) -> None:
    levels_of = triage_schemes()[scheme].levels
    assert tuple(rule.hours[clock] for rule in levels_of.values()) == hours


@pytest.mark.parametrize(
    "change",
    [
        {"stopped_by": ["on_hold"]},
        {"ladder": ["coordination_table", "supervisor"]},
        {"ladder": ["supervisor", "supervisor"]},
        {"levels": {}},
        {"levels": {"purple": {"title_en": "a", "title_es": "a", "hours": {"decide": 1}}}},
        {"levels": {"red": {"title_en": "a", "title_es": "a", "hours": {"decide": 0}}}},
    ],
    ids=str,
)
def test_a_scheme_with_a_fault_is_refused(change: dict[str, Any]) -> None:
    whole = triage_schemes()["rrocm"].model_dump()
    with pytest.raises(ValidationError):
        TriageScheme.model_validate(whole | change)


# -- one history at a time --------------------------------------------------------------------------


def test_a_red_referral_climbs_its_ladder_from_half_the_clock() -> None:
    found = alarms_on("gt-retorno-al-hogar", "red", told())
    assert due(found, "acknowledge") == after(60)
    assert due(found, "decide") == after(24 * 60)
    for minute, overdue, rung in (
        (29, False, None),
        (30, False, "supervisor"),
        (60, True, "coordination_table"),
        (90, True, "alternate_receiver"),
    ):
        seen = reading(found, after(minute))
        assert (seen.overdue, seen.rung) == (overdue, rung)
        assert seen.due is not None
        assert seen.due.clock == "acknowledge"


def test_a_green_referral_escalates_when_its_time_is_over() -> None:
    found = alarms_on("gt-retorno-al-hogar", "green", told())
    assert reading(found, after(48 * 60 - 1)).rung is None
    assert reading(found, after(48 * 60)).rung == "supervisor"


def test_seeing_it_meets_one_clock_and_deciding_the_next() -> None:
    scheme = triage_schemes()["rrocm"]
    seen = alarms(scheme, "red", told(("acknowledged", 10)))
    assert {alarm.clock for alarm in seen} == {"decide"}
    assert alarms(scheme, "red", told(("acknowledged", 10), ("accepted", 20))) == ()


def test_a_wish_to_cancel_is_no_sign_that_anybody_saw_it() -> None:
    found = alarms(triage_schemes()["rrocm"], "red", told(("cancel_requested", 5)))
    assert due(found, "acknowledge") == after(60)


def test_waiting_for_information_stops_the_clock() -> None:
    scheme = triage_schemes()["rrocm"]
    asked = told(("acknowledged", 10), ("info_requested", 60))
    assert due(alarms(scheme, "red", asked), "decide") is None
    assert reading(alarms(scheme, "red", asked), after(60 * 24 * 300)).overdue is False
    answered = told(("acknowledged", 10), ("info_requested", 60), ("acknowledged", 600))
    assert due(alarms(scheme, "red", answered), "decide") == after(24 * 60 + 540)


def test_what_is_late_stays_late_while_it_waits_for_information() -> None:
    late = told(("acknowledged", 10), ("info_requested", 25 * 60))
    found = alarms(triage_schemes()["rrocm"], "red", late)
    assert due(found, "decide") == after(24 * 60)
    assert due(found, "decide", "coordination_table") == after(24 * 60)
    assert due(found, "decide", "alternate_receiver") is None


def test_on_hold_stops_the_clock_where_the_scheme_says_so() -> None:
    held = told(("accepted", 10), ("in_progress", 20), ("on_hold", 30))
    hours = {"title_en": "a", "title_es": "a", "hours": {"deliver": 1}}
    scheme = triage_schemes()["rrocm"].model_copy(
        update={"levels": TriageScheme.model_validate(
            triage_schemes()["rrocm"].model_dump() | {"levels": {"red": hours}}).levels}
    )  # fmt: skip
    assert due(alarms(scheme, "red", held), "deliver") is None
    going = scheme.model_copy(update={"stopped_by": ["info_requested"]})
    assert due(alarms(going, "red", held), "deliver") == after(60)


def test_a_call_by_radio_meets_the_hour_though_the_message_came_later() -> None:
    """El Amatillo: triage 02:45, transport by radio 02:52, signal at 03:31, acknowledged 03:58."""
    scheme = triage_schemes()["sv-border"]
    history = {
        Event(0, "submitted", "sender"): after(0),
        Event(1, "received", "receiver"): after(46),
    }
    assert reading(alarms(scheme, "red", history), after(73)).overdue
    history |= {
        Event(2, "accepted", "receiver"): after(7),
        Event(3, "in_progress", "receiver"): after(7),
    }
    assert alarms(scheme, "red", history) == ()


def test_a_pathway_without_a_scheme_has_no_clock() -> None:
    assert alarms_on("no-such-route", "red", told()) == ()


def test_a_pathway_may_name_its_own_ladder() -> None:
    found = alarms(triage_schemes()["rrocm"], "red", told(), ladder=["coordination_table"])
    assert reading(found, after(31)).rung == "coordination_table"
    assert reading(found, after(10_000)).rung == "coordination_table"


def test_nothing_is_due_before_the_first_event() -> None:
    assert alarms(triage_schemes()["rrocm"], "red", {}) == ()
    assert alarms(triage_schemes()["rrocm"], "no-level", told()) == ()


# -- whatever happened ------------------------------------------------------------------------------


@given(schemes, levels, histories(), minutes, minutes)
def test_what_is_overdue_stays_so_as_time_passes(
    scheme: TriageScheme, level: str, history: dict[Event, datetime], one: int, other: int
) -> None:
    found = alarms(scheme, level, history)
    sooner, later = sorted((one, other))
    before, then = reading(found, after(sooner)), reading(found, after(later))
    assert before.overdue <= then.overdue
    assert before.due == then.due
    if before.rung is not None:
        assert then.rung is not None
        assert RUNGS.index(before.rung) <= RUNGS.index(then.rung)


@given(schemes, levels, histories())
def test_a_state_that_stops_the_clocks_makes_nothing_sooner(
    scheme: TriageScheme, level: str, history: dict[Event, datetime]
) -> None:
    pausing = scheme.model_copy(
        update={"stopped_by": ["info_requested", "on_hold", "waitlisted", "cancel_requested"]}
    )
    never = scheme.model_copy(update={"stopped_by": []})
    running = alarms(never, level, history)
    for alarm in alarms(pausing, level, history):
        without = due(running, alarm.clock, alarm.rung)
        assert without is not None
        assert without <= alarm.at


@given(schemes, levels, histories(), st.data())
def test_both_sides_say_the_same_of_the_same_events(
    scheme: TriageScheme, level: str, history: dict[Event, datetime], data: st.DataObject
) -> None:
    shuffled = dict(data.draw(st.permutations(list(history.items()))))
    assert alarms(scheme, level, shuffled) == alarms(scheme, level, history)


@given(schemes, levels, histories())
def test_clocks_start_at_triage_and_end_with_an_outcome(
    scheme: TriageScheme, level: str, history: dict[Event, datetime]
) -> None:
    found = alarms(scheme, level, history)
    assert list(found) == sorted(found, key=lambda alarm: alarm.at)
    if replay(history).state in ENDED:
        assert found == ()
    rule = next(rule for name, rule in scheme.levels.items() if name == level)
    for alarm in found:
        whole = timedelta(hours=rule.hours[alarm.clock])
        assert alarm.at >= START + whole * min(1, rule.ladder_starts)
