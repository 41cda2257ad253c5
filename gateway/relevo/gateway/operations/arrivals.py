"""Messages as they arrive, before anybody has decided about them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from relevo.contracts.envelope import ENVELOPE_TYP, Envelope
from relevo.contracts.grant_slice import GRANT_TYP, GrantSlice
from relevo.contracts.identifiers import country_of, institution_of
from relevo.contracts.message_types.kind import MessageType
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.contracts.problem import ProblemError
from relevo.gateway.domain import tokens
from relevo.gateway.domain.tokens import Token, TokenError

from .context import Peer


@dataclass(frozen=True, slots=True)
class Source:
    """Who hands messages over: one of our own institutions, or a peer gateway."""

    institution: str | None = None
    peer: Peer | None = None

    def may_bring(self, sender: str) -> bool:
        """Whether messages of this institution are this caller's to hand over."""
        if self.peer is not None:
            return country_of(sender) in self.peer.card.countries
        return sender == self.institution


@dataclass(slots=True)
class Arrival:
    """One message of a batch. `problem` ends its way; everything else is known by then or absent."""

    jws: str
    token: Token[Envelope] | None = None
    grants: tuple[Token[GrantSlice], ...] = ()
    problem: ProblemError | None = None
    message_id: str | None = None

    @property
    def envelope(self) -> Envelope:
        """The claims, of arrivals that were read."""
        if self.token is None:
            raise ValueError("this arrival could not be read")
        return self.token.claims

    @property
    def digest(self) -> str:
        return self.token.digest if self.token else hashlib.sha256(self.jws.encode()).hexdigest()

    @property
    def kind(self) -> MessageType:
        return MESSAGE_TYPES[self.envelope.message_type]

    @property
    def sender(self) -> str:
        return institution_of(self.envelope.iss)

    @property
    def receiver(self) -> str:
        return institution_of(self.envelope.aud)

    def institutions(self) -> set[str]:
        """Everybody whose entry is needed to decide."""
        return {self.sender, self.receiver, *(grant.claims.iss for grant in self.grants)}


class SliceReader:
    """Reads slices; the same slice comes with every message of a referral."""

    def __init__(self, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._read: dict[str, Token[GrantSlice]] = {}
        self._verified: dict[str, str] = {}

    def read(self, jws: str) -> Token[GrantSlice]:
        """The claims, not yet verified.

        Raises:
            TokenError: It is no slice.
        """
        known = self._read.get(jws)
        if known is None:
            known = tokens.read(jws, GrantSlice, typ=GRANT_TYP)
            if len(self._read) >= self._capacity:
                self._read.clear()
            self._read[jws] = known
        return known

    def is_signed(self, token: Token[GrantSlice], keys: tokens.Keys) -> bool:
        """Whether the issuer's present keys signed it; each key is asked once."""
        known = self._verified.get(token.digest)
        if known is not None and known in keys:
            return True
        kid = tokens.signer(token, keys)
        if kid is None:
            return False
        if len(self._verified) >= self._capacity:
            self._verified.clear()
        self._verified[token.digest] = kid
        return True


def read_all(jwss: Sequence[str], source: Source, slices: SliceReader) -> list[Arrival]:
    """Reads a batch. What cannot be read, or is not the caller's to send, has its problem already."""
    arrivals = []
    for jws in jwss:
        arrival = Arrival(jws)
        try:
            _read(arrival, source, slices)
        except ProblemError as problem:
            arrival.problem = problem
        arrivals.append(arrival)
    return arrivals


def _read(arrival: Arrival, source: Source, slices: SliceReader) -> None:
    try:
        arrival.token = tokens.read(arrival.jws, Envelope, typ=ENVELOPE_TYP)
    except TokenError as error:
        raise ProblemError("envelope_malformed", fault=str(error)) from None
    envelope = arrival.token.claims
    arrival.message_id = envelope.jti
    if not source.may_bring(arrival.sender):
        raise ProblemError("not_yours")
    kind = MESSAGE_TYPES.get(envelope.message_type)
    if kind is None:
        raise ProblemError("unsupported_version", message_type=envelope.message_type)
    if kind.message_class == "content":
        try:
            arrival.grants = tuple(slices.read(grant) for grant in envelope.grants)
        except TokenError as error:
            raise ProblemError("grant_invalid", fault=f"a grant is {error}") from None
    elif envelope.blobs:
        raise ProblemError("envelope_malformed", fault="this message type carries no files")
