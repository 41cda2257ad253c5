"""Reads the lists of returnees that were too long to be read while their sender waited."""

from relevo.node.operations.context import Node
from relevo.node.operations.intake import read_next
from relevo.servicekit.worker import Worker


def intake_worker(node: Node) -> Worker:
    """A worker that reads lists."""

    async def step() -> bool:
        return await read_next(node)

    return Worker("intake", step, idle_seconds=5.0)
