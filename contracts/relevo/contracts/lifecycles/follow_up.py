"""Every legal move of a follow-up; any pair that is absent is illegal.

The asker writes `requested`, and from then on may only ask for `cancelled`. Everything else is written
by the holder: the institution that received the referral and is allowed to reach the person. So each
copy needs no more than the holder's events in the order of their numbers.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Final, Literal, get_args

from relevo.contracts.channels import Channel
from relevo.contracts.problem import ProblemError

State = Literal[
    "requested", "accepted", "scheduled", "in_progress", "completed", "partial", "unreachable",
    "refused", "unsafe", "expired", "declined", "redirected", "cancelled", "consent_withdrawn",
]  # fmt: skip
Actor = Literal["asker", "holder", "node"]
"""Who says so: people of either institution, or the holder's node itself."""

STATES: Final[tuple[State, ...]] = get_args(State)
OPEN: Final[tuple[State, ...]] = ("requested", "redirected", "accepted", "scheduled", "in_progress")
WAITING: Final[frozenset[State]] = frozenset({"requested", "redirected", "accepted", "scheduled"})
"""Open, and nobody was reached yet: these end when their window does."""
ATTEMPTABLE: Final[frozenset[State]] = frozenset({"accepted", "scheduled", "in_progress"})
BY_REPORT: Final[frozenset[State]] = frozenset({"completed", "partial"})
"""Only a report leads here."""
NEEDS_REASON: Final[frozenset[State]] = frozenset({"declined"})

_BY_HOLDER: Final[Mapping[State, tuple[State, ...]]] = MappingProxyType(
    {
        "requested": ("accepted", "declined", "redirected"),
        "redirected": ("accepted", "declined"),
        "accepted": ("scheduled", "in_progress", "refused", "unsafe", "redirected"),
        "scheduled": ("in_progress", "refused", "unsafe"),
        "in_progress": ("completed", "partial", "refused", "unsafe", "unreachable"),
    }
)


def _table() -> dict[tuple[State, State], Actor]:
    moves: dict[tuple[State, State], Actor] = {}
    for state, targets in _BY_HOLDER.items():
        moves.update({(state, to): "holder" for to in targets})
    for state in OPEN:
        moves[state, "cancelled"] = "asker"
        moves[state, "expired"] = "node"
        moves[state, "consent_withdrawn"] = "node"
    return moves


TRANSITIONS: Final[Mapping[tuple[State, State], Actor]] = MappingProxyType(_table())
"""(from, to) → who may say so."""


def check_transition(state: State, to: State, actor: Actor) -> None:
    """Refuses a move that this side may not make.

    Raises:
        ProblemError: `illegal_transition` when nobody may make it, `not_your_step` when somebody else
            may.
    """
    allowed = TRANSITIONS.get((state, to))
    if allowed is None or (allowed == "node" and actor != "node"):
        raise ProblemError("illegal_transition", subject="follow-up", from_state=state, to_state=to)
    if allowed != actor:
        raise ProblemError("not_your_step", from_state=state, to_state=to, actor=allowed)


def next_states(state: State, actor: Actor) -> tuple[State, ...]:
    """Where people on this side may take a follow-up from here; a report has a way of its own."""
    return tuple(
        to
        for (here, to), who in TRANSITIONS.items()
        if here == state and who == actor and to not in BY_REPORT
    )


# -- unreachable -------------------------------------------------------------------------------------

FRUITLESS: Final = frozenset({"no_answer", "wrong_number", "third_party", "left_safe_message"})
"""Outcomes of an attempt that was made and did not reach her. One that a rule forbade is none."""
LEAST_ATTEMPTS: Final = 3
LEAST_DAYS: Final = 2
LEAST_CHANNELS: Final = 2


@dataclass(frozen=True)
class Fruitless:
    """An attempt that was made and did not reach her."""

    at: datetime
    modality: Channel


def check_unreachable(
    attempts: Sequence[Fruitless], *, zone: tzinfo, available: Collection[Channel]
) -> None:
    """Refuses to give somebody up too early: 3 attempts, on 2 days, by 2 channels where there are two.

    Args:
        attempts: Those that were made without reaching her.
        zone: Whose days count: where she is.
        available: Channels that her contact data and her rules leave.

    Raises:
        ProblemError: `too_few_attempts`, with what there is and what is needed.
    """
    days = {attempt.at.astimezone(zone).date() for attempt in attempts}
    channels = {attempt.modality for attempt in attempts}
    wanted = max(1, min(LEAST_CHANNELS, len(set(available))))
    if len(attempts) < LEAST_ATTEMPTS or len(days) < LEAST_DAYS or len(channels) < wanted:
        raise ProblemError(
            "too_few_attempts",
            attempts=len(attempts),
            days=len(days),
            modalities=len(channels),
            needed_modalities=wanted,
        )
