"""Whom this node told of children in a referral, and whether somebody else has to be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from relevo.contracts.referral import ChildNotice

from .protection_tables import child_notice
from .tables import referral

_AT_ONCE: Final = 50
_SILENT: Final = ("submitted", "received")
_NOT_TAKEN: Final = ("failed", "expired", "rejected")


@dataclass(frozen=True)
class NoticeRow:
    """One notice, or the reason why none could be made.

    Attributes:
        open: Whether the alternate is told when this authority stays silent.
    """

    id: str
    referral_id: str
    notice_id: str | None
    authority: str | None
    owner: str
    problem: str | None
    open: bool
    made_at: datetime


def add(connection: Connection, rows: Sequence[NoticeRow]) -> None:
    if rows:
        connection.execute(insert(child_notice), [vars(row) for row in rows])


def of_referral(connection: Connection, referral_id: str) -> list[ChildNotice]:
    """As they are read, oldest first."""
    columns = child_notice.c
    query = select(child_notice).where(columns.referral_id == referral_id)
    return [
        ChildNotice(
            authority=row.authority,
            referral_id=row.notice_id,
            problem=row.problem,
            made_at=row.made_at,
        )
        for row in connection.execute(query.order_by(columns.made_at, columns.id))
    ]


def silent(connection: Connection, *, now: datetime) -> list[NoticeRow]:
    """Open notices whose authority did not look at them in time, or will not take them."""
    query = (
        select(child_notice)
        .join(referral, referral.c.id == child_notice.c.notice_id)
        .where(
            child_notice.c.open.is_(True),
            (referral.c.state.in_(_SILENT) & (referral.c.overdue_at <= now))
            | referral.c.state.in_(_NOT_TAKEN),
        )
        .order_by(child_notice.c.id)
        .limit(_AT_ONCE)
    )
    return [NoticeRow(**row) for row in connection.execute(query).mappings()]


def settled(connection: Connection) -> list[str]:
    """Open notices that somebody has looked at: nobody else need be told."""
    query = (
        select(child_notice.c.id)
        .join(referral, referral.c.id == child_notice.c.notice_id)
        .where(child_notice.c.open.is_(True), referral.c.state.not_in((*_SILENT, *_NOT_TAKEN)))
        .limit(_AT_ONCE)
    )
    return list(connection.scalars(query))


def close(connection: Connection, ids: Sequence[str]) -> bool:
    """Watches these no longer; False when another worker was faster."""
    if not ids:
        return False
    done = connection.execute(
        update(child_notice)
        .where(child_notice.c.id.in_(list(ids)), child_notice.c.open.is_(True))
        .values(open=False)
    )
    return bool(done.rowcount)
