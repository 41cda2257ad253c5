import json
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from relevo.sandbox.webhook_receiver import WebhookReceiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def post(receiver: WebhookReceiver, event: dict[str, str], *, signed: str | None = None) -> int:
    text, now = json.dumps(event), datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signed or Webhook(SECRET).sign("msg_1", now, text),
    }
    return httpx.post(receiver.url, content=text, headers=headers, trust_env=False).status_code


def test_a_call_whose_signature_holds_is_remembered() -> None:
    with WebhookReceiver() as receiver:
        receiver.secret = SECRET
        event = {"type": "org.relevo.referral.received", "subject": "r-1"}
        assert post(receiver, event) == 204
        assert receiver.wait_for("r-1", "referral.received") == event


def test_a_call_that_somebody_else_signed_is_refused() -> None:
    with WebhookReceiver() as receiver:
        receiver.secret = SECRET
        other = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="
        assert post(receiver, {"subject": "r-1"}, signed=other) == 401
        assert (receiver.calls, receiver.refused) == ([], 1)


def test_waiting_for_a_call_that_does_not_come_ends() -> None:
    with WebhookReceiver() as receiver, pytest.raises(TimeoutError):
        receiver.wait_for("r-1", "referral.received", seconds=0.05)
