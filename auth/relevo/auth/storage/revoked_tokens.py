"""Tokens that were revoked before their time (RFC 7009)."""

from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from relevo.servicekit.database import insert_or_ignore

from .tables import revoked_token


def revoke(
    connection: Connection, *, jti: str, client_id: str, expires_at: datetime, now: datetime
) -> None:
    """Remembers a revocation; the same one twice is one."""
    row = {"jti": jti, "client_id": client_id, "revoked_at": now, "expires_at": expires_at}
    insert_or_ignore(connection, revoked_token, [row])


def count_live(connection: Connection, *, after: datetime) -> int:
    """How many revoked tokens expire after a moment."""
    statement = select(func.count()).where(revoked_token.c.expires_at > after)
    return connection.scalars(statement).one()


def live_jtis(connection: Connection, *, after: datetime, limit: int) -> list[str]:
    """Revoked tokens that expire after a moment, latest revocation first."""
    statement = (
        select(revoked_token.c.jti)
        .where(revoked_token.c.expires_at > after)
        .order_by(revoked_token.c.revoked_at.desc(), revoked_token.c.jti)
        .limit(limit)
    )
    return list(connection.scalars(statement))


def forget(connection: Connection, *, before: datetime, limit: int) -> int:
    """Deletes revocations of tokens that expired before a moment, at most `limit` of them."""
    old = select(revoked_token.c.jti).where(revoked_token.c.expires_at < before).limit(limit)
    return connection.execute(delete(revoked_token).where(revoked_token.c.jti.in_(old))).rowcount
