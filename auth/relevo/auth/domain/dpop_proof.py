"""A DPoP proof at the token endpoint (RFC 9449 §4.3 and §5): binds the token to the key that made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relevo.servicekit.dpop import (
    MAX_JTI_CHARS,
    MAX_PROOF_CHARS,
    PROOF_TYPE,
    WINDOW_SECONDS,
    plain_url,
)
from relevo.servicekit.jose import JoseError, import_public_key, peek, verify

from .moments import in_words
from .oauth_error import OAuthError


@dataclass(frozen=True, slots=True)
class AcceptedProof:
    """The key's RFC 7638 thumbprint, and what must be remembered so that the proof works once."""

    thumbprint: str
    jti: str
    forget_at: int


def _refuse(reason: str, now: datetime) -> OAuthError:
    return OAuthError(
        "invalid_dpop_proof", f"DPoP proof refused: {reason}. Server time: {in_words(now)}."
    )


def accept_proof(
    proofs: Sequence[str], *, method: str, url: str, now: datetime
) -> AcceptedProof | None:
    """The proof of a request's `DPoP` header fields; None when there is none.

    Raises:
        OAuthError: `invalid_dpop_proof`.
    """
    if not proofs:
        return None
    if len(proofs) > 1 or len(proofs[0]) > MAX_PROOF_CHARS:
        raise _refuse("send one header field of at most 4096 characters", now)
    try:
        header, _ = peek(proofs[0])
        key = import_public_key(header.get("jwk"), curve="Ed25519")
        # The proof names its key by `jwk`; a `kid` beside it chooses nothing.
        claims = verify(proofs[0], {str(header.get("kid")): key}, typ=PROOF_TYPE)
    except JoseError as error:
        raise _refuse(
            f"it must be a {PROOF_TYPE} signed with the Ed25519 key in its jwk", now
        ) from error
    if claims.get("htm") != method:
        raise _refuse("htm is not the method of this request", now)
    if not _same_url(claims.get("htu"), url):
        raise _refuse("htu is not the URL of this endpoint", now)
    issued_at = claims.get("iat")
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        raise _refuse("iat is missing", now)
    if not abs(issued_at - now.timestamp()) <= WINDOW_SECONDS:
        raise _refuse(f"iat is more than {WINDOW_SECONDS} seconds away", now)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI_CHARS:
        raise _refuse(f"jti must be a text of 1 to {MAX_JTI_CHARS} characters", now)
    return AcceptedProof(key.thumbprint(), jti, int(issued_at) + WINDOW_SECONDS + 1)


def _same_url(claimed: Any, url: str) -> bool:
    try:
        return isinstance(claimed, str) and plain_url(claimed) == plain_url(url)
    except ValueError:
        return False
