import asyncio
import gzip
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import uvloop
from pydantic import BaseModel

from relevo.contracts.problem import ProblemError
from relevo.servicekit import jose
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.http_client import RefusedError, RetryableError, ServiceClient, outbound_http
from relevo.servicekit.oauth_client import TokenSource

URL = "https://gateway.example/v1/messages"
Answer = Callable[[httpx.Request], httpx.Response]


def a_client(answer: Answer | httpx.Response, **options: Any) -> ServiceClient:
    handler = answer if callable(answer) else lambda _: answer
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return ServiceClient(http=http, **options)


def a_problem(name: str, **members: Any) -> httpx.Response:
    problem = ProblemError(name, **members).problem()
    return httpx.Response(
        problem.status,
        content=problem.model_dump_json().encode(),
        headers={"content-type": "application/problem+json; charset=utf-8"},
    )


class Message(BaseModel):
    sent_at: datetime


@pytest.mark.asyncio
async def test_a_success_is_given_back_read() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, json={"ok": True})

    client = a_client(answer)
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    response = await client.request("POST", URL, json=Message(sent_at=moment), params={"n": "1"})
    assert response.json() == {"ok": True}
    assert seen[0].content == b'{"sent_at":"2026-03-02T00:00:00Z"}'
    assert seen[0].headers["content-type"] == "application/json"
    assert seen[0].headers["accept-encoding"] == "identity"
    assert seen[0].url.query == b"n=1"
    headers = {"Content-Type": "application/jose"}
    await client.request("POST", URL, content=b"x.y.z", headers=headers)
    assert seen[1].headers["content-type"] == "application/jose"


@pytest.mark.asyncio
async def test_a_refusal_carries_the_problem() -> None:
    with pytest.raises(RefusedError) as refusal:
        await a_client(a_problem("receiver_unknown", receiver="gt.igm")).request("POST", URL)
    assert refusal.value.status == 422
    assert refusal.value.name == "receiver_unknown"


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(404, text="<html>"),
        httpx.Response(400, content=b"{", headers={"content-type": "application/problem+json"}),
        httpx.Response(400, json={}, headers={"content-type": "application/problem+json"}),
        httpx.Response(400, json={"type": "x"}),
        httpx.Response(301, headers={"location": "https://evil.example/"}),
        httpx.Response(304),
    ],
)
@pytest.mark.asyncio
async def test_a_refusal_in_another_form_is_still_one(response: httpx.Response) -> None:
    with pytest.raises(RefusedError) as refusal:
        await a_client(response).request("POST", URL)
    assert refusal.value.problem is None
    assert refusal.value.status == response.status_code


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(500),
        httpx.Response(502, text="<html>"),
        a_problem("unavailable"),
        httpx.Response(408),
        httpx.Response(425),
        a_problem("too_many_requests", retry_after_seconds=1),
        a_problem("idempotency_key_in_flight"),
    ],
)
@pytest.mark.asyncio
async def test_what_may_pass_is_retryable(response: httpx.Response) -> None:
    with pytest.raises(RetryableError) as failure:
        await a_client(response).request("POST", URL)
    assert failure.value.status == response.status_code


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("999999999999", 3600.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("9" * 5000, 3600.0),
        (format_datetime(datetime(2000, 1, 1, tzinfo=UTC)), 0.0),
        (format_datetime(datetime(2999, 1, 1, tzinfo=UTC)), 3600.0),
    ],
)
@pytest.mark.asyncio
async def test_how_long_to_wait_is_heard_within_bounds(header: str, seconds: float | None) -> None:
    response = httpx.Response(503, headers={"retry-after": header})
    with pytest.raises(RetryableError) as failure:
        await a_client(response).request("POST", URL)
    assert failure.value.retry_after == seconds


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("x"),
        httpx.ConnectTimeout("x"),
        httpx.ReadTimeout("x"),
        httpx.ReadError("x"),
        httpx.RemoteProtocolError("x"),
        httpx.PoolTimeout("x"),
    ],
)
@pytest.mark.asyncio
async def test_a_broken_line_is_retryable(error: Exception) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(RetryableError):
        await a_client(answer).request("POST", URL)


