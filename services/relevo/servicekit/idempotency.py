"""Same key, same digest: replay. Same key, other digest: refuse.

Used inside the operation's own transaction, so that the key, the answer and the effect are stored
together or not at all.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from relevo.contracts.problem import ProblemError

from .columns import UtcDateTime, naming_convention
from .database import insert_or_ignore, lock_key

KEPT = timedelta(days=7)


def idempotency_columns() -> list[Column[Any]]:
    """For the service's migration, which also makes an index on `created_at` for `purge`."""
    return [
        Column("client_id", String(255), primary_key=True),
        Column("operation", String(64), primary_key=True),
        Column("key", String(255), primary_key=True),
        Column("digest", String(128), nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
        Column("status", Integer),
        Column("body", LargeBinary),
    ]


idempotency_key = Table(
    "idempotency_key",
    MetaData(naming_convention=naming_convention),
    *idempotency_columns(),
    Index("ix_idempotency_key_created_at", "created_at"),
)


@dataclass(frozen=True, slots=True)
class Replay:
    """What was answered the first time."""

    status: int
    body: bytes


@dataclass(frozen=True)
class Answered:
    """A key with its request's digest and answer, to be stored together with the effect."""

    client_id: str
    operation: str
    key: str
    digest: str
    created_at: datetime
    status: int
    body: bytes


def begin(
    connection: Connection,
    client_id: str,
    operation: str,
    key: str,
    digest: str,
    now: datetime,
) -> Replay | None:
    """Takes the key for this transaction, or gives the answer to send again.

    Args:
        connection: The operation's own write transaction.
        client_id: Keys of one client mean nothing to another.
        operation: Keys of one operation mean nothing to another.
        key: The Idempotency-Key header.
        digest: Of the request's body.
        now: When the key was first seen, if it is new.

    Raises:
        ProblemError: `idempotency_key_reused`, or `idempotency_key_in_flight` while another
            transaction holds the key.
    """
    if connection.dialect.name == "postgresql":
        # The unique index would make us wait for the other transaction; its client is told instead.
        name = f"idempotency\n{client_id}\n{operation}\n{key}"
        if not connection.execute(select(func.pg_try_advisory_xact_lock(lock_key(name)))).scalar():
            raise ProblemError("idempotency_key_in_flight")
    row = {
        "client_id": client_id,
        "operation": operation,
        "key": key,
        "digest": digest,
        "created_at": now,
    }
    if insert_or_ignore(connection, idempotency_key, [row]):
        return None
    columns = idempotency_key.c
    known = connection.execute(
        select(columns.digest, columns.status, columns.body).where(*_is(client_id, operation, key))
    ).one()
    if known.digest != digest:
        raise ProblemError("idempotency_key_reused")
    if known.status is None:
        raise ProblemError("idempotency_key_in_flight")
    return Replay(status=known.status, body=known.body)


def complete(
    connection: Connection,
    client_id: str,
    operation: str,
    key: str,
    *,
    status: int,
    body: bytes,
) -> None:
    """Keeps the answer, in the transaction that began with this key."""
    connection.execute(
        update(idempotency_key)
        .where(*_is(client_id, operation, key))
        .values(status=status, body=body)
    )


def kept(
    connection: Connection, client_id: str, operation: str, keys: Collection[str]
) -> dict[str, tuple[str, Replay]]:
    """Digest and answer of each of these keys that was used: for many requests in one transaction.

    Whoever decides by this before its transaction ends it with `keep`, which fails for a key that was
    taken meanwhile.
    """
    columns = idempotency_key.c
    rows = connection.execute(
        select(columns.key, columns.digest, columns.status, columns.body).where(
            columns.client_id == client_id,
            columns.operation == operation,
            columns.key.in_(list(keys)),
            columns.status.is_not(None),
        )
    )
    return {row.key: (row.digest, Replay(row.status, row.body)) for row in rows}


def keep(connection: Connection, answered: Sequence[Answered]) -> None:
    """Keeps keys with their answers.

    Raises:
        IntegrityError: One of the keys was used before.
    """
    connection.execute(insert(idempotency_key), [vars(one) for one in answered])


def purge(connection: Connection, now: datetime) -> int:
    """Forgets keys after seven days; returns how many."""
    return connection.execute(
        delete(idempotency_key).where(idempotency_key.c.created_at < now - KEPT)
    ).rowcount


def _is(client_id: str, operation: str, key: str) -> tuple[Any, ...]:
    columns = idempotency_key.c
    return columns.client_id == client_id, columns.operation == operation, columns.key == key
