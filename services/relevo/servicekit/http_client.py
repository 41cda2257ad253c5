"""Calls to other services: with a token, within bounds, and with two kinds of failure only."""

import asyncio
import email.utils
import ssl
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import cache
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError
from pydantic_core import to_json
from typing_extensions import override

from relevo.contracts.problem import MEDIA_TYPE, Problem

from . import json_input
from .address_guard import GuardedTransport, check_form, check_url
from .oauth_client import TokenSource
from .outbound_errors import ForbiddenAddressError, RefusedError, RetryableError

__all__ = [
    "ForbiddenAddressError",
    "RefusedError",
    "RetryableError",
    "ServiceClient",
    "origin",
    "outbound_http",
    "problem_in",
]

MAX_RESPONSE_BYTES: Final = 2 * 1024 * 1024
DEADLINE_SECONDS: Final = 60.0
MAX_RETRY_AFTER_SECONDS: Final = 3600.0
TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0, pool=10.0)
LIMITS: Final = httpx.Limits(
    max_connections=64, max_keepalive_connections=16, keepalive_expiry=30.0
)
_RETRYABLE_STATUS: Final = frozenset({408, 421, 425, 429})
_RETRYABLE_PROBLEMS: Final = frozenset({"idempotency_key_in_flight", "too_many_requests"})


def outbound_http(
    *, allow_private: bool = False, proxy: str | None = None, tls: ssl.SSLContext | None = None
) -> httpx.AsyncClient:
    """An HTTP client as this service may use it.

    Behind a proxy the proxy resolves names, so keeping it from private addresses is the proxy's
    duty as well.
    """
    context = tls or _trusted_roots()
    transport: httpx.AsyncBaseTransport
    if proxy is not None:
        transport = httpx.AsyncHTTPTransport(verify=context, limits=LIMITS, proxy=proxy)
    elif allow_private:
        transport = httpx.AsyncHTTPTransport(verify=context, limits=LIMITS)
    else:
        transport = GuardedTransport(verify=context, limits=LIMITS)
    return httpx.AsyncClient(
        transport=_ResetNoticed(transport), timeout=TIMEOUT, follow_redirects=False, trust_env=False
    )


@cache
def _trusted_roots() -> ssl.SSLContext:
    # Reading them takes 30 ms and some memory: once per process.
    return httpx.create_ssl_context()


class _ResetNoticed(httpx.AsyncBaseTransport):
    """A connection that is reset as soon as it stands is a lost connection, not a fault of ours.

    With uvloop the socket is gone by the time anyio asks its family, which ends in an
    AttributeError out of httpcore instead of one of its own errors.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._inner.handle_async_request(request)
        except AttributeError as error:
            raise httpx.ConnectError("reset at once", request=request) from error

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()


class ServiceClient:
    """Asks one kind of peer, as one client.

    Args:
        tokens: Where tokens come from; None calls without (webhooks).
        http: A client from `outbound_http`, or a test's own; whoever made it closes it. Given
            None, one is made here and closed by `aclose`.
        allow_private: Whether URLs may be http and lead to private addresses.
        proxy: The outbound proxy, for a client made here.
        max_response_bytes: Longer answers are refused unread.
        deadline_seconds: For the whole exchange, whatever the pace of its parts.
    """

    def __init__(
        self,
        tokens: TokenSource | None = None,
        *,
        http: httpx.AsyncClient | None = None,
        allow_private: bool = False,
        proxy: str | None = None,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._tokens = tokens
        self._owns_http = http is None
        self._http = http or outbound_http(allow_private=allow_private, proxy=proxy)
        self._allow_private = allow_private
        self._max_response_bytes = max_response_bytes
        self._deadline_seconds = deadline_seconds

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        scopes: Collection[str] = (),
        audience: str | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer, when it is a success (2xx); its body is read.

        Args:
            method: HTTP method.
            url: Absolute URL without a query.
            json: Anything pydantic can write as JSON, a model too.
            content: A body as it is; name its type in `headers`.
            headers: Further headers.
            scopes: What the token must allow.
            audience: Base URL of the peer; its scheme, host and port unless given.
            params: The query.

        Raises:
            RetryableError: The same request may succeed later.
            RefusedError: It will not.
        """
        (check_form if self._allow_private else check_url)(url)
        sent = {"accept": f"application/json, {MEDIA_TYPE}", "accept-encoding": "identity"}
        if json is not None:
            content = to_json(json)
            sent["content-type"] = "application/json"
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        target = audience or origin(url)
        for attempt in (1, 2):
            if self._tokens is not None:
                sent |= await self._tokens.headers(method, url, audience=target, scopes=scopes)
            try:
                request = self._http.build_request(
                    method, url, content=content, headers=sent, params=params
                )
            except httpx.InvalidURL:
                raise ForbiddenAddressError("malformed_url") from None
            response = await self._exchange(request)
            if response.status_code == 401 and self._tokens is not None and attempt == 1:
                # Perhaps the token was revoked or its key retired: once more, with a new one.
                self._tokens.forget(target, scopes)
                continue
            break
        else:  # pragma: no cover - the loop always breaks
            raise RetryableError("no_attempt")
        return _judge(response)

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                return await self._read(request)
        except (TimeoutError, httpx.TimeoutException):
            raise RetryableError("timeout") from None
        except httpx.ConnectError:
            raise RetryableError("connect") from None
        except httpx.HTTPError:
            raise RetryableError("connection_lost") from None

    async def _read(self, request: httpx.Request) -> httpx.Response:
        response = await self._http.send(request, stream=True)
        try:
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise RetryableError("compressed_response", status=response.status_code)
            body = await self._body(response)
        finally:
            await response.aclose()
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            content=body,
            request=request,
        )

    async def _body(self, response: httpx.Response) -> bytes:
        if response.is_stream_consumed:  # a transport that gives whole answers
            return response.content
        pieces: list[bytes] = []
        size = 0
        async for piece in response.aiter_raw():
            size += len(piece)
            if size > self._max_response_bytes:
                raise RetryableError("response_too_large", status=response.status_code)
            pieces.append(piece)
        return b"".join(pieces)

    async def aclose(self) -> None:
        if self._owns_http:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def origin(url: str) -> str:
    """Scheme, host and port of a URL: a service's base URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _judge(response: httpx.Response) -> httpx.Response:
    status = response.status_code
    if 200 <= status < 300:
        return response
    problem = problem_in(response)
    name = problem.type.rpartition("/")[2] if problem else ""
    if status >= 500 or status in _RETRYABLE_STATUS or name in _RETRYABLE_PROBLEMS:
        raise RetryableError(
            f"status_{status}", _retry_after(response), status=status, problem=problem
        )
    raise RefusedError(problem, status)


def problem_in(response: httpx.Response) -> Problem | None:
    """The problem that a response carries, if it is one of the contract's form."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != MEDIA_TYPE:
        return None
    try:
        return Problem.model_validate(json_input.parse(response.content))
    except (ValidationError, json_input.JsonInputError):
        return None


def _retry_after(response: httpx.Response) -> float | None:
    said = response.headers.get("retry-after", "")[:40]
    if said.isascii() and said.isdigit():
        return min(float(said), MAX_RETRY_AFTER_SECONDS)
    try:
        until = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    wait = (until - datetime.now(UTC)).total_seconds()
    return min(max(wait, 0.0), MAX_RETRY_AFTER_SECONDS)
