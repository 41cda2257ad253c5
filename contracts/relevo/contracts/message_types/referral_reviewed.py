"""Specified at `https://relevo.example/messages/referral.reviewed/1`."""

from relevo.contracts.model import ContractModel, Moment

from .kind import MessageType


class ReferralReviewed(ContractModel):
    """When the receiver reviewed a long-running referral. What was done stays there."""

    at: Moment


REFERRAL_REVIEWED = MessageType(
    "referral.reviewed",
    1,
    "control",
    ReferralReviewed,
    "That the receiver reviewed a long-running referral, and when.",
)
