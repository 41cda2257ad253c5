"""Lists of revoked attestations: ours brought to the gateway, those of others fetched from it and kept."""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from relevo.node.storage import attestations, revocation_lists
from relevo.servicekit import jose
from relevo.servicekit.http_client import RefusedError, RetryableError

from .context import Node
from .read_attestation import ASKED_AGAIN_AFTER, signed_status_list

_log = structlog.get_logger()
_AT_ONCE: Final = 8


class Published:
    """What the gateway holds of ours, as far as this process knows."""

    def __init__(self) -> None:
        self.revoked: frozenset[int] = frozenset()
        self.until: datetime | None = None


async def publish_once(node: Node, published: Published) -> None:
    """Brings our list to the gateway when it changed, or before it grows old.

    Raises:
        RetryableError: The gateway cannot take it now.
    """
    now = node.clock.business()
    revoked = await node.database.read(_revoked, node)
    if revoked is None or (
        published.until is not None and now < published.until and revoked == published.revoked
    ):
        return
    try:
        await node.gateway.bring_revocation_list(node.institution, await signed_status_list(node))
    except RefusedError as error:
        _log.warning("revocation_list_refused", problem=str(error))
    published.revoked, published.until = revoked, now + ASKED_AGAIN_AFTER


def _revoked(connection: Connection, node: Node) -> frozenset[int] | None:
    """None: nothing was ever attested here, and nobody needs a list."""
    if not node.gateway.connected or not revocation_lists.any_attested(connection):
        return None
    return frozenset(attestations.revoked_numbers(connection))


async def lists_of(node: Node, institutions: Collection[str]) -> list[str]:
    """The newest lists of others that can be had, and of the others those that were had before.

    An institution that has none, because it never attested anything or nothing can be learned of it now,
    is left out: whoever verifies is told that it is not known.
    """
    now = node.clock.business()
    kept = await node.database.read(revocation_lists.get_many, institutions)
    fresh = {
        name
        for name, (_, read_at) in kept.items()
        if timedelta(0) <= now - read_at < ASKED_AGAIN_AFTER
    }
    limit = asyncio.Semaphore(_AT_ONCE)

    async def fetch(institution: str) -> tuple[str, str | None]:
        async with limit:
            return institution, await _fetched(node, institution)

    asked = await asyncio.gather(*map(fetch, sorted(set(institutions) - fresh)))
    found = {name: status_list for name, status_list in asked if status_list is not None}
    for name, status_list in found.items():
        await node.database.write(revocation_lists.put, name, status_list, read_at=now)
    lists = {name: status_list for name, (status_list, _) in kept.items()} | found
    return [lists[name] for name in sorted(lists)]


async def _fetched(node: Node, institution: str) -> str | None:
    try:
        status_list = await node.gateway.revocation_list(institution)
        _, claims = jose.peek(status_list)
    except (RefusedError, RetryableError, jose.JoseError):
        _log.info("revocation_list_not_had", institution=institution)
        return None
    # Whose it really is, its signature says to whoever verifies.
    return status_list if claims.get("iss") == institution else None
