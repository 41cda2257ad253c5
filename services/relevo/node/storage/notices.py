"""Versions of notices, by id and language."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from relevo.contracts.notices import NoticeVersion, RegisteredNotice
from relevo.servicekit.database import insert_or_ignore

from .notice_tables import notice


def add(connection: Connection, version: NoticeVersion) -> RegisteredNotice:
    """Registers a version; one that is there already stays as it is."""
    insert_or_ignore(connection, notice, [version.model_dump() | {"recalled_at": None}])
    return next(
        one
        for one in of_id(connection, version.id)
        if (one.version, one.language) == (version.version, version.language)
    )


def recall(
    connection: Connection, notice_id: str, version: str, language: str | None, *, at: datetime
) -> int:
    """Marks a version as recalled, in one language or in all; how many were not yet."""
    columns = notice.c
    which = [columns.id == notice_id, columns.version == version]
    if language is not None:
        which.append(columns.language == language)
    known = connection.execute(select(columns.language).where(*which)).all()
    connection.execute(
        update(notice).where(*which, columns.recalled_at.is_(None)).values(recalled_at=at)
    )
    return len(known)


def of_id(connection: Connection, notice_id: str) -> list[RegisteredNotice]:
    """Every version of one notice."""
    rows = connection.execute(select(notice).where(notice.c.id == notice_id)).mappings()
    return [RegisteredNotice(**row) for row in rows]


def newest(connection: Connection, limit: int) -> list[RegisteredNotice]:
    """Versions of all notices, newest first."""
    order = (notice.c.published_at.desc(), notice.c.id, notice.c.version, notice.c.language)
    rows = connection.execute(select(notice).order_by(*order).limit(limit)).mappings()
    return [RegisteredNotice(**row) for row in rows]
