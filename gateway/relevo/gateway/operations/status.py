"""What became of a referral, asked by its reference code and answered from this gateway's timeline.

A code that does not exist and a code that does not concern the asker are answered with the same bytes,
after the same work.
"""

import math
from typing import Final, Never

from pydantic import ValidationError
from sqlalchemy import Connection

from relevo.contracts.identifiers import country_of, institution_of
from relevo.contracts.problem import ProblemError
from relevo.contracts.status import STATUS_QUERY_TYP, SignedStatusQuery, Status, StatusQuery
from relevo.gateway.domain import tokens
from relevo.gateway.domain.allowance import Allowance
from relevo.gateway.domain.ledger import moment
from relevo.gateway.domain.tokens import TokenError
from relevo.gateway.storage import grants, referral_status
from relevo.servicekit.http_client import RefusedError, RetryableError

from .accept import country_of_code
from .arrivals import Source
from .context import Gateway, Peer, Peers
from .directory import Directory, Known

_SKEW_SECONDS: Final = 300
_LONGEST_SECONDS: Final = 600


class StatusDesk:
    """Answers status queries, or passes them to the home gateway of the code."""

    def __init__(self, gateway: Gateway, directory: Directory) -> None:
        self._gateway = gateway
        self._directory = directory
        self._allowance = Allowance(gateway.settings.status_queries_per_minute)

    async def answer(self, source: Source, signed: SignedStatusQuery) -> Status:
        """The state, for an asker who may know it.

        Raises:
            ProblemError: `not_found` for every code that does not concern the asker; a problem of the
                query itself; `too_many_requests`; `gateway_unreachable`.
        """
        try:
            token = tokens.read(signed.query, StatusQuery, typ=STATUS_QUERY_TYP)
        except (TokenError, ValidationError) as error:
            raise ProblemError("envelope_malformed", fault=str(error)) from None
        query = token.claims
        asker = institution_of(query.iss)
        if not source.may_bring(asker):
            raise ProblemError("not_yours")
        wait = self._allowance.take(asker, self._gateway.security())
        if wait:
            raise ProblemError("too_many_requests", retry_after_seconds=math.ceil(wait))
        peers = await self._gateway.database.read(self._gateway.peers)
        known = await self._asker(source, asker, peers)
        if known is None or known.state != "active":
            raise ProblemError("sender_not_active", sender=query.iss, state="unknown")
        if known.party(query.iss) is None or tokens.signer(token, known.signing) is None:
            raise ProblemError("envelope_signature_invalid", sender=asker)
        self._check_times(query)
        country = country_of_code(query.reference_code)
        if self._gateway.is_home(country):
            if query.aud != self._gateway.name:
                raise ProblemError("envelope_wrong_audience")
            return await self._gateway.database.read(self._look_up, query)
        peer = peers.by_country.get(country)
        if peer is None or source.peer is not None:
            raise ProblemError("not_found")
        return await self._pass_on(peer, signed)

    async def _asker(self, source: Source, asker: str, peers: Peers) -> Known | None:
        if source.peer is None:
            home = await self._gateway.database.read(self._directory.home, [asker])
            return home.get(asker)
        peer = peers.by_country[country_of(asker)]
        if self._directory.stale([asker]):
            await self._directory.refresh({asker: peer})
        found = self._directory.remote(asker)
        if found is None:
            raise ProblemError("gateway_unreachable")
        return None if found == "absent" else found

    def _check_times(self, query: StatusQuery) -> None:
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

    def _look_up(self, connection: Connection, query: StatusQuery) -> Status:
        code = query.reference_code
        found = referral_status.get_many(connection, [code]).get(code)
        records = grants.of_reference_code(connection, code)
        withdrawn = grants.withdrawn(connection, {record.grant_id for record in records} or {""})
        now = self._gateway.business()
        named = {
            party
            for record in records
            if record.key not in withdrawn and now < record.expires_at
            for party in record.status_parties
        }
        if found is None or not _concerns(query.iss, found.sender, found.receiver, named):
            raise ProblemError("not_found")
        return Status.model_validate(
            {
                "reference_code": found.reference_code,
                "state": found.state,
                "triage": found.triage,
                "since": found.since,
            }
        )

    async def _pass_on(self, peer: Peer, signed: SignedStatusQuery) -> Status:
        try:
            return await self._gateway.peer_client(peer).status(signed)
        except RetryableError as error:
            if error.status == 429:
                raise ProblemError("too_many_requests", retry_after_seconds=60) from error
            raise ProblemError("gateway_unreachable") from error
        except RefusedError as error:
            _refuse(error)


def _refuse(error: RefusedError) -> Never:
    # Whatever else the peer has against the query, its asker learns no more than of a wrong code.
    raise ProblemError("not_found") from error


def _concerns(asker: str, sender: str, receiver: str, named: set[str]) -> bool:
    """Whether the asker is a side of the referral, or named for its status.

    An institution that is named stands for its units; a unit that is named stands for itself.
    """
    institution = institution_of(asker)
    if institution in {institution_of(sender), institution_of(receiver)}:
        return True
    return bool({asker, institution} & named)
