"""Uses of break-glass: opened, reviewed, escalated; never removed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, or_, select, tuple_, update

from .access_tables import break_glass
from .vault import ErasedError, Vault


@dataclass(frozen=True)
class StoredUse:
    """One use; `words` and `review` come from the sealed columns."""

    id: str
    referral_id: str
    owner: str
    party: str
    client_id: str
    risk: str
    alone_on_shift: bool
    reviewer: str | None
    opened_at: datetime
    expires_at: datetime
    review_due_at: datetime
    data_key_id: str
    words: dict[str, Any]
    escalated_at: datetime | None = None
    reviewed_at: datetime | None = None
    reviewed_by_party: str | None = None
    review: dict[str, Any] | None = None


_SEALED = {"words", "review"}


def add(connection: Connection, vault: Vault, use: StoredUse) -> None:
    values = {name: value for name, value in vars(use).items() if name not in _SEALED}
    sealed = vault.seal(use.data_key_id, use.words, place=_place(use.id, "words"))
    connection.execute(insert(break_glass), [{**values, "sealed": sealed}])


def get(
    connection: Connection, vault: Vault, use_id: str, *, lock: bool = False
) -> StoredUse | None:
    query = select(break_glass).where(break_glass.c.id == use_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if row is None else _read(vault, row)


def page(
    connection: Connection,
    vault: Vault,
    *,
    party: str | None,
    reviewer: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[StoredUse]:
    """Newest first; those of one unit's records or by it when `party` is given, those that an
    institution reviews when `reviewer` is.
    """
    columns = break_glass.c
    query = select(break_glass)
    if party is not None:
        query = query.where(or_(columns.owner == party, columns.party == party))
    if reviewer is not None:
        unit = columns.reviewer.startswith(f"{reviewer}.", autoescape=True)
        query = query.where(or_(columns.reviewer == reviewer, unit))
    if before is not None:
        query = query.where(tuple_(columns.opened_at, columns.id) < before)
    rows = connection.execute(
        query.order_by(columns.opened_at.desc(), columns.id.desc()).limit(limit)
    ).mappings()
    return [_read(vault, row) for row in rows]


def open_to(connection: Connection, referral_id: str, party: str, now: datetime) -> str | None:
    """The use under which a party may read this referral now."""
    columns = break_glass.c
    return connection.scalar(
        select(columns.id)
        .where(
            columns.referral_id == referral_id,
            columns.party == party,
            columns.opened_at <= now,
            columns.expires_at > now,
        )
        .order_by(columns.expires_at.desc())
        .limit(1)
    )


def has_overdue(connection: Connection, party: str, now: datetime) -> bool:
    """Whether a party has a use that nobody reviewed in time."""
    columns = break_glass.c
    found = select(columns.id).where(
        columns.party == party, columns.reviewed_at.is_(None), columns.review_due_at <= now
    )
    return connection.scalar(found.limit(1)) is not None


def put_review(connection: Connection, vault: Vault, use: StoredUse) -> None:
    """Stores the review of a use, whose time and party it holds."""
    connection.execute(
        update(break_glass)
        .where(break_glass.c.id == use.id)
        .values(
            reviewed_at=use.reviewed_at,
            reviewed_by_party=use.reviewed_by_party,
            review=vault.seal(use.data_key_id, use.review, place=_place(use.id, "review")),
        )
    )


def unreviewed(connection: Connection, *, now: datetime, limit: int) -> list[tuple[str, str, str]]:
    """Id, owner and party of uses past their review that nobody was told of."""
    columns = break_glass.c
    query = select(columns.id, columns.owner, columns.party).where(
        columns.reviewed_at.is_(None),
        columns.escalated_at.is_(None),
        columns.review_due_at <= now,
    )
    rows = connection.execute(query.order_by(columns.review_due_at).limit(limit))
    return [(row.id, row.owner, row.party) for row in rows]


def note_escalated(connection: Connection, ids: Sequence[str], now: datetime) -> None:
    connection.execute(
        update(break_glass)
        .where(break_glass.c.id.in_(list(ids)), break_glass.c.escalated_at.is_(None))
        .values(escalated_at=now)
    )


def _read(vault: Vault, row: RowMapping) -> StoredUse:
    values = {k: v for k, v in row.items() if k not in {"sealed", "review"}}
    use = StoredUse(**values, words={})
    try:
        words = vault.open(use.data_key_id, row["sealed"], place=_place(use.id, "words"))
        review = (
            None
            if row["review"] is None
            else vault.open(use.data_key_id, row["review"], place=_place(use.id, "review"))
        )
    except ErasedError:
        return use
    return replace(use, words=words, review=review)


def _place(use_id: str, part: str) -> str:
    return f"break_glass/{use_id}/{part}"
