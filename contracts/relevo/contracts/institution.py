"""Who is on the network, with which mandate and which keys."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from .grant_slice import Epoch
from .identifiers import (
    Country,
    GatewayId,
    InstitutionId,
    MessageTypeId,
    PartyId,
    PathwayId,
    institution_of,
)
from .model import ContractModel, Moment, ShortText, Whole
from .vocabularies.codes import InstitutionType, Mandate

KEY_SET_TYP: Final = "relevo-key-set+jwt"
REGISTRATION_TYP: Final = "relevo-registration+jwt"
DIRECTORY_ENTRY_TYP: Final = "relevo-directory-entry+jwt"

InstitutionState = Literal["applied", "approved", "active", "suspended", "left"]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
"""RFC 7638 SHA-256 thumbprint of an identity key, base64url: what people read to each other."""

HttpUrl = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$", max_length=300)
]
Jwk = dict[str, Any]


class PublicKey(ContractModel):
    """One public key of a set; private parts are refused."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519", "X25519"]
    x: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
    kid: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    use: Literal["sig", "enc"]

    @model_validator(mode="after")
    def _curve_for_use(self) -> "PublicKey":
        if (self.use == "sig") != (self.crv == "Ed25519"):
            raise ValueError("Ed25519 signs, X25519 encrypts")
        return self


class KeySet(ContractModel):
    """An institution's working keys, signed by its own identity key.

    A compact JWS of type `relevo-key-set+jwt`. The gateway countersigns the directory entry around
    it; it cannot make one.

    Attributes:
        version: Grows by one with each set; an older one never replaces a newer.
        identity_key: The long-lived key whose fingerprint people confirm out of band.
    """

    iss: InstitutionId | GatewayId
    iat: Epoch
    version: Annotated[Whole, Field(ge=1, le=1_000_000)]
    identity_key: PublicKey
    keys: Annotated[list[PublicKey], Field(min_length=1, max_length=20)]


class SignedKeySet(ContractModel):
    """A key set, and the endorsement of the previous identity key when that changed."""

    key_set: Annotated[str, Field(max_length=16_384)]
    endorsement: Annotated[str, Field(max_length=16_384)] | None = None


class Unit(ContractModel):
    """A part of an institution that receives in its own name. Enforcement units receive nothing."""

    id: PartyId
    name: ShortText
    mandates: Annotated[list[Mandate], Field(max_length=20)] = []


class InstitutionProfile(ContractModel):
    """What an institution says of itself when it applies.

    Attributes:
        node_url: Where its gateway delivers; absent for mailbox delivery.
        message_types: Name and version of what its node understands.
    """

    institution: InstitutionId
    name: ShortText
    country: Country
    type: InstitutionType
    mandates: Annotated[list[Mandate], Field(max_length=20)] = []
    units: Annotated[list[Unit], Field(max_length=50)] = []
    message_types: Annotated[list[MessageTypeId], Field(min_length=1, max_length=50)]
    delivery: Literal["push", "mailbox"]
    node_url: HttpUrl | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "InstitutionProfile":
        if any(
            institution_of(unit.id) != self.institution or unit.id == self.institution
            for unit in self.units
        ):
            raise ValueError("a unit's id is its institution's with one label more")
        if self.delivery == "push" and self.node_url is None:
            raise ValueError("push needs a node_url")
        if "enforcement" in self.mandates:
            raise ValueError("enforcement is a mandate of a unit, never of a whole institution")
        return self

    def mandates_of(self, party: str) -> frozenset[str] | None:
        """The mandates of the institution or of one of its units; None when it has no such unit."""
        if party == self.institution:
            return frozenset(self.mandates)
        for unit in self.units:
            if unit.id == party:
                return frozenset(unit.mandates)
        return None


class Registration(ContractModel):
    """A request to join: a compact JWS of type `relevo-registration+jwt` by the identity key."""

    iss: InstitutionId
    iat: Epoch
    profile: InstitutionProfile
    key_set: Annotated[str, Field(max_length=16_384)]
    client_key: PublicKey = Field(
        description="Key of the node as a client of the gateway's issuer."
    )


class Welcome(ContractModel):
    """What a gateway hands back when two persons have approved: all that a node needs to join."""

    gateway: GatewayId
    gateway_url: HttpUrl
    gateway_key_set: str = Field(
        max_length=16_384, description="Key set of the gateway, signed by its identity key."
    )
    gateway_client_key: PublicKey = Field(
        description="Key of the gateway as a client of the node's issuer."
    )
    countries: Annotated[list[Country], Field(min_length=1, max_length=40)]
    client_id: str = Field(
        max_length=120, description="The node's client id at the gateway's issuer."
    )


class DirectoryEntry(ContractModel):
    """An institution as its home gateway lists it; the claims of a JWS `relevo-directory-entry+jwt`."""

    iss: GatewayId
    iat: Epoch
    profile: InstitutionProfile
    state: InstitutionState
    key_set: SignedKeySet
    valid_until: Epoch


class ListedInstitution(ContractModel):
    """A directory entry as people read it, without keys."""

    institution: InstitutionId
    name: ShortText
    country: Country
    type: InstitutionType
    mandates: list[Mandate]
    units: list[Unit]
    message_types: list[str]
    delivery: Literal["push", "mailbox"]
    state: InstitutionState
    gateway: GatewayId
    fingerprint: Fingerprint
    updated_at: Moment
    watches: list[PathwayId] = Field(
        default=[], description="Routes whose figures it reads for their coordination table."
    )


class DirectoryPage(ContractModel):
    """A page of the directory, by institution id; `next_cursor` is absent on the last."""

    institutions: list[ListedInstitution]
    next_cursor: str | None = None


class PeerGateway(ContractModel):
    """A gateway that this one has an agreement with."""

    gateway: GatewayId
    url: HttpUrl
    countries: Annotated[list[Country], Field(min_length=1, max_length=40)]
    key_set: Annotated[str, Field(max_length=16_384)]
    client_key: PublicKey
    agreement: ShortText
