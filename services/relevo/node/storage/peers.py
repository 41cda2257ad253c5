"""What this node knows of others: its gateway, directory entries, and the identity keys it trusts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from relevo.contracts.institution import Welcome

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
    connection.execute(delete(pin).where(pin.c.institution == value.institution))
    connection.execute(insert(pin).values(**vars(value)))


def get_entry(connection: Connection, institution: str) -> tuple[str, datetime] | None:
    """The directory entry last seen, as its signed bytes, and when it was fetched."""
    row = connection.execute(
        select(directory_entry).where(directory_entry.c.institution == institution)
    ).first()
    return None if row is None else (row.jws, row.fetched_at)


def put_entry(connection: Connection, institution: str, jws: str, *, now: datetime) -> None:
    connection.execute(delete(directory_entry).where(directory_entry.c.institution == institution))
    connection.execute(
        insert(directory_entry).values(institution=institution, jws=jws, fetched_at=now)
    )


def drop_entry(connection: Connection, institution: str) -> None:
    connection.execute(delete(directory_entry).where(directory_entry.c.institution == institution))


def get_welcome(connection: Connection) -> Welcome | None:
    text = connection.scalar(select(membership.c.welcome))
    return None if text is None else Welcome.model_validate_json(text)


def put_welcome(connection: Connection, welcome: Welcome, *, now: datetime) -> None:
    connection.execute(delete(membership))
    connection.execute(
        insert(membership).values(id=1, welcome=welcome.model_dump_json(), joined_at=now)
    )
