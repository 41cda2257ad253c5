"""Keeps the index of possible duplicates as the records are."""

from relevo.node.operations.context import Node
from relevo.node.operations.reindex import forget_erased, reindex_once
from relevo.servicekit.worker import Worker


def reindex_worker(node: Node) -> Worker:
    """A worker that indexes what is not indexed yet, and every hour drops what was erased."""

    async def step() -> bool:
        if await reindex_once(node):
            return True
        await forget_erased(node)
        return False

    return Worker("reindex", step, idle_seconds=3600.0)
