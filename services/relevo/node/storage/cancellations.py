"""Wishes to cancel referrals that were sent from here."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from relevo.contracts.cancellation import Cancellation

from .referrals import StoredReferral
from .tables import cancellation, outbox
from .vault import ErasedError, Vault

_NEVER_ARRIVED = {"refused", "expired", "dead"}


@dataclass(frozen=True)
class Asked:
    """A wish to cancel.

    Attributes:
        sent: Whether its message was queued; until the other side has spoken, it waits here.
    """

    message_id: str
    asked_at: datetime
    reason: str
    sent: bool


def add(connection: Connection, vault: Vault, of: StoredReferral, asked: Asked) -> None:
    """Stores a wish.

    Raises:
        ErasedError: The person was erased.
    """
    connection.execute(
        insert(cancellation).values(
            message_id=asked.message_id,
            referral_id=of.id,
            asked_at=asked.asked_at,
            sent=asked.sent,
            data_key_id=of.data_key_id,
            sealed=vault.seal(
                of.data_key_id, {"reason": asked.reason}, place=_place(asked.message_id)
            ),
        )
    )


def unsent_among(
    connection: Connection, vault: Vault, referral_ids: Collection[str]
) -> dict[str, Asked]:
    """Wishes that wait for the other side's first word, by referral."""
    if not referral_ids:
        return {}
    columns = cancellation.c
    query = select(cancellation).where(
        columns.referral_id.in_(list(referral_ids)),
        columns.sent.is_(False),
        columns.answer.is_(None),
    )
    found: dict[str, Asked] = {}
    for row in connection.execute(query):
        try:
            said = vault.open(row.data_key_id, row.sealed, place=_place(row.message_id))
        except ErasedError:
            continue
        found[row.referral_id] = Asked(row.message_id, row.asked_at, said["reason"], sent=False)
    return found


def mark_sent(connection: Connection, message_id: str) -> None:
    """Its message was queued."""
    connection.execute(
        update(cancellation).where(cancellation.c.message_id == message_id).values(sent=True)
    )


def note_answer(
    connection: Connection,
    referral_id: str,
    message_id: str,
    answer: Literal["taken", "inapplicable"],
) -> None:
    """The other side's node answered; the first answer stays."""
    columns = cancellation.c
    connection.execute(
        update(cancellation)
        .where(
            columns.message_id == message_id,
            columns.referral_id == referral_id,
            columns.answer.is_(None),
        )
        .values(answer=answer)
    )


def last_of(connection: Connection, vault: Vault, of: StoredReferral) -> Cancellation | None:
    """The last wish to cancel a referral."""
    columns = cancellation.c
    row = connection.execute(
        select(cancellation, outbox.c.state.label("message_state"))
        .outerjoin(outbox, outbox.c.id == columns.message_id)
        .where(columns.referral_id == of.id)
        .order_by(columns.asked_at.desc(), columns.message_id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    gone = row.message_state if row.sent else of.delivery
    answer: Any = row.answer or ("undelivered" if gone in _NEVER_ARRIVED else "waiting")
    try:
        said = vault.open(row.data_key_id, row.sealed, place=_place(row.message_id))
    except ErasedError:
        said = {}
    return Cancellation(asked_at=row.asked_at, reason=said.get("reason"), answer=answer)


def _place(message_id: str) -> str:
    return f"cancellation/{message_id}"
