"""The gateway's task to reach one receiver: its states, whom it goes to, and in which order."""

from typing import Final, Literal

from relevo.contracts.envelope import Envelope
from relevo.contracts.message_types.kind import MessageType

QUEUED: Final = "queued"
LEASED: Final = "leased"
DeliveryState = Literal[
    "queued", "leased", "delivered", "refused", "expired", "dead", "returned", "closed"
]
OPEN: Final[frozenset[str]] = frozenset({QUEUED, LEASED})

URGENT: Final = 9
_BY_TRIAGE: Final = {"red": 3, "yellow": 2, "green": 1}


def priority_of(envelope: Envelope, kind: MessageType) -> int:
    """Withdrawal and erasure overtake everything, then red, yellow and the rest."""
    if kind.urgent:
        return URGENT
    return _BY_TRIAGE.get(envelope.triage or "", 1)


def node_target(institution: str) -> str:
    """The queue of an institution whose home is here."""
    return f"node:{institution}"


def mailbox_target(institution: str) -> str:
    """The queue of an institution that fetches its messages itself."""
    return f"mailbox:{institution}"


def own_target(institution: str, delivery: Literal["push", "mailbox"]) -> str:
    """The queue of an institution whose home is here, as its entry says."""
    return node_target(institution) if delivery == "push" else mailbox_target(institution)


def gateway_target(gateway: str) -> str:
    """The queue of a peer gateway."""
    return f"gateway:{gateway}"


def split_target(target: str) -> tuple[str, str]:
    """Kind (`node`, `mailbox`, `gateway`) and name."""
    kind, _, name = target.partition(":")
    return kind, name
