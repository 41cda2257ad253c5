"""Keeps the blind index true: makes what is missing or was made otherwise, drops what was erased."""

import asyncio
from typing import Final

import structlog
from sqlalchemy import Connection

from relevo.node.storage import matching, returnees

from .context import Node

_log = structlog.get_logger()
_AT_ONCE: Final = 200


async def reindex_once(node: Node) -> bool:
    """Indexes some records that the index does not hold as it would now. True when there are more.

    An erased record gets no keys.
    """
    done, left = await node.database.write(_reindex, node)
    if done:
        _log.info("returnees_indexed", count=done, left=left)
    return left > 0


def _reindex(connection: Connection, node: Node) -> tuple[int, int]:
    current = matching.edition(node.vault)
    ids = matching.outdated(connection, current, limit=_AT_ONCE)
    if not ids:
        return 0, 0
    returnees.lock(connection, ids)
    records = returnees.by_ids(connection, node.vault, ids)
    matching.put(connection, [returnees.index_rows(node.vault, record) for record in records])
    return len(records), matching.count_outdated(connection, current)


async def forget_erased(node: Node) -> int:
    """Drops the keys of records whose data key was destroyed, here or before a restore; how many."""
    dropped, after = 0, ""
    while held := await node.database.read(matching.held_after, after, limit=_AT_ONCE):
        after = held[-1][0]
        gone = await asyncio.to_thread(node.vault.gone, [key_id for _, key_id in held])
        if erased := [record_id for record_id, key_id in held if key_id in gone]:
            await node.database.write(matching.forget, erased)
            dropped += len(erased)
    if dropped:
        _log.info("returnees_forgotten", count=dropped)
    return dropped
