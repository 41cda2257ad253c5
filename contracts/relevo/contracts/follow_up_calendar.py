"""When a pathway proposes to ask how somebody is. Her contact rules and days of quiet outrank it.

Pure: what was reached when, and how she may be reached, are arguments.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal

from pydantic import Field

from .channels import CHANNELS, Channel
from .identifiers import Uuid
from .model import ContractModel, Moment, Whole
from .pathways.schema import Pathway

OPEN_FOR: Final = timedelta(days=7)
"""So long a window stays open, or until the next one opens."""

WhyNone = Literal["no_days", "not_completed", "not_opted_in", "contact_rules"]


class ProposedFollowUp(ContractModel):
    """A window in which one person may be asked how she is. A proposal: nothing happens by itself."""

    day: Whole = Field(description="Day of the pathway's calendar, counted from the end.")
    person: Whole = Field(description="Place of the person in the referral.")
    window_from: Moment
    window_until: Moment
    channels: list[Channel] = Field(
        description="Ways that the pathway and her rules both allow; her hours still hold."
    )


class FollowUpCalendar(ContractModel):
    """What a referral's pathway proposes after its end."""

    referral_id: Uuid
    ended_at: Moment | None = None
    quiet_until: Moment | None = Field(
        default=None, description="Until then nobody is followed up; no window opens earlier."
    )
    none_because: WhyNone | None = Field(default=None, description="Why nothing is proposed.")
    windows: list[ProposedFollowUp] = []


def calendar(
    referral_id: str,
    route: Pathway | None,
    *,
    ended_at: datetime | None,
    quiet_until: datetime | None,
    reachable: Mapping[int, Collection[Channel]],
) -> FollowUpCalendar:
    """What is proposed of a referral.

    Args:
        referral_id: The referral.
        route: Its pathway; None where that is not known here.
        ended_at: When it was completed; None while it is not.
        quiet_until: End of the days of quiet that hold now.
        reachable: Ways that her rules leave, by each person who opted in.
    """
    why, windows = _why_none(route, ended_at, reachable), list[ProposedFollowUp]()
    if why is None and route is not None and ended_at is not None:
        windows = list(_windows(route, ended_at, quiet_until, reachable))
        why = None if windows else "contact_rules"
    return FollowUpCalendar(
        referral_id=referral_id,
        ended_at=ended_at,
        quiet_until=quiet_until,
        none_because=why,
        windows=windows,
    )


def _why_none(
    route: Pathway | None, ended_at: datetime | None, reachable: Mapping[int, Collection[Channel]]
) -> WhyNone | None:
    if route is None or not route.follow_up_days:
        return "no_days"
    if not reachable:
        return "not_opted_in"
    return "not_completed" if ended_at is None else None


def _windows(
    route: Pathway,
    ended_at: datetime,
    quiet_until: datetime | None,
    reachable: Mapping[int, Collection[Channel]],
) -> Iterator[ProposedFollowUp]:
    asked_by = route.follow_up.by if route.follow_up is not None else []
    days = route.follow_up_days
    last = days[-1] + OPEN_FOR.days
    for day, following in pairwise((*days, last)):
        opens = ended_at + timedelta(days=day)
        closes = min(opens + OPEN_FOR, ended_at + timedelta(days=following))
        opens = opens if quiet_until is None else max(opens, quiet_until)
        for person, channels in sorted(reachable.items()):
            ways = [c for c in CHANNELS if c in channels and (not asked_by or c in asked_by)]
            if ways and opens < closes:
                yield ProposedFollowUp(
                    day=day, person=person, window_from=opens, window_until=closes, channels=ways
                )
