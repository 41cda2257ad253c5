"""Who is calling: access tokens (RFC 9068) of the issuer that stands beside this service.

A token is checked without a call to the issuer. What the issuer takes back before its time it
publishes as a signed list beside its keys; with an old list nobody is let in.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

from relevo.contracts.problem import ProblemError
from relevo.contracts.scopes import Scope

from . import jose
from .clock import Clock
from .dpop import InvalidProofError, ProofVerifier, ReplayCacheFullError
from .issuer_statements import Fetch, IssuerStatements, Statements
from .logging import get_logger

TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - a media type
LEEWAY_SECONDS: Final = 30
MAX_TOKEN_CHARS: Final = 8192
MAX_CACHED: Final = 10_000

_SCOPES: Final = {scope.value: scope for scope in Scope}
_CREDENTIALS: Final = re.compile(r"(?P<scheme>[A-Za-z]+) +(?P<token>[A-Za-z0-9_.-]+)")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever presented a valid token, and for whom they act."""

    client_id: str
    institution: str
    unit: str | None
    mandates: frozenset[str]
    purpose: str | None
    scopes: frozenset[Scope]

    @property
    def party(self) -> str:
        """The unit, or the institution when the token names none."""
        return self.unit or self.institution


@dataclass(frozen=True, slots=True)
class _Accepted:
    caller: Caller
    kid: str
    jti: str
    issued_at: float
    expires_at: float
    key_thumbprint: str | None


