"""Every legal move of a returnee record; any pair that is absent is illegal.

Announced is not arrived. "Referred" and "in follow-up" are no states: they are read off the
referrals and follow-ups that name the person.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

from relevo.contracts.problem import ProblemError

State = Literal[
    "announced", "arrived", "received", "closed", "did_not_board", "no_show", "merged", "void"
]
STATES: Final[tuple[State, ...]] = get_args(State)

TRANSITIONS: Final[Mapping[State, tuple[State, ...]]] = MappingProxyType(
    {
        "announced": ("arrived", "did_not_board", "no_show", "merged", "void"),
        # Announced again when put on a later flight; arrived when the list was wrong.
        "did_not_board": ("announced", "arrived", "closed", "merged", "void"),
        "no_show": ("arrived", "closed", "merged", "void"),
        "arrived": ("received", "no_show", "closed", "merged", "void"),
        "received": ("closed", "merged", "void"),
        "closed": (),
        # Back to where it was, when two people had been taken for one.
        "merged": ("announced", "did_not_board", "no_show", "arrived", "received"),
        "void": (),
    }
)
BEGINNINGS: Final[frozenset[State]] = frozenset({"announced", "arrived", "received"})
"""States that a new record may begin in: a walk-on was never announced."""
ANSWERS_TO_ITS_LIST: Final[frozenset[State]] = frozenset(
    {"announced", "did_not_board", "no_show", "arrived"}
)
"""Until she is received, a changed row of her manifest changes the record; then people do."""
NEEDS_REASON: Final[frozenset[State]] = frozenset({"void"})


def check_transition(state: State, to: State) -> None:
    """Refuses an illegal move.

    Raises:
        ProblemError: `illegal_transition`, naming both states.
    """
    if to not in TRANSITIONS[state]:
        raise ProblemError("illegal_transition", subject="returnee", from_state=state, to_state=to)


def steps_from(state: State) -> tuple[State, ...]:
    """The moves that a plain step takes: a merge, and its undoing, are asked for as what they are."""
    return () if state == "merged" else tuple(to for to in TRANSITIONS[state] if to != "merged")


def way(state: State, to: State) -> tuple[State, ...] | None:
    """The moves that a list means when it names a state: none, one, or through `announced`.

    Returns:
        The states to pass, `to` last; None when there is no way.
    """
    if state == to:
        return ()
    if to in TRANSITIONS[state]:
        return (to,)
    if "announced" in TRANSITIONS[state] and to in TRANSITIONS["announced"]:
        return ("announced", to)
    return None
