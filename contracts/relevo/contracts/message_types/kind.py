"""What a message type is."""

from dataclasses import dataclass
from typing import Literal

from relevo.contracts.model import ContractModel

SPEC_BASE = "https://relevo.example/messages/"

MessageClass = Literal["content", "control", "request"]
"""content: needs live grants at every hop. control: no personal data, consent never blocks it.
request: by a third party, carries the reference code."""


@dataclass(frozen=True)
class MessageType:
    """A message type and its body, the sealed part.

    Attributes:
        urgent: Overtakes everything else that waits (withdrawal, erasure).
        ends_grants: Its envelope may name grants that are no longer in force.
    """

    name: str
    version: int
    message_class: MessageClass
    body: type[ContractModel]
    summary: str
    urgent: bool = False
    ends_grants: bool = False

    @property
    def id(self) -> str:
        """What the envelope carries: `referral.submitted/1`."""
        return f"{self.name}/{self.version}"

    @property
    def spec_uri(self) -> str:
        """The pinned specification."""
        return SPEC_BASE + self.id
