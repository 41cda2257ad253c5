"""Sealed files on their way: named by an accepted message, brought by its sender, gone when they are out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from relevo.servicekit import work_queue
from relevo.servicekit.database import insert_or_ignore
from relevo.servicekit.ids import new_id

from .tables import blob, blob_content, delivery, recorded_grant, withdrawn_grant

AWAITED: Final = "awaited"
HERE: Final = "here"
GONE: Final = "gone"


@dataclass(frozen=True, slots=True)
class NamedBlobs:
    """The blobs that a message names.

    Attributes:
        source: Who alone may bring them: an institution at home here, or a peer gateway.
        target: Who gets them: an institution at home here, or a peer gateway.
    """

    message_id: str
    digests: Sequence[str]
    source: str
    target: str
    expires_at: datetime
    priority: int


@dataclass(frozen=True, slots=True)
class Blob:
    """One blob of one message, without its content."""

    id: str
    message_id: str
    digest: str
    state: str
    target: str
    attempts: int


_COLUMNS = [blob.c[name] for name in ("id", "message_id", "digest", "state", "target", "attempts")]


def expect(connection: Connection, named: Sequence[NamedBlobs], *, now: datetime) -> None:
    """Lets what accepted messages name come."""
    rows = [
        {
            "id": new_id(),
            "state": AWAITED,
            "due_at": now,
            "attempts": 0,
            "priority": one.priority,
            "message_id": one.message_id,
            "digest": digest,
            "source": one.source,
            "target": one.target,
            "expires_at": one.expires_at,
        }
        for one in named
        for digest in one.digests
    ]
    if rows:
        connection.execute(insert(blob), rows)


def brought_by(connection: Connection, source: str, digest: str) -> list[Blob]:
    """The blobs of this digest that this party's messages name, in whatever state; held for the change."""
    return _found(connection, [blob.c.source == source, blob.c.digest == digest])


def fetched_by(connection: Connection, target: str, digest: str) -> list[Blob]:
    """The blobs of this digest that are for this party."""
    return _found(connection, [blob.c.target == target, blob.c.digest == digest])


def _found(connection: Connection, where: list[ColumnElement[bool]]) -> list[Blob]:
    rows = connection.execute(select(*_COLUMNS).where(*where).order_by(blob.c.id)).mappings()
    return [Blob(**row) for row in rows]


def keep(connection: Connection, blob_id: str, sealed: bytes, *, state: str, now: datetime) -> bool:
    """Stores what was awaited; False when it came meanwhile."""
    changed = connection.execute(
        update(blob)
        .where(blob.c.id == blob_id, blob.c.state == AWAITED)
        .values(state=state, bytes=len(sealed), due_at=now)
    ).rowcount
    if changed:
        insert_or_ignore(connection, blob_content, [{"blob_id": blob_id, "sealed": sealed}])
    return bool(changed)


def content(connection: Connection, blob_id: str) -> bytes | None:
    """The sealed bytes, while they are here."""
    return connection.scalar(select(blob_content.c.sealed).where(blob_content.c.blob_id == blob_id))


def claim(
    connection: Connection, *, now: datetime, limit: int, lease_seconds: float, lease_id: str
) -> list[tuple[Blob, bytes]]:
    """Leases blobs for peers whose message has been relayed: what is urgent first."""
    relayed = (
        select(delivery.c.id)
        .where(delivery.c.id == blob.c.message_id, delivery.c.state == "delivered")
        .exists()
    )
    rows = work_queue.claim(
        connection,
        blob,
        now=now,
        limit=limit,
        lease_seconds=lease_seconds,
        where=[relayed],
        lease_id=lease_id,
    )
    leased = []
    for row in rows:
        sealed = content(connection, row["id"])
        if sealed is None:
            drop(connection, [blob.c.id == row["id"]])
        else:
            leased.append((Blob(**{column.name: row[column.name] for column in _COLUMNS}), sealed))
    return leased


def extend(connection: Connection, lease_id: str, until: datetime) -> None:
    """They are still on their way."""
    work_queue.extend(connection, blob, lease_id, until=until)


def put_back(
    connection: Connection, ids: Sequence[str], *, now: datetime, due_at: datetime, error: str
) -> None:
    """Back to the queue."""
    work_queue.release(connection, blob, ids, now=now, due_at=due_at, error=error)


def end(connection: Connection, ids: Collection[str]) -> None:
    """They are out, or nobody is to get them: their bytes are dropped."""
    if ids:
        drop(connection, [blob.c.id.in_(list(ids))])


def end_of_messages(connection: Connection, message_ids: Collection[str]) -> None:
    """Drops the blobs of messages that ended without having been delivered."""
    if message_ids:
        drop(connection, [blob.c.message_id.in_(list(message_ids))])


def end_under_withdrawn(connection: Connection, grant_ids: Collection[str]) -> None:
    """Drops the blobs of messages under grants that their issuer withdrew, delivered or not."""
    if not grant_ids:
        return
    messages = (
        select(recorded_grant.c.message_id)
        .join(
            withdrawn_grant,
            and_(
                withdrawn_grant.c.grant_id == recorded_grant.c.grant_id,
                withdrawn_grant.c.issuer == recorded_grant.c.issuer,
            ),
        )
        .where(recorded_grant.c.grant_id.in_(list(grant_ids)))
    )
    drop(connection, [blob.c.message_id.in_(messages)])


def expire(connection: Connection, *, now: datetime) -> int:
    """Drops what is past the expiry of its message; returns how many."""
    return drop(connection, [blob.c.expires_at <= now])


def drop(connection: Connection, where: Sequence[ColumnElement[bool]]) -> int:
    """Ends blobs and drops their bytes."""
    open_ones = select(blob.c.id).where(blob.c.state != GONE, *where)
    ids = list(connection.scalars(open_ones))
    if ids:
        connection.execute(delete(blob_content).where(blob_content.c.blob_id.in_(ids)))
        connection.execute(
            update(blob)
            .where(blob.c.id.in_(ids))
            .values(state=GONE, leased_until=None, lease_id=None)
        )
    return len(ids)
