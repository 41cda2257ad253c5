"""Sealed files: taken from whoever's message names them, given to its receiver, passed on to its peer.

Their message goes first and waits for none of them. What no accepted message names is never stored.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.envelope import Envelope
from relevo.contracts.identifiers import institution_of
from relevo.contracts.problem import ProblemError
from relevo.gateway.domain.delivery import split_target
from relevo.gateway.storage import blobs
from relevo.gateway.storage.blobs import AWAITED, GONE, HERE, Blob, NamedBlobs
from relevo.servicekit import work_queue
from relevo.servicekit.http_client import RefusedError, RetryableError
from relevo.servicekit.ids import random_id
from relevo.servicekit.lease import LEASE_SECONDS, kept
from relevo.servicekit.logging import get_logger

from . import loads
from .context import Gateway

_AT_ONCE: Final = 4


def named_in(envelope: Envelope, *, source: str, target: str, priority: int) -> NamedBlobs:
    """What a message lets come, and for whom."""
    kind, name = split_target(target)
    return NamedBlobs(
        message_id=envelope.jti,
        digests=envelope.blobs,
        source=source,
        target=f"gateway:{name}" if kind == "gateway" else _own(institution_of(envelope.aud)),
        expires_at=datetime.fromtimestamp(envelope.exp, tz=UTC),
        priority=priority,
    )


def _own(institution: str) -> str:
    # Whether it is pushed to or fetches may change; whose it is does not.
    return f"institution:{institution}"


async def take(gateway: Gateway, source: str, digest: str, sealed: bytes) -> None:
    """Stores a blob once, however often it is brought.

    Raises:
        ProblemError: `not_found`, no message of this source names it; `blob_digest_mismatch`.
    """
    found = await asyncio.to_thread(lambda: hashlib.sha256(sealed).hexdigest())
    await gateway.database.write(_take, gateway, source, digest, sealed, whole=found == digest)
    gateway.wake()


def _take(
    connection: Connection,
    gateway: Gateway,
    source: str,
    digest: str,
    sealed: bytes,
    *,
    whole: bool,
) -> None:
    named = blobs.brought_by(connection, source, digest)
    if not named:
        raise ProblemError("not_found")
    if not whole:
        raise ProblemError("blob_digest_mismatch")
    for one in named:
        if one.state == AWAITED:
            relayed = split_target(one.target)[0] == "gateway"
            state = work_queue.QUEUED if relayed else HERE
            blobs.keep(connection, one.id, sealed, state=state, now=gateway.security())


async def give(gateway: Gateway, institution: str, digest: str) -> bytes:
    """The sealed bytes, for the receiver of a message that names them.

    Raises:
        ProblemError: `not_found`, the same whether it never was, is gone or is somebody else's;
            `blob_not_here_yet`.
    """
    return await gateway.database.read(_give, institution, digest)


def _give(connection: Connection, institution: str, digest: str) -> bytes:
    open_ones = [
        one for one in blobs.fetched_by(connection, _own(institution), digest) if one.state != GONE
    ]
    if not open_ones:
        raise ProblemError("not_found")
    for one in open_ones:
        sealed = blobs.content(connection, one.id)
        if sealed is not None:
            return sealed
    raise ProblemError("blob_not_here_yet")


async def release(gateway: Gateway, institution: str, digest: str) -> None:
    """The receiver has stored it: nothing of it is kept.

    Raises:
        ProblemError: `not_found`.
    """
    await gateway.database.write(_release, institution, digest)


def _release(connection: Connection, institution: str, digest: str) -> None:
    mine = blobs.fetched_by(connection, _own(institution), digest)
    if not mine:
        raise ProblemError("not_found")
    blobs.end(connection, [one.id for one in mine if one.state == HERE])


async def pass_on(gateway: Gateway) -> bool:
    """Brings some blobs to the peers that their messages went to; True when there may be more."""
    now = gateway.security()
    lease_id = random_id()
    leased = await gateway.database.write(
        blobs.claim, now=now, limit=_AT_ONCE, lease_seconds=LEASE_SECONDS, lease_id=lease_id
    )
    if not leased:
        return False
    # A slow line takes minutes for a blob.
    async with kept(gateway.database, blobs.extend, lease_id, gateway.security):
        results = await asyncio.gather(*(_bring(gateway, one, sealed) for one, sealed in leased))
    outcomes = [(one, error) for (one, _), error in zip(leased, results, strict=True)]
    await gateway.database.write(_note, gateway, outcomes)
    return len(leased) == _AT_ONCE and not any(results)


async def _bring(gateway: Gateway, one: Blob, sealed: bytes) -> str | None:
    """None when the peer has it; else why not."""
    peers = await gateway.database.read(gateway.peers)
    peer = peers.by_name.get(split_target(one.target)[1])
    if peer is None:
        return "no_agreement"
    try:
        await gateway.peer_client(peer).bring_blob(one.digest, sealed)
    except RetryableError as error:
        return error.cause
    except RefusedError as error:
        return error.name or f"status_{error.status}"
    return None


def _note(
    connection: Connection, gateway: Gateway, outcomes: Sequence[tuple[Blob, str | None]]
) -> None:
    now = gateway.security()
    blobs.end(connection, [one.id for one, error in outcomes if error is None])
    for one, error in outcomes:
        if error is not None:
            get_logger().info("blob_postponed", reason=error, attempt=one.attempts)
            due_at = now + loads.pause(gateway, one.attempts)
            blobs.put_back(connection, [one.id], now=now, due_at=due_at, error=error)


async def expire(gateway: Gateway) -> None:
    """Drops what is past the expiry of its message."""
    await gateway.database.write(_expire, gateway)


def _expire(connection: Connection, gateway: Gateway) -> None:
    ended = blobs.expire(connection, now=gateway.business())
    if ended:
        get_logger().info("blobs_expired", count=ended)
