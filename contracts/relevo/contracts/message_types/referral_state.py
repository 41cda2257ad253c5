"""Specified at `https://relevo.example/messages/referral.state/1`."""

from relevo.contracts.lifecycles.referral import State
from relevo.contracts.model import ContractModel, Moment, ShortText
from relevo.contracts.referral import Appointment
from relevo.contracts.vocabularies.codes import Reason

from .kind import MessageType


class ReferralState(ContractModel):
    """One numbered event of a referral's history. The envelope shows its coarse state only."""

    state: State
    at: Moment
    reason: Reason | None = None
    appointment: Appointment | None = None
    seen_by: ShortText | None = None


REFERRAL_STATE = MessageType(
    "referral.state",
    1,
    "control",
    ReferralState,
    "One step of a referral, numbered; `received` is the first.",
)
