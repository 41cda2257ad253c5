"""Published statistics: kept as they were first said."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from relevo.contracts.country_statistics import CountryPublication
from relevo.servicekit.database import insert_or_ignore

from .tables import statistics_publication


@dataclass(frozen=True)
class Published:
    """A publication as it is kept."""

    publication: CountryPublication
    counted_at: datetime
    minimum: int


def get(connection: Connection, period: str, kind: str) -> Published | None:
    columns = statistics_publication.c
    row = connection.execute(
        select(statistics_publication).where(columns.period == period, columns.kind == kind)
    ).first()
    if row is None:
        return None
    read = CountryPublication.model_validate_json(row.document)
    return Published(read, row.counted_at, int(row.minimum))


def overlaps(connection: Connection, kind: str, start: datetime, end: datetime) -> bool:
    """Whether anything of this stretch was published, under another division of the year."""
    columns = statistics_publication.c
    query = select(func.count()).where(
        columns.kind == kind, columns.starts_at < end, columns.ends_at > start
    )
    return bool(connection.scalar(query))


def add(connection: Connection, kind: str, start: datetime, end: datetime, new: Published) -> None:
    """Stores a publication; the first one stays."""
    row = {
        "period": new.publication.period,
        "kind": kind,
        "starts_at": start,
        "ends_at": end,
        "counted_at": new.counted_at,
        "minimum": new.minimum,
        "document": new.publication.model_dump_json(),
    }
    insert_or_ignore(connection, statistics_publication, [row])
