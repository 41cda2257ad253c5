"""Work that waits in rows of a table, taken by lease: a worker that dies gives its rows back.

A row is `queued` or `leased` until it is finished in a state of the service's own. A lease that has
run out makes the row due again, and whoever still holds the old lease can no longer change it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Select,
    String,
    Table,
    Text,
    or_,
    select,
    text,
    update,
)

from .columns import UtcDateTime
from .ids import random_id

QUEUED = "queued"
LEASED = "leased"
# Written out, not bound: only so does a database see that the partial index below answers it.
_OPEN = "state IN ('queued', 'leased')"


class _LeaseValues(TypedDict):
    leased_until: None
    lease_id: None


_NO_LEASE = _LeaseValues(leased_until=None, lease_id=None)


def queue_columns() -> list[Column[Any]]:
    """The columns of a queue; a service adds its own."""
    return [
        Column("id", String(64), primary_key=True),
        Column("state", String(32), nullable=False, default=QUEUED),
        Column("due_at", UtcDateTime, nullable=False),
        Column("leased_until", UtcDateTime),
        Column("lease_id", String(36)),
        Column("attempts", Integer, nullable=False, default=0, server_default="0"),
        Column("priority", Integer, nullable=False, default=0, server_default="0"),
        Column("last_error", Text),
    ]


def queue_index(table_name: str, *first: str) -> Index:
    """The index that keeps `claim` as fast with a million finished rows as with none.

    Args:
        table_name: The queue's table, of which the index gets its name.
        first: Columns that every claim of this queue compares for equality, such as a receiver.
    """
    return Index(
        f"ix_{table_name}_due",
        *first,
        text("priority DESC"),
        "due_at",
        sqlite_where=text(_OPEN),
        postgresql_where=text(_OPEN),
    )


def claim(
    connection: Connection,
    table: Table,
    *,
    now: datetime,
    limit: int,
    lease_seconds: float,
    where: Sequence[ColumnElement[bool]] = (),
    lease_id: str | None = None,
) -> list[dict[str, Any]]:
    """Leases rows that are due: higher priority first, then the oldest due.

    All of them get one `lease_id`, new unless given (a lease may span queues). Nobody else is given
    them until they are released or the lease has run out. Rows that another transaction is claiming
    are left to it.
    """
    columns = table.c
    # A CTE: as a plain subquery PostgreSQL might run it again for each row, past the limit.
    due = _due(table, now, limit, where).cte("due")
    rows = connection.execute(
        update(table)
        .where(columns.id.in_(select(due.c.id)))
        .values(
            state=LEASED,
            lease_id=lease_id or random_id(),
            leased_until=now + timedelta(seconds=lease_seconds),
            attempts=columns.attempts + 1,
        )
        .returning(*columns)
    ).mappings()
    # RETURNING has no order of its own.
    return sorted(map(dict, rows), key=lambda row: (-row["priority"], row["due_at"], row["id"]))


def release(
    connection: Connection,
    table: Table,
    ids: Sequence[str],
    *,
    now: datetime,
    due_at: datetime,
    error: str | None,
    lease_id: str | None = None,
) -> int:
    """Puts rows back, due at a later time, with what went wrong; returns how many.

    Args:
        connection: A write transaction.
        table: The queue.
        ids: The rows.
        now: Business or security time, as the queue was claimed by.
        due_at: When they are tried again, not before `now`.
        error: For the operator; never with personal data.
        lease_id: Given, only rows still under this lease change.
    """
    return connection.execute(
        update(table)
        .where(*_held(table, ids, lease_id))
        .values(state=QUEUED, due_at=max(now, due_at), last_error=error, **_NO_LEASE)
    ).rowcount


def finish(
    connection: Connection,
    table: Table,
    ids: Sequence[str],
    *,
    state: str,
    lease_id: str | None = None,
) -> int:
    """Takes rows out of the queue in a final state; returns how many.

    Args:
        connection: A write transaction.
        table: The queue.
        ids: The rows.
        state: The service's own word for how it ended.
        lease_id: Given, only rows still under this lease change.
    """
    return connection.execute(
        update(table).where(*_held(table, ids, lease_id)).values(state=state, **_NO_LEASE)
    ).rowcount


def extend(
    connection: Connection,
    table: Table,
    lease_id: str,
    *,
    until: datetime,
) -> int:
    """Keeps a lease for longer, if it has not been lost; returns how many rows it still holds."""
    return connection.execute(
        update(table)
        .where(table.c.lease_id == lease_id, table.c.state == LEASED)
        .values(leased_until=until)
    ).rowcount


def _due(
    table: Table, now: datetime, limit: int, where: Sequence[ColumnElement[bool]]
) -> Select[str]:
    columns = table.c
    return (
        select(columns.id)
        .where(
            text(_OPEN),
            columns.due_at <= now,
            or_(columns.leased_until.is_(None), columns.leased_until <= now),
            *where,
        )
        .order_by(columns.priority.desc(), columns.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


def _held(table: Table, ids: Sequence[str], lease_id: str | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [table.c.id.in_(ids)]
    if lease_id is not None:
        conditions.append(table.c.lease_id == lease_id)
    return conditions
