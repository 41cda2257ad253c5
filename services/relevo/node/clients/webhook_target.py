"""Telling an institution's own system that something happened: Standard Webhooks, ids only."""

import json
from datetime import datetime

from standardwebhooks import Webhook as Signer

from relevo.servicekit.http_client import ServiceClient


class WebhookTarget:
    """Posts signed events to addresses that systems gave.

    Raises, in `post`:
        RetryableError: The address did not take it.
        RefusedError: It answered that it will not, or may not be called.
    """

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def post(
        self, url: str, secret: str, *, event_id: str, at: datetime, event: dict[str, object]
    ) -> None:
        text = json.dumps(event, separators=(",", ":"))
        await self._service.request(
            "POST",
            url,
            content=text.encode(),
            headers={
                "content-type": "application/cloudevents+json",
                "webhook-id": event_id,
                "webhook-timestamp": str(int(at.timestamp())),
                "webhook-signature": Signer(secret).sign(event_id, at, text),
            },
        )
