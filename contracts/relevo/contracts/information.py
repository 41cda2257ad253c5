"""What a receiver asks before it decides, and what the sender supplies then."""

from typing import Annotated

from pydantic import Field, model_validator

from .attachment import AttachmentInputs
from .envelope import LegalBasis
from .identifiers import Uuid
from .model import ContractModel, Moment, ShortText, Whole
from .person import Person
from .vocabularies.codes import DataCategory

MAX_PERSONS = 30


class Question(ContractModel):
    """One thing that is missing. Sealed on the way.

    Attributes:
        category: The data category that an answer would stand in; it tells the sender what consent the
            answer needs.
        person: Position in the referral's list of persons, from 1; absent when all are meant.
        text: What is asked, in words that say nothing of her.
    """

    category: DataCategory
    person: Annotated[Whole, Field(ge=1, le=MAX_PERSONS)] | None = None
    text: ShortText


class InformationSupply(ContractModel):
    """An answer to questions, as the sender's system gives it to its own node.

    Attributes:
        persons: Those it is about, under the keys that the referral knows them by, with the sections
            that are supplied.
        share: Data categories that shall leave, as in a submission.
        consent_ids: Consents that cover it; those behind the referral when absent.
        attachments: Uploaded files that go along, each where its category is shared.
    """

    persons: Annotated[list[Person], Field(min_length=1, max_length=MAX_PERSONS)]
    share: Annotated[list[DataCategory], Field(min_length=1, max_length=40)]
    consent_ids: Annotated[list[Uuid], Field(max_length=30)] = []
    basis: LegalBasis | None = None
    attachments: AttachmentInputs = []

    @model_validator(mode="after")
    def _one_record_each(self) -> "InformationSupply":
        ids = [person.person_id for person in self.persons]
        if len(set(ids)) != len(ids):
            raise ValueError("each person stands once")
        return self


class SuppliedInformation(ContractModel):
    """What was supplied, as either side holds it; `person_id` is the position in the referral."""

    message: Uuid
    at: Moment
    persons: list[dict[str, object]]
