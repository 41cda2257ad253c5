"""Reading an envelope that came: signature, dates, seal, and that inside and outside are one.

Everything here is done before the transaction: nothing is stored of what does not hold.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from joserfc.jwk import OKPKey
from pydantic import ValidationError

from relevo.contracts.attachment import blobs_of
from relevo.contracts.coverage import check_slices
from relevo.contracts.envelope import (
    CLOCK_SKEW,
    ENVELOPE_TYP,
    MAX_ENVELOPE_BYTES,
    MAX_LIFETIME,
    Envelope,
    SealedContent,
)
from relevo.contracts.follow_up import FOLLOW_UP_PURPOSE
from relevo.contracts.grant_slice import GRANT_TYP, GrantSlice
from relevo.contracts.identifiers import institution_of
from relevo.contracts.message_types.consent_renewed import CONSENT_RENEWED
from relevo.contracts.message_types.information_supplied import INFORMATION_SUPPLIED
from relevo.contracts.message_types.kind import MessageType
from relevo.contracts.message_types.referral_submitted import (
    REFERRAL_SUBMITTED,
    categories_of_files,
    sections_of,
)
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.contracts.model import ContractModel
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.problem import ProblemError
from relevo.node.domain.outgoing import digest_of
from relevo.servicekit import jose, json_input

from .context import Node
from .directory import Directory, Peer
from .route_checks import check_starter
from .visibility import as_text

_OF_PERSONS: Final = (REFERRAL_SUBMITTED, INFORMATION_SUPPLIED)
"""Content by sections: what is inside must be what the envelope says."""

_WITH_GRANTS_INSIDE: Final = (REFERRAL_SUBMITTED, CONSENT_RENEWED)
"""Content that brings the grants of the way back and of follow-up."""


@dataclass(frozen=True)
class Arrived:
    """An envelope as it came, its claims read but not believed."""

    jws: str
    digest: str
    envelope: Envelope

    @classmethod
    def read(cls, jws: str) -> "Arrived":
        """Reads the claims.

        Raises:
            ProblemError: `envelope_malformed`.
        """
        return cls(jws, digest_of(jws), parse(jws))


@dataclass(frozen=True)
class Opened:
    """A message whose every claim was checked, ready to be applied.

    Attributes:
        dropped: Something was left outside that this institution may not keep.
    """

    envelope: Envelope
    digest: str
    kind: MessageType
    body: Any
    grants: list[GrantSlice]
    grant_jws: list[str]
    return_grants: list[tuple[GrantSlice, str]]
    dropped: bool = False


class _AskFirstError(Exception):
    """Whether a signature holds depends on an institution's newest keys."""

    def __init__(self, institution: str) -> None:
        self.institution = institution
        super().__init__(institution)


@dataclass
class _Signers:
    """What the directory said, as far as it was asked; `newest` were asked for this batch."""

    node: Node
    known: dict[str, Peer | ProblemError] = field(default_factory=dict)
    newest: set[str] = field(default_factory=set)

    def peer(self, party: str) -> Peer:
        found = self.known.get(institution_of(party))
        if found is None:
            raise _AskFirstError(institution_of(party))
        if isinstance(found, ProblemError):
            raise found
        return found

    def keys(self, institution: str) -> list[OKPKey]:
        if institution == self.node.institution:
            return self.node.keys.signing
        return self.peer(institution).signing


async def open_all(
    node: Node, directory: Directory, arrived: Sequence[Arrived]
) -> list[Opened | ProblemError]:
    """Checks and opens envelopes, in a thread: a batch of a hundred is much cryptography.

    Each comes back opened, or as the first thing about it that does not hold.
    """
    signers = _Signers(node)
    outcomes: dict[int, Opened | ProblemError] = {}
    waiting = list(range(len(arrived)))
    while waiting:
        tried = await asyncio.to_thread(_try_all, signers, [arrived[i] for i in waiting])
        answered = dict(zip(waiting, tried, strict=True))
        for institution in sorted({o.institution for o in tried if isinstance(o, _AskFirstError)}):
            if institution in signers.known:
                # Keys may have been rotated since the directory was asked.
                directory.forget(institution)
                signers.newest.add(institution)
            try:
                signers.known[institution] = await directory.peer(institution)
            except ProblemError as problem:
                signers.known[institution] = problem
        waiting = [i for i, outcome in answered.items() if isinstance(outcome, _AskFirstError)]
        outcomes |= {i: o for i, o in answered.items() if not isinstance(o, _AskFirstError)}
    return [outcomes[i] for i in range(len(arrived))]


