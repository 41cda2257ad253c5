"""Registered clients. Each change gives the row a new version, by which cached copies know their age."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from relevo.auth.domain.client import Client, ClientRegistration, ClientState, KeySet
from relevo.servicekit.database import insert_or_ignore
from relevo.servicekit.ids import new_id

from .tables import client, client_change

_versions = select(client.c.client_id, client.c.version).where(
    client.c.client_id.in_(bindparam("ids", expanding=True))
)


def versions(connection: Connection, client_ids: Collection[str]) -> dict[str, str]:
    """The present version of each of these clients that exists."""
    rows = connection.execute(_versions, {"ids": list(client_ids)})
    return {row.client_id: row.version for row in rows}


def get(connection: Connection, client_id: str) -> Client | None:
    row = connection.execute(select(client).where(client.c.client_id == client_id)).one_or_none()
    return None if row is None else _client(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def get_many(connection: Connection, *, after: str, limit: int) -> list[Client]:
    """Clients by name, those after a name."""
    statement = (
        select(client).where(client.c.client_id > after).order_by(client.c.client_id).limit(limit)
    )
    return [_client(row) for row in connection.execute(statement).mappings()]


def add(connection: Connection, registration: ClientRegistration, *, now: datetime) -> bool:
    """False when there is a client of that name already."""
    members = registration.model_dump(mode="json")
    row = {
        **members,
        "version": new_id(),
        "state": ClientState.ACTIVE.value,
        "created_at": now,
        "updated_at": now,
        "suspended_at": None,
    }
    return insert_or_ignore(connection, client, [row]) == 1


def set_state(connection: Connection, client_id: str, state: ClientState, *, now: datetime) -> None:
    values: dict[str, Any] = {"state": state.value}
    if state is ClientState.SUSPENDED:
        values["suspended_at"] = now
    _change(connection, client_id, values, now)


def set_keys(connection: Connection, client_id: str, jwks: KeySet, *, now: datetime) -> None:
    _change(connection, client_id, {"jwks": jwks.model_dump(mode="json")}, now)


@dataclass(frozen=True)
class Suspension:
    """A client that is suspended, or was; `at` is when, the last time."""

    client_id: str
    at: datetime
    lasts: bool


def suspensions(connection: Connection, *, since: datetime, limit: int) -> list[Suspension]:
    """Clients that are suspended, or were after a moment; latest first."""
    statement = (
        select(client.c.client_id, client.c.suspended_at, client.c.state)
        .where((client.c.state == ClientState.SUSPENDED.value) | (client.c.suspended_at > since))
        .order_by(client.c.suspended_at.desc(), client.c.client_id)
        .limit(limit)
    )
    return [
        Suspension(row.client_id, row.suspended_at, row.state == ClientState.SUSPENDED.value)
        for row in connection.execute(statement)
    ]


def record_change(
    connection: Connection, client_id: str, change: str, *, by: str, now: datetime
) -> None:
    """Who did what to a client; rows are only ever added."""
    connection.execute(
        insert(client_change),
        {
            "id": new_id(),
            "client_id": client_id,
            "changed_at": now,
            "changed_by": by,
            "change": change,
        },
    )


def _change(connection: Connection, client_id: str, values: dict[str, Any], now: datetime) -> None:
    connection.execute(
        update(client)
        .where(client.c.client_id == client_id)
        .values(version=new_id(), updated_at=now, **values)
    )


def _client(row: Any) -> Client:
    return Client(**{name: value for name, value in row.items() if name != "version"})
