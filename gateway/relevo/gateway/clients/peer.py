"""A peer gateway, as this gateway calls it."""

from typing import Any, TypeVar

from pydantic import ValidationError

from relevo.contracts.attachment import BLOB_TYPE
from relevo.contracts.attestation import SignedRevocationList
from relevo.contracts.exchange import (
    BatchAnswer,
    GrantStatusAnswer,
    GrantStatusQuestion,
    MessageBatch,
)
from relevo.contracts.follow_up import FollowUpHolder, SignedFollowUpQuery
from relevo.contracts.institution import DirectoryPage
from relevo.contracts.ledger import ConsistencyProof, WitnessedCheckpoint
from relevo.contracts.model import ContractModel
from relevo.contracts.scopes import Scope
from relevo.contracts.service import ServicePage, ServiceView
from relevo.contracts.status import SignedStatusQuery, Status
from relevo.contracts.withdrawal import SignedWithdrawalRequest, WithdrawalTaken
from relevo.servicekit.http_client import RetryableError

from .outbound import Outbound

T = TypeVar("T", bound=ContractModel)

_QUICK_SECONDS = 5.0


class PeerClient:
    """Raises only `RetryableError` and `RefusedError`."""

    def __init__(self, outbound: Outbound, url: str) -> None:
        self._url = url.rstrip("/")
        self._service = outbound.service(self._url)
        # For questions that somebody waits for while we ask.
        self._quick = outbound.service(self._url, deadline_seconds=_QUICK_SECONDS)

    async def relay(self, batch: MessageBatch) -> BatchAnswer:
        """Hands over messages for the peer's institutions, and receipts for them."""
        body = batch.model_dump_json().encode()
        return _read(BatchAnswer, await self._post("/v1/relay", body, quick=False))

    async def bring_blob(self, digest: str, sealed: bytes) -> None:
        """Hands over a sealed file that a relayed message names."""
        await self._service.request(
            "PUT",
            f"{self._url}/v1/relay/blobs/{digest}",
            content=sealed,
            headers={"content-type": BLOB_TYPE},
            scopes=[Scope.FEDERATION_RELAY],
            audience=self._url,
        )

    async def status(self, query: SignedStatusQuery) -> Status:
        """Passes on a status query as its asker signed it."""
        body = query.model_dump_json().encode()
        return _read(Status, await self._post("/v1/status-queries", body, Scope.REFERRALS_STATUS))

    async def follow_up_holder(self, query: SignedFollowUpQuery) -> FollowUpHolder:
        """Passes on the question who carries out a follow-up, as its asker signed it."""
        body = query.model_dump_json().encode()
        content = await self._post("/v1/follow-up-requests", body, Scope.FOLLOW_UPS_REQUEST)
        return _read(FollowUpHolder, content)

    async def withdrawal_request(self, request: SignedWithdrawalRequest) -> WithdrawalTaken:
        """Passes on a request to withdraw, as the institution that was asked signed it."""
        body = request.model_dump_json().encode()
        content = await self._post("/v1/withdrawal-requests", body, Scope.REFERRALS_STATUS)
        return _read(WithdrawalTaken, content)

    async def grant_status(self, question: GrantStatusQuestion) -> GrantStatusAnswer:
        """Asks about grants whose issuer is at home there."""
        body = question.model_dump_json().encode()
        return _read(GrantStatusAnswer, await self._post("/v1/grant-status", body))

    async def directory_entry(self, institution: str) -> str:
        """The signed entry of one of the peer's institutions."""
        content = await self._get(f"/v1/directory/{institution}/entry", Scope.DIRECTORY_READ)
        return content.decode("ascii", "replace").strip()

    async def revocation_list(self, institution: str) -> SignedRevocationList:
        """Revoked attestations of one of the peer's institutions."""
        path = f"/v1/directory/{institution}/revocation-list"
        return _read(SignedRevocationList, await self._get(path, Scope.DIRECTORY_READ))

    async def institutions(self, params: dict[str, str]) -> DirectoryPage:
        """A page of the peer's directory."""
        return _read(DirectoryPage, await self._get("/v1/directory", Scope.DIRECTORY_READ, params))

    async def services(self, params: dict[str, str]) -> ServicePage:
        """A page of the peer's services for a need."""
        return _read(ServicePage, await self._get("/v1/services", Scope.DIRECTORY_READ, params))

    async def service(self, institution: str, service_id: str) -> ServiceView:
        """One entry of the peer's service directory."""
        path = f"/v1/services/{institution}/{service_id}"
        return _read(ServiceView, await self._get(path, Scope.DIRECTORY_READ))

    async def checkpoint(self) -> str:
        """The newest signed head of the peer's ledger."""
        content = await self._get("/v1/ledger/checkpoint", Scope.LEDGER_READ)
        return content.decode("utf-8", "replace")

    async def consistency(self, older: int, newer: int) -> list[bytes]:
        """The peer's proof that it only added to its ledger."""
        params = {"from": str(older), "to": str(newer)}
        content = await self._get("/v1/ledger/consistency", Scope.LEDGER_READ, params)
        return [bytes.fromhex(step) for step in _read(ConsistencyProof, content).proof]

    async def cosign(self, checkpoint: str) -> None:
        """Hands the peer our signature under its checkpoint."""
        body = WitnessedCheckpoint(checkpoint=checkpoint).model_dump_json().encode()
        await self._post("/v1/ledger/cosignatures", body)

    async def _post(self, path: str, body: bytes, *further: Scope, quick: bool = True) -> bytes:
        response = await (self._quick if quick else self._service).request(
            "POST",
            self._url + path,
            content=body,
            headers={"content-type": "application/json"},
            scopes=[Scope.FEDERATION_RELAY, *further],
            audience=self._url,
        )
        return response.content

    async def _get(self, path: str, scope: Scope, params: dict[str, str] | None = None) -> bytes:
        response = await self._quick.request(
            "GET",
            self._url + path,
            headers={"accept": "*/*"},
            scopes=[scope],
            audience=self._url,
            params=params,
        )
        return response.content


def _read(model: type[T], content: Any) -> T:
    try:
        return model.model_validate_json(content)
    except ValidationError:
        raise RetryableError("not_of_this_contract") from None