def _try_all(
    signers: _Signers, arrived: Sequence[Arrived]
) -> list[Opened | ProblemError | _AskFirstError]:
    outcomes: list[Opened | ProblemError | _AskFirstError] = []
    for one in arrived:
        try:
            outcomes.append(_open(signers, one))
        except (ProblemError, _AskFirstError) as outcome:
            outcomes.append(outcome)
    return outcomes


def _open(signers: _Signers, arrived: Arrived) -> Opened:
    node, envelope = signers.node, arrived.envelope
    if not node.is_ours(envelope.aud):
        raise ProblemError("envelope_wrong_audience")
    if envelope.test == node.settings.production:
        raise ProblemError("test_message_refused")
    _check_signature(signers, arrived)
    check_dates(envelope, node.clock.business())
    kind = MESSAGE_TYPES.get(envelope.message_type)
    if kind is None:
        raise ProblemError("unsupported_version", message_type=envelope.message_type)
    content = _open_content(node, envelope)
    try:
        body: ContractModel = kind.body.model_validate(content.body)
    except ValidationError as error:
        raise ProblemError(
            "envelope_malformed", fault="the content does not fit its type"
        ) from error
    if kind is REFERRAL_SUBMITTED:
        _check_starter(signers, envelope, body)
    grants = [_verified_slice(signers, grant) for grant in envelope.grants]
    if {grant.jti for grant in grants} != set(content.grant_ids):
        raise ProblemError("grant_mismatch")
    if blobs_of(getattr(body, "attachments", [])) != sorted(envelope.blobs):
        raise ProblemError("grant_mismatch")
    if kind.message_class == "content":
        _check_content(node, envelope, kind, content, grants)
    inside = kind in _WITH_GRANTS_INSIDE
    returned = _return_grants(signers, envelope, content) if inside else []
    return Opened(
        envelope=envelope,
        digest=arrived.digest,
        kind=kind,
        body=body,
        grants=grants,
        grant_jws=envelope.grants,
        return_grants=returned,
    )


def _check_signature(signers: _Signers, arrived: Arrived) -> None:
    sender = signers.peer(arrived.envelope.iss)
    try:
        if sender.profile.mandates_of(arrived.envelope.iss) is None:
            raise ProblemError("envelope_signature_invalid", sender=arrived.envelope.iss)
        jose.verify(arrived.jws, sender.signing, typ=ENVELOPE_TYP)
    except jose.JoseError as error:
        if sender.institution not in signers.newest:
            raise _AskFirstError(sender.institution) from error
        raise ProblemError("envelope_signature_invalid", sender=arrived.envelope.iss) from error


def _check_starter(signers: _Signers, envelope: Envelope, body: Any) -> None:
    """The sender's node should have refused what a pathway does not let it start."""
    route = pathways().get(body.pathway or envelope.pathway)
    if route is not None and route.public_name == envelope.pathway:
        profile = signers.peer(envelope.iss).profile
        check_starter(route, profile, envelope.iss, in_the_open=True)


def _return_grants(
    signers: _Signers, envelope: Envelope, content: SealedContent
) -> list[tuple[GrantSlice, str]]:
    returned = []
    for text in content.body.get("return_grants", []):
        grant = _verified_slice(signers, text)
        if (grant.sender, grant.receiver) != (envelope.aud, envelope.iss):
            raise ProblemError("grant_invalid", fault="a return grant names other parties")
        returned.append((grant, text))
    for carried in content.body.get("follow_up_grants", []):
        grant = _verified_slice(signers, carried["grant"])
        if grant.sender != envelope.aud or grant.purposes != [FOLLOW_UP_PURPOSE]:
            raise ProblemError("grant_invalid", fault="a grant for follow-up is for something else")
        returned.append((grant, carried["grant"]))
    return returned


