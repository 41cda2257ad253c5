"""Files that local systems brought. The content key of each is sealed in the vault, the content under it."""

import base64
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from relevo.contracts.attachment import UploadMetadata
from relevo.servicekit.database import insert_or_ignore

from .attachment_tables import attachment_piece, attachment_upload, referral_attachment
from .vault import ErasedError, Vault

_KEY_BYTES: Final = 32
UPLOAD_KEY: Final = "upload_key"
"""Where an attachment that was sent keeps the content key of its upload."""


@dataclass(frozen=True)
class StoredUpload:
    """A file that is held; `key` opens its pieces."""

    id: str
    owner: str
    media_type: str
    size: int
    metadata: UploadMetadata
    attached: bool
    uploaded_at: datetime
    key: bytes


def new_content_key() -> bytes:
    """For one file, and never another."""
    return os.urandom(_KEY_BYTES)


def as_text(key: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def as_key(text: str) -> bytes:
    """The key that `as_text` wrote."""
    return base64.urlsafe_b64decode(text + "=")


def add(
    connection: Connection,
    vault: Vault,
    upload: StoredUpload,
    sealed: Sequence[bytes],
    *,
    data_key_id: str,
    fingerprint: str,
) -> StoredUpload:
    """Stores a file and its pieces; the same file again is the one that is held already."""
    before = _same(connection, vault, fingerprint)
    if before is not None:
        return before
    connection.execute(
        insert(attachment_upload),
        {
            "id": upload.id,
            "owner": upload.owner,
            "media_type": upload.media_type,
            "size": upload.size,
            "metadata": upload.metadata,
            "attached": False,
            "fingerprint": fingerprint,
            "uploaded_at": upload.uploaded_at,
            "data_key_id": data_key_id,
            "sealed_key": vault.seal(data_key_id, as_text(upload.key), place=_place(upload.id)),
        },
    )
    for position, piece in enumerate(sealed):
        put_piece(connection, upload.id, position, piece)
    return upload


def _same(connection: Connection, vault: Vault, fingerprint: str) -> StoredUpload | None:
    columns = attachment_upload.c
    query = select(columns.id).where(columns.fingerprint == fingerprint)
    held = (get(connection, vault, upload_id) for upload_id in connection.scalars(query).all())
    return next((upload for upload in held if upload is not None), None)


def put_piece(connection: Connection, file_id: str, position: int, sealed: bytes) -> None:
    """Stores a sealed piece, once."""
    row = {"file_id": file_id, "position": position, "sealed": sealed}
    insert_or_ignore(connection, attachment_piece, [row])


def piece(connection: Connection, file_id: str, position: int) -> bytes | None:
    """One sealed piece."""
    columns = attachment_piece.c
    query = select(columns.sealed).where(columns.file_id == file_id, columns.position == position)
    return connection.scalar(query)


def get(connection: Connection, vault: Vault, upload_id: str) -> StoredUpload | None:
    """A file with its content key; None when there is none, or everybody it went with was erased."""
    columns = attachment_upload.c
    query = select(attachment_upload).where(columns.id == upload_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    if row["sealed_key"] is not None:
        try:
            text = vault.open(row["data_key_id"], row["sealed_key"], place=_place(upload_id))
        except ErasedError:
            return None
    else:
        text = _key_of_use(connection, vault, upload_id)
    if text is None:
        return None
    return StoredUpload(
        id=row["id"],
        owner=row["owner"],
        media_type=row["media_type"],
        size=row["size"],
        metadata=row["metadata"],
        attached=row["attached"],
        uploaded_at=row["uploaded_at"],
        key=as_key(text),
    )


def _key_of_use(connection: Connection, vault: Vault, upload_id: str) -> str | None:
    """The content key, as it stands under somebody whom the file went with."""
    columns = referral_attachment.c
    query = select(columns.id, columns.data_key_id, columns.sealed)
    for row in connection.execute(query.where(columns.upload_id == upload_id)):
        try:
            details = vault.open(row.data_key_id, row.sealed, place=f"attachment/{row.id}")
        except ErasedError:
            continue
        key: str = details[UPLOAD_KEY]
        return key
    return None


def hand_over(connection: Connection, upload_ids: Collection[str]) -> bool:
    """From now on these open under the keys of those they went with alone; False when one is gone."""
    wanted = set(upload_ids)
    if not wanted:
        return True
    changed = connection.execute(
        update(attachment_upload)
        .where(attachment_upload.c.id.in_(wanted))
        .values(attached=True, sealed_key=None)
    ).rowcount
    return bool(changed == len(wanted))


def drop_unattached(connection: Connection, *, before: datetime) -> list[str]:
    """Drops files that went with nothing; returns the keys that nothing needs any more.

    Those are the keys of these, and of files that have been attached since the last time.
    """
    columns = attachment_upload.c
    connection.execute(
        update(attachment_upload)
        .where(columns.fingerprint.is_not(None), columns.uploaded_at < before)
        .values(fingerprint=None)
    )
    old = connection.execute(
        select(columns.id, columns.data_key_id).where(
            columns.attached.is_(False), columns.uploaded_at < before
        )
    ).all()
    ids = [row.id for row in old]
    if ids:
        connection.execute(delete(attachment_piece).where(attachment_piece.c.file_id.in_(ids)))
        connection.execute(delete(attachment_upload).where(columns.id.in_(ids)))
    return [row.data_key_id for row in old if row.data_key_id is not None]


def spent_keys(connection: Connection) -> list[tuple[str, str]]:
    """(upload, key) of files that have been handed over to the keys of people."""
    columns = attachment_upload.c
    rows = connection.execute(
        select(columns.id, columns.data_key_id).where(
            columns.attached.is_(True), columns.data_key_id.is_not(None)
        )
    )
    return [(row.id, row.data_key_id) for row in rows]


def forget_keys(connection: Connection, upload_ids: Collection[str]) -> None:
    """Their own keys have been destroyed."""
    if upload_ids:
        connection.execute(
            update(attachment_upload)
            .where(attachment_upload.c.id.in_(list(upload_ids)))
            .values(data_key_id=None)
        )


def _place(upload_id: str) -> str:
    return f"upload/{upload_id}"