class _RefusedTokenError(Exception):
    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class TokenVerifier:
    """Turns a request's credentials into a `Caller`, or refuses.

    Args:
        issuer: The issuer's identifier, which is also where its keys are found.
        audience: Base URL of this service: the one audience that tokens for it name.
        fetch: Gets a URL's bytes, or an HTTP client.
        clock: Its security time counts.
    """

    def __init__(
        self, *, issuer: str, audience: str, fetch: Fetch | httpx.AsyncClient, clock: Clock
    ) -> None:
        self.issuer = issuer.rstrip("/")
        self.audience = audience.rstrip("/")
        self._clock = clock
        self._statements = IssuerStatements(issuer=self.issuer, fetch=fetch, clock=clock)
        self._proofs = ProofVerifier(clock)
        self._accepted: OrderedDict[bytes, _Accepted] = OrderedDict()

    async def verify(
        self, authorization: str | None, dpop: Sequence[str], method: str, url: str
    ) -> Caller:
        """The caller of a request.

        Args:
            authorization: The `Authorization` header.
            dpop: Every `DPoP` header.
            method: The request's method.
            url: The request's URL as clients know it: this service's base URL and the path.

        Raises:
            ProblemError: `invalid_token`, `invalid_dpop_proof`, or `unavailable` while the issuer's
                list of what it took back is missing or older than a minute.
        """
        try:
            scheme, token = _credentials(authorization)
            accepted = await self._accept(token)
        except _RefusedTokenError as refusal:
            get_logger().info("token_refused", reason=refusal.reason, audience=self.audience)
            raise ProblemError("invalid_token") from None
        self._check_possession(scheme, token, accepted, dpop=dpop, method=method, url=url)
        return accepted.caller

    async def is_suspended(self, client_id: str) -> bool:
        """Whether a client is let in no more, for what is done in its name without a request.

        Raises:
            ProblemError: `unavailable`, as for a request.
        """
        return client_id in (await self._statements.current()).suspended_clients

    async def _accept(self, token: str) -> _Accepted:
        mark = hashlib.sha256(token.encode("ascii")).digest()
        known = self._accepted.get(mark)
        if known is None:
            kid = _kid(token)
            statements = await self._statements.current(kid)
            known = self._check(token, kid, statements)
            self._accepted[mark] = known
            if len(self._accepted) > MAX_CACHED:
                self._accepted.popitem(last=False)
        else:
            self._accepted.move_to_end(mark)
            statements = await self._statements.current(known.kid)
        try:
            self._check_still_valid(known, statements)
        except _RefusedTokenError:
            self._accepted.pop(mark, None)
            raise
        return known

    def _check_still_valid(self, known: _Accepted, statements: Statements) -> None:
        if self._clock.security().timestamp() >= known.expires_at + LEEWAY_SECONDS:
            raise _RefusedTokenError("expired")
        if known.kid not in statements.keys:
            raise _RefusedTokenError("unknown_key")
        if statements.takes_back(
            jti=known.jti, client_id=known.caller.client_id, issued_at=known.issued_at
        ):
            raise _RefusedTokenError("taken_back")

    def _check(self, token: str, kid: str, statements: Statements) -> _Accepted:
        key = statements.keys.get(kid)
        if key is None:
            raise _RefusedTokenError("unknown_key")
        try:
            claims = jose.verify(token, {kid: key}, typ=TOKEN_TYPE)
        except jose.BadSignatureError:
            raise _RefusedTokenError("bad_signature") from None
        except jose.JoseError:
            raise _RefusedTokenError("malformed") from None
        if claims.get("iss") != self.issuer:
            raise _RefusedTokenError("other_issuer")
        if claims.get("aud") not in (self.audience, [self.audience]):
            raise _RefusedTokenError("other_audience")
        _check_times(claims, self._clock.security())
        return _Accepted(
            caller=_caller(claims),
            kid=kid,
            jti=_text(claims, "jti"),
            issued_at=float(claims["iat"]),
            expires_at=float(claims["exp"]),
            key_thumbprint=_bound_to(claims),
        )

    def _check_possession(
        self,
        scheme: str,
        token: str,
        accepted: _Accepted,
        *,
        dpop: Sequence[str],
        method: str,
        url: str,
    ) -> None:
        if accepted.key_thumbprint is None:
            if scheme != "bearer":
                self._refuse_proof("token_not_bound")
            return
        if scheme != "dpop":
            # RFC 9449 §7.2: a bound token presented as a bearer token is refused.
            self._refuse_proof("bound_token_as_bearer")
        try:
            thumbprint = self._proofs.check(dpop, method=method, url=url, access_token=token)
        except InvalidProofError as refusal:
            self._refuse_proof(refusal.reason)
        except ReplayCacheFullError:
            raise ProblemError("too_many_requests", retry_after_seconds=60) from None
        else:
            if thumbprint != accepted.key_thumbprint:
                self._refuse_proof("other_key")

    def _refuse_proof(self, reason: str) -> None:
        get_logger().info("proof_refused", reason=reason, audience=self.audience)
        now = self._clock.security()
        raise ProblemError("invalid_dpop_proof", server_time=now.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _credentials(authorization: str | None) -> tuple[str, str]:
    if authorization is None:
        raise _RefusedTokenError("missing")
    if len(authorization) > MAX_TOKEN_CHARS:
        raise _RefusedTokenError("malformed")
    found = _CREDENTIALS.fullmatch(authorization)
    if found is None or found["scheme"].lower() not in {"bearer", "dpop"}:
        raise _RefusedTokenError("malformed")
    return found["scheme"].lower(), found["token"]


def _kid(token: str) -> str:
    try:
        header, _ = jose.peek(token)
    except jose.JoseError:
        raise _RefusedTokenError("malformed") from None
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise _RefusedTokenError("malformed")
    return kid


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _RefusedTokenError("malformed")
    return float(value)


def _check_times(claims: dict[str, Any], now: datetime) -> None:
    current = now.timestamp()
    if current >= _seconds(claims, "exp") + LEEWAY_SECONDS:
        raise _RefusedTokenError("expired")
    if _seconds(claims, "iat") > current + LEEWAY_SECONDS:
        raise _RefusedTokenError("issued_in_the_future")
    if "nbf" in claims and _seconds(claims, "nbf") > current + LEEWAY_SECONDS:
        raise _RefusedTokenError("not_yet_valid")


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise _RefusedTokenError("malformed")
    return value


def _caller(claims: dict[str, Any]) -> Caller:
    mandates = claims.get("mandates", [])
    if not isinstance(mandates, list) or not all(isinstance(item, str) for item in mandates):
        raise _RefusedTokenError("malformed")
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise _RefusedTokenError("malformed")
    _text(claims, "sub")
    return Caller(
        client_id=_text(claims, "client_id"),
        institution=_text(claims, "institution"),
        unit=_text(claims, "unit") if claims.get("unit") is not None else None,
        mandates=frozenset(mandates),
        purpose=_text(claims, "purpose") if claims.get("purpose") is not None else None,
        # A scope of a later contract is not ours to honour.
        scopes=frozenset(_SCOPES[name] for name in scope.split() if name in _SCOPES),
    )


def _bound_to(claims: dict[str, Any]) -> str | None:
    confirmation = claims.get("cnf")
    if confirmation is None:
        return None
    # RFC 7800: a way of binding that we do not know must not be taken for none.
    if not isinstance(confirmation, dict) or not isinstance(confirmation.get("jkt"), str):
        raise _RefusedTokenError("malformed")
    return str(confirmation["jkt"])
