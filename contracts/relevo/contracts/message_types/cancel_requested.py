"""Specified at `https://relevo.example/messages/referral.cancel_requested/1`."""

from relevo.contracts.model import ContractModel, Moment
from relevo.contracts.vocabularies.codes import Reason

from .kind import MessageType


class CancelRequested(ContractModel):
    """The sender wants the referral to stop.

    Before it is accepted the receiver's node confirms alone; after that a person there answers. One
    that comes too late is answered with `message.inapplicable`.
    """

    reason: Reason
    asked_at: Moment


CANCEL_REQUESTED = MessageType(
    "referral.cancel_requested",
    1,
    "control",
    CancelRequested,
    "The sender wants the referral to stop.",
)
