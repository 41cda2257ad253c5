"""Questions about a reference code, signed by the institution that asks.

Whoever asks, and whatever about, the same things are checked, and the same allowance is used up, so
that no kind of question makes codes easier to guess.
"""

import math
from dataclasses import dataclass
from typing import Final, Generic, Never, Protocol, TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection

from relevo.contracts.identifiers import country_of, institution_of
from relevo.contracts.model import ContractModel
from relevo.contracts.problem import ProblemError
from relevo.gateway.domain import tokens
from relevo.gateway.domain.allowance import Allowance
from relevo.gateway.domain.ledger import moment
from relevo.gateway.domain.tokens import TokenError
from relevo.servicekit.http_client import RefusedError, RetryableError

from .accept import country_of_code
from .arrivals import Source
from .context import Gateway, Peer, Peers
from .directory import Directory, Known

_SKEW_SECONDS: Final = 300
_LONGEST_SECONDS: Final = 600


class Query(Protocol):
    """What every kind of query says."""

    @property
    def iss(self) -> str: ...
    @property
    def aud(self) -> str: ...
    @property
    def iat(self) -> int: ...
    @property
    def exp(self) -> int: ...
    @property
    def reference_code(self) -> str: ...


Q = TypeVar("Q", bound=ContractModel)


@dataclass(frozen=True)
class Admitted(Generic[Q]):
    """A query that may be answered: here, or by the peer that is the home of its code."""

    query: Q
    peer: Peer | None


class SignedQueries:
    """The door for queries about reference codes."""

    def __init__(self, gateway: Gateway, directory: Directory) -> None:
        self._gateway = gateway
        self._directory = directory
        self._allowance = Allowance(gateway.settings.status_queries_per_minute)

    async def admit(self, source: Source, signed: str, model: type[Q], *, typ: str) -> Admitted[Q]:
        """The query, if its asker signed it and asks neither too late nor too often.

        Raises:
            ProblemError: A problem of the query itself; `not_found` for a code whose home nobody knows;
                `too_many_requests`; `gateway_unreachable`.
        """
        try:
            token = tokens.read(signed, model, typ=typ)
        except (TokenError, ValidationError) as error:
            raise ProblemError("envelope_malformed", fault=str(error)) from None
        query: Query = token.claims  # type: ignore[assignment]
        asker = institution_of(query.iss)
        if not source.may_bring(asker):
            raise ProblemError("not_yours")
        wait = self._allowance.take(asker, self._gateway.security())
        if wait:
            raise ProblemError("too_many_requests", retry_after_seconds=math.ceil(wait))
        peers, home = await self._gateway.database.read(self._listed, asker)
        known = home if source.peer is None else await self._peers_own(asker, peers)
        if known is None or known.state != "active":
            raise ProblemError("sender_not_active", sender=query.iss, state="unknown")
        if known.party(query.iss) is None or tokens.signer(token, known.signing) is None:
            raise ProblemError("envelope_signature_invalid", sender=asker)
        self._check_times(query)
        country = country_of_code(query.reference_code)
        if self._gateway.is_home(country):
            if query.aud != self._gateway.name:
                raise ProblemError("envelope_wrong_audience")
            return Admitted(token.claims, None)
        peer = peers.by_country.get(country)
        if peer is None or source.peer is not None:
            raise ProblemError("not_found")
        return Admitted(token.claims, peer)

    def _listed(self, connection: Connection, asker: str) -> tuple[Peers, Known | None]:
        home = self._directory.home(connection, [asker])
        return self._gateway.peers(connection), home.get(asker)

    async def _peers_own(self, asker: str, peers: Peers) -> Known | None:
        peer = peers.by_country[country_of(asker)]
        if self._directory.stale([asker]):
            await self._directory.refresh({asker: peer})
        found = self._directory.remote(asker)
        if found is None:
            raise ProblemError("gateway_unreachable")
        return None if found == "absent" else found

    def _check_times(self, query: Query) -> None:
        now = self._gateway.security()
        server_time = moment(now.replace(microsecond=0))
        epoch = now.timestamp()
        if query.iat > epoch + _SKEW_SECONDS:
            raise ProblemError(
                "envelope_from_future", issued_at=str(query.iat), server_time=server_time
            )
        if query.exp <= epoch or query.exp - query.iat > _LONGEST_SECONDS:
            raise ProblemError(
                "envelope_expired", expired_at=str(query.exp), server_time=server_time
            )


def refuse(error: RetryableError | RefusedError) -> Never:
    """What the asker learns when the code's home gateway does not answer.

    Raises:
        ProblemError: Always; whatever else the peer has against the query, its asker learns no more
            than of a wrong code.
    """
    if isinstance(error, RefusedError):
        raise ProblemError("not_found") from error
    if error.status == 429:
        raise ProblemError("too_many_requests", retry_after_seconds=60) from error
    raise ProblemError("gateway_unreachable") from error
