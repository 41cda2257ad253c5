"""The ends of a withdrawal, as `withdrawal_tables` keeps them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from relevo.contracts.message_types.consent_withdrawn import CONSENT_WITHDRAWN
from relevo.contracts.withdrawal import PendingRequest
from relevo.servicekit.database import insert_or_ignore

from .tables import inbox, referral
from .withdrawal_tables import withdrawal_answer, withdrawal_request, withdrawal_tries


@dataclass(frozen=True)
class Answered:
    """What a holder did with what it got of one referral, or the keeper of a consent with its own."""

    subject: str
    answer: str
    law: str | None
    at: datetime


def put_answer(connection: Connection, answered: Answered) -> None:
    """The last word of a holder counts, whatever came later on the way."""
    row = vars(answered)
    if not insert_or_ignore(connection, withdrawal_answer, [row]):
        connection.execute(
            update(withdrawal_answer)
            .where(
                withdrawal_answer.c.subject == answered.subject,
                withdrawal_answer.c.at <= answered.at,
            )
            .values(**row)
        )


def answers_of(connection: Connection, subjects: list[str]) -> dict[str, Answered]:
    """By referral or consent; those that nobody answered are absent."""
    rows = connection.execute(
        select(withdrawal_answer).where(withdrawal_answer.c.subject.in_(subjects))
    ).mappings()
    return {row["subject"]: Answered(**row) for row in rows}


def message_that_withdrew(connection: Connection, referral_id: str) -> str | None:
    """The message with which the withdrawal of a received referral came."""
    return connection.scalar(
        select(inbox.c.message_id)
        .where(inbox.c.referral_id == referral_id, inbox.c.message_type == CONSENT_WITHDRAWN.id)
        .order_by(inbox.c.received_at.desc())
    )


def referral_sent_under(connection: Connection, reference_code: str) -> str | None:
    """The referral of this code, if it was sent from here."""
    return connection.scalar(
        select(referral.c.id).where(
            referral.c.reference_code == reference_code, referral.c.role == "sender"
        )
    )


@dataclass(frozen=True)
class Tries:
    """How often a wrong phrase came for one referral, and until when nobody is listened to."""

    referral_id: str
    tries: int = 0
    paused_until: datetime | None = None


def tries_of(connection: Connection, referral_id: str) -> Tries:
    row = connection.execute(
        select(withdrawal_tries).where(withdrawal_tries.c.referral_id == referral_id)
    ).mappings()
    found = row.first()
    return Tries(referral_id) if found is None else Tries(**found)


def put_tries(connection: Connection, tries: Tries) -> None:
    row = vars(tries)
    if not insert_or_ignore(connection, withdrawal_tries, [row]):
        connection.execute(
            update(withdrawal_tries)
            .where(withdrawal_tries.c.referral_id == tries.referral_id)
            .values(**row)
        )


def add_request(connection: Connection, request: PendingRequest, *, owner: str) -> bool:
    """False when it came before."""
    row: dict[str, Any] = request.model_dump() | {"owner": owner}
    return bool(insert_or_ignore(connection, withdrawal_request, [row]))


def decide(connection: Connection, request_id: str, state: str, *, at: datetime) -> None:
    connection.execute(
        update(withdrawal_request)
        .where(withdrawal_request.c.id == request_id)
        .values(state=state, decided_at=at)
    )


def get_request(connection: Connection, request_id: str) -> tuple[PendingRequest, str] | None:
    """A request and the party whose it is."""
    query = select(withdrawal_request).where(withdrawal_request.c.id == request_id)
    row = connection.execute(query.with_for_update()).mappings().first()
    return None if row is None else (_request(row), row["owner"])


def pending(connection: Connection, *, party: str | None, limit: int) -> list[PendingRequest]:
    """Those on which the person has to be asked, oldest first."""
    columns = withdrawal_request.c
    query = select(withdrawal_request).where(columns.state == "pending_person")
    if party is not None:
        query = query.where(columns.owner == party)
    rows = connection.execute(query.order_by(columns.received_at).limit(limit)).mappings()
    return [_request(row) for row in rows]


def _request(row: RowMapping) -> PendingRequest:
    return PendingRequest(**{name: value for name, value in row.items() if name != "owner"})
