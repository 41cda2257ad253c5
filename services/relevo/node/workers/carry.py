"""Carries files beside their messages, and forgets those that went with nothing."""

from relevo.node.operations.carry import carry_once
from relevo.node.operations.context import Node
from relevo.servicekit.worker import Worker


def carry_worker(node: Node) -> Worker:
    """A worker that brings blobs to the gateway and fetches those that are for here."""

    async def step() -> bool:
        return await carry_once(node)

    return Worker("carry", step, idle_seconds=1.0)
