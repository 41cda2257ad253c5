"""Specified at `https://relevo.example/messages/consent.withdrawn/1`."""

from relevo.contracts.model import ContractModel, Moment

from .kind import MessageType


class ConsentWithdrawn(ContractModel):
    """The person withdrew. The envelope's `withdrawn` names the grants; nothing here says why."""

    said_at: Moment


CONSENT_WITHDRAWN = MessageType(
    "consent.withdrawn",
    1,
    "control",
    ConsentWithdrawn,
    "Grants that are no longer in force.",
    urgent=True,
    ends_grants=True,
)
