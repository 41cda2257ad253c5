"""What witnesses signed under checkpoints of this gateway's own ledger."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from relevo.servicekit.database import exclusive

from .tables import cosignature

_LOCK: Final = "gateway-cosignatures"
_KEPT: Final = timedelta(days=1)
"""A newer cosignature covers all that an older one does, so old ones need not be kept."""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """That a witness found the checkpoint of this size consistent with what it saw before.

    Attributes:
        size: Of the tree.
        witness: A peer gateway.
        checkpoint: The note with the ledger's own signature alone.
        line: The witness's signature line.
        witnessed_at: When it looked.
    """

    size: int
    witness: str
    checkpoint: str
    line: str
    witnessed_at: datetime


def put(connection: Connection, item: Cosignature) -> None:
    """Keeps the witness's newest word on this size."""
    exclusive(connection, _LOCK)
    same = (cosignature.c.size == item.size, cosignature.c.witness == item.witness)
    known = connection.scalar(select(cosignature.c.witnessed_at).where(*same))
    values = {
        "checkpoint": item.checkpoint,
        "line": item.line,
        "witnessed_at": item.witnessed_at,
    }
    if known is None:
        connection.execute(
            insert(cosignature).values(size=item.size, witness=item.witness, **values)
        )
    elif known < item.witnessed_at:
        connection.execute(update(cosignature).where(*same).values(**values))
    connection.execute(
        delete(cosignature).where(
            cosignature.c.witness == item.witness,
            cosignature.c.size < item.size,
            cosignature.c.witnessed_at < item.witnessed_at - _KEPT,
        )
    )


def lines(connection: Connection, size: int, *, limit: int) -> list[str]:
    """Signature lines under the checkpoint of this size, by witness."""
    return list(
        connection.scalars(
            select(cosignature.c.line)
            .where(cosignature.c.size == size)
            .order_by(cosignature.c.witness)
            .limit(limit)
        )
    )


def newest(connection: Connection) -> tuple[int, str] | None:
    """Size and note of the newest checkpoint that any witness signed."""
    row = connection.execute(
        select(cosignature.c.size, cosignature.c.checkpoint)
        .order_by(cosignature.c.size.desc(), cosignature.c.witness)
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.size, row.checkpoint)
