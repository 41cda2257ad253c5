"""Forget what can no longer matter: ids of expired assertions, revocations of expired tokens."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.auth.domain.access_token import CLOCK_LEEWAY_SECONDS
from relevo.auth.storage import revoked_tokens, used_jtis

from .context import Issuer

_AT_ONCE: Final = 2000
"""Small enough that no token waits long behind a purge."""


async def purge(issuer: Issuer) -> bool:
    """Deletes a bounded number of rows; True when there may be more."""
    return await issuer.database.write(_purge, issuer)


def _purge(connection: Connection, issuer: Issuer) -> bool:
    now = issuer.clock.security()
    before = now - timedelta(seconds=CLOCK_LEEWAY_SECONDS)
    ids = used_jtis.forget(connection, now=now, limit=_AT_ONCE)
    tokens = revoked_tokens.forget(connection, before=before, limit=_AT_ONCE)
    return _AT_ONCE in {ids, tokens}
