"""Every legal move of a referral; any pair that is absent is illegal.

One writer at a time. The sender writes `submitted`; from `received` to an outcome the receiver's
node alone writes; after an outcome the sender closes, or says that it never should have been. Each
move is an event with a number, the numbers have no gaps, and both sides replay the same events in
the same order, so their copies meet whatever the network does to the messages in between.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

from relevo.contracts.envelope import CoarseState
from relevo.contracts.problem import ProblemError

State = Literal[
    "draft", "submitted", "received", "acknowledged", "info_requested", "waitlisted", "accepted",
    "scheduled", "in_progress", "on_hold", "cancel_requested", "completed", "failed", "rejected",
    "redirected", "cancelled", "expired", "consent_withdrawn", "closed", "entered_in_error",
]  # fmt: skip
Actor = Literal["sender", "receiver"]

STATES: Final[tuple[State, ...]] = get_args(State)
OUTCOMES: Final[frozenset[State]] = frozenset(
    {"completed", "failed", "rejected", "redirected", "cancelled", "expired", "consent_withdrawn"}
)
ENDED: Final[frozenset[State]] = OUTCOMES | {"closed", "entered_in_error"}
WRITTEN_BY_NODES: Final[frozenset[State]] = frozenset({"submitted", "expired", "consent_withdrawn"})
"""No step that somebody takes on a referral leads here: the node writes these itself."""
BEFORE_ACCEPTED: Final[frozenset[State]] = frozenset(
    {"submitted", "received", "acknowledged", "info_requested", "waitlisted"}
)
NEEDS_REASON: Final[frozenset[State]] = frozenset(
    {"rejected", "failed", "redirected", "cancelled", "on_hold"}
)

_BY_RECEIVER: Final[dict[State, tuple[State, ...]]] = {
    "submitted": ("received",),
    "received": (
        "acknowledged",
        "accepted",
        "rejected",
        "waitlisted",
        "redirected",
        "info_requested",
    ),
    "acknowledged": ("accepted", "rejected", "waitlisted", "redirected", "info_requested"),
    "info_requested": ("received", "acknowledged"),
    "waitlisted": ("accepted", "rejected"),
    "accepted": ("scheduled", "in_progress", "completed", "failed"),
    # A new appointment takes the place of the one before.
    "scheduled": ("scheduled", "in_progress", "failed"),
    "in_progress": ("on_hold", "completed", "failed"),
    "on_hold": ("in_progress", "completed", "failed"),
}
_CANCELLABLE: Final[tuple[State, ...]] = (
    "received", "acknowledged", "info_requested", "waitlisted", "accepted", "scheduled", "in_progress", "on_hold",
)  # fmt: skip


def _table() -> dict[tuple[State, State], Actor]:
    moves: dict[tuple[State, State], Actor] = {("draft", "submitted"): "sender"}
    for state, targets in _BY_RECEIVER.items():
        moves.update({(state, target): "receiver" for target in targets})
    for state in _CANCELLABLE:
        moves[state, "cancel_requested"] = "receiver"
        moves["cancel_requested", state] = "receiver"
    moves["cancel_requested", "cancelled"] = "receiver"
    for state in (*_CANCELLABLE, "cancel_requested"):
        moves[state, "entered_in_error"] = "receiver"
    for state in STATES:
        if state in BEFORE_ACCEPTED:
            writer: Actor = "sender" if state == "submitted" else "receiver"
            moves[state, "expired"] = writer
            moves[state, "consent_withdrawn"] = writer
        if state in OUTCOMES:
            moves[state, "closed"] = "sender"
            moves[state, "entered_in_error"] = "sender"
    moves["closed", "entered_in_error"] = "sender"
    return moves


TRANSITIONS: Final[Mapping[tuple[State, State], Actor]] = MappingProxyType(_table())
"""(from, to) → who may say so."""

COARSE: Final[Mapping[State, CoarseState]] = MappingProxyType(
    {
        "draft": "submitted",
        "submitted": "submitted",
        "received": "received",
        "acknowledged": "acknowledged",
        "info_requested": "waiting",
        "waitlisted": "waiting",
        "accepted": "accepted",
        "scheduled": "accepted",
        "in_progress": "in_progress",
        "on_hold": "in_progress",
        "cancel_requested": "in_progress",
        "completed": "completed",
        "failed": "ended_without_service",
        "rejected": "ended_without_service",
        "redirected": "waiting",
        "cancelled": "ended_without_service",
        "expired": "ended_without_service",
        "consent_withdrawn": "ended_without_service",
        "closed": "closed",
        "entered_in_error": "ended_without_service",
    }
)
"""What gateways and askers by reference code see of each state."""


_RETURNS: Final[Mapping[State, tuple[State, ...]]] = MappingProxyType(
    {"info_requested": _BY_RECEIVER["info_requested"], "cancel_requested": _CANCELLABLE}
)
"""States that interrupt, and where each may lead back to: only to the state it interrupted."""


def is_return(state: State, to: State) -> bool:
    """Whether this move ends an interruption by going back."""
    return to in _RETURNS.get(state, ())


def may_move(state: State, to: State, actor: Actor, way_back: Sequence[State]) -> bool:
    """Whether the table and the history let this side move so.

    Args:
        way_back: What `Replay.way_back` says of the history.
    """
    if TRANSITIONS.get((state, to)) != actor:
        return False
    return not is_return(state, to) or (len(way_back) > 0 and way_back[-1] == to)


def check_transition(state: State, to: State, actor: Actor, way_back: Sequence[State]) -> None:
    """Refuses a move that no person on this side may make.

    Args:
        way_back: What `Replay.way_back` says of the history.

    Raises:
        ProblemError: `illegal_transition` when nobody may make it, `not_your_step` when the other
            side may.
    """
    allowed = TRANSITIONS.get((state, to))
    possible = allowed is not None and may_move(state, to, allowed, way_back)
    if not possible or not by_people(state, to):
        raise ProblemError("illegal_transition", subject="referral", from_state=state, to_state=to)
    if allowed != actor:
        raise ProblemError("not_your_step", from_state=state, to_state=to, actor=allowed)


def by_people(state: State, to: State) -> bool:
    """Whether people take this step; the others are for nodes alone."""
    return to not in WRITTEN_BY_NODES and (state, to) != ("submitted", "received")


def next_states(state: State, actor: Actor, way_back: Sequence[State]) -> tuple[State, ...]:
    """Where people on this side may take a referral from here, in the order of the table."""
    return tuple(
        to
        for here, to in TRANSITIONS
        if here == state and may_move(here, to, actor, way_back) and by_people(here, to)
    )


@dataclass(frozen=True)
class Event:
    """One numbered move, as either side tells it. Number 0 is `submitted`."""

    seq: int
    state: State
    actor: Actor


@dataclass(frozen=True)
class Replay:
    """Where a copy stands after the events it holds.

    Attributes:
        state: After every event up to the first gap.
        next_seq: The number that is missing next.
        applied: Numbers that count.
        waiting: Numbers held until the gap before them is filled.
        inapplicable: Numbers that fit no legal move; kept, never applied.
        way_back: States that were interrupted (by a question, by a wish to cancel), innermost last.
        path: The events that count, in order.
    """

    state: State
    next_seq: int
    applied: tuple[int, ...]
    waiting: tuple[int, ...]
    inapplicable: tuple[int, ...]
    way_back: tuple[State, ...]
    path: tuple[Event, ...] = ()


def replay(events: Iterable[Event]) -> Replay:
    """The one reading of a set of events, in whatever order and however often they came.

    An event that is no legal move for its author is passed over as inapplicable, and keeps its
    number: the same on both sides, because both read the same events.
    """
    by_seq: dict[int, dict[tuple[Actor, State], Event]] = {}
    for event in events:
        by_seq.setdefault(event.seq, {})[event.actor, event.state] = event
    state: State = "submitted"
    path: list[Event] = []
    inapplicable: list[int] = []
    way_back: tuple[State, ...] = ()
    seq = 0
    while seq in by_seq:
        # Both sides claim one number only when somebody errs; the order of names settles it alike.
        legal = [
            event
            for _, event in sorted(by_seq[seq].items())
            if (seq, event.state, event.actor) == (0, "submitted", "sender")
            or (seq > 0 and may_move(state, event.state, event.actor, way_back))
        ]
        if legal:
            way_back = _way_back_after(way_back, state, legal[0].state)
            state = legal[0].state
            path.append(legal[0])
        else:
            inapplicable.append(seq)
        seq += 1
    waiting = tuple(sorted(number for number in by_seq if number > seq))
    applied = tuple(event.seq for event in path)
    return Replay(state, seq, applied, waiting, tuple(inapplicable), way_back, tuple(path))


def _way_back_after(way_back: tuple[State, ...], state: State, to: State) -> tuple[State, ...]:
    if is_return(state, to):
        return way_back[:-1]
    return (*way_back, state) if to in _RETURNS else ()
