"""The event feed. Positions are given one after the other, so a reader's cursor cannot skip one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from relevo.servicekit.database import exclusive
from relevo.servicekit.ids import new_id

from .tables import event_feed


@dataclass(frozen=True)
class FeedEvent:
    """Something happened to a referral or consent; ids only."""

    type: str
    subject: str
    party: str
    at: datetime
    event_seq: int | None = None
    position: int = 0
    id: str = ""


def append(connection: Connection, events: list[FeedEvent]) -> None:
    """Adds events at the end. Last thing in a transaction: the position lock is held from here on."""
    if not events:
        return
    exclusive(connection, "node.event_feed")
    last = connection.scalar(select(func.coalesce(func.max(event_feed.c.position), 0))) or 0
    connection.execute(
        insert(event_feed),
        [
            {**vars(event), "position": position, "id": new_id()}
            for position, event in enumerate(events, start=last + 1)
        ],
    )


def after(
    connection: Connection, position: int, *, limit: int, party: str | None = None
) -> list[FeedEvent]:
    """Events past a position, in order; those of one unit when `party` is given."""
    query = select(event_feed).where(event_feed.c.position > position)
    if party is not None:
        query = query.where(event_feed.c.party == party)
    rows = connection.execute(query.order_by(event_feed.c.position).limit(limit)).mappings()
    return [FeedEvent(**row) for row in rows]


def last_position(connection: Connection) -> int:
    return connection.scalar(select(func.coalesce(func.max(event_feed.c.position), 0))) or 0
