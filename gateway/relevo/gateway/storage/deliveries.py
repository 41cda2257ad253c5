"""Deliveries and receipts on their way: leases on rows, one queue per target."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    exists,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from relevo.servicekit import work_queue

from .tables import delivery, receipt_item, recorded_grant, sealed_envelope, withdrawn_grant

_OPEN: ColumnElement[bool] = literal_column("state IN ('queued', 'leased')", Boolean)


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A message that was taken."""

    id: str
    target: str
    return_to: str
    sender: str
    receiver: str
    message_type: str
    message_class: str
    triage: str | None
    digest: str
    expires_at: datetime
    priority: int
    jws: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way, or what became of it. `jws` is there only while it is leased."""

    id: str
    state: str
    target: str
    return_to: str
    sender: str
    receiver: str
    message_type: str
    message_class: str
    triage: str | None
    digest: str
    bytes: int
    attempts: int
    refusals: int
    accepted_at: datetime
    expires_at: datetime
    due_at: datetime
    held_since: datetime | None
    unconfirmed: bool
    problem: str | None
    outcome: str | None
    last_error: str | None
    lease_id: str | None
    jws: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingReceipt:
    """A receipt to hand back: an entry of our ledger, or a peer's whole receipt."""

    id: str
    ledger_index: int | None
    receipt: str | None


_COLUMNS = [
    column for column in delivery.c if column.name not in {"leased_until", "priority", "ended_at"}
]


def add(connection: Connection, items: Sequence[NewDelivery], *, now: datetime) -> None:
    """Takes messages. An id that is taken already raises `IntegrityError`."""
    if not items:
        return
    connection.execute(
        insert(delivery),
        [
            {
                "id": item.id,
                "state": work_queue.QUEUED,
                "due_at": now,
                "attempts": 0,
                "priority": item.priority,
                "target": item.target,
                "return_to": item.return_to,
                "sender": item.sender,
                "receiver": item.receiver,
                "message_type": item.message_type,
                "message_class": item.message_class,
                "triage": item.triage,
                "digest": item.digest,
                "bytes": len(item.jws),
                "accepted_at": now,
                "expires_at": item.expires_at,
                "refusals": 0,
                "unconfirmed": False,
            }
            for item in items
        ],
    )
    connection.execute(
        insert(sealed_envelope), [{"message_id": item.id, "jws": item.jws} for item in items]
    )


def digests(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """What came before under these ids."""
    rows = connection.execute(
        select(delivery.c.id, delivery.c.digest).where(delivery.c.id.in_(list(ids)))
    )
    return dict(rows.all())


def due_targets(connection: Connection, *, now: datetime) -> dict[str, bool]:
    """Queues in which something can be leased now, and whether that is more than receipts."""
    messages, receipts = (
        set(
            connection.scalars(
                select(table.c.target)
                .distinct()
                .where(
                    _OPEN,
                    table.c.due_at <= now,
                    or_(table.c.leased_until.is_(None), table.c.leased_until <= now),
                )
            )
        )
        for table in (delivery, receipt_item)
    )
    return {target: target in messages for target in sorted(messages | receipts)}


def claim(
    connection: Connection,
    target: str,
    *,
    now: datetime,
    limit: int,
    max_bytes: int,
    lease_seconds: float,
    lease_id: str,
) -> list[Delivery]:
    """Leases what is due for a target, urgent first, up to a number and a size."""
    rows = work_queue.claim(
        connection,
        delivery,
        now=now,
        limit=limit,
        lease_seconds=lease_seconds,
        where=[delivery.c.target == target],
        lease_id=lease_id,
    )
    taken: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        size += row["bytes"]
        if taken and size > max_bytes:
            break
        taken.append(row)
    left = [row["id"] for row in rows[len(taken) :]]
    if left:
        work_queue.release(connection, delivery, left, now=now, due_at=now, error=None)
    bodies = envelopes(connection, [row["id"] for row in taken])
    return [_delivery(row, bodies.get(row["id"])) for row in taken]


def envelopes(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The signed bytes of messages that are still on their way."""
    if not ids:
        return {}
    rows = connection.execute(
        select(sealed_envelope.c.message_id, sealed_envelope.c.jws).where(
            sealed_envelope.c.message_id.in_(ids)
        )
    )
    return dict(rows.all())


def claim_receipts(
    connection: Connection, target: str, *, now: datetime, limit: int, lease_seconds: float,
    lease_id: str,
) -> list[WaitingReceipt]:  # fmt: skip
    rows = work_queue.claim(
        connection,
        receipt_item,
        now=now,
        limit=limit,
        lease_seconds=lease_seconds,
        where=[receipt_item.c.target == target],
        lease_id=lease_id,
    )
    return [WaitingReceipt(row["id"], row["ledger_index"], row["receipt"]) for row in rows]


def of_lease(
    connection: Connection, target: str, lease_id: str, *, now: datetime
) -> list[Delivery]:
    """What a lease still holds, in the order in which it was handed out."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(*_held(delivery, target, lease_id, now))
        .order_by(delivery.c.priority.desc(), delivery.c.due_at, delivery.c.id)
    )
    return [_delivery(row, None) for row in rows.mappings()]


def receipts_of_lease(
    connection: Connection, target: str, lease_id: str, *, now: datetime
) -> list[WaitingReceipt]:
    rows = connection.execute(
        select(receipt_item.c.id, receipt_item.c.ledger_index, receipt_item.c.receipt).where(
            *_held(receipt_item, target, lease_id, now)
        )
    )
    return [WaitingReceipt(row.id, row.ledger_index, row.receipt) for row in rows]


def _held(table: Table, target: str, lease_id: str, now: datetime) -> list[ColumnElement[bool]]:
    return [
        table.c.target == target, table.c.lease_id == lease_id, _OPEN, table.c.leased_until > now
    ]  # fmt: skip


def flag_unconfirmed(
    connection: Connection, ids: Sequence[str], *, unconfirmed: bool, lease_id: str
) -> None:
    """Notes whether messages go out on the last known status of their grants."""
    connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(ids), delivery.c.lease_id == lease_id)
        .values(unconfirmed=unconfirmed)
    )


