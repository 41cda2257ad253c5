"""Parts that need no node."""

import base64
import inspect
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from standardwebhooks import Webhook as Signer

from relevo.client import answers, exceptions, over_httpx, retry
from relevo.client.exceptions import RelevoProblemError, WebhookRefusedError, as_exception
from relevo.client.referrals import Referrals
from relevo.client.webhooks import verify_webhook
from relevo.contracts.problem import ProblemError
from relevo.contracts.problem_types import PROBLEM_TYPES
from tests.openapi.targets import committed

NOW = datetime(2026, 3, 2, 16, 40, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
EVENT = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "https://node.example",
    "type": "org.relevo.referral.state_changed",
    "subject": "r-1",
    "time": "2026-03-02T16:40:00Z",
    "datacontenttype": "application/json",
    "position": 42,
    "data": {"id": "r-1", "event_seq": 3},
}


# -- problems ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROBLEM_TYPES)
def test_every_documented_problem_is_an_exception_that_names_it(name: str) -> None:
    members = dict.fromkeys(PROBLEM_TYPES[name].members, "x")
    error = as_exception(ProblemError(name, **members).problem())
    assert (error.name, error.status) == (name, PROBLEM_TYPES[name].status)
    assert error.members == members


def test_only_documented_problems_have_a_class() -> None:
    named = [name for _, names in exceptions._KINDS for name in names]
    assert set(named) <= set(PROBLEM_TYPES)
    assert len(named) == len(set(named))


def test_the_tree_of_exceptions_is_drawn_as_it_is() -> None:
    drawn = exceptions.__doc__ or ""
    for name, kind in inspect.getmembers(exceptions, inspect.isclass):
        if issubclass(kind, Exception):
            assert f"{name} " in drawn or f"{name}\n" in drawn, name


def test_a_problem_of_a_newer_node_is_a_problem() -> None:
    newer = (
        ProblemError("not_found")
        .problem()
        .model_copy(update={"type": "https://relevo.example/problems/brand_new"})
    )
    assert type(as_exception(newer)) is RelevoProblemError


# -- waiting ----------------------------------------------------------------------------------------


@given(
    tries=st.integers(1, 40),
    chance=st.floats(0, 1),
    asked=st.none() | st.floats(0, 100),
    patience=st.floats(0, 1000),
)
def test_pauses_grow_are_bounded_and_end(
    tries: int, chance: float, asked: float | None, patience: float
) -> None:
    now = 0.0
    waiting = retry.Patience(patience, lambda: now, lambda: chance)
    for number in range(tries):
        pause = waiting.next_pause(asked)
        if pause is None:
            break
        own = min(retry.LONGEST_SECONDS, retry.FIRST_SECONDS * 2**number)
        assert (asked or 0) <= pause <= max(own, asked or 0)
        now += pause
        assert now <= patience


def test_who_waits_for_ever_never_ends() -> None:
    waiting = retry.Patience(math.inf, lambda: 1e9, lambda: 1.0)
    assert [waiting.next_pause(None) for _ in range(2000)][-1] == retry.LONGEST_SECONDS


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0),
        (" 120 ", 120),
        ("Mon, 02 Mar 2026 16:41:30 GMT", 90),
        ("Mon, 02 Mar 2026 16:00:00 GMT", 0),
        ("soon", None),
        ("-3", None),
        ("٣", None),
        ("9" * 400, 999_999_999),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry.retry_after(header, now=NOW) == seconds


def test_certificates_that_nobody_trusts_are_not_tried_again() -> None:
    import ssl

    error = httpx.ConnectError("[SSL] verify failed")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")
    error.__cause__.verify_message = "self-signed certificate"
    lost = over_httpx.lost(error)
    assert (lost.hopeless, "not trusted" in str(lost)) == (True, True)


