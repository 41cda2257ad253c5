"""Carries the blobs of files to the gateway and from it, each on its own, again and again until it is there.

A blob is sealed anew from what is kept whenever it leaves: the same key, the same place, the same
bytes. What came is opened before it counts as come, and the gateway is told once it is stored.
"""

import asyncio
import hashlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from relevo.contracts.attachment import AttachmentState
from relevo.node.domain.sealed_file import UnopenableError, open_piece, seal_piece
from relevo.node.storage import attachments, feed, referrals, uploads
from relevo.node.storage.attachments import StoredAttachment, Transfer
from relevo.node.storage.feed import FeedEvent
from relevo.servicekit.backoff import delay_seconds
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.ids import random_id
from relevo.servicekit.lease import LEASE_SECONDS, kept

from .context import Node

_log = structlog.get_logger()
_AT_ONCE: Final = 4
_LONGEST_DELAY_SECONDS: Final = 20.0
_ENDED_AT_ONCE: Final = 100
_NOT_YET: Final = "blob_not_here_yet"
_GONE: Final = "not_found"
_TOLD: Final[dict[AttachmentState, str]] = {
    "here": "referral.attachment_arrived",
    "sent": "referral.attachment_sent",
    "expired": "referral.attachment_expired",
    "refused": "referral.attachment_refused",
}


@dataclass(frozen=True)
class _Result:
    """What became of one try. `came` is what was fetched; `refused`, that it will never come."""

    transfer: Transfer
    came: bytes | None = None
    error: str | None = None
    refused: bool = False


async def carry_once(node: Node) -> bool:
    """Carries some blobs. True when there may be more to carry at once."""
    now = node.clock.business()
    over, due = await node.database.read(_work, now)
    if over:
        await node.database.write(_end_those_over, node)
    if not due:
        return over
    lease_id = random_id()
    leased = await node.database.write(
        attachments.claim, now=now, limit=_AT_ONCE, lease_seconds=LEASE_SECONDS, lease_id=lease_id
    )
    if not leased:
        return False
    # A slow line takes minutes for a blob.
    async with kept(node.database, attachments.extend, lease_id, node.clock.business):
        results = await asyncio.gather(*(_carry(node, one) for one in leased))
    await node.database.write(_note, node, results)
    fetched = [one.transfer for one in results if one.came is not None]
    await asyncio.gather(*(_tell_stored(node, one) for one in fetched))
    return any(one.error is None for one in results)


async def _carry(node: Node, transfer: Transfer) -> _Result:
    found = await node.database.read(_read, node, transfer)
    if found is None:
        # The person was erased, or the file at rest is damaged: there is nothing to carry.
        return _Result(transfer, refused=True)
    attachment, piece = found
    try:
        if transfer.outgoing:
            result = await _bring(node, transfer, attachment, piece)
        elif transfer.stored:
            await node.gateway.release_blob(transfer.digest)
            result = _Result(transfer)
        else:
            result = await _fetch(node, transfer, attachment)
    except RetryableError as error:
        result = _Result(transfer, error=error.cause)
    except RefusedError as error:
        result = _refused(transfer, error)
    return result


def _refused(transfer: Transfer, error: RefusedError) -> _Result:
    """What was fetched is gone there, or never will be there. What is brought may yet be expected."""
    if error.name == _GONE and not transfer.outgoing:
        return _Result(transfer, refused=not transfer.stored)
    return _Result(transfer, error=error.name or f"status_{error.status}")


def _read(
    connection: Connection, node: Node, transfer: Transfer
) -> tuple[StoredAttachment, bytes] | None:
    attachment = attachments.get(connection, node.vault, transfer.attachment_id)
    if attachment is None or not transfer.outgoing:
        return None if attachment is None else (attachment, b"")
    piece = uploads.piece(connection, attachment.upload_id or "", transfer.position)
    return None if piece is None else (attachment, piece)


async def _bring(
    node: Node, transfer: Transfer, attachment: StoredAttachment, piece: bytes
) -> _Result:
    sealed = await asyncio.to_thread(_sealed_again, attachment, piece, transfer.position)
    if sealed is None:
        return _Result(transfer, refused=True)
    await node.gateway.bring_blob(transfer.digest, sealed)
    return _Result(transfer)


