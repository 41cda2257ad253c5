import asyncio
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from relevo.servicekit import dpop, jose
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.oauth_client import TokenSource
from relevo.servicekit.outbound_errors import RefusedError, RetryableError

ISSUER = "https://issuer.example"
CLIENT_KEY = jose.generate_signing_key()
PROOF_KEY = jose.generate_signing_key()
AUDIENCE = "https://gateway.example"


class TokenEndpoint:
    """An issuer seen from its clients, which can fail on demand."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.forms: list[dict[str, str]] = []
        self.metadata: Any = {"issuer": ISSUER, "token_endpoint": ISSUER + "/oauth/token"}
        self.failure: httpx.Response | Exception | None = None
        self.answer: dict[str, Any] = {}
        self.proofs = dpop.ProofVerifier(clock)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if isinstance(self.failure, Exception):
            raise self.failure
        if request.url.path == "/.well-known/oauth-authorization-server":
            return httpx.Response(200, json=self.metadata)
        if self.failure is not None:
            return self.failure
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        self.forms.append(form)
        kind = "Bearer"
        if "dpop" in request.headers:
            self.proofs.check([request.headers["dpop"]], method="POST", url=str(request.url))
            kind = "DPoP"
        token = {"access_token": f"t{len(self.forms)}", "token_type": kind, "expires_in": 300}
        return httpx.Response(200, json={**token, **self.answer})


def a_source(endpoint: TokenEndpoint, *, bound: bool = False) -> TokenSource:
    return TokenSource(
        issuer=ISSUER,
        client_id="mx.albergue-tapachula",
        key=CLIENT_KEY,
        http=httpx.AsyncClient(transport=httpx.MockTransport(endpoint)),
        clock=endpoint.clock,
        dpop_key=PROOF_KEY if bound else None,
    )


@pytest.fixture
def endpoint() -> TokenEndpoint:
    return TokenEndpoint(FixedClock())


@pytest.mark.asyncio
async def test_a_client_proves_itself_by_a_signed_assertion(endpoint: TokenEndpoint) -> None:
    await a_source(endpoint).get(AUDIENCE, ["messages:send", "messages:receive"])
    (form,) = endpoint.forms
    assert form["grant_type"] == "client_credentials"
    assert form["resource"] == AUDIENCE
    assert form["scope"] == "messages:receive messages:send"
    claims = jose.verify(form["client_assertion"], [CLIENT_KEY], typ="JWT")
    assert claims["iss"] == claims["sub"] == form["client_id"] == "mx.albergue-tapachula"
    assert claims["aud"] == ISSUER
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.asyncio
async def test_a_token_is_asked_for_once_and_again_a_minute_before_it_expires(
    endpoint: TokenEndpoint,
) -> None:
    source = a_source(endpoint)
    tokens = await asyncio.gather(*(source.get(AUDIENCE, ["messages:send"]) for _ in range(10)))
    assert {token.value for token in tokens} == {"t1"}
    endpoint.clock.advance(timedelta(seconds=239))
    assert (await source.get(AUDIENCE + "/", ["messages:send"])).value == "t1"
    endpoint.clock.advance(timedelta(seconds=1))
    assert (await source.get(AUDIENCE, ["messages:send"])).value == "t2"
    assert (await source.get(AUDIENCE, ["ledger:read"])).value == "t3"
    assert len({form["client_assertion"] for form in endpoint.forms}) == 3
    source.forget(AUDIENCE, ["ledger:read"])
    assert (await source.get(AUDIENCE, ["ledger:read"])).value == "t4"


@pytest.mark.asyncio
async def test_a_bound_token_comes_with_a_proof_for_each_request(endpoint: TokenEndpoint) -> None:
    source = a_source(endpoint, bound=True)
    url = AUDIENCE + "/v1/messages"
    verifier = dpop.ProofVerifier(endpoint.clock)
    for _ in range(2):
        headers = await source.headers("POST", url, audience=AUDIENCE, scopes=["messages:send"])
        assert headers["authorization"] == "DPoP t1"
        proofs = [headers["dpop"]]
        verifier.check(proofs, method="POST", url=url, access_token="t1")


@pytest.mark.asyncio
async def test_without_a_proof_key_the_token_is_a_bearer_token(endpoint: TokenEndpoint) -> None:
    headers = await a_source(endpoint).headers("GET", AUDIENCE, audience=AUDIENCE, scopes=[])
    assert headers == {"authorization": "Bearer t1"}


@pytest.mark.parametrize("fault", ["invalid_client", "invalid_scope", "invalid_target"])
@pytest.mark.asyncio
async def test_a_refusal_of_the_issuer_says_why(endpoint: TokenEndpoint, fault: str) -> None:
    endpoint.failure = httpx.Response(401, json={"error": fault})
    with pytest.raises(RefusedError) as refusal:
        await a_source(endpoint).get(AUDIENCE, [])
    assert refusal.value.oauth_error == fault


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("x"),
        httpx.ReadTimeout("x"),
        httpx.Response(503),
        httpx.Response(500, json={"error": "server_error"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(302, headers={"location": "https://evil.example"}),
        httpx.Response(401, text="proxy"),
        httpx.Response(200, content=json.dumps({"access_token": "x" * 100_000}).encode()),
    ],
)
@pytest.mark.asyncio
async def test_an_issuer_that_cannot_answer_is_asked_again_later(
    endpoint: TokenEndpoint, failure: httpx.Response | Exception
) -> None:
    endpoint.failure = failure
    source = a_source(endpoint)
    with pytest.raises(RetryableError):
        await source.get(AUDIENCE, [])
    endpoint.failure = None
    assert (await source.get(AUDIENCE, [])).value == "t1"


@pytest.mark.parametrize(
    "answer",
    [{"access_token": None}, {"expires_in": "300"}, {"token_type": "mac"}, {"token_type": "DPoP"}],
)
@pytest.mark.asyncio
async def test_an_answer_without_a_usable_token_is_none(
    endpoint: TokenEndpoint, answer: dict[str, Any]
) -> None:
    endpoint.answer = answer
    with pytest.raises(RetryableError):
        await a_source(endpoint).get(AUDIENCE, [])


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"issuer": "https://evil.example", "token_endpoint": "https://evil.example/oauth/token"},
        {"issuer": ISSUER, "token_endpoint": "https://evil.example/oauth/token"},
        {"issuer": ISSUER, "token_endpoint": ISSUER + ".evil.example/token"},
        {"issuer": ISSUER},
    ],
)
@pytest.mark.asyncio
async def test_metadata_that_leads_elsewhere_is_not_followed(
    endpoint: TokenEndpoint, metadata: dict[str, str]
) -> None:
    endpoint.metadata = metadata
    with pytest.raises(RetryableError):
        await a_source(endpoint).get(AUDIENCE, [])
    assert endpoint.forms == []
