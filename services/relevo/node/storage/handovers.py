"""Handovers: who brought whom to whom, what was said of them sealed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, tuple_

from relevo.contracts.handover import Handover, HandoverInput

from .tables import handover
from .vault import ErasedError, Vault


def seal(vault: Vault, new: Handover) -> dict[str, Any]:
    """The row of a handover, under a key of its own. Before the transaction."""
    key_id = vault.new_key()
    said = new.model_dump(mode="json", include=set(HandoverInput.model_fields))
    return {
        "id": new.id,
        "brought_by": new.brought_by,
        "received_by": new.received_by,
        "stored_at": new.stored_at,
        "data_key_id": key_id,
        "sealed": vault.seal(key_id, said, place=f"handover/{new.id}"),
    }


def add(connection: Connection, row: Mapping[str, Any]) -> None:
    """Stores what `seal` made."""
    connection.execute(insert(handover), [dict(row)])


def page(
    connection: Connection,
    vault: Vault,
    *,
    party: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Handover]:
    """Newest first; those of one unit when `party` is given, without those that were erased."""
    query = select(handover)
    if party is not None:
        query = query.where(handover.c.received_by == party)
    if before is not None:
        query = query.where(tuple_(handover.c.stored_at, handover.c.id) < before)
    query = query.order_by(handover.c.stored_at.desc(), handover.c.id.desc()).limit(limit)
    found = []
    for row in connection.execute(query).mappings():
        try:
            said = vault.open(row["data_key_id"], row["sealed"], place=f"handover/{row['id']}")
        except ErasedError:
            continue
        found.append(
            Handover(**said, id=row["id"], brought_by=row["brought_by"], stored_at=row["stored_at"])
        )
    return found
