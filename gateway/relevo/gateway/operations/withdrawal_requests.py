"""Somebody who holds the paper asks to withdraw: carried to whoever referred her, and answered alike.

This gateway cannot tell whether the phrase fits. It says `taken` to a code that exists, to one that does
not, and to one that waits already, after the same work.
"""

from sqlalchemy import Connection

from relevo.contracts.identifiers import institution_of
from relevo.contracts.problem import ProblemError
from relevo.contracts.withdrawal import (
    MOST_WAITING,
    WITHDRAWAL_REQUEST_TYP,
    FetchRequests,
    SignedWithdrawalRequest,
    WaitingRequest,
    WaitingRequests,
    WithdrawalRequest,
    WithdrawalTaken,
)
from relevo.gateway.storage import referral_status, withdrawal_requests
from relevo.servicekit.http_client import RefusedError, RetryableError

from .arrivals import Source
from .context import Gateway
from .signed_queries import SignedQueries, refuse


class WithdrawalDesk:
    """Takes requests, and hands them to the institution whose referral it is."""

    def __init__(self, gateway: Gateway, queries: SignedQueries) -> None:
        self._gateway = gateway
        self._queries = queries

    async def take(self, source: Source, signed: SignedWithdrawalRequest) -> WithdrawalTaken:
        """Keeps it, or passes it to the home gateway of the code.

        Raises:
            ProblemError: A problem of the request itself; `too_many_requests`; `gateway_unreachable`.
        """
        try:
            admitted = await self._queries.admit(
                source, signed.query, WithdrawalRequest, typ=WITHDRAWAL_REQUEST_TYP
            )
        except ProblemError as problem:
            if problem.name == "not_found":
                return WithdrawalTaken()  # nobody's code
            raise
        if admitted.peer is None:
            await self._gateway.database.write(self._keep, admitted.query)
            return WithdrawalTaken()
        try:
            return await self._gateway.peer_client(admitted.peer).withdrawal_request(signed)
        except (RetryableError, RefusedError) as error:
            refuse(error)

    def _keep(self, connection: Connection, request: WithdrawalRequest) -> None:
        code = request.reference_code
        found = referral_status.get_many(connection, [code]).get(code)
        waiting = WaitingRequest(
            id=request.jti,
            reference_code=code,
            phrase_check=request.phrase_check,
            received_at=self._gateway.business(),
        )
        institution = None if found is None else institution_of(found.sender)
        withdrawal_requests.put(connection, waiting, institution=institution)

    async def fetch(self, institution: str, asked: FetchRequests) -> WaitingRequests:
        """What waits for an institution, after forgetting what it has."""
        return await self._gateway.database.write(self._fetch, institution, asked)

    def _fetch(
        self, connection: Connection, institution: str, asked: FetchRequests
    ) -> WaitingRequests:
        withdrawal_requests.take(connection, institution, asked.taken)
        waiting = withdrawal_requests.of_institution(connection, institution, limit=MOST_WAITING)
        return WaitingRequests(institution=institution, requests=waiting)
