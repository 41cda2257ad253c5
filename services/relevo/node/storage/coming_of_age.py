"""When what a guardian or an authority gave ends, because the person is 18."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Connection, select, update

from relevo.servicekit.database import insert_or_ignore

from .protection_tables import coming_of_age

_AT_ONCE: Final = 100


@dataclass(frozen=True)
class ComingOfAge:
    """A consent that is kept here, or a referral that was received under one."""

    kind: Literal["consent", "referral"]
    subject: str
    owner: str
    at: datetime
    done: bool = False


def note(connection: Connection, rows: Sequence[ComingOfAge]) -> None:
    """Remembers them, each once; an earlier day of the same subject wins."""
    if not rows:
        return
    insert_or_ignore(connection, coming_of_age, [vars(row) for row in rows])
    for row in rows:
        connection.execute(
            update(coming_of_age)
            .where(
                coming_of_age.c.kind == row.kind,
                coming_of_age.c.subject == row.subject,
                coming_of_age.c.at > row.at,
                coming_of_age.c.done.is_(False),
            )
            .values(at=row.at)
        )


def due(connection: Connection, *, now: datetime, limit: int = _AT_ONCE) -> list[ComingOfAge]:
    query = (
        select(coming_of_age)
        .where(coming_of_age.c.done.is_(False), coming_of_age.c.at <= now)
        .order_by(coming_of_age.c.at)
        .limit(limit)
    )
    return [ComingOfAge(**row) for row in connection.execute(query).mappings()]


def mark_done(connection: Connection, row: ComingOfAge) -> bool:
    """False when another worker was faster."""
    changed = connection.execute(
        update(coming_of_age)
        .where(
            coming_of_age.c.kind == row.kind,
            coming_of_age.c.subject == row.subject,
            coming_of_age.c.done.is_(False),
        )
        .values(done=True)
    )
    return bool(changed.rowcount)
