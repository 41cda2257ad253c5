"""Specified at `https://relevo.example/messages/message.refused/1`."""

from relevo.contracts.identifiers import Uuid
from relevo.contracts.model import ContractModel

from .kind import MessageType


class MessageRefused(ContractModel):
    """The receiver's node could not open or accept a message.

    `problem` is a name of the problem table, such as `undecryptable` or `grant_mismatch`. The sender
    mends the cause and seals anew, with `replaces`.
    """

    refused_message: Uuid
    problem: str


MESSAGE_REFUSED = MessageType(
    "message.refused",
    1,
    "control",
    MessageRefused,
    "The receiver's node could not open or accept a message.",
)
