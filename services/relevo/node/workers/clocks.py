"""Watches the deadlines of referrals, on the business clock."""

from relevo.node.operations.context import Node
from relevo.node.operations.ring import ring_once
from relevo.servicekit.worker import Worker


def clock_worker(node: Node) -> Worker:
    """A worker that tells what is overdue, climbs the ladder, and ends what has expired."""

    async def step() -> bool:
        return await ring_once(node)

    return Worker("clocks", step, idle_seconds=1.0)