@pytest.mark.asyncio
async def test_a_malformed_url_is_refused() -> None:
    client = a_client(httpx.Response(200), allow_private=True)
    for url in ("https://exa mple/", "https://x:99999999/", "https://\x00/"):
        with pytest.raises(RefusedError):
            await client.request("GET", url)


@asynccontextmanager
async def serve(answer: bytes, *, pause: float = 0) -> AsyncIterator[str]:
    """A peer on a real socket that says the same to everybody."""
    connections: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            await asyncio.sleep(pause)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.create_task(talk(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


@pytest.mark.asyncio
async def test_an_answer_beyond_the_bound_is_not_read_on_a_real_socket() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n" + b"x" * 5_000_000
    bounded = ServiceClient(allow_private=True, max_response_bytes=1000)
    async with serve(answer) as url, bounded as client:
        with pytest.raises(RetryableError, match="response_too_large"):
            await client.request("GET", url)


@pytest.mark.asyncio
async def test_a_compressed_answer_cannot_expand() -> None:
    body = gzip.compress(b"x" * 1_000_000)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(body)}\r\n\r\n"
    async with serve(head.encode() + body) as url, ServiceClient(allow_private=True) as client:
        with pytest.raises(RetryableError, match="compressed_response"):
            await client.request("GET", url)


@pytest.mark.asyncio
async def test_a_peer_that_never_ends_is_left_at_the_deadline() -> None:
    async with (
        serve(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx", pause=2) as url,
        ServiceClient(allow_private=True, deadline_seconds=0.1) as client,
    ):
        with pytest.raises(RetryableError, match="timeout"):
            await client.request("GET", url)


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"]
)
@pytest.mark.asyncio
async def test_a_connection_cut_short_is_retryable(answer: bytes) -> None:
    async with serve(answer) as url, ServiceClient(allow_private=True) as client:
        with pytest.raises(RetryableError, match="connection_lost"):
            await client.request("GET", url)


@pytest.mark.asyncio
async def test_a_port_that_nobody_listens_on_is_retryable() -> None:
    async with serve(b"") as url:
        pass
    async with ServiceClient(allow_private=True) as client:
        with pytest.raises(RetryableError, match="connect"):
            await client.request("GET", url)


@pytest.mark.asyncio
async def test_a_refused_token_is_renewed_once() -> None:
    issued = 0
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal issued
        if request.url.path == "/.well-known/oauth-authorization-server":
            base = "https://gateway.example"
            return httpx.Response(
                200, json={"issuer": base, "token_endpoint": base + "/oauth/token"}
            )
        if request.url.path == "/oauth/token":
            issued += 1
            token = {"access_token": f"t{issued}", "token_type": "DPoP", "expires_in": 300}
            return httpx.Response(200, json=token)
        seen.append(request.headers["authorization"])
        assert request.headers["dpop"]
        if request.headers["authorization"] == "DPoP t1" or request.url.path == "/never":
            return a_problem("invalid_token")
        return httpx.Response(200)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    key = jose.generate_signing_key()
    tokens = TokenSource(
        issuer="https://gateway.example", client_id="n", key=key, http=http,
        clock=FixedClock(), dpop_key=key,
    )  # fmt: skip
    client = ServiceClient(tokens, http=http)
    await client.request("POST", URL, json={}, scopes=["messages:send"])
    assert seen == ["DPoP t1", "DPoP t2"]
    with pytest.raises(RefusedError) as refusal:
        await client.request("GET", "https://gateway.example/never", scopes=["messages:send"])
    assert refusal.value.name == "invalid_token"
    assert seen[2:] == ["DPoP t2", "DPoP t3"]


def test_a_connection_that_is_reset_as_soon_as_it_stands_can_be_retried() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def ask() -> str:
        server = await asyncio.start_server(reset, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        causes = set()
        async with server, outbound_http(allow_private=True) as http:
            client = ServiceClient(http=http, allow_private=True)
            # Whether the reset comes before or after httpx looks at the socket is chance.
            for _ in range(20):
                with pytest.raises(RetryableError) as caught:
                    await client.request("GET", url)
                causes.add(caught.value.cause)
        return ",".join(sorted(causes - {"connection_lost", "connect"}))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert not runner.run(ask())
