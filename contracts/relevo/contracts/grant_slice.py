"""What gateways see of a consent: one signed slice per sender-receiver pair.

A slice says that somebody may send certain kinds of data to somebody for certain purposes, and
nothing about the person. Its id is random and made anew for each slice, so that two slices of one
person cannot be linked. Carried in envelopes as a compact JWS of type `relevo-grant+jwt`, signed by
the institution that holds the consent.
"""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from .identifiers import InstitutionId, PartyId, Uuid
from .model import ContractModel, Whole
from .vocabularies.codes import DataCategory, LawfulBasis, Purpose
from .vocabularies.loader import in_code_order

GRANT_TYP: Final = "relevo-grant+jwt"

GrantState = Literal["active", "withdrawn", "expired", "superseded"]

Epoch = Annotated[Whole, Field(ge=0, le=7_258_118_400)]
"""Seconds since 1970-01-01T00:00:00Z (RFC 7519 NumericDate)."""


def _ordered(categories: list[str]) -> list[str]:
    if categories != in_code_order("data_category", categories):
        raise ValueError("categories stand once each, in code order")
    return categories


Categories = Annotated[list[DataCategory], Field(max_length=40), AfterValidator(_ordered)]
"""Data categories in code order, so that equal sets have equal bytes."""


class GrantSlice(ContractModel):
    """The claims of one slice.

    Attributes:
        iss: The institution that holds the consent and signed this.
        jti: The grant id, random.
        exp: End of validity; the consent's own, or earlier.
        status_parties: Who may ask the referral's coarse state by its reference code.
        follow_up_parties: Who may ask for follow-up after return.
    """

    iss: InstitutionId
    jti: Uuid
    iat: Epoch
    nbf: Epoch
    exp: Epoch
    sender: PartyId
    receiver: PartyId
    purposes: Annotated[list[Purpose], Field(min_length=1, max_length=20)]
    categories: Categories
    basis: LawfulBasis = "consent"
    status_parties: Annotated[list[PartyId], Field(max_length=20)] = []
    follow_up_parties: Annotated[list[PartyId], Field(max_length=20)] = []

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "GrantSlice":
        if self.exp <= self.nbf:
            raise ValueError("a grant ends after it begins")
        return self
