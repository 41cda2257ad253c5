"""The clocks of a referral: when it is due, whether it is overdue, whom to tell.

Computed from the events alone, which both sides hold, and from what was done when: a step entered
later counts from the time it was taken. Waiting for information stops every clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from .lifecycles.referral import ENDED, Event, State, replay
from .pathways.loader import pathways
from .triage.loader import (
    CLOCK_NAMES,
    RUNGS,
    AnyClock,
    ClockName,
    Rung,
    TriageScheme,
    triage_schemes,
)

_UNSEEN: Final[frozenset[State]] = frozenset({"submitted", "received", "cancel_requested"})
"""Reached without anybody at the receiver having looked at it."""


@dataclass(frozen=True)
class Alarm:
    """A moment of one clock: its deadline, or the turn of one rung of its ladder.

    Attributes:
        rung: None for the deadline itself.
    """

    clock: AnyClock
    rung: Rung | None
    at: datetime


@dataclass(frozen=True)
class Reading:
    """What the clocks say at one moment.

    Attributes:
        due: The earliest deadline of those that are open; None while they stand still.
        rung: The highest rung whose turn has come.
    """

    due: Alarm | None
    overdue: bool
    rung: Rung | None


def alarms_on(
    pathway_id: str,
    triage: str,
    events: Mapping[Event, datetime],
    *,
    reviewed_at: datetime | None = None,
) -> tuple[Alarm, ...]:
    """What `alarms` says under the scheme that a pathway chose, or when the next review is due.

    Nothing on a pathway that has neither, or that is not known here.
    """
    route = pathways().get(pathway_id)
    if route is not None and route.review_days is not None:
        return _review(timedelta(days=route.review_days), events, reviewed_at)
    if route is None or route.triage_scheme is None:
        return ()
    scheme = triage_schemes()[route.triage_scheme]
    ladder = scheme.ladder if route.ladder is None else route.ladder
    return alarms(scheme, triage, events, ladder=ladder)


def alarms(
    scheme: TriageScheme,
    triage: str,
    events: Mapping[Event, datetime],
    *,
    ladder: Sequence[Rung] | None = None,
) -> tuple[Alarm, ...]:
    """Every moment of the clocks that are still open, earliest first.

    A moment that lies behind a pause without end is not among them.

    Args:
        scheme: The deadlines.
        triage: The referral's level.
        events: When each was done, as its author says, whenever it was written down.
        ladder: The pathway's own, instead of the scheme's.
    """
    rule = next((rule for level, rule in scheme.levels.items() if level == triage), None)
    read = replay(events)
    if rule is None or not read.path or read.state in ENDED:
        return ()
    start = events[read.path[0]]
    pauses = _pauses(scheme, [(event.state, events[event]) for event in read.path], start)
    open_clocks = _open_clocks(scheme, {event.state for event in read.path})
    rungs = scheme.ladder if ladder is None else ladder
    found: list[Alarm] = []
    for clock in CLOCK_NAMES:
        if clock not in rule.hours or clock not in open_clocks:
            continue
        whole = timedelta(hours=rule.hours[clock])
        turns: list[tuple[Rung | None, timedelta]] = [(None, whole)]
        for number, rung in enumerate(rungs):
            turns.append((rung, whole * (rule.ladder_starts + number * rule.ladder_step)))
        for rung_or_deadline, after in turns:
            at = _reached(start, pauses, after)
            if at is not None:
                found.append(Alarm(clock, rung_or_deadline, at))
    return tuple(sorted(found, key=lambda alarm: (alarm.at, alarm.clock, alarm.rung or "")))


def reading(moments: Sequence[Alarm], now: datetime) -> Reading:
    """What is due, and whether it is late, at a moment of business time."""
    deadlines = [alarm for alarm in moments if alarm.rung is None]
    due = min(deadlines, key=lambda alarm: alarm.at, default=None)
    reached = [alarm.rung for alarm in moments if alarm.rung is not None and alarm.at <= now]
    return Reading(
        due=due,
        overdue=due is not None and due.at <= now,
        rung=max(reached, key=RUNGS.index, default=None),
    )


def _review(
    every: timedelta, events: Mapping[Event, datetime], reviewed_at: datetime | None
) -> tuple[Alarm, ...]:
    """Stands still in no state: a search that waits for an answer is still a search."""
    read = replay(events)
    if not read.path or read.state in ENDED:
        return ()
    begun = events[read.path[0]]
    since = begun if reviewed_at is None else max(begun, reviewed_at)
    return (Alarm("review", None, since + every),)


def _open_clocks(scheme: TriageScheme, passed: set[State]) -> set[ClockName]:
    met: dict[ClockName, bool] = {
        "acknowledge": bool(passed - _UNSEEN),
        "decide": bool(passed & set(scheme.decided_by)),
        "deliver": bool(passed & set(scheme.delivered_by)),
    }
    return {clock for clock, is_met in met.items() if not is_met}


def _pauses(
    scheme: TriageScheme, path: Sequence[tuple[State, datetime]], start: datetime
) -> list[tuple[datetime, datetime | None]]:
    """When the clocks stood still, in order and without overlap; None: they still do."""
    stretches: list[tuple[datetime, datetime | None]] = []
    for position, (state, begin) in enumerate(path):
        if state in scheme.stopped_by:
            is_last = position == len(path) - 1
            stretches.append((max(begin, start), None if is_last else path[position + 1][1]))
    merged: list[tuple[datetime, datetime | None]] = []
    reached = start
    for begin, end in sorted(stretches, key=lambda stretch: stretch[0]):
        if end is None:
            # Steps entered afterwards may end later than this one began.
            merged.append((max(begin, reached), None))
            break
        if end > max(begin, reached):
            merged.append((max(begin, reached), end))
            reached = end
    return merged


def _reached(
    start: datetime, pauses: Sequence[tuple[datetime, datetime | None]], after: timedelta
) -> datetime | None:
    """When so much time has run, the pauses not counted."""
    at, left = start, after
    for begin, end in pauses:
        if begin - at >= left:
            break
        if end is None:
            return None
        left -= begin - at
        at = end
    return at + left
