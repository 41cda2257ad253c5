"""A message before it is sealed: everything its envelope and content will say."""

import hashlib
import json
from datetime import datetime

from relevo.contracts.envelope import CoarseState, Envelope, LegalBasis, SealedContent
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.contracts.model import ContractModel
from relevo.servicekit.padding import pad

PRIORITIES = {"red": 3, "yellow": 2, "green": 1, None: 1}
URGENT = 9


class OutgoingMessage(ContractModel):
    """Kept sealed at rest until the message is out; sealed for the receiver only when it leaves.

    So a message that waited for a link is sealed for the receiver's newest key.
    """

    id: str
    referral_id: str
    reference_code: str
    sender: str
    receiver: str
    message_type: str
    pathway: str
    triage: str | None
    purpose: str | None = None
    categories: list[str] = []
    grants: list[str] = []
    grant_ids: list[str] = []
    basis: LegalBasis | None = None
    withdrawn: list[str] = []
    event_seq: int | None = None
    state: CoarseState | None = None
    replaces: str | None = None
    blobs: list[str] = []
    test: bool
    expires_at: datetime
    body: dict[str, object]
    excluded_countries: list[str] = []
    """Whose gateways must not carry it. Asked when it leaves, and never in the envelope."""
    requested: bool = True
    """Whether each person asked for this receiver herself, as a consulate needs."""

    @property
    def priority(self) -> int:
        """Withdrawals overtake everything, then red, yellow, the rest."""
        if MESSAGE_TYPES[self.message_type].urgent:
            return URGENT
        return PRIORITIES[self.triage]

    def content_bytes(self) -> bytes:
        """The padded content, which repeats the outside."""
        content = SealedContent(
            message_id=self.id,
            source=self.sender,
            recipient=self.receiver,
            message_type=self.message_type,
            grant_ids=self.grant_ids,
            body=self.body,
        )
        text = json.dumps(
            content.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")
        )
        return pad(text.encode())

    def envelope(self, content: str, *, now: datetime) -> Envelope:
        """The claims around sealed content."""
        return Envelope(
            iss=self.sender,
            aud=self.receiver,
            sub=self.referral_id,
            jti=self.id,
            iat=int(now.timestamp()),
            exp=max(int(self.expires_at.timestamp()), int(now.timestamp()) + 60),
            message_type=self.message_type,
            correlation_id=self.referral_id,
            reference_code=self.reference_code,
            pathway=self.pathway,
            event_seq=self.event_seq,
            state=self.state,
            triage=self.triage,
            purpose=self.purpose,
            categories=self.categories,
            grants=self.grants,
            basis=self.basis,
            withdrawn=self.withdrawn,
            replaces=self.replaces,
            blobs=self.blobs,
            test=self.test,
            content=content,
        )


def digest_of(envelope_jws: str) -> str:
    """SHA-256 of the exact bytes, as receipts and duplicate checks name them."""
    return hashlib.sha256(envelope_jws.encode()).hexdigest()
