"""Outgoing messages, written in the same transaction as their cause."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, insert, select, update

from relevo.node.domain.outgoing import OutgoingMessage
from relevo.servicekit import work_queue

from .tables import outbox
from .vault import ErasedError, Vault

_LEASE_SECONDS = 60
_FAILED = ("refused", "expired", "dead")
_CONTENT = ("referral.submitted/1", "information.supplied/1")


@dataclass(frozen=True)
class Sent:
    """What is known of a message that was queued here."""

    id: str
    state: str
    referral_id: str
    message_type: str
    digest: str | None


@dataclass(frozen=True)
class Waiting:
    """A leased message: the envelope when it was sealed before, the plan when it was not."""

    id: str
    referral_id: str
    receiver: str
    message_type: str
    attempts: int
    lease_id: str
    envelope: str | None
    plan: OutgoingMessage | None

    @property
    def sent(self) -> Sent:
        """The same message as receipts find it."""
        return Sent(self.id, work_queue.LEASED, self.referral_id, self.message_type, None)


def add(connection: Connection, sealed: Sequence[dict[str, Any]]) -> None:
    """Queues what `seal` made."""
    if sealed:
        connection.execute(insert(outbox), sealed)


def seal(vault: Vault, key_id: str, message: OutgoingMessage, *, now: datetime) -> dict[str, Any]:
    """The row of a message, sealed at rest."""
    return {
        "id": message.id,
        "state": work_queue.QUEUED,
        "due_at": now,
        "attempts": 0,
        "priority": message.priority,
        "referral_id": message.referral_id,
        "message_type": message.message_type,
        "receiver": message.receiver,
        "expires_at": message.expires_at,
        "data_key_id": key_id,
        "sealed": vault.seal(key_id, message.model_dump(mode="json"), place=f"outbox/{message.id}"),
        "replaces": message.replaces,
        "created_at": now,
    }


def claim(connection: Connection, vault: Vault, *, now: datetime, limit: int) -> list[Waiting]:
    rows = work_queue.claim(connection, outbox, now=now, limit=limit, lease_seconds=_LEASE_SECONDS)
    return [
        Waiting(
            id=row["id"],
            referral_id=row["referral_id"],
            receiver=row["receiver"],
            message_type=row["message_type"],
            attempts=row["attempts"],
            lease_id=row["lease_id"],
            envelope=row["envelope"],
            plan=None if row["envelope"] else _plan_in(vault, row),
        )
        for row in rows
    ]


def _plan_in(vault: Vault, row: Mapping[str, Any]) -> OutgoingMessage | None:
    if row["sealed"] is None:
        return None
    try:
        return _plan(vault, row["data_key_id"], row["id"], row["sealed"])
    except ErasedError:
        return None  # the person was erased while the message waited


def _plan(vault: Vault, key_id: str, message_id: str, sealed: bytes) -> OutgoingMessage:
    return OutgoingMessage.model_validate(vault.open(key_id, sealed, place=f"outbox/{message_id}"))


def plan_of(
    connection: Connection, vault: Vault, message_id: str
) -> tuple[OutgoingMessage, str] | None:
    """What a message was made from and the key it is kept under; None once it is out of our hands,
    or the person was erased.
    """
    row = connection.execute(select(outbox).where(outbox.c.id == message_id)).mappings().first()
    plan = None if row is None else _plan_in(vault, dict(row))
    return None if row is None or plan is None else (plan, row["data_key_id"])


def keep_envelopes(connection: Connection, sealed: list[tuple[str, str, str]]) -> None:
    """Stores (id, envelope, digest) before anything is sent: a retry sends the same bytes."""
    if sealed:
        connection.execute(
            update(outbox)
            .where(outbox.c.id == bindparam("message"))
            .values(envelope=bindparam("jws"), digest=bindparam("sha256")),
            [{"message": m, "jws": jws, "sha256": sha256} for m, jws, sha256 in sealed],
        )


@dataclass(frozen=True)
class Ended:
    """A message whose time in the queue is over, with the receipt that says so."""

    id: str
    state: str
    problem: str | None = None
    receipt: str | None = None


def end(connection: Connection, ended: Sequence[Ended]) -> None:
    """Ends messages. Only a refused one keeps what it was made from."""
    for kept in (True, False):
        rows = [vars(one) for one in ended if (one.state == "refused") == kept]
        if rows:
            cleared = {} if kept else {"sealed": None, "envelope": None}
            connection.execute(
                update(outbox)
                .where(outbox.c.id == bindparam("message"))
                .values(
                    state=bindparam("end"),
                    leased_until=None,
                    lease_id=None,
                    problem=bindparam("why"),
                    receipt=func.coalesce(bindparam("proof"), outbox.c.receipt),
                    **cleared,
                ),
                [
                    {
                        "message": r["id"],
                        "end": r["state"],
                        "why": r["problem"],
                        "proof": r["receipt"],
                    }
                    for r in rows
                ],
            )


def mark_accepted(connection: Connection, receipts: list[tuple[str, str]]) -> None:
    """(id, receipt) of messages that the gateway took; a final receipt that came first stays."""
    if receipts:
        connection.execute(
            update(outbox)
            .where(outbox.c.id == bindparam("message"), outbox.c.state == work_queue.LEASED)
            .values(state="accepted", leased_until=None, lease_id=None, receipt=bindparam("proof")),
            [{"message": m, "proof": proof} for m, proof in receipts],
        )


def put_back(
    connection: Connection, ids: list[str], *, now: datetime, delay_seconds: float, error: str
) -> None:
    if not ids:
        return
    work_queue.release(
        connection, outbox, ids, now=now, due_at=now + timedelta(seconds=delay_seconds), error=error
    )


def sent(connection: Connection, ids: Collection[str]) -> dict[str, Sent]:
    """Messages by id; those that never were ours are absent."""
    if not ids:
        return {}
    columns = (outbox.c[name] for name in ("id", "state", "referral_id", "message_type", "digest"))
    rows = connection.execute(select(*columns).where(outbox.c.id.in_(list(ids)))).mappings()
    return {row["id"]: Sent(**row) for row in rows}


def undelivered(connection: Connection, referral_id: str) -> list[dict[str, Any]]:
    """Messages of a referral beside the one that carried it that ended without arriving, oldest first.

    One that another took the place of is absent. Ten at most, the newest.
    """
    again = outbox.alias()
    rows = connection.execute(
        select(
            outbox.c.id,
            outbox.c.receiver,
            outbox.c.message_type,
            outbox.c.state,
            outbox.c.problem,
            outbox.c.created_at,
        )
        .where(
            outbox.c.referral_id == referral_id,
            outbox.c.state.in_(_FAILED),
            outbox.c.message_type != _CONTENT[0],
            ~exists().where(again.c.referral_id == referral_id, again.c.replaces == outbox.c.id),
        )
        .order_by(outbox.c.created_at.desc(), outbox.c.id.desc())
        .limit(10)
    ).mappings()
    return [dict(row) for row in rows][::-1]


def never_left(connection: Connection, referral_id: str) -> list[str]:
    """Content messages of a referral that were never handed to anybody: the link was down.

    They stay until the end of the transaction: no relay takes them meanwhile.
    """
    return list(
        connection.scalars(
            select(outbox.c.id)
            .where(
                outbox.c.referral_id == referral_id,
                outbox.c.state == work_queue.QUEUED,
                outbox.c.envelope.is_(None),
                outbox.c.message_type.in_(_CONTENT),
            )
            .with_for_update()
        )
    )
