"""Webhook subscriptions and how far each has been told."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from .tables import webhook


@dataclass(frozen=True)
class Webhook:
    """One address that is told of events."""

    id: str
    client_id: str
    party: str
    url: str
    sealed_secret: bytes
    position: int
    state: str
    failures: int
    failing_since: datetime | None
    due_at: datetime
    created_at: datetime


def add(connection: Connection, hook: Webhook) -> None:
    connection.execute(insert(webhook).values(**vars(hook)))


def of_client(connection: Connection, client_id: str) -> list[Webhook]:
    query = select(webhook).where(webhook.c.client_id == client_id).order_by(webhook.c.id)
    return [Webhook(**row) for row in connection.execute(query).mappings()]


def due(connection: Connection, now: datetime, *, newest: int) -> list[Webhook]:
    """Active ones that have something left to be told and whose time has come."""
    query = (
        select(webhook)
        .where(webhook.c.state == "active", webhook.c.due_at <= now, webhook.c.position < newest)
        .order_by(webhook.c.due_at)
        .limit(100)
    )
    return [Webhook(**row) for row in connection.execute(query).mappings()]


def advance(connection: Connection, hook_id: str, position: int, *, now: datetime) -> None:
    connection.execute(
        update(webhook)
        .where(webhook.c.id == hook_id)
        .values(position=position, failures=0, failing_since=None, due_at=now)
    )


def postpone(
    connection: Connection,
    hook_id: str,
    *,
    failures: int,
    failing_since: datetime,
    due_at: datetime,
    state: str,
) -> None:
    connection.execute(
        update(webhook)
        .where(webhook.c.id == hook_id)
        .values(failures=failures, failing_since=failing_since, due_at=due_at, state=state)
    )


def put_off(connection: Connection, hook_id: str, due_at: datetime) -> None:
    """Not tried before then; nothing failed."""
    connection.execute(update(webhook).where(webhook.c.id == hook_id).values(due_at=due_at))


def remove(connection: Connection, client_id: str, hook_id: str) -> bool:
    return bool(
        connection.execute(
            delete(webhook).where(webhook.c.id == hook_id, webhook.c.client_id == client_id)
        ).rowcount
    )
