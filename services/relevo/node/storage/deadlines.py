"""Which referrals are overdue, and which the clock worker has to look at: both found by an index."""

from datetime import datetime

from sqlalchemy import Connection, select, tuple_

from .referrals import StoredReferral, bare
from .tables import referral


def overdue(
    connection: Connection,
    *,
    now: datetime,
    party: str | None,
    role: str | None,
    state: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[StoredReferral]:
    """Referrals past a deadline, without sealed parts, the longest overdue first."""
    columns = referral.c
    query = select(referral).where(columns.overdue_at <= now)
    if party is not None:
        query = query.where(columns.owner == party)
    if role is not None:
        query = query.where(columns.role == role)
    if state is not None:
        # Concatenated, so that no index on states is taken: SQLite, which counts nothing, would read
        # every referral in a common state.
        query = query.where(columns.state.concat("") == state)
    if after is not None:
        query = query.where(tuple_(columns.overdue_at, columns.id) > after)
    query = query.order_by(columns.overdue_at, columns.id).limit(limit)
    return [bare(row) for row in connection.execute(query).mappings()]


def ringing(connection: Connection, *, now: datetime, limit: int) -> list[str]:
    """Referrals of which an alarm was not yet told, or that expired; the longest waiting first."""
    query = (
        select(referral.c.id)
        .where(referral.c.alarm_at <= now)
        .order_by(referral.c.alarm_at)
        .limit(limit)
    )
    return list(connection.scalars(query))
