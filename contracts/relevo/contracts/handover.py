"""Somebody was brought: what a unit that enforces tells a reception unit, and all that it ever does.

No names, no free text and no findings: how many, how old, what they need at once, where and when.
Nothing is read back.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .identifiers import PartyId, Uuid
from .model import ContractModel, Moment, Whole
from .person import LocationMunicipality
from .vocabularies.codes import ServiceType, SpecificNeed

AgeBand = Literal["0-4", "5-11", "12-17", "18-59", "60+", "unknown"]
MAX_PERSONS = 2000


class InBand(ContractModel):
    """How many are of an age."""

    band: AgeBand
    persons: Annotated[Whole, Field(ge=1, le=MAX_PERSONS)]


class HandoverInput(ContractModel):
    """What the unit that brought them says.

    Attributes:
        received_by: The reception unit that took them in.
        brought_at: When they were handed over, whenever this is entered.
        place: No nearer than a municipality.
        age_bands: Each once; doubt about an age is `unknown`, and means a child.
        urgent_needs: What somebody among them needs at once.
        vulnerable: Needs of some among them that reception must know of.
    """

    received_by: PartyId
    brought_at: Moment
    place: LocationMunicipality
    persons: Annotated[Whole, Field(ge=1, le=MAX_PERSONS)]
    age_bands: Annotated[list[InBand], Field(max_length=6)] = []
    urgent_needs: Annotated[list[ServiceType], Field(max_length=20)] = []
    vulnerable: Annotated[list[SpecificNeed], Field(max_length=20)] = []

    @model_validator(mode="after")
    def _adds_up(self) -> "HandoverInput":
        bands = [band.band for band in self.age_bands]
        if len(set(bands)) != len(bands):
            raise ValueError("each age band stands once")
        if bands and sum(band.persons for band in self.age_bands) != self.persons:
            raise ValueError("the age bands add up to the number of persons")
        return self


class HandoverReceipt(ContractModel):
    """All that comes back."""

    receipt: Uuid


class Handover(HandoverInput):
    """A handover as the reception unit reads it."""

    id: Uuid
    brought_by: PartyId
    stored_at: Moment
