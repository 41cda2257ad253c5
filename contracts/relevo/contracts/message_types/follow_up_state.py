"""Specified at `https://relevo.example/messages/follow_up.state/1`."""

from relevo.contracts.lifecycles.follow_up import State
from relevo.contracts.model import ContractModel, EventNumber, Moment
from relevo.contracts.vocabularies.codes import Reason

from .kind import MessageType


class FollowUpState(ContractModel):
    """One numbered event of the holder; or, with number 0, the asker's wish to cancel."""

    state: State
    seq: EventNumber
    at: Moment
    reason: Reason | None = None


FOLLOW_UP_STATE = MessageType(
    "follow_up.state",
    1,
    "control",
    FollowUpState,
    "One step of a follow-up, numbered by the side that carries it out.",
)
