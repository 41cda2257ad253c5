"""Specified at `https://relevo.example/messages/referral.state/1`."""

from typing import Annotated

from pydantic import Field

from relevo.contracts.identifiers import PartyId, Uuid
from relevo.contracts.information import Question
from relevo.contracts.lifecycles.referral import State
from relevo.contracts.model import ContractModel, Moment, ShortText
from relevo.contracts.referral import Appointment
from relevo.contracts.vocabularies.codes import OutcomeType, Reason

from .kind import MessageType


class ReferralState(ContractModel):
    """One numbered event of a referral's history. The envelope shows its coarse state only.

    Attributes:
        at: When it was done; clocks run on it.
        entered_at: When its author wrote it down, if that was later.
        outcome: Of what was referred without consent, under a law that is named: no consent can let the
            outcome go back, and the loop closes all the same. The code alone, with no service or need.
        answers: The other side's message that led to this step.
    """

    state: State
    at: Moment
    entered_at: Moment | None = None
    reason: Reason | None = None
    outcome: OutcomeType | None = None
    appointment: Appointment | None = None
    seen_by: ShortText | None = None
    questions: Annotated[list[Question], Field(max_length=20)] = []
    redirect_to: PartyId | None = None
    answers: Uuid | None = None


REFERRAL_STATE = MessageType(
    "referral.state",
    1,
    "control",
    ReferralState,
    "One step of a referral, numbered; `received` is the first.",
)
