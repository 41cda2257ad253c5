"""Who read which record when."""

from datetime import datetime

from sqlalchemy import Connection, func, insert, select, tuple_

from relevo.contracts.break_glass import AccessEntry

from .access_tables import access_log


def add(connection: Connection, entry: AccessEntry, *, owner: str) -> None:
    """Notes a read.

    Args:
        connection: A write transaction.
        entry: What is noted.
        owner: The party whose record it is.
    """
    noted = entry.model_dump() | {"at": entry.at, "owner": owner}
    connection.execute(insert(access_log), [noted])


def page(
    connection: Connection,
    *,
    party: str | None,
    subject: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[AccessEntry]:
    """Newest first; reads of one unit's records when `party` is given."""
    query = select(access_log)
    if party is not None:
        query = query.where(access_log.c.owner == party)
    if subject is not None:
        query = query.where(access_log.c.subject == subject)
    if before is not None:
        query = query.where(tuple_(access_log.c.at, access_log.c.id) < before)
    rows = connection.execute(
        query.order_by(access_log.c.at.desc(), access_log.c.id.desc()).limit(limit)
    ).mappings()
    return [
        AccessEntry.model_validate({k: v for k, v in row.items() if k != "owner"}) for row in rows
    ]


def reads_under(connection: Connection, uses: list[str]) -> dict[str, int]:
    """How often was read under each of these uses of break-glass."""
    column = access_log.c.break_glass
    query = select(column, func.count()).where(column.in_(uses)).group_by(column)
    return {use: count for use, count in connection.execute(query) if use is not None}
