"""Specified at `https://relevo.example/messages/referral.counter_referral/1`."""

from relevo.contracts.attachment import SealedAttachments
from relevo.contracts.referral import CounterReferral

from .kind import MessageType


class CounterReferralSent(CounterReferral):
    """The outcome, and the files that the grants of the way back let through."""

    attachments: SealedAttachments = []

    def outcome_alone(self) -> CounterReferral:
        """Without its files, as it is kept and shown."""
        return CounterReferral.model_validate(self.model_dump(exclude={"attachments"}))


COUNTER_REFERRAL = MessageType(
    "referral.counter_referral",
    1,
    "content",
    CounterReferralSent,
    "What was done, when, and what is still needed.",
)