def move(connection: Connection, target: str, to: str) -> None:
    """Everything that is for one queue, now or later, is for another."""
    for column in (delivery.c.target, delivery.c.return_to, receipt_item.c.target):
        connection.execute(update(column.table).where(column == target).values({column.name: to}))


def release(
    connection: Connection, ids: Sequence[str], *, now: datetime, due_at: datetime, error: str,
    lease_id: str, refused: bool = False,
) -> None:  # fmt: skip
    """Back to the queue."""
    if refused:
        connection.execute(
            update(delivery)
            .where(delivery.c.id.in_(ids), delivery.c.lease_id == lease_id)
            .values(refusals=delivery.c.refusals + 1)
        )
    work_queue.release(
        connection, delivery, ids, now=now, due_at=due_at, error=error, lease_id=lease_id
    )


def hold(
    connection: Connection, ids: Sequence[str], *, now: datetime, due_at: datetime, lease_id: str
) -> None:
    """Back to the queue for want of a grant's status: neither released nor refused."""
    connection.execute(
        update(delivery)
        .where(
            delivery.c.id.in_(ids),
            delivery.c.lease_id == lease_id,
            delivery.c.held_since.is_(None),
        )
        .values(held_since=now)
    )
    release(
        connection, ids, now=now, due_at=due_at, error="grant_status_unknown", lease_id=lease_id
    )


def finish(
    connection: Connection,
    ids: Sequence[str],
    *,
    state: str,
    now: datetime,
    lease_id: str | None = None,
    problem: str | None = None,
) -> list[str]:
    """Ends deliveries that are still ours to end, and drops their envelopes; returns which."""
    conditions = [delivery.c.id.in_(ids), _OPEN]
    if lease_id is not None:
        conditions.append(delivery.c.lease_id == lease_id)
    ended = list(
        connection.scalars(
            update(delivery)
            .where(*conditions)
            .values(
                state=state,
                ended_at=now,
                problem=problem,
                leased_until=None,
                lease_id=None,
            )
            .returning(delivery.c.id)
        )
    )
    if ended and state != "dead":
        # Dead ones keep theirs: a person may send the same bytes again.
        drop_envelopes(connection, ended)
    return ended


def drop_envelopes(connection: Connection, ids: Sequence[str]) -> None:
    connection.execute(delete(sealed_envelope).where(sealed_envelope.c.message_id.in_(ids)))


def finish_receipts(connection: Connection, ids: Sequence[str], *, lease_id: str) -> None:
    """They arrived; nothing of them is needed any more."""
    connection.execute(
        delete(receipt_item).where(receipt_item.c.id.in_(ids), receipt_item.c.lease_id == lease_id)
    )


def release_receipts(
    connection: Connection, ids: Sequence[str], *, now: datetime, due_at: datetime,
    error: str | None, lease_id: str,
) -> None:  # fmt: skip
    work_queue.release(
        connection, receipt_item, ids, now=now, due_at=due_at, error=error, lease_id=lease_id
    )


