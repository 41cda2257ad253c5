"""Proof of possession (RFC 9449): a stolen token is worth nothing without its holder's key.

The replay cache belongs to one process. A proof names method, URL and token, and lives a minute.
"""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64encode

from . import jose
from .clock import Clock

PROOF_TYPE: Final = "dpop+jwt"
WINDOW_SECONDS: Final = 60
MAX_REMEMBERED: Final = 200_000
MAX_PROOF_CHARS: Final = 4096
MAX_JTI_CHARS: Final = 255


class InvalidProofError(ValueError):
    """The proof is refused. `reason` is for our log; it holds nothing that was sent."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class ReplayCacheFullError(Exception):
    """More proofs came within two minutes than are remembered: none can be told from a replay."""


def access_token_hash(access_token: str) -> str:
    """The `ath` claim (RFC 9449 §4.2)."""
    digest = hashlib.sha256(access_token.encode("utf-8")).digest()
    return urlsafe_b64encode(digest).decode("ascii")


def make_proof(
    key: OKPKey, method: str, url: str, *, now: datetime, access_token: str | None = None
) -> str:
    """A proof for one request; without a token it is for the token endpoint."""
    public = key.as_dict(private=False)
    claims: dict[str, Any] = {
        "jti": str(uuid.uuid4()),
        "htm": method.upper(),
        "htu": plain_url(url),
        "iat": int(now.timestamp()),
    }
    if access_token is not None:
        claims["ath"] = access_token_hash(access_token)
    header = {"jwk": {name: public[name] for name in ("kty", "crv", "x")}}
    return jose.sign(claims, key, typ=PROOF_TYPE, header=header)


def plain_url(url: str) -> str:
    """`htu`: no query, no fragment, default port left out, scheme and host in lower case."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, default} else f":{parts.port}"
    return f"{parts.scheme.lower()}://{host}{port}{parts.path or '/'}"


class ProofVerifier:
    """Checks proofs and lets each pass once."""

    def __init__(self, clock: Clock, *, max_remembered: int = MAX_REMEMBERED) -> None:
        self._clock = clock
        self._max_remembered = max_remembered
        self._turned_at = clock.security()
        self._current: set[bytes] = set()
        self._former: set[bytes] = set()

    def check(
        self, proofs: Sequence[str], *, method: str, url: str, access_token: str | None = None
    ) -> str:
        """The thumbprint of the key that the request's proof was made with.

        Args:
            proofs: Every `DPoP` header of the request; there must be one.
            method: The request's method.
            url: The request's URL as clients know it.
            access_token: The token presented with it; None at the token endpoint.

        Raises:
            InvalidProofError: It does not belong to this request, is stale, or was used before.
            ReplayCacheFullError: Nothing can be decided now.
        """
        if len(proofs) != 1 or len(proofs[0]) > MAX_PROOF_CHARS:
            raise InvalidProofError("not_exactly_one_proof")
        thumbprint, claims = _verified(proofs[0])
        if claims.get("htm") != method.upper():
            raise InvalidProofError("other_method")
        if not _same_url(claims.get("htu"), url):
            raise InvalidProofError("other_url")
        issued_at = claims.get("iat")
        now = self._clock.security()
        if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
            raise InvalidProofError("no_iat")
        if not abs(now.timestamp() - issued_at) <= WINDOW_SECONDS:
            raise InvalidProofError("stale")
        if access_token is not None and claims.get("ath") != access_token_hash(access_token):
            raise InvalidProofError("other_token")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI_CHARS:
            raise InvalidProofError("no_jti")
        self._use_once(hashlib.sha256(f"{thumbprint}\n{jti}".encode()).digest(), now)
        return thumbprint

    def _use_once(self, mark: bytes, now: datetime) -> None:
        # Two sets, turned over every two windows: a proof dated a window ahead stays known for
        # as long as it would pass.
        age = abs((now - self._turned_at).total_seconds())
        if age >= 2 * WINDOW_SECONDS:
            self._former = self._current if age < 4 * WINDOW_SECONDS else set()
            self._current, self._turned_at = set(), now
        if mark in self._current or mark in self._former:
            raise InvalidProofError("replayed")
        if len(self._current) + len(self._former) >= self._max_remembered:
            raise ReplayCacheFullError
        self._current.add(mark)


def _verified(proof: str) -> tuple[str, dict[str, Any]]:
    try:
        header, _ = jose.peek(proof)
        key = jose.import_public_key(header.get("jwk"), curve="Ed25519")
        # The key that counts is the proof's own; a `kid` beside it means nothing here.
        keys = {str(header["kid"]): key} if "kid" in header else [key]
        claims = jose.verify(proof, keys, typ=PROOF_TYPE)
    except jose.JoseError:
        raise InvalidProofError("not_a_proof") from None
    return jose.thumbprint(key), claims


def _same_url(claimed: Any, url: str) -> bool:
    if not isinstance(claimed, str):
        return False
    try:
        return plain_url(claimed) == plain_url(url)
    except ValueError:
        return False
