"""The coarse state of referrals whose code begins with one of our countries."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from .tables import referral_status


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
        ).where(columns.reference_code.in_(list(codes)))
    )
    return {row[0]: ReferralStatus(*row) for row in rows}


def advance(connection: Connection, rows: Sequence[ReferralStatus]) -> None:
    """Later words; those that are older than what is known change nothing."""
    if not rows:
        return
    columns = referral_status.c
    connection.execute(
        update(referral_status)
        .where(columns.reference_code == bindparam("code"), columns.event_seq < bindparam("seq"))
        .values(
            state=bindparam("new_state"), event_seq=bindparam("seq"), since=bindparam("new_since")
        ),
        [
            {
                "code": row.reference_code,
                "seq": row.event_seq,
                "new_state": row.state,
                "new_since": row.since,
            }
            for row in rows
        ],
    )
