"""Specified at `https://relevo.example/messages/follow_up.requested/1`."""

from relevo.contracts.follow_up import Window
from relevo.contracts.model import Moment

from .kind import MessageType


class FollowUpRequested(Window):
    """A third party asks for follow-up. Its envelope's `sub` is the follow-up, not the referral.

    The holder does it only for a party that a live slice of that referral names, and answers everybody
    else like a code that does not exist.
    """

    requested_at: Moment


FOLLOW_UP_REQUESTED = MessageType(
    "follow_up.requested",
    1,
    "request",
    FollowUpRequested,
    "Follow-up after return, asked for by reference code.",
)
