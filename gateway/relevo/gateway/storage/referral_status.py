"""The coarse state of referrals whose code begins with one of our countries."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, String, bindparam, case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from .tables import referral_status

_MOST_SAID: Final = 1000
"""Characters of steps; nobody takes so many."""


@dataclass(frozen=True, slots=True)
class ReferralStatus:
    """Where a referral stands, and between whom: no other message may change it."""

    reference_code: str
    referral_id: str
    sender: str
    receiver: str
    state: str
    triage: str | None
    event_seq: int
    since: datetime
    pathway: str
    begun_at: datetime


def begin(connection: Connection, rows: Sequence[ReferralStatus]) -> None:
    """First word of a referral; a code that is taken stays whose it is."""
    if not rows:
        return
    # Without RETURNING, which nobody reads here: PostgreSQL's driver then takes the rows one by one
    # in a pipeline, and does not parse a statement of eight hundred parameters.
    new = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(
        new(referral_status).on_conflict_do_nothing(),
        [
            {
                "reference_code": row.reference_code,
                "referral_id": row.referral_id,
                "sender": row.sender,
                "receiver": row.receiver,
                "state": row.state,
                "triage": row.triage,
                "event_seq": row.event_seq,
                "since": row.since,
                "pathway": row.pathway,
                "begun_at": row.begun_at,
                "steps": "",
            }
            for row in rows
        ],
    )


def get_many(connection: Connection, codes: Collection[str]) -> dict[str, ReferralStatus]:
    if not codes:
        return {}
    columns = referral_status.c
    rows = connection.execute(
        select(
            columns.reference_code,
            columns.referral_id,
            columns.sender,
            columns.receiver,
            columns.state,
            columns.triage,
            columns.event_seq,
            columns.since,
            columns.pathway,
            columns.begun_at,
        ).where(columns.reference_code.in_(list(codes)))
    )
    return {row[0]: ReferralStatus(*tuple(row)) for row in rows}


def advance(connection: Connection, rows: Sequence[ReferralStatus]) -> None:
    """Later words; those that are older than what is known change nothing."""
    if not rows:
        return
    columns = referral_status.c
    connection.execute(
        update(referral_status)
        .where(columns.reference_code == bindparam("code"), columns.event_seq < bindparam("seq"))
        .values(
            state=bindparam("new_state"),
            event_seq=bindparam("seq"),
            since=bindparam("new_since"),
            # Added where it stands, so that no two batches lose each other's step.
            steps=case(
                (
                    func.length(columns.steps) < _MOST_SAID,
                    columns.steps + bindparam("new_step", type_=String),
                ),
                else_=columns.steps,
            ),
        ),
        [
            {
                "code": row.reference_code,
                "seq": row.event_seq,
                "new_state": row.state,
                "new_since": row.since,
                "new_step": _step(row),
            }
            for row in rows
        ],
    )


@dataclass(frozen=True, slots=True)
class CountedRow:
    """What figures are counted from.

    Attributes:
        steps: Coarse states in order, each with how long after the beginning it passed here.
    """

    reference_code: str
    sender: str
    receiver: str
    pathway: str
    triage: str | None
    begun_at: datetime
    steps: list[tuple[str, timedelta]]


def begun_between(connection: Connection, start: datetime, end: datetime) -> Iterator[CountedRow]:
    """Every referral that began in a stretch of time."""
    columns = referral_status.c
    query = (
        select(
            columns.reference_code,
            columns.sender,
            columns.receiver,
            columns.pathway,
            columns.triage,
            columns.begun_at,
            columns.steps,
        )
        .where(columns.begun_at >= start, columns.begun_at < end)
        .order_by(columns.begun_at, columns.reference_code)
    )
    for row in connection.execute(query):
        yield CountedRow(*row[:-1], steps=_steps(row.steps))


def _step(row: ReferralStatus) -> str:
    return f"{row.state}:{int((row.since - row.begun_at).total_seconds() // 60)} "


def _steps(text: str) -> list[tuple[str, timedelta]]:
    pairs = (step.split(":") for step in text.split())
    return [(state, timedelta(minutes=int(minutes))) for state, minutes in pairs]
