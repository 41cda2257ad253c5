"""Specified at `https://relevo.example/messages/referral.cancel_requested/1`."""

from relevo.contracts.model import ContractModel, Flag, Moment
from relevo.contracts.vocabularies.codes import Reason

from .kind import MessageType


class CancelRequested(ContractModel):
    """The sender wants the referral to stop.

    Before it is accepted the receiver's node confirms alone; after that a person there answers. One
    that comes too late is answered with `message.inapplicable`.

    Attributes:
        entered_in_error: It never should have been.
    """

    reason: Reason | None = None
    entered_in_error: Flag = False
    asked_at: Moment


CANCEL_REQUESTED = MessageType(
    "referral.cancel_requested",
    1,
    "control",
    CancelRequested,
    "The sender wants the referral to stop.",
)
