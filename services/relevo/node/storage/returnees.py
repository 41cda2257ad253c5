"""Returnee records, their steps and who belongs together. What speaks of a person is sealed under her key."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, tuple_, update

from relevo.contracts.lifecycles.returnee import State

from . import matching
from .matching import IndexRows
from .tables import returnee, returnee_event, returnee_link
from .vault import ErasedError, Vault

_AT_ONCE = 500


@dataclass(frozen=True)
class StoredReturnee:
    """A record as this node holds it; `body` comes from the sealed column.

    Attributes:
        row_key: Fingerprint of the row that she stood in.
        row_digest: Fingerprint of what that row said.
        seen_version: The last version of her list that listed her.
        body: details, local_reference, sealed_event.
    """

    id: str
    owner: str
    state: State
    next_seq: int
    manifest_id: str | None
    row_key: str | None
    row_digest: str | None
    seen_version: int | None
    merged_into: str | None
    created_at: datetime
    updated_at: datetime
    data_key_id: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One move of a record; `detail` is sealed."""

    seq: int
    state: State
    at: datetime
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SealedReturnee:
    """The rows of a new or changed record."""

    record: dict[str, Any]
    steps: list[dict[str, Any]]
    links: list[dict[str, Any]]
    index: IndexRows


def seal(
    vault: Vault,
    record: StoredReturnee,
    steps: Sequence[Step],
    links: Collection[tuple[str, str]],
    *,
    now: datetime,
) -> SealedReturnee:
    """Makes the rows, before the transaction."""
    values = {name: value for name, value in vars(record).items() if name != "body"}
    return SealedReturnee(
        record={**values, "sealed": seal_body(vault, record)},
        steps=[step_row(vault, record, step, now=now) for step in steps],
        links=[
            {"returnee_id": record.id, "kind": kind, "target": target}
            for kind, target in dict.fromkeys(links)
        ],
        index=index_rows(vault, record),
    )


def index_rows(vault: Vault, record: StoredReturnee) -> IndexRows:
    """What the blind index holds of this record."""
    return matching.rows_of(
        vault, returnee_id=record.id, owner=record.owner, state=record.state, body=record.body
    )


def seal_body(vault: Vault, record: StoredReturnee) -> bytes:
    return vault.seal(record.data_key_id, record.body, place=f"returnee/{record.id}")


def step_row(vault: Vault, of: StoredReturnee, step: Step, *, now: datetime) -> dict[str, Any]:
    place = f"returnee_event/{of.id}/{step.seq}"
    return {
        "returnee_id": of.id,
        "seq": step.seq,
        "state": step.state,
        "at": step.at,
        "stored_at": now,
        "sealed": vault.seal(of.data_key_id, step.detail, place=place) if step.detail else None,
    }


def add(connection: Connection, new: Sequence[SealedReturnee]) -> None:
    """Stores new records."""
    for table, rows in (
        (returnee, [one.record for one in new]),
        (returnee_event, [row for one in new for row in one.steps]),
        (returnee_link, [row for one in new for row in one.links]),
    ):
        if rows:
            connection.execute(insert(table), rows)
    matching.add(connection, [one.index for one in new])


def add_steps(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(returnee_event), list(rows))


def change(connection: Connection, record_id: str, **values: Any) -> None:
    """Writes columns of one record."""
    connection.execute(update(returnee).where(returnee.c.id == record_id).values(**values))


def put_links(connection: Connection, record_id: str, links: Collection[tuple[str, str]]) -> None:
    """Replaces the links that a record names."""
    connection.execute(delete(returnee_link).where(returnee_link.c.returnee_id == record_id))
    rows = [
        {"returnee_id": record_id, "kind": kind, "target": target}
        for kind, target in dict.fromkeys(links)
    ]
    if rows:
        connection.execute(insert(returnee_link), rows)


def note_seen(
    connection: Connection, ids: Sequence[str], row_keys: Sequence[str], *, version: int
) -> None:
    """These rows say what they said before, if perhaps on another line."""
    by_key = dict(zip(ids, row_keys, strict=True))
    for batch in _batches(ids):
        known = connection.execute(
            select(returnee.c.id, returnee.c.row_key).where(returnee.c.id.in_(batch))
        )
        for moved in [row.id for row in known if row.row_key != by_key[row.id]]:
            change(connection, moved, row_key=by_key[moved])
        connection.execute(
            update(returnee).where(returnee.c.id.in_(batch)).values(seen_version=version)
        )


def lock(connection: Connection, ids: Collection[str]) -> dict[str, StoredReturnee]:
    """Records without their sealed parts, held until the end of the transaction."""
    found: dict[str, StoredReturnee] = {}
    for batch in _batches(sorted(ids)):
        query = select(returnee).where(returnee.c.id.in_(batch)).order_by(returnee.c.id)
        for row in connection.execute(query.with_for_update()).mappings():
            found[row["id"]] = _bare(row)
    return found


def get(connection: Connection, vault: Vault, record_id: str) -> StoredReturnee | None:
    """One record with its body."""
    row = connection.execute(select(returnee).where(returnee.c.id == record_id)).mappings().first()
    return None if row is None else opened(vault, _bare(row), row["sealed"])