@pytest.mark.parametrize(
    ("error", "may_have_arrived"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout(""), False),
        (httpx.ReadTimeout(""), True),
        (httpx.RemoteProtocolError("closed"), True),
        (httpx.WriteError(""), True),
    ],
)
def test_whether_a_lost_request_arrived_is_known(
    error: httpx.TransportError, *, may_have_arrived: bool
) -> None:
    lost = over_httpx.lost(error)
    assert (lost.may_have_arrived, lost.hopeless) == (may_have_arrived, False)
    assert str(lost)


# -- webhooks ---------------------------------------------------------------------------------------


def a_call(at: datetime = NOW, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    content = json.dumps(EVENT)
    headers = {
        "Webhook-Id": "e-1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": f"v1a,other {Signer(secret).sign('e-1', at, content)}",
    }
    return headers, content.encode()


def test_a_signed_call_gives_its_event() -> None:
    headers, content = a_call()
    event = verify_webhook(SECRET, headers, content, now=NOW.timestamp() + 10)
    assert (event.subject, event.position, event.data.event_seq) == ("r-1", 42, 3)


def _other_body(headers: dict[str, str], content: bytes) -> tuple[dict[str, str], bytes]:
    return headers, content.replace(b"42", b"43")


@pytest.mark.parametrize(
    "change",
    [
        _other_body,
        lambda headers, content: ({**headers, "Webhook-Id": "e-2"}, content),
        lambda headers, content: ({**headers, "Webhook-Timestamp": "1772469601"}, content),
        lambda headers, content: ({**headers, "Webhook-Timestamp": "now"}, content),
        lambda headers, content: ({**headers, "Webhook-Signature": "v1,ñ"}, content),
        lambda _, content: ({}, content),
        lambda *_: a_call(NOW - timedelta(minutes=6)),
        lambda *_: a_call(NOW + timedelta(minutes=6)),
        lambda *_: a_call(secret="whsec_" + base64.b64encode(b"another").decode()),
    ],
)
def test_a_call_that_was_changed_or_is_old_is_refused(
    change: Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]],
) -> None:
    headers, content = change(*a_call())
    with pytest.raises(WebhookRefusedError):
        verify_webhook(SECRET, headers, content, now=NOW.timestamp())


def test_a_secret_that_is_none_believes_nothing() -> None:
    with pytest.raises(WebhookRefusedError):
        verify_webhook("whsec_%", *a_call(), now=NOW.timestamp())


# -- the contract -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    found: dict[str, Any] = committed("node")["components"]["schemas"]
    return found


@pytest.mark.parametrize(
    ("model", "schema"),
    [
        (answers.SubmittedReferral, "SubmittedReferral"),
        (answers.ReferralPage, "ReferralPage"),
        (answers.HandoverPage, "HandoverPage"),
        (answers.SealedRecordPage, "SealedRecords"),
        (answers.BulkAnswer, "BulkAnswer"),
        (answers.BulkAnswers, "BulkAnswers"),
        (answers.CloudEvent, "CloudEvent"),
        (answers.EventData, "EventData"),
        (answers.EventPage, "EventPage"),
        (answers.Webhook, "WebhookView"),
        (answers.CreatedWebhook, "CreatedWebhook"),
        (answers.Pin, "PinView"),
        (answers.ReturneePage, "ReturneePage"),
        (answers.RowPage, "RowPage"),
    ],
)
def test_answers_are_those_that_the_node_documents(
    schemas: dict[str, Any], model: type[BaseModel], schema: str
) -> None:
    document = schemas[schema]
    assert set(model.model_fields) == set(document["properties"])
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required <= set(document["required"])


def test_methods_explain_themselves_in_both_clients() -> None:
    class Driver:
        def run(self, plan: Any) -> Any: ...

        def iterate(self, plan: Any) -> Any: ...

    group: Referrals[Any] = Referrals(Driver(), None)  # type: ignore[arg-type]
    assert (group.submit.__doc__ or "").startswith("Refers somebody")
    assert "referral" in inspect.signature(Referrals.submit).parameters
    assert get_args(answers.Webhook.model_fields["state"].annotation) == ("active", "failed")
