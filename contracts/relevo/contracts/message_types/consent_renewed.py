"""Specified at `https://relevo.example/messages/consent.renewed/1`."""

from typing import Annotated

from pydantic import Field

from relevo.contracts.envelope import CompactJose
from relevo.contracts.model import ContractModel, Moment

from .kind import MessageType
from .referral_submitted import ConsentTerms, FollowUpGrant


class ConsentRenewed(ContractModel):
    """A referral goes on under another consent, such as the word of who was a child when it was sent.

    The envelope has the new grants for what was shared so far, and its `withdrawn` those that end.

    Attributes:
        terms: What must be respected from now on, in place of what was said for that person before.
        return_grants: Slices (compact JWS) under which the receiver may answer with content.
        follow_up_grants: One for each party that the person named for follow-up, if she opted in.
    """

    said_at: Moment
    terms: ConsentTerms
    return_grants: Annotated[list[CompactJose], Field(min_length=1, max_length=12)]
    follow_up_grants: Annotated[list[FollowUpGrant], Field(max_length=240)] = []


CONSENT_RENEWED = MessageType(
    "consent.renewed",
    1,
    "content",
    ConsentRenewed,
    "A running referral goes on under the grants of a newer consent.",
    ends_grants=True,
)
