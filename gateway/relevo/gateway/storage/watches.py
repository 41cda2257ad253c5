"""Who watches which route for its coordination table. Nothing is forgotten of who decided so."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from relevo.servicekit.ids import random_id

from .tables import watch


def of_many(connection: Connection, institutions: Sequence[str]) -> dict[str, list[str]]:
    """The routes that each of these watches now, by name."""
    columns = watch.c
    rows = connection.execute(
        select(columns.institution, columns.pathway)
        .distinct()
        .where(columns.institution.in_(list(institutions)), columns.ended_at.is_(None))
        .order_by(columns.pathway)
    )
    found: dict[str, list[str]] = defaultdict(list)
    for institution, pathway in rows:
        found[institution].append(pathway)
    return found


def appoint(
    connection: Connection,
    institution: str,
    pathways: Collection[str],
    *,
    by: str,
    now: datetime,
) -> None:
    """Begins to watch."""
    rows = [
        {
            "id": random_id(),
            "institution": institution,
            "pathway": name,
            "appointed_at": now,
            "appointed_by": by,
        }
        for name in sorted(pathways)
    ]
    if rows:
        connection.execute(insert(watch), rows)


def end(
    connection: Connection,
    institution: str,
    pathways: Collection[str],
    *,
    by: str,
    now: datetime,
) -> None:
    """Watches no longer."""
    columns = watch.c
    connection.execute(
        update(watch)
        .where(
            columns.institution == institution,
            columns.pathway.in_(sorted(pathways)),
            columns.ended_at.is_(None),
        )
        .values(ended_at=now, ended_by=by)
    )
