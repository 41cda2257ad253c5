"""Access tokens: client credentials with `private_key_jwt` (RFC 6749 §4.4, RFC 7523).

Kept until a minute before they expire. The issuer stands beside the node and has its name; its
metadata (RFC 8414) says where tokens are asked for.
"""

import json
import time
import uuid
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode

from .credentials import ASSERTION_TYPE, Credentials
from .exceptions import CredentialsRefusedError, NotTheContractError, UnavailableError
from .plan import Alone, Exchange, Plan, Request, Response
from .settings import ClientSettings

METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
RENEW_BEFORE_SECONDS: Final = 60
CLOCK_TOLERANCE_SECONDS: Final = 30
_MAX_BYTES: Final = 64 * 1024


class Tokens:
    """The token of one client at its node's issuer, with every scope that the client has.

    Args:
        settings: The node, and where it answers.
        credentials: The client's name and key.
        clock: Seconds of a clock that never goes back.
    """

    def __init__(
        self, settings: ClientSettings, credentials: Credentials, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._clock = clock
        self._endpoint: str | None = None
        self._token: str | None = None
        self._renew_at = 0.0

    def get(self) -> Plan[str]:
        """A token that is good for a minute at least.

        Raises:
            CredentialsRefusedError: The issuer refuses this client.
            UnavailableError: The issuer cannot answer now.
            NotTheContractError: What answers is no issuer, or another one's.
        """
        if self._token is not None and self._clock() < self._renew_at:
            return self._token
        # However many wait, one asks.
        token: str = yield Alone(self._renew)
        return token

    def forget(self, token: str) -> None:
        """Drop a token that the node refused, unless another has taken its place."""
        if self._token == token:
            self._token = None

    def _renew(self) -> Plan[str]:
        if self._token is not None and self._clock() < self._renew_at:
            return self._token
        endpoint = yield from self._find_endpoint()
        asked_at, now = self._clock(), int(time.time())
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._credentials.assertion(
                self._settings.issuer, jti=str(uuid.uuid4()), now=now
            ),
            "resource": self._settings.issuer,
        }
        request = Request(
            "POST",
            endpoint,
            {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
            urlencode(form).encode(),
        )
        answer = yield Exchange(request)
        said = _read(answer, now)
        token, lifetime = said.get("access_token"), said.get("expires_in")
        is_bearer = str(said.get("token_type", "")).lower() == "bearer"
        if not isinstance(token, str) or not isinstance(lifetime, int) or not is_bearer:
            raise NotTheContractError("The issuer's answer holds no bearer token.")
        self._token, self._renew_at = token, asked_at + lifetime - RENEW_BEFORE_SECONDS
        return token

    def _find_endpoint(self) -> Plan[str]:
        if self._endpoint is None:
            issuer = self._settings.issuer
            url = self._settings.base + METADATA_PATH
            answer = yield Exchange(Request("GET", url, {"accept": "application/json"}))
            metadata = _read(answer, int(time.time()))
            named, endpoint = metadata.get("issuer"), metadata.get("token_endpoint")
            # RFC 8414 §3.3: otherwise this is some other issuer's document.
            if named != issuer:
                raise NotTheContractError(
                    f"The node at {self._settings.base} calls itself {str(named)[:300]!r}: "
                    "say that as `node`, and where it answers as `address`."
                )
            # The assertion goes there, so it must be the issuer's own.
            if not isinstance(endpoint, str) or not endpoint.startswith(issuer + "/"):
                raise NotTheContractError("The issuer names no token endpoint of its own.")
            self._endpoint = self._settings.base + endpoint.removeprefix(issuer)
        return self._endpoint


def _read(answer: Response, now: int) -> dict[str, Any]:
    said = _object(answer.content)
    if answer.status == 200 and said is not None:
        return said
    error = said.get("error") if said else None
    if answer.status in {400, 401, 403} and isinstance(error, str):
        raise CredentialsRefusedError(error[:64], _why(error, said or {}, answer, now))
    if answer.status in {429, 500, 502, 503, 504}:
        raise UnavailableError("The issuer of tokens cannot answer now.")
    raise NotTheContractError(f"No issuer of tokens: it was answered {answer.status}.")


def _why(error: str, said: dict[str, Any], answer: Response, now: int) -> str:
    described = str(said.get("error_description") or error)[:300]
    off = _clock_error(answer.headers.get("date"), now)
    hint = ""
    if abs(off) > CLOCK_TOLERANCE_SECONDS:
        hint = f" This machine's clock differs from the node's by {off:.0f} seconds: set it."
    return f"The issuer gives no token: {described}{hint}"


def _clock_error(date: str | None, now: int) -> float:
    try:
        return now - parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return 0.0


def _object(content: bytes) -> dict[str, Any] | None:
    if len(content) > _MAX_BYTES:
        return None
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
