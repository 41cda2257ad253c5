"""Messages that came: their id and digest, so that each counts once."""

from datetime import datetime

from sqlalchemy import Connection, insert, select

from .tables import inbox


def digests(connection: Connection, message_ids: list[str]) -> dict[str, str]:
    """Digest by message id, of those that came before."""
    rows = connection.execute(
        select(inbox.c.message_id, inbox.c.digest).where(inbox.c.message_id.in_(message_ids))
    )
    return {row.message_id: row.digest for row in rows}


def add(
    connection: Connection,
    *,
    message_id: str,
    digest: str,
    sender: str,
    referral_id: str,
    message_type: str,
    applicable: bool,
    now: datetime,
) -> None:
    connection.execute(
        insert(inbox).values(
            message_id=message_id,
            digest=digest,
            sender=sender,
            referral_id=referral_id,
            message_type=message_type,
            applicable=applicable,
            received_at=now,
        )
    )
