"""Families that were split for somebody's safety: who went on with which referral, and who knows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, insert, select, update

from .protection_tables import family_split
from .vault import ErasedError, Vault

_AT_ONCE: Final = 100


@dataclass(frozen=True)
class StoredSplit:
    """A split; `words` are its reason, its explanation, who decided and who confirmed.

    Attributes:
        persons: Places in the referral of those who went.
        needs: Services that went with them.
    """

    id: str
    owner: str
    stays: str
    goes: str
    persons: Sequence[int]
    needs: Sequence[str]
    state: str
    recorded_at: datetime
    confirm_by: datetime
    data_key_id: str
    confirmed_at: datetime | None = None
    words: dict[str, Any] = field(default_factory=dict)


def add(connection: Connection, vault: Vault, new: StoredSplit) -> None:
    """Stores a split.

    Raises:
        ErasedError: The person was erased.
    """
    clear = {name: value for name, value in vars(new).items() if name != "words"}
    connection.execute(insert(family_split).values(**clear, sealed=_seal(vault, new)))


def put(connection: Connection, vault: Vault, changed: StoredSplit) -> None:
    """Stores where it stands now.

    Raises:
        ErasedError: The person was erased.
    """
    connection.execute(
        update(family_split)
        .where(family_split.c.id == changed.id)
        .values(
            state=changed.state,
            confirmed_at=changed.confirmed_at,
            sealed=_seal(vault, changed),
        )
    )


def get(
    connection: Connection, vault: Vault, split_id: str, *, lock: bool = False
) -> StoredSplit | None:
    query = select(family_split).where(family_split.c.id == split_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if row is None else _stored(row, vault)


def of_new(connection: Connection, vault: Vault, goes: str) -> StoredSplit | None:
    """The split that a referral was made by."""
    query = select(family_split).where(family_split.c.goes == goes)
    row = connection.execute(query).mappings().first()
    return None if row is None else _stored(row, vault)


def page(
    connection: Connection, vault: Vault, *, party: str | None, state: str | None, limit: int
) -> list[StoredSplit]:
    """The newest; a unit's own when `party` is given."""
    query = select(family_split)
    if party is not None:
        query = query.where(family_split.c.owner == party)
    if state is not None:
        query = query.where(family_split.c.state == state)
    query = query.order_by(family_split.c.recorded_at.desc(), family_split.c.id).limit(limit)
    return [_stored(row, vault) for row in connection.execute(query).mappings()]


def gone_from(connection: Connection, referral_id: str) -> tuple[set[int], set[str]]:
    """Places and services that no longer show in a referral."""
    columns = family_split.c
    rows = connection.execute(
        select(columns.persons, columns.needs).where(columns.stays == referral_id)
    ).all()
    return (
        {place for row in rows for place in row.persons},
        {need for row in rows for need in row.needs},
    )


def past_their_hour(connection: Connection, *, now: datetime) -> list[tuple[str, str, str]]:
    """(id, referral of those who went, owner) of splits that nobody confirmed in time."""
    columns = family_split.c
    query = (
        select(columns.id, columns.goes, columns.owner)
        .where(columns.state == "waiting", columns.confirm_by <= now)
        .limit(_AT_ONCE)
    )
    return [(row.id, row.goes, row.owner) for row in connection.execute(query)]


def mark_unconfirmed(connection: Connection, split_id: str) -> bool:
    """Escalated once; it stays as it is."""
    done = connection.execute(
        update(family_split)
        .where(family_split.c.id == split_id, family_split.c.state == "waiting")
        .values(state="unconfirmed")
    )
    return bool(done.rowcount)


def _seal(vault: Vault, of: StoredSplit) -> bytes:
    return vault.seal(of.data_key_id, of.words, place=f"split/{of.id}")


def _stored(row: RowMapping, vault: Vault) -> StoredSplit:
    clear = {name: value for name, value in row.items() if name != "sealed"}
    try:
        words = vault.open(row["data_key_id"], row["sealed"], place=f"split/{row['id']}")
    except ErasedError:
        words = {}
    return StoredSplit(**clear, words=words)
