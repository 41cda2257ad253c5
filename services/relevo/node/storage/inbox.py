"""Messages that came: their id and digest, so that each counts once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from .tables import inbox


@dataclass(frozen=True)
class Received:
    """A message as it is remembered.

    Attributes:
        applicable: Whether it changed anything; one that came too late or too early does not.
    """

    message_id: str
    digest: str
    sender: str
    referral_id: str
    message_type: str
    applicable: bool
    received_at: datetime


def digests(connection: Connection, message_ids: list[str]) -> dict[str, str]:
    """Digest by message id, of those that came before."""
    rows = connection.execute(
        select(inbox.c.message_id, inbox.c.digest).where(inbox.c.message_id.in_(message_ids))
    )
    return {row.message_id: row.digest for row in rows}


def add(connection: Connection, received: Sequence[Received]) -> None:
    """Remembers messages.

    Raises:
        IntegrityError: One of them came before.
    """
    if received:
        connection.execute(insert(inbox), [vars(message) for message in received])
