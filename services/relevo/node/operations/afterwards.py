"""What was done before it is written down: by radio, by telephone, on paper (domain rule 7)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from relevo.contracts.envelope import MAX_LIFETIME
from relevo.contracts.lifecycles.referral import Event, State
from relevo.contracts.problem import FieldError, ProblemError

# Written by nodes when a message comes, which may be long after the call was made.
_BY_NODES: Final[frozenset[State]] = frozenset({"received", "cancel_requested"})


def step_taken_at(
    said: datetime | None, *, now: datetime, steps: Sequence[tuple[Event, datetime]]
) -> datetime:
    """When a step was taken: as it is said, or now.

    Args:
        said: What the institution's system says, if anything.
        now: Business time.
        steps: The referral's events so far, and when each was done.

    Raises:
        ProblemError: `invalid_input`, in the future or before the last step that somebody took.
    """
    if said is None:
        return now
    _not_in_the_future(said, now, "/done_at")
    last = max((at for event, at in steps if event.state not in _BY_NODES), default=said)
    if said < last:
        raise _refused("/done_at", "not before the last step that somebody took")
    return said


def triaged_at(said: datetime | None, *, now: datetime) -> datetime:
    """When the clocks start: at the triage as it is said, or now.

    Raises:
        ProblemError: `invalid_input`, in the future or so long ago that it is an error of writing.
    """
    if said is None:
        return now
    _not_in_the_future(said, now, "/triaged_at")
    if said < now - MAX_LIFETIME:
        raise _refused("/triaged_at", f"within the last {MAX_LIFETIME.days} days")
    return said


def _not_in_the_future(said: datetime, now: datetime, pointer: str) -> None:
    if said > now:
        raise _refused(pointer, "not in the future")


def _refused(pointer: str, detail: str) -> ProblemError:
    return ProblemError("invalid_input", errors=[FieldError(pointer=pointer, detail=detail)])
