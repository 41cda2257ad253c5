"""A client: one system of one institution, the keys it proves itself with, and what it may ask for."""

import base64
import binascii
import hashlib
import json
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from relevo.contracts.identifiers import GatewayId, InstitutionId, PartyId, institution_of
from relevo.contracts.model import ContractModel, Moment
from relevo.contracts.scopes import Scope
from relevo.contracts.vocabularies.codes import Mandate, Purpose

PRIVATE_PARTS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
CLIENT_ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:~-]{0,127}$"

ClientId = Annotated[str, StringConstraints(pattern=CLIENT_ID_PATTERN)]
Audience = Annotated[
    str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\[\]:_-]+(/[^\s?#/]+)*$", max_length=255)
]


class ClientState(StrEnum):
    """A suspended client gets no token, and those it has stop working within a minute."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


def _thumbprint(x: str) -> str:
    # RFC 7638 §3: the required members in lexical order, without white space.
    required = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    digest = hashlib.sha256(required.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class PublicKey(ContractModel):
    """An Ed25519 public key as a JWK (RFC 8037). Members that are not understood are ignored."""

    # RFC 7517 §4 says so; `_only_the_public_part` drops them before they could be refused.
    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})

    kty: Annotated[str, StringConstraints(pattern="^OKP$")] = "OKP"
    crv: Annotated[str, StringConstraints(pattern="^Ed25519$")] = "Ed25519"
    x: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
    kid: Annotated[str, StringConstraints(min_length=1, max_length=128)] = Field(
        default="", description="By default the key's RFC 7638 thumbprint."
    )

    @model_validator(mode="before")
    @classmethod
    def _only_the_public_part(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if PRIVATE_PARTS & value.keys():
            raise ValueError(
                "holds a private part; that key has now been shown: make a new one and send its "
                "public part only"
            )
        if value.get("use", "sig") != "sig" or value.get("alg", "EdDSA") not in {
            "EdDSA",
            "Ed25519",
        }:
            raise ValueError("not a key for Ed25519 signatures")
        kept = {name: value[name] for name in ("kty", "crv", "x", "kid") if name in value}
        if isinstance(kept.get("x"), str):
            kept.setdefault("kid", _thumbprint(kept["x"]))
        return kept

    @field_validator("x")
    @classmethod
    def _is_canonical(cls, value: str) -> str:
        try:
            raw = base64.urlsafe_b64decode(value + "=")
        except (binascii.Error, ValueError) as error:
            raise ValueError("not base64url") from error
        if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != value:
            raise ValueError("not canonical base64url")
        return value


class KeySet(ContractModel):
    """The public keys with which a client signs its assertions; two while it changes keys."""

    keys: Annotated[tuple[PublicKey, ...], Field(min_length=1, max_length=5)]

    @model_validator(mode="after")
    def _each_key_has_its_name(self) -> "KeySet":
        names = [key.kid for key in self.keys]
        if len(set(names)) < len(names):
            raise ValueError("two keys have the same kid")
        return self


class ClientRegistration(ContractModel):
    """What the operator says when a client is registered."""

    client_id: ClientId
    institution: InstitutionId | GatewayId = Field(description="The institution it acts for.")
    unit: PartyId | None = Field(
        default=None, description="The unit it acts for, of that institution."
    )
    mandates: tuple[Mandate, ...] = Field(default=(), max_length=20)
    purpose: Purpose | None = None
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))]
    audiences: Annotated[tuple[Audience, ...], Field(min_length=1, max_length=20)] = Field(
        description="Base URLs of the services it may get tokens for."
    )
    jwks: KeySet
    dpop_bound_access_tokens: bool = Field(
        default=False,
        description="Tokens only with a DPoP proof (RFC 9449 §5.2): services, not people.",
    )

    @field_validator("mandates", "scopes", "audiences")
    @classmethod
    def _each_once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(values)))

    @model_validator(mode="after")
    def _unit_belongs_to_institution(self) -> "ClientRegistration":
        if self.unit is not None and institution_of(self.unit) != self.institution:
            raise ValueError("unit is not a unit of the institution")
        return self


class Client(ClientRegistration):
    """A registered client."""

    state: ClientState
    created_at: Moment
    updated_at: Moment
    suspended_at: Moment | None = Field(
        default=None, description="When it was last suspended, also after it was resumed."
    )
