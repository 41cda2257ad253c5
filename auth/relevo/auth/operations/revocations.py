"""Revoke a token, and publish what resource servers must refuse."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from relevo.auth import authlib_server
from relevo.auth.domain.access_token import CLOCK_LEEWAY_SECONDS, TOKEN_TYPE_HEADER
from relevo.auth.domain.key_rotation import published_keys_at
from relevo.auth.domain.oauth_error import OAuthError
from relevo.auth.domain.oauth_form import OAuthForm
from relevo.auth.domain.revocation_list import (
    MOST_CLIENTS,
    MOST_TOKENS,
    REVOCATIONS_TYPE_HEADER,
    SUSPENSION_SHOWN_FOR,
    revocation_claims,
)
from relevo.auth.storage import clients, revoked_tokens, used_jtis
from relevo.contracts.problem import ProblemError
from relevo.servicekit import jose

from .context import Issuer
from .issue_tokens import assertion_digest, desk_of
from .signing_keys import current_key

_LEEWAY = timedelta(seconds=CLOCK_LEEWAY_SECONDS)


async def revoke_token(issuer: Issuer, form: OAuthForm) -> None:
    """RFC 7009: the client's own token; one that is not ours, or has expired, needs no revoking.

    Raises:
        OAuthError: The client is not authenticated, or the token is another's.
    """
    refusal = await issuer.database.write(_revoke, issuer, form)
    if refusal is not None:
        raise refusal


async def read_revocations(issuer: Issuer) -> str:
    """The signed list of docs/decisions/0004."""
    return await issuer.database.write(_revocations, issuer)


def _revoke(connection: Connection, issuer: Issuer, form: OAuthForm) -> OAuthError | None:
    desk = desk_of(connection, issuer, [form])

    def read_token(token: str) -> dict[str, Any] | None:
        times = published_keys_at(issuer.keys.times(connection), desk.now)
        keys = issuer.keys.public(connection, [key.kid for key in times])
        try:
            claims = jose.verify(token, keys, typ=TOKEN_TYPE_HEADER)
        except jose.JoseError:
            return None
        return claims if claims["exp"] + CLOCK_LEEWAY_SECONDS > desk.now.timestamp() else None

    revoked = authlib_server.revoke(desk, form, read_token=read_token)
    assertion = revoked.assertion
    if not used_jtis.remember(connection, {assertion_digest(assertion): assertion.forget_at}):
        return OAuthError("invalid_client", "Client assertion refused: its jti was used before.")
    if revoked.claims is not None:
        if revoked_tokens.count_live(connection, after=desk.now - _LEEWAY) >= MOST_TOKENS:
            # Better not taken than silently left out of the list (RFC 7009, 2.2.1).
            return OAuthError(
                "temporarily_unavailable", "Too many tokens are revoked now; try again.", status=503
            )
        revoked_tokens.revoke(
            connection,
            jti=revoked.claims["jti"],
            client_id=assertion.client_id,
            expires_at=datetime.fromtimestamp(revoked.claims["exp"], UTC),
            now=desk.now,
        )
    return None


def _revocations(connection: Connection, issuer: Issuer) -> str:
    now = issuer.clock.security()
    since = now - SUSPENSION_SHOWN_FOR
    suspended = clients.suspensions(connection, since=since, limit=MOST_CLIENTS + 1)
    if len(suspended) > MOST_CLIENTS and suspended[-1].at > since:
        # What the limit cuts must be clients whose tokens have all expired. With no list at all
        # resource servers let nobody in, which is the safe way to be wrong.
        raise ProblemError("unavailable")
    claims = revocation_claims(
        issuer=issuer.issuer,
        revoked_jtis=revoked_tokens.live_jtis(connection, after=now - _LEEWAY, limit=MOST_TOKENS),
        suspended_clients=[one.client_id for one in suspended[:MOST_CLIENTS] if one.lasts],
        resumed_clients={
            one.client_id: one.at for one in suspended[:MOST_CLIENTS] if not one.lasts
        },
        now=now,
    )
    return jose.sign(claims, current_key(connection, issuer), typ=REVOCATIONS_TYPE_HEADER)