def by_ids(connection: Connection, vault: Vault, ids: Sequence[str]) -> list[StoredReturnee]:
    """Records with their bodies, in the order of `ids`; those erased have none."""
    found: dict[str, StoredReturnee] = {}
    for batch in _batches(ids):
        rows = connection.execute(select(returnee).where(returnee.c.id.in_(batch))).mappings().all()
        vault.fetch([row["data_key_id"] for row in rows])
        found |= {row["id"]: opened(vault, _bare(row), row["sealed"]) for row in rows}
    return [found[one] for one in ids if one in found]


def merged_from(connection: Connection, record_id: str) -> list[str]:
    """Ids of the records that were merged into this one."""
    query = select(returnee.c.id).where(returnee.c.merged_into == record_id)
    return sorted(connection.scalars(query))


def opened(vault: Vault, bare: StoredReturnee, sealed: bytes) -> StoredReturnee:
    try:
        body = vault.open(bare.data_key_id, sealed, place=f"returnee/{bare.id}")
    except ErasedError:
        return bare  # the person was erased; that a record was there stays countable
    return replace(bare, body=body)


def of_manifest(
    connection: Connection,
    vault: Vault,
    manifest_id: str,
    *,
    row_keys: Collection[str],
    row_digests: Collection[str],
) -> list[StoredReturnee]:
    """Records of a list that stood in one of these rows or said what one of these says."""
    found: dict[str, StoredReturnee] = {}
    for column, wanted in ((returnee.c.row_key, row_keys), (returnee.c.row_digest, row_digests)):
        for batch in _batches(sorted(wanted)):
            query = select(returnee).where(returnee.c.manifest_id == manifest_id, column.in_(batch))
            rows = connection.execute(query).mappings().all()
            vault.fetch([row["data_key_id"] for row in rows])
            for row in rows:
                if row["id"] not in found:
                    found[row["id"]] = opened(vault, _bare(row), row["sealed"])
    return sorted(found.values(), key=lambda record: (record.created_at, record.id))


def count_unseen(connection: Connection, manifest_id: str, version: int) -> int:
    """Records of a list that its newest version no longer lists."""
    query = select(returnee.c.id).where(
        returnee.c.manifest_id == manifest_id, returnee.c.seen_version < version
    )
    return len(connection.execute(query).all())


def steps(connection: Connection, vault: Vault, of: StoredReturnee) -> list[Step]:
    """Every step, in order."""
    rows = connection.execute(
        select(returnee_event)
        .where(returnee_event.c.returnee_id == of.id)
        .order_by(returnee_event.c.seq)
    ).mappings()
    return [
        Step(
            row["seq"],
            row["state"],
            row["at"],
            {} if row["sealed"] is None else _detail(vault, of, row),
        )
        for row in rows
    ]


def _detail(vault: Vault, of: StoredReturnee, row: RowMapping) -> dict[str, Any]:
    try:
        detail: dict[str, Any] = vault.open(
            of.data_key_id, row["sealed"], place=f"returnee_event/{of.id}/{row['seq']}"
        )
    except ErasedError:
        return {}
    return detail


def links(connection: Connection, of: StoredReturnee) -> list[tuple[str, str]]:
    """Kind and target of each link that this record names."""
    rows = connection.execute(
        select(returnee_link.c.kind, returnee_link.c.target).where(
            returnee_link.c.returnee_id == of.id
        )
    )
    return sorted((row.kind, row.target) for row in rows)


def linked_to(
    connection: Connection, targets: Collection[str], *, owner: str
) -> list[tuple[str, str, str]]:
    """Record, kind and target of every link of this owner that names one of these."""
    rows = connection.execute(
        select(returnee_link)
        .join(returnee, returnee.c.id == returnee_link.c.returnee_id)
        .where(returnee_link.c.target.in_(sorted(targets)), returnee.c.owner == owner)
    )
    return sorted((row.returnee_id, row.kind, row.target) for row in rows)


def by_row_keys(connection: Connection, row_keys: Collection[str], *, owner: str) -> dict[str, str]:
    """Row key to the id of its record; the newest where a row was given to somebody else."""
    rows = connection.execute(
        select(returnee.c.row_key, returnee.c.id)
        .where(returnee.c.row_key.in_(sorted(row_keys)), returnee.c.owner == owner)
        .order_by(returnee.c.created_at)
    )
    return {row.row_key: row.id for row in rows}


def owned_ids(connection: Connection, ids: Collection[str], *, owner: str) -> set[str]:
    """Which of these are records of this owner."""
    query = select(returnee.c.id).where(returnee.c.id.in_(sorted(ids)), returnee.c.owner == owner)
    return set(connection.scalars(query))


def page(
    connection: Connection,
    *,
    party: str | None,
    state: str | None,
    manifest_id: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[StoredReturnee]:
    """Newest first, without sealed parts."""
    query = select(returnee)
    if party is not None:
        query = query.where(returnee.c.owner == party)
    if state is not None:
        query = query.where(returnee.c.state == state)
    if manifest_id is not None:
        query = query.where(returnee.c.manifest_id == manifest_id)
    if before is not None:
        query = query.where(tuple_(returnee.c.created_at, returnee.c.id) < before)
    query = query.order_by(returnee.c.created_at.desc(), returnee.c.id.desc()).limit(limit)
    return [_bare(row) for row in connection.execute(query).mappings()]


def _bare(row: RowMapping) -> StoredReturnee:
    return StoredReturnee(**{name: value for name, value in row.items() if name != "sealed"})


def _batches(items: Sequence[str]) -> list[Sequence[str]]:
    return [items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE)]
