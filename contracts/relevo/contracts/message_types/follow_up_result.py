"""Specified at `https://relevo.example/messages/follow_up.result/1`."""

from relevo.contracts.follow_up import FollowUpResult

from .kind import MessageType

FOLLOW_UP_RESULT = MessageType(
    "follow_up.result",
    1,
    "content",
    FollowUpResult,
    "What consent lets the asker know of a follow-up.",
)
