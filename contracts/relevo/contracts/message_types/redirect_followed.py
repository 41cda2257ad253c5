"""Specified at `https://relevo.example/messages/referral.redirect_followed/1`."""

from relevo.contracts.envelope import CoarseState
from relevo.contracts.model import ContractModel, Moment

from .kind import MessageType


class RedirectFollowed(ContractModel):
    """Where the referral that took the place of a redirected one is.

    From the sender, who holds both, to the institution that redirected. The envelope names the
    redirected referral, so whoever may ask by its reference code hears it too.
    """

    state: CoarseState
    at: Moment


REDIRECT_FOLLOWED = MessageType(
    "referral.redirect_followed",
    1,
    "control",
    RedirectFollowed,
    "Where the referral is that took the place of a redirected one.",
)
