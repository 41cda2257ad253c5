"""Keeps the gateway's copy of what this institution revoked fresh."""

from relevo.node.operations.context import Node
from relevo.node.operations.revocation_lists import Published, publish_once
from relevo.servicekit.worker import Worker

NAME = "revocations"


def revocation_worker(node: Node) -> Worker:
    """A worker that looks every ten minutes, and as soon as something was attested or revoked."""
    published = Published()

    async def step() -> bool:
        await publish_once(node, published)
        return False

    return Worker(NAME, step, idle_seconds=600.0)
