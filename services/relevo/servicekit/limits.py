"""No body reaches a handler before its size, type, encoding and depth are known to be harmless."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from relevo.contracts.problem import FieldError, ProblemError

from . import json_input
from .problems import problem_response

MAX_BODY_BYTES: Final = 1024 * 1024
STALL_SECONDS: Final = 30.0
"""A slow link may take its time; a body that stops arriving for this long is given up."""

JSON_ONLY: Final = ("application/json",)

# No text holds it, and not every database could look for it.
_NUL: Final = b"%00"

# What is left of such a body is not read, so the connection cannot be used again.
_UNREAD: Final = frozenset({"bad_request", "body_too_large", "request_timeout"})

T = TypeVar("T")


class LimitsMiddleware:
    """Reads each body within its bounds, refuses bad ones, and hands good ones on in one piece.

    Args:
        app: What comes behind.
        max_body_bytes: Limit where `body_limits` says nothing.
        body_limits: Path, or the beginning of paths when it ends in "/", to a limit in bytes.
        media_types: Path, likewise, to the content types accepted there; elsewhere JSON.
        stall_seconds: Longest pause between two pieces of a body.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        body_limits: Mapping[str, int] | None = None,
        media_types: Mapping[str, Sequence[str]] | None = None,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._body_limits = dict(body_limits or {})
        self._media_types = dict(media_types or {})
        self._stall_seconds = stall_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _NUL in scope.get("query_string", b"") or "\x00" in scope["path"]:
            await _refuse(ProblemError("bad_request"), scope, receive, send)
            return
        if (
            scope["method"] in {"GET", "HEAD", "OPTIONS"}
            and headers.get("content-length", "0") == "0"
            and "transfer-encoding" not in headers
        ):
            await self._app(scope, _empty(receive), send)
            return
        try:
            body = await self._read(scope, headers, receive)
            if body is None:
                return  # the client has gone
            if body:
                self._check(scope, headers, body)
        except ProblemError as error:
            await _refuse(error, scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, scope: Scope, headers: Headers, receive: Receive) -> bytes | None:
        limit = _for_path(self._body_limits, scope["path"], self._max_body_bytes)
        declared = headers.get("content-length", "0")
        # Longer than any number we accept, or no number at all: int() must not be asked.
        if not declared.isascii() or not declared.isdigit() or len(declared) > 18:
            raise ProblemError("bad_request")
        if int(declared) > limit:
            raise ProblemError("body_too_large", limit=limit)
        pieces: list[bytes] = []
        size = 0
        while True:
            try:
                async with asyncio.timeout(self._stall_seconds):
                    message = await receive()
            except TimeoutError:
                raise ProblemError("request_timeout") from None
            if message["type"] == "http.disconnect":
                return None
            piece = message.get("body", b"")
            size += len(piece)
            if size > limit:
                raise ProblemError("body_too_large", limit=limit)
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)

    def _check(self, scope: Scope, headers: Headers, body: bytes) -> None:
        accepted = _for_path(self._media_types, scope["path"], JSON_ONLY)
        sent = headers.get("content-type", "").partition(";")[0].strip().lower()
        if sent not in accepted or len(headers.getlist("content-type")) != 1:
            raise ProblemError("unsupported_media_type", expected=" or ".join(accepted))
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise ProblemError("unsupported_media_type", expected=f"{sent} without compression")
        if sent == "application/json" or sent.endswith("+json"):
            check_json(body)


async def _refuse(error: ProblemError, scope: Scope, receive: Receive, send: Send) -> None:
    scope.setdefault("state", {})["problem"] = error.name
    extra = {"connection": "close"} if error.name in _UNREAD else None
    response = problem_response(error, Headers(scope=scope), extra=extra)
    await response(scope, receive, send)


def check_json(body: bytes) -> None:
    """Refuse JSON that is malformed, too deep or cannot be stored.

    Raises:
        ProblemError: `malformed_json`, `too_deep` or `invalid_input`.
    """
    try:
        json_input.parse(body)
    except json_input.TooDeepError:
        raise ProblemError("too_deep", limit=json_input.MAX_DEPTH) from None
    except json_input.UnstorableTextError as error:
        raise ProblemError(
            "invalid_input", errors=[FieldError(pointer="", detail=f"Refused: {error}.")]
        ) from None
    except json_input.JsonInputError:
        raise ProblemError("malformed_json") from None


def _for_path(table: Mapping[str, T], path: str, otherwise: T) -> T:
    if path in table:
        return table[path]
    prefixes = [known for known in table if known.endswith("/") and path.startswith(known)]
    return table[max(prefixes, key=len)] if prefixes else otherwise


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()  # nothing comes any more but a disconnect
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def _empty(receive: Receive) -> Receive:
    """A request that announced no body has none, whatever arrives."""

    async def receive_nothing() -> Message:
        message = await receive()
        if message["type"] == "http.request":
            return {"type": "http.request", "body": b"", "more_body": False}
        return message

    return receive_nothing