def add_receipts(connection: Connection, items: Iterable[dict[str, Any]], *, now: datetime) -> None:
    """Queues receipts: `id`, `target`, and `ledger_index` or `receipt`."""
    rows = [
        {
            "state": work_queue.QUEUED,
            "due_at": now,
            "attempts": 0,
            "priority": 0,
            "ledger_index": None,
            "receipt": None,
            **item,
        }
        for item in items
    ]
    if rows:
        connection.execute(insert(receipt_item), rows)


def hurry(connection: Connection, target: str, *, now: datetime) -> None:
    """Makes everything that waits for a target due: it answers again."""
    for table in (delivery, receipt_item):
        conditions: list[ColumnElement[bool]] = [
            table.c.target == target,
            table.c.state == work_queue.QUEUED,
            table.c.due_at > now,
        ]
        if table is delivery:
            conditions.append(delivery.c.held_since.is_(None))
        connection.execute(update(table).where(*conditions).values(due_at=now))


def postpone(connection: Connection, target: str, *, until: datetime) -> None:
    """Lets everything that waits for a target wait longer."""
    for table in (delivery, receipt_item):
        connection.execute(
            update(table)
            .where(table.c.target == target, _OPEN, table.c.due_at < until)
            .values(due_at=until)
        )


def waiting_under_withdrawn(
    connection: Connection, grant_ids: Collection[str], *, now: datetime
) -> list[str]:
    """Content that nobody holds a lease on, under grants that their issuer has withdrawn."""
    if not grant_ids:
        return []
    return list(
        connection.scalars(
            select(delivery.c.id)
            .distinct()
            .select_from(recorded_grant)
            .join(
                withdrawn_grant,
                and_(
                    withdrawn_grant.c.grant_id == recorded_grant.c.grant_id,
                    withdrawn_grant.c.issuer == recorded_grant.c.issuer,
                ),
            )
            .join(delivery, delivery.c.id == recorded_grant.c.message_id)
            .where(
                recorded_grant.c.grant_id.in_(list(grant_ids)),
                delivery.c.message_class == "content",
                _OPEN,
                or_(delivery.c.leased_until.is_(None), delivery.c.leased_until <= now),
            )
        )
    )


def get_many(connection: Connection, ids: Collection[str]) -> list[Delivery]:
    rows = connection.execute(select(*_COLUMNS).where(delivery.c.id.in_(list(ids))))
    return [_delivery(row, None) for row in rows.mappings()]


def page(connection: Connection, *, state: str, after: str, limit: int) -> list[Delivery]:
    rows = connection.execute(
        select(*_COLUMNS)
        .where(delivery.c.state == state, delivery.c.id > after)
        .order_by(delivery.c.id)
        .limit(limit)
    )
    return [_delivery(row, None) for row in rows.mappings()]


def expired(
    connection: Connection, *, now: datetime, lease_now: datetime, limit: int
) -> list[Delivery]:
    """Open deliveries past their expiry that nobody holds a lease on."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(
            _OPEN,
            delivery.c.expires_at <= now,
            or_(delivery.c.leased_until.is_(None), delivery.c.leased_until <= lease_now),
        )
        .limit(limit)
    )
    return [_delivery(row, None) for row in rows.mappings()]


def requeue(connection: Connection, message_id: str, *, now: datetime) -> bool:
    """Sends a dead delivery's same bytes again; False when it is not dead."""
    has_envelope = exists().where(sealed_envelope.c.message_id == message_id)
    return bool(
        connection.execute(
            update(delivery)
            .where(delivery.c.id == message_id, delivery.c.state == "dead", has_envelope)
            .values(
                state=work_queue.QUEUED, due_at=now, attempts=0, refusals=0, ended_at=None,
                problem=None, last_error=None,
            )
        ).rowcount
    )  # fmt: skip


def end_dead(connection: Connection, message_id: str, *, state: str, now: datetime) -> bool:
    """Takes a dead delivery off the desk; False when it is not dead."""
    changed = connection.execute(
        update(delivery)
        .where(delivery.c.id == message_id, delivery.c.state == "dead")
        .values(state=state, ended_at=now)
    ).rowcount
    if changed:
        drop_envelopes(connection, [message_id])
    return bool(changed)


def note_outcomes(connection: Connection, outcomes: dict[str, str]) -> None:
    """What the receiver's gateway said became of relayed messages."""
    for message_id, outcome in outcomes.items():
        connection.execute(
            update(delivery).where(delivery.c.id == message_id).values(outcome=outcome)
        )


def _delivery(row: Any, jws: str | None) -> Delivery:
    return Delivery(**{column.name: row[column.name] for column in _COLUMNS}, jws=jws)
