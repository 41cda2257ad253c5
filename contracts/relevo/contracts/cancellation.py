"""The sender's wish that a referral should stop."""

from typing import Literal

from pydantic import model_validator

from .model import ContractModel, Flag, Moment
from .vocabularies.codes import Reason


class CancelRequest(ContractModel):
    """What the sender's system asks of its own node.

    Attributes:
        reason: Why; sealed on the way.
        entered_in_error: The referral never should have been: another person's, or made twice.
    """

    reason: Reason | None = None
    entered_in_error: Flag = False

    @model_validator(mode="after")
    def _says_why(self) -> "CancelRequest":
        if (self.reason is not None) == self.entered_in_error:
            raise ValueError("a cancel has a reason, or says that it was entered in error")
        return self


class Cancellation(ContractModel):
    """A wish to cancel and what became of it.

    Attributes:
        answer: `waiting` until the receiver's node has it; `taken` when it stopped the referral or put
            it before a person, as the state shows; `inapplicable` when it came too late; `undelivered`
            when it never arrived.
    """

    asked_at: Moment
    reason: Reason | None = None
    entered_in_error: Flag = False
    answer: Literal["waiting", "taken", "inapplicable", "undelivered"]
