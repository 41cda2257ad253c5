"""What an issuer publishes for the services beside it: its keys, and what it has taken back.

Suspension bites within a minute without a call per token: the list is fetched with the keys at most
every 15 seconds while it is used, and nobody is let in on a list older than 60.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx
from joserfc.jwk import OKPKey

from relevo.contracts.problem import ProblemError

from . import jose, json_input
from .clock import Clock
from .logging import get_logger

KEYS_PATH: Final = "/oauth/jwks"
REVOCATIONS_PATH: Final = "/oauth/revocations"
REVOCATIONS_TYPE: Final = "relevo-revocations+jwt"

REFRESH_SECONDS: Final = 15
WAIT_SECONDS: Final = 30
"""Younger copies serve while a new one is fetched; older ones are waited for."""
MAX_AGE_SECONDS: Final = 60
FETCH_TIMEOUT_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 1.0
MAX_BYTES: Final = jose.MAX_TOKEN_BYTES

Fetch = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Statements:
    """One copy of what the issuer says."""

    keys: Mapping[str, OKPKey]
    revoked_jtis: frozenset[str]
    suspended_clients: frozenset[str]
    resumed_clients: Mapping[str, int]
    as_of: datetime

    def takes_back(self, *, jti: str, client_id: str, issued_at: float) -> bool:
        """Whether a token counts no more before its time.

        One from before its client's suspension stays dead when the client is resumed; a new one counts.
        """
        return (
            jti in self.revoked_jtis
            or client_id in self.suspended_clients
            or int(issued_at) <= self.resumed_clients.get(client_id, -1)
        )


class _UnusableStatementError(Exception):
    pass


class IssuerStatements:
    """The freshest copy, fetched once for all who wait."""

    def __init__(self, *, issuer: str, fetch: Fetch | httpx.AsyncClient, clock: Clock) -> None:
        self._issuer = issuer
        self._fetch = fetch if not isinstance(fetch, httpx.AsyncClient) else _fetch_with(fetch)
        self._clock = clock
        self._copy: Statements | None = None
        self._running: asyncio.Task[None] | None = None
        self._tried_at = float("-inf")

    async def current(self, kid: str | None = None) -> Statements:
        """A copy that may decide, fetched anew if a key is named that the one we have does not know.

        Raises:
            ProblemError: `unavailable`: there is no copy younger than a minute.
        """
        copy = self._copy
        age = self._age(copy)
        if copy is None or age > WAIT_SECONDS or (kid is not None and kid not in copy.keys):
            await self._refresh()
        elif age > REFRESH_SECONDS:
            self._start_refresh()
        copy = self._copy
        if copy is None or self._age(copy) > MAX_AGE_SECONDS:
            get_logger().error("issuer_statements_stale", issuer=self._issuer)
            raise ProblemError("unavailable")
        return copy

    def _age(self, copy: Statements | None) -> float:
        if copy is None:
            return float("inf")
        # A clock that was set back must not keep a copy young for ever.
        return abs((self._clock.security() - copy.as_of).total_seconds())

    async def _refresh(self) -> None:
        task = self._start_refresh()
        if task is not None:
            # Others wait for the same task: one caller's leaving must not end it.
            await asyncio.shield(task)

    def _start_refresh(self) -> asyncio.Task[None] | None:
        running = self._running
        if running is not None and not running.done():
            if running.get_loop() is asyncio.get_running_loop():
                return running
        elif time.monotonic() - self._tried_at < RETRY_SECONDS:
            return None  # an issuer that is down, or tokens with made-up keys: do not hammer it
        self._tried_at = time.monotonic()
        self._running = asyncio.create_task(self._fetch_copy())
        return self._running

    async def _fetch_copy(self) -> None:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_SECONDS):
                keys, revocations = await asyncio.gather(
                    self._fetch(self._issuer + KEYS_PATH),
                    self._fetch(self._issuer + REVOCATIONS_PATH),
                )
            self._copy = self._read(keys, revocations)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the old copy stands
            get_logger().warning(
                "issuer_statements_not_fetched", issuer=self._issuer, exc_info=error
            )

    def _read(self, key_set: bytes, revocations: bytes) -> Statements:
        if len(key_set) > MAX_BYTES or len(revocations) > MAX_BYTES:
            raise _UnusableStatementError("too large")
        keys = jose.import_key_set(json_input.parse(key_set), curve="Ed25519")
        claims = jose.verify(revocations.decode("ascii").strip(), keys, typ=REVOCATIONS_TYPE)
        if claims.get("iss") != self._issuer:
            raise _UnusableStatementError("another issuer's")
        issued_at = claims.get("iat")
        now = self._clock.security()
        if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
            raise _UnusableStatementError("without iat")
        if abs(now.timestamp() - issued_at) > MAX_AGE_SECONDS:
            raise _UnusableStatementError("stale, or a clock is wrong")
        # Dated ahead of us: clocks differ a little, and ours decides when to ask again.
        as_of = min(now, datetime.fromtimestamp(issued_at, tz=now.tzinfo))
        if self._copy is not None and as_of < self._copy.as_of <= now:
            return self._copy  # an older statement never replaces a newer one
        return Statements(
            keys=keys,
            revoked_jtis=_texts(claims, "revoked_jtis"),
            suspended_clients=_texts(claims, "suspended_clients"),
            resumed_clients=_moments(claims, "resumed_clients"),
            as_of=as_of,
        )


def _texts(claims: dict[str, Any], name: str) -> frozenset[str]:
    values = claims.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _UnusableStatementError(f"{name} is no list")
    return frozenset(values)


def _moments(claims: dict[str, Any], name: str) -> dict[str, int]:
    values = claims.get(name)
    if not isinstance(values, dict) or not all(
        isinstance(value, int) and not isinstance(value, bool) for value in values.values()
    ):
        raise _UnusableStatementError(f"{name} is no table of moments")
    return values


def _fetch_with(client: httpx.AsyncClient) -> Fetch:
    async def fetch(url: str) -> bytes:
        async with client.stream("GET", url) as response:
            response.raise_for_status()
            body = b""
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    raise _UnusableStatementError("too large")
            return body

    return fetch
