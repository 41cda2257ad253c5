"""What this node knows of others: its gateway, directory entries, and the identity keys it trusts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select, update

from relevo.contracts.institution import DirectoryEntry, InstitutionProfile, Welcome
from relevo.servicekit import jose
from relevo.servicekit.database import insert_or_ignore

from .tables import directory_entry, membership, pin


@dataclass(frozen=True)
class Pin:
    """An identity key that this node trusts for an institution."""

    institution: str
    fingerprint: str
    key_set_version: int
    confirmed_by: str | None
    pinned_at: datetime


def get_pin(connection: Connection, institution: str) -> Pin | None:
    row = connection.execute(select(pin).where(pin.c.institution == institution)).mappings().first()
    return None if row is None else Pin(**row)


def all_pins(connection: Connection) -> list[Pin]:
    query = select(pin).order_by(pin.c.institution)
    return [Pin(**row) for row in connection.execute(query).mappings()]


def put_pin(connection: Connection, value: Pin) -> None:
    _put(connection, pin, "institution", vars(value))


def get_entry(connection: Connection, institution: str) -> tuple[str, datetime] | None:
    """The directory entry last seen, as its signed bytes, and when it was fetched."""
    row = connection.execute(
        select(directory_entry).where(directory_entry.c.institution == institution)
    ).first()
    return None if row is None else (row.jws, row.fetched_at)


def profiles(connection: Connection, institutions: list[str]) -> dict[str, InstitutionProfile]:
    """What the entries last seen say of these institutions; they were verified when they came."""
    rows = connection.scalars(
        select(directory_entry.c.jws).where(directory_entry.c.institution.in_(institutions))
    )
    entries = [DirectoryEntry.model_validate(jose.peek(jws)[1]) for jws in rows]
    return {entry.profile.institution: entry.profile for entry in entries}


def put_entry(connection: Connection, institution: str, jws: str, *, now: datetime) -> None:
    row = {"institution": institution, "jws": jws, "fetched_at": now}
    _put(connection, directory_entry, "institution", row)


def get_welcome(connection: Connection) -> Welcome | None:
    text = connection.scalar(select(membership.c.welcome))
    return None if text is None else Welcome.model_validate_json(text)


def put_welcome(connection: Connection, welcome: Welcome, *, now: datetime) -> None:
    row = {"id": 1, "welcome": welcome.model_dump_json(), "joined_at": now}
    _put(connection, membership, "id", row)


def _put(connection: Connection, table: Table, key: str, row: dict[str, Any]) -> None:
    if not insert_or_ignore(connection, table, [row]):
        connection.execute(update(table).where(table.c[key] == row[key]).values(**row))
