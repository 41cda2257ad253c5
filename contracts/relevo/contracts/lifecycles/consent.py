"""Every legal move of a consent record; any pair that is absent is illegal."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

from relevo.contracts.problem import ProblemError

State = Literal[
    "draft",
    "pending_guardian",
    "active",
    "pending_person",
    "superseded",
    "withdrawn",
    "expired",
    "refused",
]
STATES: Final[tuple[State, ...]] = get_args(State)

TRANSITIONS: Final[Mapping[State, tuple[State, ...]]] = MappingProxyType(
    {
        "draft": ("active", "pending_guardian", "refused"),
        "pending_guardian": ("active", "refused", "expired"),
        "active": ("pending_person", "superseded", "withdrawn", "expired"),
        "pending_person": ("superseded", "withdrawn", "expired", "refused"),
        "superseded": (),
        "withdrawn": (),
        "expired": (),
        "refused": (),
    }
)


def check_transition(state: State, to: State) -> None:
    """Refuses an illegal move.

    Raises:
        ProblemError: `illegal_transition`, naming both states.
    """
    if to not in TRANSITIONS[state]:
        raise ProblemError("illegal_transition", subject="consent", from_state=state, to_state=to)
