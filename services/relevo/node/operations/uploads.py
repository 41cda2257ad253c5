"""Files from an institution's own systems: looked at, sealed, kept for a day unless they go with a person."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.attachment import Upload
from relevo.contracts.problem import ProblemError
from relevo.node.domain.file_check import check_file
from relevo.node.domain.metadata import without_metadata
from relevo.node.domain.sealed_file import pieces, seal_piece
from relevo.node.storage import uploads
from relevo.node.storage.uploads import StoredUpload
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import random_id

from .context import Node
from .visibility import may_touch, party_of

KEPT: Final = timedelta(days=1)


async def take_upload(node: Node, caller: Caller, media_type: str, content: bytes) -> Upload:
    """Keeps a file, without what a camera or a program wrote into it beside what it shows.

    Raises:
        ProblemError: `not_yours`; `attachment_blank`, `attachment_unreadable`,
            `attachment_not_cleaned` or `unsupported_media_type`, with advice.
    """
    owner = party_of(node, caller)
    await asyncio.to_thread(check_file, media_type, content)
    clean, metadata = await asyncio.to_thread(without_metadata, media_type, content)
    upload = StoredUpload(
        id=random_id(),
        owner=owner,
        media_type=media_type,
        size=len(clean),
        metadata=metadata,
        attached=False,
        uploaded_at=node.clock.business(),
        key=uploads.new_content_key(),
    )
    sealed, key_id = await asyncio.to_thread(_seal, node, upload, clean)
    digest = await asyncio.to_thread(lambda: hashlib.sha256(clean).hexdigest())
    kept = await node.database.write(
        uploads.add,
        node.vault,
        upload,
        sealed,
        data_key_id=key_id,
        fingerprint=node.vault.fingerprint("upload", owner, media_type, digest),
    )
    return shown(kept)


def _seal(node: Node, upload: StoredUpload, content: bytes) -> tuple[list[bytes], str]:
    sealed = [
        seal_piece(upload.key, piece, file_id=upload.id, size=upload.size, position=position)
        for position, piece in enumerate(pieces(content))
    ]
    return sealed, node.vault.new_key()


async def read_upload(node: Node, caller: Caller, upload_id: str) -> Upload:
    """What is held of a file.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    return shown(await node.database.read(own_upload, node, caller, upload_id))


def own_upload(connection: Connection, node: Node, caller: Caller, upload_id: str) -> StoredUpload:
    """A file with its key.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    found = uploads.get(connection, node.vault, upload_id)
    if found is None or not may_touch(caller, found.owner):
        raise ProblemError("not_found")
    return found


def shown(upload: StoredUpload) -> Upload:
    return Upload.model_validate({name: getattr(upload, name) for name in Upload.model_fields})


async def drop_old(node: Node) -> None:
    """Drops what went with nothing within a day, and destroys the keys that nothing needs any more."""
    before = node.clock.business() - KEPT
    keys = await node.database.write(uploads.drop_unattached, before=before)
    spent = await node.database.read(uploads.spent_keys)
    for key_id in [*keys, *(key_id for _, key_id in spent)]:
        await asyncio.to_thread(node.vault.destroy, key_id)
    await node.database.write(uploads.forget_keys, [upload_id for upload_id, _ in spent])
