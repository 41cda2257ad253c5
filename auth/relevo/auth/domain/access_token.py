"""Claims of a JWT access token (RFC 9068 §2.2), with who the client acts for."""

from datetime import datetime
from typing import Any, Final

from .client import Client

TOKEN_TYPE_HEADER: Final = "at+jwt"  # noqa: S105 - a media type
TOKEN_LIFETIME_SECONDS: Final = 300
CLOCK_LEEWAY_SECONDS: Final = 30
"""How much later than `exp` a resource server may still accept a token."""


def token_claims(
    client: Client,
    *,
    issuer: str,
    audience: str,
    scope: str,
    jti: str,
    now: datetime,
    thumbprint: str | None,
) -> dict[str, Any]:
    """Everything a token says. `thumbprint` binds it to a DPoP key (RFC 9449 §6.1)."""
    issued_at = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": client.client_id,
        "aud": audience,
        "exp": issued_at + TOKEN_LIFETIME_SECONDS,
        "iat": issued_at,
        "jti": jti,
        "client_id": client.client_id,
        "scope": scope,
        "institution": client.institution,
        "mandates": list(client.mandates),
    }
    if client.unit is not None:
        claims["unit"] = client.unit
    if client.purpose is not None:
        claims["purpose"] = client.purpose
    if thumbprint is not None:
        claims["cnf"] = {"jkt": thumbprint}
    return claims
