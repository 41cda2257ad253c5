"""Files of a message that leaves: sealed anew for its receiver, whichever else had them before."""

import hashlib
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from relevo.contracts.attachment import (
    MAX_BLOBS,
    AttachmentInput,
    SealedAttachment,
    blobs_of,
    piece_sizes,
)
from relevo.contracts.problem import FieldError, ProblemError
from relevo.node.domain.outgoing import OutgoingMessage
from relevo.node.domain.sealed_file import UnopenableError, open_piece, seal_piece
from relevo.node.storage import attachments, uploads
from relevo.node.storage.attachments import NewAttachment, SealedRows
from relevo.node.storage.uploads import StoredUpload
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import random_id

from .context import Node
from .uploads import own_upload

Uploads = Mapping[str, tuple[StoredUpload, Sequence[bytes]]]
"""Files by id, with their sealed pieces."""


def read_uploads(
    connection: Connection, node: Node, caller: Caller, wanted: Sequence[AttachmentInput]
) -> Uploads:
    """The files that shall go along.

    Raises:
        ProblemError: `invalid_input`, one is not held, or is somebody else's; `body_too_large`.
    """
    found: dict[str, tuple[StoredUpload, list[bytes]]] = {}
    errors = []
    blobs = 0
    for index, one in enumerate(wanted):
        try:
            upload = own_upload(connection, node, caller, one.upload)
        except ProblemError:
            detail = "no file that you uploaded and that is still held"
            errors.append(FieldError(pointer=f"/attachments/{index}/upload", detail=detail))
            continue
        sizes = piece_sizes(upload.size)
        blobs += len(sizes)
        if blobs > MAX_BLOBS:
            raise ProblemError("body_too_large", limit=MAX_BLOBS * sizes[0])
        sealed = [uploads.piece(connection, upload.id, place) for place in range(len(sizes))]
        found[upload.id] = upload, [piece for piece in sealed if piece is not None]
    if errors:
        raise ProblemError("invalid_input", errors=errors)
    return found


def check_persons(wanted: Sequence[AttachmentInput], known: Mapping[str, object]) -> None:
    """Every file is somebody's of the referral.

    Raises:
        ProblemError: `invalid_input`.
    """
    errors = [
        FieldError(pointer=f"/attachments/{index}/person_id", detail="nobody of this referral")
        for index, one in enumerate(wanted)
        if one.person_id not in known
    ]
    if errors:
        raise ProblemError("invalid_input", errors=errors)


def seal_files(
    held: Uploads, leaving: Sequence[AttachmentInput], persons: Mapping[str, tuple[int, str]]
) -> list[NewAttachment]:
    """Seals files for one receiver, each under a new key.

    Args:
        held: What `read_uploads` found.
        leaving: Those of them that may leave.
        persons: Position and data key by the key that the referral knows each by.

    Raises:
        ProblemError: `invalid_input`, a file is damaged at rest.
    """
    made = []
    for index, one in enumerate(leaving):
        upload, sealed = held[one.upload]
        position, data_key_id = persons[one.person_id]
        file_id, key = random_id(), uploads.new_content_key()
        try:
            digests = [
                hashlib.sha256(reseal(upload, piece, place, file_id=file_id, key=key)).hexdigest()
                for place, piece in enumerate(sealed)
            ]
        except UnopenableError:
            detail = "this file is damaged; upload it again"
            error = FieldError(pointer=f"/attachments/{index}/upload", detail=detail)
            raise ProblemError("invalid_input", errors=[error]) from None
        attachment = SealedAttachment(
            id=file_id,
            person=position,
            document=one.document,
            category=one.data_category,
            media_type=upload.media_type,  # type: ignore[arg-type]
            size=upload.size,
            key=uploads.as_text(key),
            blobs=digests,
        )
        made.append(NewAttachment(attachment, data_key_id, (upload.id, upload.key)))
    return made


def reseal(upload: StoredUpload, sealed: bytes, place: int, *, file_id: str, key: bytes) -> bytes:
    """A piece as it is kept, as it leaves.

    Raises:
        UnopenableError: It is damaged at rest.
    """
    plain = open_piece(upload.key, sealed, file_id=upload.id, size=upload.size, position=place)
    return seal_piece(key, plain, file_id=file_id, size=upload.size, position=place)


def carried(message: OutgoingMessage, made: Sequence[NewAttachment]) -> OutgoingMessage:
    """The message with its files: named inside with their keys, outside by their blobs."""
    if not made:
        return message
    sealed = [one.sealed for one in made]
    body = {**message.body, "attachments": [one.model_dump(mode="json") for one in sealed]}
    return message.model_copy(update={"body": body, "blobs": blobs_of(sealed)})


def rows_of(node: Node, message: OutgoingMessage, made: Sequence[NewAttachment]) -> SealedRows:
    """The rows of the files of a message that leaves."""
    return attachments.seal(
        node.vault,
        made,
        referral_id=message.referral_id,
        message_id=message.id,
        expires_at=message.expires_at,
        priority=message.priority,
        now=node.clock.business(),
    )


def store(connection: Connection, made: Sequence[SealedRows]) -> bool:
    """Stores them; False, and nothing stored, when a file has been dropped since it was looked up."""
    used = {row["upload_id"] for one in made for row in one.attachments}
    if not uploads.hand_over(connection, used):
        return False
    attachments.add(connection, made)
    return True
