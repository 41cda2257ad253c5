"""Once an hour: forgets what need not be kept."""

from relevo.node.operations import uploads
from relevo.node.operations.context import Node
from relevo.node.operations.read_manifest import forget_answers
from relevo.servicekit import idempotency
from relevo.servicekit.worker import Worker


def upkeep_worker(node: Node) -> Worker:
    """A worker that drops what its time is over for: idempotency keys, files that went with nothing,
    answers to the rows of lists.
    """

    async def step() -> bool:
        await node.database.write(idempotency.purge, node.clock.security())
        await uploads.drop_old(node)
        await forget_answers(node)
        return False

    return Worker("upkeep", step, idle_seconds=3600.0)
