"""Specified at `https://relevo.example/messages/referral.submitted/1`."""

from typing import Annotated, Any

from pydantic import Field

from relevo.contracts.attachment import SealedAttachments
from relevo.contracts.childhood import ToldOfChildren
from relevo.contracts.consent import ContactRules, Denial
from relevo.contracts.envelope import CompactJose
from relevo.contracts.identifiers import PathwayId, Uuid
from relevo.contracts.model import ContractModel, Moment, Whole
from relevo.contracts.person import SECTIONS, Person, category_of_need
from relevo.contracts.referral import Need

from .kind import MessageType


class ConsentTerms(ContractModel):
    """What the receiver must respect of a consent that it does not hold."""

    grant_id: Uuid
    person: Annotated[Whole, Field(ge=1, le=30)] | None = Field(
        default=None, description="Which of the persons gave it, from 1."
    )
    contact_rules: ContactRules
    denials: Annotated[list[Denial], Field(max_length=30)] = []
    valid_until: Moment
    comes_of_age_at: Moment | None = Field(
        default=None,
        description="When what somebody else gave for this person ends, and the person is to be asked.",
    )


class FollowUpGrant(ContractModel):
    """A slice under which the receiver may tell a third party the result of a follow-up.

    It is also what entitles that party to ask for one: nobody is followed up for anybody else.
    """

    person: Annotated[Whole, Field(ge=1, le=30)]
    grant: CompactJose


class ReferralSubmitted(ContractModel):
    """A referral, cut to what consent, pathway and sender let through.

    Attributes:
        persons: Sections by data category; `person_id` is the position in this list, from 1.
        return_grants: Slices (compact JWS) under which the receiver may answer with content.
        pathway: The route, where the envelope shows its class alone.
        submitted_at: When the triage was done; the clocks of both sides run from it.
        follow_up_grants: One for each party that a person named for follow-up, if she opted in.
    """

    needs: Annotated[list[Need], Field(min_length=1, max_length=20)]
    persons: Annotated[list[Person], Field(min_length=1, max_length=30)]
    terms: Annotated[list[ConsentTerms], Field(max_length=30)] = []
    return_grants: Annotated[list[CompactJose], Field(max_length=12)] = []
    follow_up_grants: Annotated[list[FollowUpGrant], Field(max_length=240)] = []
    part_of: Uuid | None = None
    pathway: PathwayId | None = None
    submitted_at: Moment
    attachments: SealedAttachments = []
    children: ToldOfChildren | None = Field(
        default=None, description="Where the children among them are, and which authority was told."
    )


def sections_of(body: dict[str, Any]) -> set[str]:
    """The data categories that a sealed body really holds, whatever its envelope says."""
    found: set[str] = set()
    for person in body.get("persons", []):
        found |= {name for name, value in person.items() if name in SECTIONS and value is not None}
        found |= {category_of_need(need) for need in person.get("specific_needs", [])}
    return found | categories_of_files(body)


def categories_of_files(body: dict[str, Any]) -> set[str]:
    """The data categories of the files that a sealed body names."""
    return {one["category"] for one in body.get("attachments", [])}


REFERRAL_SUBMITTED = MessageType(
    "referral.submitted",
    1,
    "content",
    ReferralSubmitted,
    "A referral with what the person lets the receiver know.",
)
