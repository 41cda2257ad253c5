"""What became of a referral, asked by its reference code and answered from this gateway's timeline.

A code that does not exist and a code that does not concern the asker are answered with the same bytes,
after the same work.
"""

from sqlalchemy import Connection

from relevo.contracts.identifiers import institution_of
from relevo.contracts.problem import ProblemError
from relevo.contracts.status import STATUS_QUERY_TYP, SignedStatusQuery, Status, StatusQuery
from relevo.gateway.storage import grants, referral_status
from relevo.servicekit.http_client import RefusedError, RetryableError

from .arrivals import Source
from .context import Gateway
from .signed_queries import SignedQueries, refuse


class StatusDesk:
    """Answers status queries, or passes them to the home gateway of the code."""

    def __init__(self, gateway: Gateway, queries: SignedQueries) -> None:
        self._gateway = gateway
        self._queries = queries

    async def answer(self, source: Source, signed: SignedStatusQuery) -> Status:
        """The state, for an asker who may know it.

        Raises:
            ProblemError: `not_found` for every code that does not concern the asker; a problem of the
                query itself; `too_many_requests`; `gateway_unreachable`.
        """
        admitted = await self._queries.admit(
            source, signed.query, StatusQuery, typ=STATUS_QUERY_TYP
        )
        if admitted.peer is None:
            return await self._gateway.database.read(self._look_up, admitted.query)
        try:
            return await self._gateway.peer_client(admitted.peer).status(signed)
        except (RetryableError, RefusedError) as error:
            refuse(error)

    def _look_up(self, connection: Connection, query: StatusQuery) -> Status:
        code = query.reference_code
        found = referral_status.get_many(connection, [code]).get(code)
        live = grants.live_of_code(connection, code, now=self._gateway.business())
        named = {party for record in live for party in record.status_parties}
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


def _concerns(asker: str, sender: str, receiver: str, named: set[str]) -> bool:
    """Whether the asker is a side of the referral, or named for its status.

    An institution stands for its units; a unit stands for itself, and another unit learns nothing.
    """
    return not {asker, institution_of(asker)}.isdisjoint({sender, receiver, *named})
