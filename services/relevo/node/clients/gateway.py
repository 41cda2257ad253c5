"""What the node asks of its gateway. Nothing but `RetryableError` and `RefusedError` leaves here."""

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from relevo.contracts.attachment import BLOB_TYPE
from relevo.contracts.attestation import SignedRevocationList
from relevo.contracts.country_tables import Coordination
from relevo.contracts.exchange import BatchAnswer, MailboxLease, MailboxRequest, MessageBatch
from relevo.contracts.follow_up import FollowUpHolder, SignedFollowUpQuery
from relevo.contracts.institution import DirectoryPage, PeerGateway
from relevo.contracts.scopes import Scope
from relevo.contracts.service import RevalidationList, ServicePage, ServiceView, ServiceViews
from relevo.contracts.status import SignedStatusQuery, Status
from relevo.contracts.withdrawal import (
    FetchRequests,
    SignedWithdrawalRequest,
    WaitingRequests,
    WithdrawalTaken,
)
from relevo.servicekit.http_client import RetryableError, ServiceClient

T = TypeVar(
    "T",
    BatchAnswer,
    Coordination,
    DirectoryPage,
    MailboxLease,
    Status,
    FollowUpHolder,
    WaitingRequests,
    WithdrawalTaken,
    RevalidationList,
    SignedRevocationList,
    ServicePage,
    ServiceView,
    ServiceViews,
)

_SERVICES = "/v1/services"
_GATEWAYS = TypeAdapter(list[PeerGateway])


