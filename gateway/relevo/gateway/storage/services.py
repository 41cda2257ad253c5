"""The service directory's rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, tuple_, update

from relevo.contracts.hsds import Service

from .tables import service_entry, service_need


@dataclass(frozen=True, slots=True)
class Entry:
    """One service of one institution."""

    institution: str
    service_id: str
    country: str
    party: str
    service: Service
    capacity: str
    capacity_until: datetime | None
    confirmed_by: str
    confirmed_at: datetime
    changed_at: datetime


def get(connection: Connection, institution: str, service_id: str) -> Entry | None:
    rows = connection.execute(select(service_entry).where(*_is(institution, service_id)))
    found = rows.mappings().first()
    return _entry(found) if found else None


def put(connection: Connection, entry: Entry, needs: Sequence[str]) -> bool:
    """Writes an entry and what it meets; its capacity stays if it is there already.

    Returns:
        Whether it is new.
    """
    values: dict[str, Any] = {
        "country": entry.country,
        "party": entry.party,
        "document": entry.service.document(),
        "confirmed_by": entry.confirmed_by,
        "confirmed_at": entry.confirmed_at,
        "changed_at": entry.changed_at,
    }
    where = _is(entry.institution, entry.service_id)
    changed = connection.execute(update(service_entry).where(*where).values(**values)).rowcount
    if not changed:
        row = {"institution": entry.institution, "service_id": entry.service_id, **values}
        capacity = {"capacity": entry.capacity, "capacity_until": entry.capacity_until}
        connection.execute(insert(service_entry).values(**row, **capacity))
    _forget_needs(connection, entry.institution, entry.service_id)
    rows = [
        {
            "need": need,
            "country": entry.country,
            "institution": entry.institution,
            "service_id": entry.service_id,
        }
        for need in needs
    ]
    if rows:
        connection.execute(insert(service_need), rows)
    return not changed


def remove(connection: Connection, institution: str, service_id: str) -> bool:
    """Whether there was one."""
    _forget_needs(connection, institution, service_id)
    where = _is(institution, service_id)
    return bool(connection.execute(delete(service_entry).where(*where)).rowcount)


def set_capacity(
    connection: Connection, institution: str, service_id: str, *, capacity: str, until: datetime
) -> bool:
    """Whether there is such an entry."""
    change = update(service_entry).where(*_is(institution, service_id))
    done = connection.execute(change.values(capacity=capacity, capacity_until=until))
    return bool(done.rowcount)


def confirm(
    connection: Connection, institution: str, service_id: str, *, by: str, now: datetime
) -> bool:
    """Whether there is such an entry."""
    change = update(service_entry).where(*_is(institution, service_id))
    return bool(connection.execute(change.values(confirmed_by=by, confirmed_at=now)).rowcount)


def count(connection: Connection, institution: str) -> int:
    """How many entries an institution has."""
    query = select(func.count()).where(service_entry.c.institution == institution)
    return connection.scalars(query).one()


def confirmed_before(
    connection: Connection, institution: str, moment: datetime, *, limit: int
) -> list[Entry]:
    """Entries of an institution that nobody confirmed since, the oldest first."""
    query = (
        select(service_entry)
        .where(service_entry.c.institution == institution, service_entry.c.confirmed_at <= moment)
        .order_by(service_entry.c.confirmed_at, service_entry.c.service_id)
        .limit(limit)
    )
    return [_entry(row) for row in connection.execute(query).mappings()]


def of_institution(
    connection: Connection, institution: str, *, after: str, limit: int
) -> list[Entry]:
    """An institution's entries by id."""
    query = (
        select(service_entry)
        .where(service_entry.c.institution == institution, service_entry.c.service_id > after)
        .order_by(service_entry.c.service_id)
        .limit(limit)
    )
    return [_entry(row) for row in connection.execute(query).mappings()]


def meeting(
    connection: Connection,
    need: str,
    countries: Sequence[str],
    *,
    after: tuple[str, str],
    limit: int,
) -> list[Entry]:
    """Entries that meet a need, by institution and id."""
    key = (service_need.c.institution, service_need.c.service_id)
    query = (
        select(service_entry)
        .join(
            service_need,
            (service_need.c.institution == service_entry.c.institution)
            & (service_need.c.service_id == service_entry.c.service_id),
        )
        .where(
            service_need.c.need == need,
            service_need.c.country.in_(countries),
            tuple_(*key) > tuple_(*after),
        )
        .order_by(*key)
        .limit(limit)
    )
    return [_entry(row) for row in connection.execute(query).mappings()]


def _is(institution: str, service_id: str) -> tuple[Any, Any]:
    return service_entry.c.institution == institution, service_entry.c.service_id == service_id


def _forget_needs(connection: Connection, institution: str, service_id: str) -> None:
    connection.execute(
        delete(service_need).where(
            service_need.c.institution == institution, service_need.c.service_id == service_id
        )
    )


def _entry(row: RowMapping) -> Entry:
    return Entry(
        institution=row["institution"],
        service_id=row["service_id"],
        country=row["country"],
        party=row["party"],
        service=Service.model_validate(row["document"]),
        capacity=row["capacity"],
        capacity_until=row["capacity_until"],
        confirmed_by=row["confirmed_by"],
        confirmed_at=row["confirmed_at"],
        changed_at=row["changed_at"],
    )
