"""Looks at the peers' ledgers, each minute."""

from relevo.gateway.operations.context import Gateway
from relevo.gateway.operations.witness import look_at_peers
from relevo.servicekit.worker import Worker


def witness_worker(gateway: Gateway) -> Worker:
    """Cosigns what holds together, and makes known what does not."""

    async def step() -> bool:
        await look_at_peers(gateway)
        return False

    return Worker("witness", step, idle_seconds=gateway.settings.witness_seconds)
