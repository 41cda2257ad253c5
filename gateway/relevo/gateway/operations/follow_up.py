"""Who carries out a follow-up on a reference code: told to those whom a live slice names for it.

Nobody else learns even that the code exists, not the referral's own sender either. The request itself
is a message: the asker seals it for the party that it is told here, and that party checks the slice
again.
"""

from sqlalchemy import Connection

from relevo.contracts.follow_up import (
    FOLLOW_UP_QUERY_TYP,
    FollowUpHolder,
    FollowUpQuery,
    SignedFollowUpQuery,
)
from relevo.contracts.identifiers import institution_of
from relevo.contracts.problem import ProblemError
from relevo.gateway.storage import grants, referral_status
from relevo.servicekit.http_client import RefusedError, RetryableError

from .arrivals import Source
from .context import Gateway
from .signed_queries import SignedQueries, refuse


class FollowUpDesk:
    """Answers who carries out a follow-up, or passes the question to the home gateway of the code."""

    def __init__(self, gateway: Gateway, queries: SignedQueries) -> None:
        self._gateway = gateway
        self._queries = queries

    async def answer(self, source: Source, signed: SignedFollowUpQuery) -> FollowUpHolder:
        """The referral's receiver, for an asker who is named for follow-up.

        Raises:
            ProblemError: `not_found` for every code that does not name the asker; a problem of the query
                itself; `too_many_requests`; `gateway_unreachable`.
        """
        admitted = await self._queries.admit(
            source, signed.query, FollowUpQuery, typ=FOLLOW_UP_QUERY_TYP
        )
        if admitted.peer is None:
            return await self._gateway.database.read(self._look_up, admitted.query)
        try:
            return await self._gateway.peer_client(admitted.peer).follow_up_holder(signed)
        except (RetryableError, RefusedError) as error:
            refuse(error)

    def _look_up(self, connection: Connection, query: FollowUpQuery) -> FollowUpHolder:
        code = query.reference_code
        found = referral_status.get_many(connection, [code]).get(code)
        live = grants.live_of_code(connection, code, now=self._gateway.business())
        named = {party for record in live for party in record.follow_up_parties}
        # An institution that is named stands for its units; a unit that is named stands for itself.
        if found is None or not {query.iss, institution_of(query.iss)} & named:
            raise ProblemError("not_found")
        return FollowUpHolder(reference_code=code, holder=found.receiver)