def _sealed_again(attachment: StoredAttachment, piece: bytes, place: int) -> bytes | None:
    """The bytes that the envelope names."""
    sealed = attachment.sealed
    upload_id, size = attachment.upload_id or "", sealed.size
    try:
        plain = open_piece(
            uploads.as_key(attachment.upload_key or ""),
            piece,
            file_id=upload_id,
            size=size,
            position=place,
        )
    except UnopenableError:
        return None
    key = uploads.as_key(sealed.key)
    return seal_piece(key, plain, file_id=sealed.id, size=size, position=place)


async def _fetch(node: Node, transfer: Transfer, attachment: StoredAttachment) -> _Result:
    came = await node.gateway.fetch_blob(transfer.digest)
    if hashlib.sha256(came).hexdigest() != transfer.digest:
        return _Result(transfer, error="not_of_this_digest")
    sealed = attachment.sealed
    try:
        await asyncio.to_thread(
            open_piece,
            uploads.as_key(sealed.key),
            came,
            file_id=sealed.id,
            size=sealed.size,
            position=transfer.position,
        )
    except UnopenableError:
        # Its sender sealed it for something else: it can never be opened.
        return _Result(transfer, refused=True)
    return _Result(transfer, came=came)


def _note(connection: Connection, node: Node, results: list[_Result]) -> None:
    now = node.clock.business()
    events: list[FeedEvent] = []
    for one in results:
        transfer = one.transfer
        if one.refused:
            _end(connection, transfer.attachment_id, "refused", events, now=now)
        elif one.error is not None:
            jitter = random.random()  # noqa: S311 - only spreads retries
            delay = delay_seconds(transfer.attempts, cap=_LONGEST_DELAY_SECONDS, jitter=jitter)
            due_at = now + timedelta(seconds=delay)
            attachments.put_back(connection, transfer, now=now, due_at=due_at, error=one.error)
            if one.error != _NOT_YET:
                _log.info("blob_postponed", reason=one.error, attempt=transfer.attempts)
        elif one.came is not None:
            uploads.put_piece(connection, transfer.attachment_id, transfer.position, one.came)
            attachments.note_stored(connection, transfer)
            if attachments.is_whole(connection, transfer.attachment_id, outgoing=False):
                _end(connection, transfer.attachment_id, "here", events, now=now)
        else:
            attachments.finish(connection, transfer)
            if transfer.outgoing and attachments.is_whole(
                connection, transfer.attachment_id, outgoing=True
            ):
                _end(connection, transfer.attachment_id, "sent", events, now=now)
    feed.append(connection, events)


def _end(
    connection: Connection,
    attachment_id: str,
    state: AttachmentState,
    events: list[FeedEvent],
    *,
    now: datetime,
) -> None:
    """A file is where it belongs, or will never be there. Told once."""
    if state in {"expired", "refused"}:
        attachments.stop(connection, [attachment_id])
    if not attachments.move(connection, attachment_id, state):
        return
    referral_id = attachments.referral_of(connection, attachment_id)
    owner = referrals.by_ids(connection, [referral_id])[referral_id].owner
    events.append(FeedEvent(_TOLD[state], referral_id, owner, now))


def _work(connection: Connection, now: datetime) -> tuple[bool, bool]:
    """Whether something is over, and whether something may be carried; most of the time neither."""
    late = attachments.late(connection, now=now, limit=1)
    over = late or attachments.stopped_by_withdrawal(connection, limit=1)
    return bool(over), attachments.is_any_due(connection, now=now)


def _end_those_over(connection: Connection, node: Node) -> None:
    """Ends the files whose message's time is over, and those whose referral is no longer shared."""
    now = node.clock.business()
    events: list[FeedEvent] = []
    for attachment_id in attachments.late(connection, now=now, limit=_ENDED_AT_ONCE):
        _end(connection, attachment_id, "expired", events, now=now)
    for attachment_id in attachments.stopped_by_withdrawal(connection, limit=_ENDED_AT_ONCE):
        _end(connection, attachment_id, "refused", events, now=now)
    feed.append(connection, events)


async def _tell_stored(node: Node, transfer: Transfer) -> None:
    """The gateway need not keep it any longer. If this is lost, it is said again."""
    try:
        await node.gateway.release_blob(transfer.digest)
    except RetryableError as error:
        await node.database.write(_say_again, node, transfer, error.cause)
    except RefusedError as error:
        await node.database.write(_say_again, node, transfer, error.name or "refused")
    else:
        await node.database.write(attachments.finish, transfer)


def _say_again(connection: Connection, node: Node, transfer: Transfer, error: str) -> None:
    now = node.clock.business()
    due_at = now + timedelta(seconds=_LONGEST_DELAY_SECONDS)
    attachments.put_back(connection, transfer, now=now, due_at=due_at, error=error)
