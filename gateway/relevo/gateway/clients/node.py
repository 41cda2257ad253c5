"""An institution's node, as its gateway calls it."""

from pydantic import ValidationError

from relevo.contracts.exchange import BatchAnswer, MessageBatch
from relevo.contracts.scopes import Scope
from relevo.servicekit.http_client import RetryableError

from .outbound import Outbound


class NodeClient:
    """Raises only `RetryableError` and `RefusedError`."""

    def __init__(self, outbound: Outbound, node_url: str) -> None:
        self._url = node_url.rstrip("/")
        self._service = outbound.service(self._url)

    async def deliver(self, batch: MessageBatch) -> BatchAnswer:
        """Hands over messages and receipts; each message is answered on its own, in order."""
        response = await self._service.request(
            "POST",
            f"{self._url}/v1/inbox",
            content=batch.model_dump_json().encode(),
            headers={"content-type": "application/json"},
            scopes=[Scope.MESSAGES_DELIVER],
            audience=self._url,
        )
        try:
            return BatchAnswer.model_validate_json(response.content)
        except ValidationError:
            raise RetryableError("not_of_this_contract") from None
