"""Client authentication by a signed assertion (`private_key_jwt`, RFC 7523 §3)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode

from relevo.servicekit.jose import verify_raw

from .moments import in_words
from .oauth_error import OAuthError
from .oauth_form import UnverifiedAssertion

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_ALGORITHMS: Final = ("Ed25519", "EdDSA")
"""RFC 9864 names the curve; libraries that know RFC 8037 only say EdDSA. The key decides anyway."""
_ASSERTION_TYPES: Final = frozenset({"jwt", "client-authentication+jwt"})
LEEWAY_SECONDS: Final = 30
LONGEST_ASSERTION_SECONDS: Final = 300
"""Bounds how long a used `jti` must be remembered."""
LONGEST_JTI: Final = 255


@dataclass(frozen=True, slots=True)
class AcceptedAssertion:
    """What must be remembered so that the assertion never works again."""

    client_id: str
    jti: str
    forget_at: int


def _refuse(reason: str, now: datetime | None = None) -> OAuthError:
    at = f" Server time: {in_words(now)}." if now else ""
    return OAuthError("invalid_client", f"Client assertion refused: {reason}.{at}")


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise _refuse(f"{name} is not a time in seconds")
    return value


def verify_assertion(assertion: UnverifiedAssertion, keys: Mapping[str, OKPKey]) -> None:
    """Check that one of a client's keys made the signature (RFC 7515 §5.2).

    The registered key decides the algorithm, Ed25519; the header may only agree. So neither `none`
    nor HMAC with a public key as its secret is ever considered.

    Raises:
        OAuthError: `invalid_client`, the same answer whatever is wrong.
    """
    header = assertion.header
    kid = header.get("kid")
    if kid is None and len(keys) == 1:
        key = next(iter(keys.values()))
    elif isinstance(kid, str) and kid in keys:
        key = keys[kid]
    else:
        raise not_authenticated()
    if header.get("alg") not in ASSERTION_ALGORITHMS or "crit" in header:
        raise not_authenticated()
    if str(header.get("typ", "JWT")).lower().removeprefix("application/") not in _ASSERTION_TYPES:
        raise not_authenticated()
    signed, _, signature = assertion.token.rpartition(".")
    try:
        verify_raw(signed.encode("ascii"), urlsafe_b64decode(signature.encode("ascii")), key)
    except ValueError as error:  # not base64url, or BadSignatureError
        raise not_authenticated() from error


def not_authenticated() -> OAuthError:
    """An unknown client and a wrong signature look alike: nobody learns who is registered."""
    return OAuthError(
        "invalid_client",
        "Client assertion refused: no active key of a registered client made this signature.",
    )


def accept_assertion(
    claims: Mapping[str, Any], *, client_id: str, audiences: Collection[str], now: datetime
) -> AcceptedAssertion:
    """The claims of an assertion whose signature has been verified.

    One audience only: an assertion that also names another server could be carried there.

    Raises:
        OAuthError: `invalid_client`, saying which claim is wrong and, for times, the server's time.
    """
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise _refuse("iss and sub must both be the client_id")
    audience = claims.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    if not isinstance(audience, str) or audience not in audiences:
        raise _refuse("aud must be this issuer or its token endpoint, and nothing else")
    current = now.timestamp()
    expires = _seconds(claims, "exp")
    if expires is None:
        raise _refuse("exp is missing")
    if expires + LEEWAY_SECONDS <= current:
        raise _refuse("it has expired", now)
    if expires > current + LONGEST_ASSERTION_SECONDS + LEEWAY_SECONDS:
        raise _refuse(f"it lives longer than {LONGEST_ASSERTION_SECONDS} seconds", now)
    for name in ("iat", "nbf"):
        moment = _seconds(claims, name)
        if moment is not None and moment > current + LEEWAY_SECONDS:
            raise _refuse(f"{name} is in the future", now)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
        raise _refuse(f"jti must be a text of 1 to {LONGEST_JTI} characters")
    return AcceptedAssertion(client_id, jti, int(expires) + LEEWAY_SECONDS + 1)
