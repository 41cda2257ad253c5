"""Lists of returnees: their versions, the rows that wait to be read, and the answers to those read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, delete, exists, func, insert, select, tuple_, update

from relevo.contracts.manifest.advice import Note
from relevo.contracts.manifest.door import RawRow
from relevo.contracts.returnee import RowResult
from relevo.servicekit import work_queue
from relevo.servicekit.database import exclusive
from relevo.servicekit.ids import new_id, random_id

from .tables import manifest, manifest_block, manifest_row, manifest_upload
from .vault import Vault

DONE = "done"
_RowOfBlock = tuple[RawRow, str]
"""A row with the fingerprint of what it says."""


@dataclass(frozen=True)
class StoredManifest:
    """A list, without its versions."""

    id: str
    owner: str
    reference: str
    data_key_id: str
    created_at: datetime


@dataclass(frozen=True)
class Upload:
    """One version of a list and how far it has been read."""

    id: str
    manifest_id: str
    version: int
    digest: str
    state: str
    lease_id: str | None
    attempts: int
    terms: dict[str, Any]
    m_means: Literal["male", "female"] | None
    columns: list[dict[str, Any]]
    data_key_id: str
    rows_total: int
    rows_read: int
    kept: int
    changed: int
    unchanged: int
    refused: int
    absent: int | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class Answer:
    """What became of a row."""

    line: int
    result: RowResult
    returnee_id: str | None
    notes: tuple[Note, ...] = ()


def hold(
    connection: Connection, *, owner: str, reference: str, new_key_id: str, now: datetime
) -> StoredManifest:
    """The list of this name, made if need be; nobody else adds a version until the transaction ends."""
    exclusive(connection, f"manifest\n{owner}\n{reference}")
    query = select(manifest).where(manifest.c.owner == owner, manifest.c.reference == reference)
    row = connection.execute(query).mappings().first()
    if row is not None:
        return StoredManifest(**row)
    made = StoredManifest(new_id(), owner, reference, new_key_id, now)
    connection.execute(insert(manifest).values(**vars(made)))
    return made


def by_reference(connection: Connection, *, owner: str, reference: str) -> StoredManifest | None:
    query = select(manifest).where(manifest.c.owner == owner, manifest.c.reference == reference)
    row = connection.execute(query).mappings().first()
    return None if row is None else StoredManifest(**row)


def get(connection: Connection, manifest_id: str) -> StoredManifest | None:
    row = (
        connection.execute(select(manifest).where(manifest.c.id == manifest_id)).mappings().first()
    )
    return None if row is None else StoredManifest(**row)


def newest(connection: Connection, manifest_id: str) -> Upload | None:
    """The last version that came."""
    query = (
        select(manifest_upload)
        .where(manifest_upload.c.manifest_id == manifest_id)
        .order_by(manifest_upload.c.version.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else _upload(row)


def page(
    connection: Connection,
    *,
    party: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[tuple[StoredManifest, Upload]]:
    """Lists with their last versions, newest first.

    Args:
        connection: The transaction.
        party: Only this unit's.
        before: Creation and id of the last one of the page before.
        limit: How many at most.
    """
    query = select(manifest)
    if party is not None:
        query = query.where(manifest.c.owner == party)
    if before is not None:
        query = query.where(tuple_(manifest.c.created_at, manifest.c.id) < before)
    query = query.order_by(manifest.c.created_at.desc(), manifest.c.id.desc()).limit(limit)
    listed = [StoredManifest(**row) for row in connection.execute(query).mappings()]
    later = manifest_upload.alias()
    is_last = ~exists().where(
        later.c.manifest_id == manifest_upload.c.manifest_id,
        later.c.version > manifest_upload.c.version,
    )
    last = select(manifest_upload).where(
        manifest_upload.c.manifest_id.in_([one.id for one in listed]), is_last
    )
    uploads = {row["manifest_id"]: _upload(row) for row in connection.execute(last).mappings()}
    return [(one, uploads[one.id]) for one in listed]


def forget_answers(connection: Connection, *, finished_before: datetime, limit: int) -> int:
    """Drops what became of the rows of lists that were read whole before a moment. Their counts stay.

    Returns:
        Of how many lists; fewer than `limit` when that was all.
    """
    columns = manifest_upload.c
    answered = exists().where(manifest_row.c.manifest_id == columns.manifest_id)
    old = (
        select(columns.manifest_id)
        .where(answered)
        .group_by(columns.manifest_id)
        .having(
            func.max(columns.finished_at) < finished_before,
            func.count(columns.finished_at) == func.count(),
        )
        .limit(limit)
    )
    ids = list(connection.scalars(old))
    connection.execute(delete(manifest_row).where(manifest_row.c.manifest_id.in_(ids)))
    return len(ids)


def add_version(
    connection: Connection,
    upload_id: str,
    of: StoredManifest,
    *,
    after: Upload | None,
    blocks: Sequence[bytes],
    now: datetime,
    lease: timedelta | None,
    **values: Any,
) -> Upload:
    """Stores a new version, to be read by whoever leases it; leased at once when `lease` is given."""
    row: dict[str, Any] = {
        **values,
        "id": upload_id,
        "manifest_id": of.id,
        "version": 1 if after is None else after.version + 1,
        "state": work_queue.QUEUED if lease is None else work_queue.LEASED,
        "lease_id": None if lease is None else random_id(),
        "leased_until": None if lease is None else now + lease,
        "attempts": 0 if lease is None else 1,
        "due_at": now,
        "rows_read": 0,
        "kept": 0,
        "changed": 0,
        "unchanged": 0,
        "refused": 0,
        "absent": None,
        "created_at": now,
        "finished_at": None,
    }
    connection.execute(insert(manifest_upload), [row])
    connection.execute(
        insert(manifest_block),
        [
            {"upload_id": upload_id, "position": position, "sealed": sealed}
            for position, sealed in enumerate(blocks)
        ],
    )
    return Upload(**{name: row[name] for name in Upload.__dataclass_fields__})


def claim(connection: Connection, *, now: datetime, lease: timedelta) -> Upload | None:
    """A version that waits; of one list, versions are read in the order they came."""
    earlier = manifest_upload.alias()
    waits = exists().where(
        earlier.c.manifest_id == manifest_upload.c.manifest_id,
        earlier.c.version < manifest_upload.c.version,
        earlier.c.state.in_((work_queue.QUEUED, work_queue.LEASED)),
    )
    rows = work_queue.claim(
        connection,
        manifest_upload,
        now=now,
        limit=1,
        lease_seconds=lease.total_seconds(),
        where=(~waits,),
    )
    return _upload(rows[0]) if rows else None


def put_back(connection: Connection, of: Upload, *, now: datetime, due_at: datetime) -> None:
    """Gives a version back after a fault."""
    work_queue.release(
        connection,
        manifest_upload,
        [of.id],
        now=now,
        due_at=due_at,
        error="fault",
        lease_id=of.lease_id,
    )


def waiting_blocks(
    connection: Connection, vault: Vault, of: Upload
) -> list[tuple[int, list[_RowOfBlock]]]:
    """What is left to read, by position."""
    rows = connection.execute(
        select(manifest_block.c.position, manifest_block.c.sealed)
        .where(manifest_block.c.upload_id == of.id)
        .order_by(manifest_block.c.position)
    )
    return [
        (
            row.position,
            [
                (RawRow.unpacked(raw), digest)
                for raw, digest in vault.open(
                    of.data_key_id, row.sealed, place=block_place(of.id, row.position)
                )
            ],
        )
        for row in rows
    ]


def block_place(upload_id: str, position: int) -> str:
    return f"manifest_block/{upload_id}/{position}"


def take_block(connection: Connection, of: Upload, position: int, *, lease_until: datetime) -> bool:
    """Removes a block for good, which only the holder of the lease can, and only once."""
    if not work_queue.extend(connection, manifest_upload, of.lease_id or "", until=lease_until):
        return False
    taken = connection.execute(
        delete(manifest_block).where(
            manifest_block.c.upload_id == of.id, manifest_block.c.position == position
        )
    )
    return taken.rowcount == 1


def answer_rows(
    connection: Connection, vault: Vault, of: StoredManifest, version: int, answers: list[Answer]
) -> None:
    """Stores what became of rows."""
    if answers:
        connection.execute(
            insert(manifest_row),
            [
                {
                    "manifest_id": of.id,
                    "version": version,
                    "line": answer.line,
                    "result": answer.result,
                    "returnee_id": answer.returnee_id,
                    "sealed": _sealed_notes(vault, of, version, answer),
                }
                for answer in answers
            ],
        )


def _sealed_notes(vault: Vault, of: StoredManifest, version: int, answer: Answer) -> bytes | None:
    if not answer.notes:
        return None
    notes = [[note.code, note.column, list(note.lines)] for note in answer.notes]
    return vault.seal(of.data_key_id, notes, place=_row_place(of.id, version, answer.line))


def _row_place(manifest_id: str, version: int, line: int) -> str:
    return f"manifest_row/{manifest_id}/{version}/{line}"


def count(connection: Connection, of: Upload, answers: Sequence[Answer]) -> None:
    """Adds answers to the progress."""
    columns = manifest_upload.c
    tally = {
        result: sum(answer.result == result for answer in answers)
        for result in ("kept", "changed", "unchanged", "refused")
    }
    connection.execute(
        update(manifest_upload)
        .where(columns.id == of.id)
        .values(
            rows_read=columns.rows_read + len(answers),
            **{result: columns[result] + number for result, number in tally.items()},
        )
    )


def finish(connection: Connection, of: Upload, *, absent: int, now: datetime) -> bool:
    """Ends a version once all its blocks are read; the answers to earlier ones go."""
    left = connection.scalar(
        select(func.count()).select_from(manifest_block).where(manifest_block.c.upload_id == of.id)
    )
    if left or not work_queue.finish(
        connection, manifest_upload, [of.id], state=DONE, lease_id=of.lease_id
    ):
        return False
    connection.execute(
        update(manifest_upload)
        .where(manifest_upload.c.id == of.id)
        .values(absent=absent, finished_at=now)
    )
    connection.execute(
        delete(manifest_row).where(
            manifest_row.c.manifest_id == of.manifest_id, manifest_row.c.version < of.version
        )
    )
    return True


def answers(
    connection: Connection,
    vault: Vault,
    of: StoredManifest,
    version: int,
    *,
    after: int,
    result: str | None,
    limit: int,
) -> list[Answer]:
    """Answers past a line, in order."""
    query = select(manifest_row).where(
        manifest_row.c.manifest_id == of.id,
        manifest_row.c.version == version,
        manifest_row.c.line > after,
    )
    if result is not None:
        query = query.where(manifest_row.c.result == result)
    rows = connection.execute(query.order_by(manifest_row.c.line).limit(limit))
    return [
        Answer(
            row.line,
            row.result,
            row.returnee_id,
            ()
            if row.sealed is None
            else tuple(
                Note(code, column, tuple(lines))
                for code, column, lines in vault.open(
                    of.data_key_id, row.sealed, place=_row_place(of.id, version, row.line)
                )
            ),
        )
        for row in rows
    ]


def _upload(row: RowMapping | dict[str, Any]) -> Upload:
    return Upload(**{name: row[name] for name in Upload.__dataclass_fields__})
