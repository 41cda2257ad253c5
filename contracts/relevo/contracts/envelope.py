"""The message as gateways see it: a signed envelope around sealed content.

The envelope is a compact JWS (RFC 7515, alg `Ed25519`, typ `relevo-envelope+jwt`) by the sending
institution; its `content` is a compact JWE (RFC 7516, ECDH-ES with X25519 and A256GCM) for the
receiver, padded to size buckets. Sealed once; a retry sends the same bytes.
"""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from .attachment import MAX_BLOBS, Sha256
from .grant_slice import Categories, Epoch
from .identifiers import MessageTypeId, PartyId, PathwayId, ReferenceCode, Uuid
from .model import ContractModel, EventNumber, Flag, ShortText
from .vocabularies.codes import LawfulBasis, Purpose, TriageLevel

ENVELOPE_TYP: Final = "relevo-envelope+jwt"
MAX_ENVELOPE_BYTES: Final = 256 * 1024
MAX_BATCH_MESSAGES: Final = 100
MAX_BATCH_BYTES: Final = 1024 * 1024
DEFAULT_LIFETIME: Final = timedelta(days=30)
MAX_LIFETIME: Final = timedelta(days=90)
CLOCK_SKEW: Final = timedelta(seconds=300)
"""A message dated further in the future than this is refused; age alone never refuses."""

CoarseState = Literal[
    "submitted", "received", "acknowledged", "waiting", "accepted", "in_progress",
    "completed", "ended_without_service", "closed",
]  # fmt: skip
"""All that a gateway, and whoever asks by reference code, learns of a referral's state."""

CompactJose = Annotated[
    str,
    StringConstraints(
        max_length=MAX_ENVELOPE_BYTES, pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){2,4}$"
    ),
]


class LegalBasis(ContractModel):
    """A basis other than consent: it must name its law and the authority that acts under it."""

    basis: LawfulBasis
    law: ShortText = Field(description="The law and article, as people cite it.")
    authority: PartyId | ShortText

    @model_validator(mode="after")
    def _not_consent(self) -> "LegalBasis":
        if self.basis == "consent":
            raise ValueError("consent travels as a grant, not as a law")
        return self


class Envelope(ContractModel):
    """The claims that every party on the way may read.

    Attributes:
        iss: The sending party; the signature is its institution's.
        aud: The receiving party.
        sub: The referral's id, the same on both sides.
        jti: The message id; with the digest of the bytes it tells a retry from a replay.
        message_type: Name and version, such as `referral.submitted/1`.
        event_seq: Position in the referral's history, for `referral.state`.
        pathway: The route's id, or its routing class when the route is sealed.
        grants: Signed grant slices (compact JWS) that cover the content.
        withdrawn: Grant ids that are no longer in force, for `consent.withdrawn`.
        replaces: The message id that this one stands in for after a refusal.
        blobs: Digests of the sealed files that belong to the content; gateways carry no others.
    """

    iss: PartyId
    aud: PartyId
    sub: Uuid
    jti: Uuid
    iat: Epoch
    exp: Epoch
    message_type: MessageTypeId
    correlation_id: Uuid
    reference_code: ReferenceCode
    pathway: PathwayId
    event_seq: EventNumber | None = None
    state: CoarseState | None = None
    triage: TriageLevel | None = None
    purpose: Purpose | None = None
    categories: Categories = []
    grants: Annotated[list[CompactJose], Field(max_length=12)] = []
    basis: LegalBasis | None = None
    withdrawn: Annotated[list[Uuid], Field(max_length=100)] = []
    replaces: Uuid | None = None
    blobs: Annotated[list[Sha256], Field(max_length=MAX_BLOBS)] = []
    traceparent: (
        Annotated[str, StringConstraints(pattern=r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")]
        | None
    ) = None
    test: Flag = False
    content: CompactJose | None = None

    @model_validator(mode="after")
    def _expires_later(self) -> "Envelope":
        if self.exp <= self.iat:
            raise ValueError("an envelope expires after it is made")
        if len(set(self.blobs)) != len(self.blobs):
            raise ValueError("each blob is named once")
        return self


class SealedContent(ContractModel):
    """What the receiver finds inside. It repeats the outside, so that nobody re-signs it as their own."""

    message_id: Uuid
    source: PartyId
    recipient: PartyId
    message_type: MessageTypeId
    grant_ids: Annotated[list[Uuid], Field(max_length=12)]
    body: dict[str, Any]