def parse(jws: str) -> Envelope:
    """The claims, before anything about them is believed.

    Raises:
        ProblemError: `envelope_malformed`.
    """
    if len(jws) > MAX_ENVELOPE_BYTES:
        raise ProblemError("envelope_malformed", fault="larger than 256 KiB")
    try:
        _, claims = jose.peek(jws)
        return Envelope.model_validate(claims)
    except jose.JoseError as error:
        raise ProblemError("envelope_malformed", fault="not a compact signed token") from error
    except ValidationError as error:
        where = (
            ", ".join(sorted({str(e["loc"][0]) for e in error.errors() if e["loc"]})) or "claims"
        )
        raise ProblemError("envelope_malformed", fault=f"see {where}") from error


def check_dates(envelope: Envelope, now: datetime) -> None:
    """A future date refuses and so does expiry; age alone never does.

    Raises:
        ProblemError: `envelope_from_future`, `envelope_expired` or `envelope_lifetime`.
    """
    issued, expires = (datetime.fromtimestamp(t, UTC) for t in (envelope.iat, envelope.exp))
    if issued > now + CLOCK_SKEW:
        raise ProblemError(
            "envelope_from_future", issued_at=as_text(issued), server_time=as_text(now)
        )
    if expires <= now:
        raise ProblemError(
            "envelope_expired", expired_at=as_text(expires), server_time=as_text(now)
        )
    if expires - issued > MAX_LIFETIME:
        raise ProblemError("envelope_lifetime", limit_days=MAX_LIFETIME.days)


def _open_content(node: Node, envelope: Envelope) -> SealedContent:
    if envelope.content is None:
        raise ProblemError("undecryptable", receiver=envelope.aud)
    try:
        header, plain = jose.open_sealed(envelope.content, node.keys.encryption)
        source, recipient = jose.parties(header)
        content = SealedContent.model_validate(json_input.parse(plain))
    except jose.UndecryptableError as error:
        raise ProblemError("undecryptable", receiver=envelope.aud) from error
    except ValueError as error:
        raise ProblemError(
            "envelope_malformed", fault="the content is not of this contract"
        ) from error
    outside = (envelope.jti, envelope.iss, envelope.aud, envelope.message_type)
    inside = (content.message_id, content.source, content.recipient, content.message_type)
    if outside != inside or (source, recipient) != (
        institution_of(envelope.iss),
        institution_of(envelope.aud),
    ):
        raise ProblemError("grant_mismatch")
    return content


def _check_content(
    node: Node,
    envelope: Envelope,
    kind: MessageType,
    content: SealedContent,
    grants: list[GrantSlice],
) -> None:
    inside = sections_of(content.body) if kind in _OF_PERSONS else categories_of_files(content.body)
    if not inside <= set(envelope.categories):
        # More is inside than the envelope says: the gateways were told less than was sent.
        raise ProblemError("grant_mismatch")
    if envelope.basis is not None and not grants:
        return
    check_slices(
        grants,
        sender=envelope.iss,
        receiver=envelope.aud,
        purpose=envelope.purpose,
        categories=envelope.categories,
        now=int(node.clock.business().timestamp()),
    )


def _verified_slice(signers: _Signers, jws: str) -> GrantSlice:
    """A grant slice that its issuer really signed.

    Raises:
        ProblemError: `grant_invalid`.
    """
    try:
        _, claims = jose.peek(jws)
        unverified = GrantSlice.model_validate(claims)
        jose.verify(jws, signers.keys(unverified.iss), typ=GRANT_TYP)
    except (jose.JoseError, ValidationError) as error:
        raise ProblemError("grant_invalid", fault="a grant is not signed by its issuer") from error
    return unverified
