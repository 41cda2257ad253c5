"""Specified at `https://relevo.example/messages/information.supplied/1`."""

from typing import Annotated

from pydantic import Field

from relevo.contracts.attachment import SealedAttachments
from relevo.contracts.model import ContractModel, Moment
from relevo.contracts.person import Person

from .kind import MessageType
from .referral_submitted import ConsentTerms


class InformationSupplied(ContractModel):
    """What the receiver asked for, cut to what consent, pathway and sender let through.

    Attributes:
        persons: Sections by data category; `person_id` is the position in the referral, from 1.
        terms: What must be respected of consents that were not behind the referral before.
    """

    persons: Annotated[list[Person], Field(min_length=1, max_length=30)]
    terms: Annotated[list[ConsentTerms], Field(max_length=30)] = []
    supplied_at: Moment
    attachments: SealedAttachments = []


INFORMATION_SUPPLIED = MessageType(
    "information.supplied",
    1,
    "content",
    InformationSupplied,
    "What the receiver asked for.",
)
