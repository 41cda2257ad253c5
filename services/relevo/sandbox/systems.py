"""An institution's own system, as its programmers would write it: a key, tokens, plain HTTP.

It authenticates with `private_key_jwt` (RFC 7523) at the issuer beside its own node, and speaks to
nobody else.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
from joserfc.jwk import OKPKey

from relevo.servicekit import jose

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_RENEW_SECONDS: Final = 60


class UnexpectedAnswerError(RuntimeError):
    """A request that should have succeeded did not."""


class LocalSystem:
    """Calls its institution's node.

    Args:
        client_id: As registered at the node's issuer.
        key: Its private key.
        node: The node's base URL, which is also its issuer's name.
        address: Where the node answers on the institution's own network.
        scopes: What it asks for unless told otherwise.
    """

    def __init__(
        self, client_id: str, key: OKPKey, *, node: str, address: str, scopes: Sequence[str]
    ) -> None:
        self.client_id = client_id
        self.node = node
        self.scopes = tuple(scopes)
        self._key = key
        self._http = httpx.Client(base_url=address, trust_env=False, timeout=30)
        self._tokens: dict[tuple[str, ...], tuple[str, float]] = {}

    def token(self, *scopes: str) -> str:
        """An access token, kept until a minute before it expires."""
        wanted = tuple(sorted(scopes or self.scopes))
        known = self._tokens.get(wanted)
        if known is None or known[1] < time.monotonic():
            known = self._tokens[wanted] = self._ask(wanted)
        return known[0]

    def token_anew(self) -> str:
        """A new one, whatever is kept.

        Raises:
            UnexpectedAnswerError: The issuer gives none.
        """
        return self._ask(tuple(sorted(self.scopes)))[0]

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        scopes: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """One request. `key` is its Idempotency-Key; by default every request has a new one."""
        sent = {
            "authorization": f"Bearer {self.token(*scopes)}",
            "idempotency-key": key or str(uuid.uuid4()),
            **(headers or {}),
        }
        return self._http.request(method, path, json=body, headers=sent, params=params)

    def send(
        self, path: str, content: bytes, *, media_type: str, params: Mapping[str, Any]
    ) -> httpx.Response:
        """A file, as it is."""
        headers = {"authorization": f"Bearer {self.token()}", "content-type": media_type}
        return self._http.post(path, content=content, headers=headers, params=params)

    def get(self, path: str, **params: Any) -> Any:
        """What a path says.

        Raises:
            UnexpectedAnswerError: It was refused.
        """
        return _good(self.call("GET", path, params=params))

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """What a path answers to a body.

        Raises:
            UnexpectedAnswerError: It was refused.
        """
        return _good(self.call("POST", path, body, key=key))

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """Every event past a position, page by page, as a careful reader reads the feed."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get("/v1/events", after=after, limit=3)
            if not page["events"]:
                return found
            found += page["events"]
            after = page["next_after"]

    def close(self) -> None:
        self._http.close()

    def _ask(self, scopes: tuple[str, ...]) -> tuple[str, float]:
        now = int(time.time())
        assertion = jose.sign(
            {
                "iss": self.client_id,
                "sub": self.client_id,
                "aud": self.node,
                "jti": str(uuid.uuid4()),
                "iat": now,
                "exp": now + 60,
            },
            self._key,
            typ="JWT",
        )
        answer = self._http.post(
            "/oauth/token",
            data={
                "grant_type": "client_credentials",
                "client_assertion_type": _ASSERTION_TYPE,
                "client_assertion": assertion,
                "scope": " ".join(scopes),
                "resource": self.node,
            },
        )
        said = _good(answer)
        until = time.monotonic() + int(said["expires_in"]) - _RENEW_SECONDS
        return str(said["access_token"]), until


def _good(answer: httpx.Response) -> Any:
    if not answer.is_success:
        asked = f"{answer.request.method} {answer.request.url.path}"
        raise UnexpectedAnswerError(f"{asked} was answered {answer.status_code}: {answer.text}")
    return answer.json()