class GatewayClient:
    """The home gateway, once the node has joined it.

    Raises, in every method:
        RetryableError: The gateway cannot answer now, or the node has not joined one.
        RefusedError: The gateway refuses, with a problem.
    """

    def __init__(self) -> None:
        self._service: ServiceClient | None = None
        self._url = ""

    def connect(self, service: ServiceClient, url: str) -> None:
        """Begins to use a gateway; before, everything is retryable."""
        self._service, self._url = service, url

    @property
    def connected(self) -> bool:
        return self._service is not None

    async def send(self, envelopes: list[str]) -> BatchAnswer:
        """Hands over 1 to 100 envelopes; each is answered on its own, in order."""
        body = MessageBatch(envelopes=envelopes).model_dump(mode="json")
        answer = await self._ask("POST", "/v1/messages", Scope.MESSAGES_SEND, json=body)
        read = _read(BatchAnswer, answer)
        if len(read.answers) != len(envelopes):
            raise RetryableError("answers_missing")
        return read

    async def bring_blob(self, digest: str, sealed: bytes) -> None:
        """Hands over a sealed file that an accepted message names."""
        path = f"/v1/blobs/{digest}"
        await self._ask("PUT", path, Scope.MESSAGES_SEND, content=sealed)

    async def fetch_blob(self, digest: str) -> bytes:
        """A sealed file that a message for this institution names."""
        return await self._ask("GET", f"/v1/blobs/{digest}", Scope.MESSAGES_RECEIVE)

    async def release_blob(self, digest: str) -> None:
        """Says that a sealed file was stored here."""
        await self._ask("DELETE", f"/v1/blobs/{digest}", Scope.MESSAGES_RECEIVE)

    async def lease(self, *, limit: int, wait_seconds: int) -> MailboxLease:
        """What waits for this institution, or what comes within that time."""
        body = MailboxRequest(limit=limit, wait_seconds=wait_seconds).model_dump()
        answer = await self._ask("POST", "/v1/mailbox/leases", Scope.MESSAGES_RECEIVE, json=body)
        return _read(MailboxLease, answer)

    async def acknowledge(self, lease_id: str, answer: BatchAnswer) -> None:
        """Says what became of each message of a lease, in its order."""
        path = f"/v1/mailbox/leases/{lease_id}/acknowledgements"
        body = answer.model_dump(mode="json", exclude_none=True)
        await self._ask("POST", path, Scope.MESSAGES_RECEIVE, json=body)

    async def directory_entry(self, institution: str) -> str:
        """The signed entry of one institution."""
        return (
            (await self._ask("GET", f"/v1/directory/{institution}/entry", Scope.DIRECTORY_READ))
            .decode("ascii", "replace")
            .strip()
        )

    async def bring_revocation_list(self, institution: str, status_list: str) -> None:
        """Hands over one's own newest list of revoked attestations."""
        path = f"/v1/directory/{institution}/revocation-list"
        body = SignedRevocationList(status_list=status_list).model_dump()
        await self._ask("PUT", path, Scope.DIRECTORY_WRITE, json=body)

    async def revocation_list(self, institution: str) -> str:
        """The newest list of an institution's revoked attestations."""
        path = f"/v1/directory/{institution}/revocation-list"
        answer = await self._ask("GET", path, Scope.DIRECTORY_READ)
        return _read(SignedRevocationList, answer).status_list

    async def gateways(self) -> list[PeerGateway]:
        """Gateways whose directory entries the home gateway hands on."""
        answer = await self._ask("GET", "/v1/gateways", Scope.DIRECTORY_READ)
        try:
            return _GATEWAYS.validate_json(answer)
        except ValidationError as error:
            raise RetryableError("not_of_this_contract") from error

    async def institutions(self, params: dict[str, str]) -> DirectoryPage:
        """A page of the directory, as the gateway lists it."""
        answer = await self._ask("GET", "/v1/directory", Scope.DIRECTORY_READ, params=params)
        return _read(DirectoryPage, answer)

    async def find_services(self, params: dict[str, str]) -> ServicePage:
        """A page of services for a need."""
        answer = await self._ask("GET", _SERVICES, Scope.DIRECTORY_READ, params=params)
        return _read(ServicePage, answer)

    async def services_of(self, institution: str, params: dict[str, str]) -> ServiceViews:
        """A page of an institution's entries."""
        path = f"{_SERVICES}/{institution}"
        return _read(
            ServiceViews, await self._ask("GET", path, Scope.DIRECTORY_READ, params=params)
        )

    async def service(self, institution: str, service_id: str) -> ServiceView:
        """One entry of the service directory."""
        path = f"{_SERVICES}/{institution}/{service_id}"
        return _read(ServiceView, await self._ask("GET", path, Scope.DIRECTORY_READ))

    async def services_to_confirm(self) -> RevalidationList:
        """What this institution must look at."""
        path = f"{_SERVICES}/revalidation"
        return _read(RevalidationList, await self._ask("GET", path, Scope.DIRECTORY_WRITE))

    async def change_service(self, method: str, path: str, body: Any) -> ServiceView:
        """Puts an own entry, says its capacity, or confirms it; `path` begins with the institution."""
        answer = await self._ask(method, f"{_SERVICES}/{path}", Scope.DIRECTORY_WRITE, json=body)
        return _read(ServiceView, answer)

    async def remove_service(self, institution: str, service_id: str) -> None:
        """Takes an own entry out."""
        path = f"{_SERVICES}/{institution}/{service_id}"
        await self._ask("DELETE", path, Scope.DIRECTORY_WRITE)

    async def coordination(self, pathway: str, period: str) -> Coordination:
        """Figures of a route that this institution watches."""
        path = f"/v1/coordination/{pathway}"
        scope = Scope.COORDINATION_READ
        answer = await self._ask("GET", path, scope, params={"period": period})
        return _read(Coordination, answer)

    async def status(self, query_jws: str) -> Status:
        """The state of a referral, asked with a query that the institution signed."""
        body = SignedStatusQuery(query=query_jws).model_dump()
        answer = await self._ask("POST", "/v1/status-queries", Scope.REFERRALS_STATUS, json=body)
        return _read(Status, answer)

    async def follow_up_holder(self, query_jws: str) -> FollowUpHolder:
        """Who carries out a follow-up, asked with a query that the institution signed."""
        body = SignedFollowUpQuery(query=query_jws).model_dump()
        scope = Scope.FOLLOW_UPS_REQUEST
        answer = await self._ask("POST", "/v1/follow-up-requests", scope, json=body)
        return _read(FollowUpHolder, answer)

    async def ask_to_withdraw(self, request_jws: str) -> WithdrawalTaken:
        """Passes on a request to withdraw that the institution signed."""
        body = SignedWithdrawalRequest(query=request_jws).model_dump()
        scope = Scope.REFERRALS_STATUS
        answer = await self._ask("POST", "/v1/withdrawal-requests", scope, json=body)
        return _read(WithdrawalTaken, answer)

    async def withdrawal_requests(self, taken: list[str]) -> WaitingRequests:
        """Requests for referrals that this institution sent; those taken are forgotten there."""
        body = FetchRequests(taken=taken).model_dump()
        path, scope = "/v1/withdrawal-requests/waiting", Scope.MESSAGES_RECEIVE
        return _read(WaitingRequests, await self._ask("POST", path, scope, json=body))

    async def _ask(
        self,
        method: str,
        path: str,
        scope: Scope,
        *,
        json: Any = None,
        content: bytes | None = None,
        params: dict[str, str] | None = None,
    ) -> bytes:
        if self._service is None:
            raise RetryableError("not_joined")
        response = await self._service.request(
            method,
            self._url + path,
            json=json,
            content=content,
            headers=None if content is None else {"content-type": BLOB_TYPE},
            scopes=[scope],
            audience=self._url,
            params=params,
        )
        return response.content


def _read(model: type[T], content: bytes) -> T:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise RetryableError("not_of_this_contract") from error
