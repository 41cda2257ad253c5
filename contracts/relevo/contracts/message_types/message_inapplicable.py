"""Specified at `https://relevo.example/messages/message.inapplicable/1`."""

from relevo.contracts.identifiers import Uuid
from relevo.contracts.lifecycles.referral import State
from relevo.contracts.model import ContractModel, EventNumber

from .kind import MessageType


class MessageInapplicable(ContractModel):
    """A message came that no longer fits. It is kept; this says where the referral stands."""

    message: Uuid
    state: State
    event_seq: EventNumber


MESSAGE_INAPPLICABLE = MessageType(
    "message.inapplicable",
    1,
    "control",
    MessageInapplicable,
    "A message no longer fits; where the referral stands.",
)
