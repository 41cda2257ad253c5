"""The clocks of a referral as its row keeps them, so that what is overdue is found by an index."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from relevo.contracts.clocks import Alarm, alarms_on
from relevo.contracts.lifecycles.referral import BEFORE_ACCEPTED, ENDED, Event, State
from relevo.contracts.pathways.loader import pathways

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Timing:
    """What a row keeps of the clocks.

    Attributes:
        alarms: Every moment of the open clocks: clock, rung, microseconds since 1970.
        overdue_at: The earliest deadline that is not met; from then on the referral is overdue.
        alarm_at: When the clock worker has something to do next: a moment not yet told, or expiry.
    """

    alarms: list[list[Any]]
    overdue_at: datetime | None
    alarm_at: datetime | None


def timing(
    events: Mapping[Event, datetime],
    *,
    pathway: str,
    triage: str,
    role: str,
    state: State,
    expires_at: datetime,
    told: Sequence[str],
    reviewed_at: datetime | None = None,
) -> Timing:
    """What to keep of a referral that stands so after these events."""
    found = () if state in ENDED else alarms_on(pathway, triage, events, reviewed_at=reviewed_at)
    waking = [alarm.at for alarm in found if name(alarm) not in told]
    if may_expire(role, state, pathway):
        waking.append(expires_at)
    return Timing(
        alarms=[[a.clock, a.rung, (a.at - _EPOCH) // _MICROSECOND] for a in found],
        overdue_at=min((alarm.at for alarm in found if alarm.rung is None), default=None),
        alarm_at=min(waking, default=None),
    )


def kept(alarms: Iterable[Sequence[Any]]) -> list[Alarm]:
    """The alarms that a row keeps."""
    return [Alarm(clock, rung, _EPOCH + timedelta(microseconds=at)) for clock, rung, at in alarms]


def name(alarm: Alarm) -> str:
    """What is remembered of an alarm once it was told."""
    return alarm.clock if alarm.rung is None else f"{alarm.clock}.{alarm.rung}"


def may_expire(role: str, state: State, pathway: str) -> bool:
    """Whether this side's node ends it when its time is over; the sender goes by receipts."""
    return role == "receiver" and state in BEFORE_ACCEPTED and not never_expires(pathway)


def never_expires(pathway: str) -> bool:
    """Whether no clock ends a referral on this route, such as a search (domain rule 9)."""
    route = pathways().get(pathway)
    return route is not None and route.review_days is not None
