"""Reading the files of a referral: only for whoever may touch that referral."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import Connection

from relevo.contracts.attachment import Attachment, piece_sizes
from relevo.contracts.problem import ProblemError
from relevo.node.domain.sealed_file import UnopenableError, open_piece
from relevo.node.storage import attachments, referrals, splits, uploads
from relevo.node.storage.attachments import StoredAttachment
from relevo.servicekit.access_token import Caller

from .access import may_read, note_read
from .context import Node
from .visibility import party_of


@dataclass(frozen=True)
class File:
    """A file with what is known of it."""

    attachment: Attachment
    content: bytes


async def read_attachment(node: Node, caller: Caller, referral_id: str, attachment_id: str) -> File:
    """A file of a referral.

    Raises:
        ProblemError: `not_found`, the same whether it is absent, of another referral, of somebody who
            was erased or not the caller's; `attachment_not_here`.
    """
    party_of(node, caller)
    stored, sealed = await node.database.read(_read, node, caller, referral_id, attachment_id)
    content = await asyncio.to_thread(_open, stored, sealed)
    await note_read(node, caller, what="referral", subject=referral_id)
    return File(stored.shown(), content)


def _read(
    connection: Connection, node: Node, caller: Caller, referral_id: str, attachment_id: str
) -> tuple[StoredAttachment, list[bytes | None]]:
    held = referrals.by_ids(connection, [referral_id]).get(referral_id)
    if held is None or not may_read(connection, node, caller, held):
        raise ProblemError("not_found")
    stored = attachments.get(connection, node.vault, attachment_id)
    gone, _ = splits.gone_from(connection, referral_id)
    if stored is None or stored.referral_id != held.id or stored.sealed.person in gone:
        raise ProblemError("not_found")
    if not stored.outgoing and stored.state != "here":
        raise ProblemError("attachment_not_here", attachment_state=stored.state)
    places = range(len(piece_sizes(stored.sealed.size)))
    file_id = stored.upload_id or stored.id
    return stored, [uploads.piece(connection, file_id, place) for place in places]


def _open(stored: StoredAttachment, sealed: list[bytes | None]) -> bytes:
    key = stored.upload_key or stored.sealed.key
    file_id, size = stored.upload_id or stored.id, stored.sealed.size
    try:
        plain = [
            open_piece(
                uploads.as_key(key), piece or b"", file_id=file_id, size=size, position=place
            )
            for place, piece in enumerate(sealed)
        ]
    except UnopenableError:
        raise ProblemError("attachment_not_here", attachment_state="damaged") from None
    return b"".join(plain)[:size]
