"""Where a redirected referral went on."""

from typing import Literal

from .envelope import CoarseState
from .identifiers import PartyId, Uuid
from .model import ContractModel


class Redirection(ContractModel):
    """What became of a redirect, as either side of the redirected referral sees it.

    Attributes:
        proposed_receiver: Whom the redirecting institution thinks right.
        state: `waiting` while the sender's node has not looked at it yet, `needs_person` when the consent
            does not carry it further, `followed` once there is a referral that goes on.
        problem: The documented problem that stands against going on without a person.
        redirected_to: The referral that goes on. Its sender alone sees it.
        followed_state: Where that one is, as coarsely as gateways see it.
    """

    proposed_receiver: PartyId | None = None
    state: Literal["waiting", "needs_person", "followed"]
    problem: str | None = None
    redirected_to: Uuid | None = None
    followed_state: CoarseState | None = None
