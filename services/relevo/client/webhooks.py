"""Being told of events, and telling a true call from a false one (Standard Webhooks)."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Final

from pydantic import TypeAdapter, ValidationError

from .answers import CloudEvent, CreatedWebhook, Webhook
from .call import Call, body, path
from .exceptions import NotFoundError, WebhookRefusedError
from .plan import M_co, Plan, operation
from .requests import Requests

TOLERANCE_SECONDS: Final = 300
_EVENT: Final = TypeAdapter(CloudEvent)
_NOTHING: Final[TypeAdapter[None]] = TypeAdapter(None)


class Webhooks(Requests[M_co]):
    """Addresses of the institution's own systems that the node tells of events."""

    @operation
    def add(self, url: str) -> Plan[CreatedWebhook]:
        """Subscribes an address; keep the secret of the answer, it is shown this once."""
        call = Call(
            "POST",
            path("webhooks"),
            TypeAdapter(CreatedWebhook),
            body({"url": url}),
            # A second subscription would tell everything twice.
            repeatable=False,
        )
        return self._session.perform(call)

    @operation
    def all(self) -> Plan[list[Webhook]]:
        """Subscriptions of this client."""
        return self._get(list[Webhook], "webhooks")

    @operation
    def remove(self, webhook_id: str) -> Plan[None]:
        """Ends a subscription; one that has ended already does no harm."""
        try:
            yield from self._session.perform(Call("DELETE", path("webhooks", webhook_id), _NOTHING))
        except NotFoundError:
            return


def verify_webhook(
    secret: str,
    headers: Mapping[str, str],
    content: bytes,
    *,
    now: float | None = None,
) -> CloudEvent:
    """The event of a call, if the node made it, and made it in the last five minutes.

    Answer such a call with any 2xx, at once, and do the work afterwards. The same event may be told
    more than once: pass over an `id` that was dealt with.

    Args:
        secret: `whsec_…`, from `Webhooks.add`.
        headers: Of the request.
        content: Its body, the bytes as they came.
        now: Seconds since 1970, for tests.

    Raises:
        WebhookRefusedError: Do nothing, and answer 401.
    """
    found = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, stamp, signatures = (
            found[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
        )
        age = (time.time() if now is None else now) - int(stamp)
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (KeyError, ValueError, binascii.Error):
        raise WebhookRefusedError("The call is not signed, or the secret is none.") from None
    if abs(age) > TOLERANCE_SECONDS:
        raise WebhookRefusedError("The call is too old, or this machine's clock is wrong.")
    signed = b".".join((message_id.encode(), stamp.encode(), content))
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    # Several while a secret is being changed; versions other than v1 are not ours.
    if not any(
        hmac.compare_digest(signature.encode(), f"v1,{expected}".encode())
        for signature in signatures.split(" ")
    ):
        raise WebhookRefusedError("The call is signed with another secret.")
    try:
        return _EVENT.validate_json(content, extra="ignore")
    except ValidationError:
        raise WebhookRefusedError("The call carries no event.") from None
