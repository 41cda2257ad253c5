"""Tokens for calling another service: client credentials with `private_key_jwt` (RFC 7523)."""

import asyncio
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
from joserfc.jwk import OKPKey

from . import dpop, jose, json_input
from .clock import Clock
from .outbound_errors import RefusedError, RetryableError

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
RENEW_BEFORE: Final = timedelta(seconds=60)
ASSERTION_SECONDS: Final = 60
MAX_ANSWER_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and until when it may be presented."""

    value: str
    expires_at: datetime
    bound: bool


class TokenSource:
    """Access tokens of one client at one issuer, kept until a minute before they expire.

    Args:
        issuer: The issuer's identifier; its metadata (RFC 8414) names the token endpoint.
        client_id: As registered at the issuer.
        key: The client's private key; its public part is registered at the issuer.
        http: How to reach the issuer.
        clock: Its security time counts.
        dpop_key: Binds the tokens to this key (RFC 9449); None asks for bearer tokens.
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        key: OKPKey,
        http: httpx.AsyncClient,
        clock: Clock,
        dpop_key: OKPKey | None = None,
    ) -> None:
        self.issuer = issuer.rstrip("/")
        self.client_id = client_id
        self._key = key
        self._http = http
        self._clock = clock
        self._dpop_key = dpop_key
        self._token_endpoint: str | None = None
        self._tokens: dict[tuple[str, frozenset[str]], Token] = {}
        self._lock = asyncio.Lock()

    async def get(self, audience: str, scopes: Collection[str]) -> Token:
        """A token for a resource server.

        Raises:
            RetryableError: The issuer could not be asked.
            RefusedError: The issuer refuses this client or these scopes; `oauth_error` says why.
        """
        wanted = (audience.rstrip("/"), frozenset(str(scope) for scope in scopes))
        token = self._fresh(wanted)
        if token is None:
            async with self._lock:  # one request, however many wait
                token = self._fresh(wanted)
                if token is None:
                    token = await self._request(*wanted)
                    self._tokens[wanted] = token
        return token

    def forget(self, audience: str, scopes: Collection[str]) -> None:
        """Drop a token that a resource server refused."""
        key = (audience.rstrip("/"), frozenset(str(scope) for scope in scopes))
        self._tokens.pop(key, None)

    async def headers(
        self, method: str, url: str, *, audience: str, scopes: Collection[str]
    ) -> dict[str, str]:
        """`Authorization`, and a fresh `DPoP` proof when the token is bound."""
        token = await self.get(audience, scopes)
        if not token.bound or self._dpop_key is None:
            return {"authorization": f"Bearer {token.value}"}
        proof = dpop.make_proof(
            self._dpop_key,
            method,
            url,
            now=self._clock.security(),
            access_token=token.value,
        )
        return {"authorization": f"DPoP {token.value}", "dpop": proof}

    def _fresh(self, wanted: tuple[str, frozenset[str]]) -> Token | None:
        token = self._tokens.get(wanted)
        if token is None or self._clock.security() >= token.expires_at - RENEW_BEFORE:
            return None
        return token

    async def _request(self, audience: str, scopes: frozenset[str]) -> Token:
        endpoint = await self._find_endpoint()
        now = self._clock.security()
        issued_at = int(now.timestamp())
        assertion = jose.sign(
            {
                "iss": self.client_id,
                "sub": self.client_id,
                "aud": self.issuer,
                "jti": str(uuid.uuid4()),
                "iat": issued_at,
                "exp": issued_at + ASSERTION_SECONDS,
            },
            self._key,
            typ="JWT",
        )
        headers = {}
        if self._dpop_key is not None:
            headers["dpop"] = dpop.make_proof(self._dpop_key, "POST", endpoint, now=now)
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "resource": audience,
            "scope": " ".join(sorted(scopes)),
        }
        answer = await self._ask("POST", endpoint, data=form, headers=headers)
        return _token(answer, now, may_be_bound=self._dpop_key is not None)

    async def _find_endpoint(self) -> str:
        if self._token_endpoint is None:
            metadata = await self._ask("GET", self.issuer + METADATA_PATH)
            # RFC 8414 §3.3: otherwise this is some other issuer's document.
            if metadata.get("issuer") != self.issuer:
                raise RetryableError("issuer_metadata_of_another")
            endpoint = metadata.get("token_endpoint")
            # Our assertion and proof go there, so it must be the issuer's own.
            if not isinstance(endpoint, str) or not endpoint.startswith(self.issuer + "/"):
                raise RetryableError("issuer_metadata_malformed")
            self._token_endpoint = endpoint
        return self._token_endpoint

    async def _ask(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, url, follow_redirects=False, **options)
        except httpx.TimeoutException:
            raise RetryableError("issuer_timeout") from None
        except httpx.HTTPError:
            raise RetryableError("issuer_unreachable") from None
        document = _object(response.content)
        if response.status_code == 200 and document is not None:
            return document
        fault = document.get("error") if document else None
        if response.status_code in {400, 401, 403} and isinstance(fault, str):
            raise RefusedError(None, response.status_code, oauth_error=fault[:64])
        raise RetryableError(f"issuer_status_{response.status_code}", status=response.status_code)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json_input.parse(body) if len(body) <= MAX_ANSWER_BYTES else None
    except json_input.JsonInputError:
        return None
    return value if isinstance(value, dict) else None


def _token(answer: dict[str, Any], now: datetime, *, may_be_bound: bool) -> Token:
    value, lifetime = answer.get("access_token"), answer.get("expires_in")
    kind = str(answer.get("token_type", "")).lower()
    if not isinstance(value, str) or not value or not isinstance(lifetime, int):
        raise RetryableError("issuer_answer_malformed")
    if kind not in {"bearer", "dpop"} or (kind == "dpop" and not may_be_bound):
        raise RetryableError("issuer_answer_malformed")
    return Token(value, now + timedelta(seconds=lifetime), bound=kind == "dpop")
