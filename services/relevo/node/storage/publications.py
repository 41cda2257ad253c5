"""Published statistics, and the coarse columns that they are counted from. Nothing sealed is read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from relevo.contracts.lifecycles.referral import Event
from relevo.contracts.statistics import Publication
from relevo.servicekit.database import insert_or_ignore

from .statistics_tables import counted_coarsely, statistics_publication
from .tables import referral, referral_event


@dataclass(frozen=True)
class Published:
    """A publication as it is kept."""

    publication: Publication
    counted_at: datetime
    minimum: int


@dataclass(frozen=True)
class CoarseRow:
    """What statistics know of a referral."""

    role: str
    pathway: str
    triage: str
    reviewed_at: datetime | None
    coarse: bool
    events: dict[Event, datetime]


def get(connection: Connection, period: str, kind: str) -> Published | None:
    columns = statistics_publication.c
    row = connection.execute(
        select(statistics_publication).where(columns.period == period, columns.kind == kind)
    ).first()
    if row is None:
        return None
    return Published(
        Publication.model_validate_json(row.document), row.counted_at, int(row.minimum)
    )


def overlaps(connection: Connection, kind: str, start: datetime, end: datetime) -> bool:
    """Whether anything of this stretch was published, under another division of the year."""
    columns = statistics_publication.c
    query = select(func.count()).where(
        columns.kind == kind, columns.starts_at < end, columns.ends_at > start
    )
    return bool(connection.scalar(query))


def add(
    connection: Connection,
    kind: str,
    start: datetime,
    end: datetime,
    new: Published,
) -> None:
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


def begun_between(
    connection: Connection, start: datetime, end: datetime, *, until: datetime
) -> Iterator[CoarseRow]:
    """Every referral that was stored in a stretch of time, with its events up to a moment."""
    columns, events = referral.c, referral_event.c
    query = (
        select(
            columns.id,
            columns.role,
            columns.pathway,
            columns.triage,
            columns.reviewed_at,
            counted_coarsely.c.referral_id.is_not(None).label("coarse"),
            events.seq,
            events.state,
            events.actor,
            events.at,
        )
        .select_from(referral)
        .join(referral_event, events.referral_id == columns.id)
        .outerjoin(counted_coarsely, counted_coarsely.c.referral_id == columns.id)
        .where(columns.created_at >= start, columns.created_at < end, events.at <= until)
        .order_by(columns.created_at, columns.id, events.seq, events.actor, events.state)
    )
    last, held = None, None
    for row in connection.execute(query):
        if row.id != last:
            if held is not None:
                yield held
            last = row.id
            held = CoarseRow(
                row.role, row.pathway, row.triage, row.reviewed_at, bool(row.coarse), {}
            )
        if held is not None:
            held.events[Event(row.seq, row.state, row.actor)] = row.at
    if held is not None:
        yield held
