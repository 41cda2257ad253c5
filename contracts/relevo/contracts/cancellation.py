"""The sender's wish that a referral should stop."""

from typing import Literal

from .model import ContractModel, Moment
from .vocabularies.codes import Reason


class CancelRequest(ContractModel):
    """What the sender's system asks of its own node.

    Attributes:
        reason: Why; sealed on the way. `entered_in_error` when the referral never should have been.
    """

    reason: Reason


class Cancellation(ContractModel):
    """A wish to cancel and what became of it.

    Attributes:
        answer: `waiting` until the receiver's node has it; `taken` when it stopped the referral or put
            it before a person, as the state shows; `inapplicable` when it came too late; `undelivered`
            when it never arrived.
    """

    asked_at: Moment
    reason: Reason | None = None
    answer: Literal["waiting", "taken", "inapplicable", "undelivered"]
