"""Specified at `https://relevo.example/messages/referral.counter_referral/1`."""

from relevo.contracts.referral import CounterReferral

from .kind import MessageType

COUNTER_REFERRAL = MessageType(
    "referral.counter_referral",
    1,
    "content",
    CounterReferral,
    "What was done, when, and what is still needed.",
)
