"""Fetches requests to withdraw by whoever holds the paper."""

from relevo.node.operations.context import Node
from relevo.node.operations.paper_withdrawals import take_requests_once
from relevo.servicekit.worker import Worker


def paper_withdrawal_worker(node: Node) -> Worker:
    """A worker that looks every half minute: nobody stands waiting for the answer."""

    async def step() -> bool:
        return await take_requests_once(node)

    return Worker("paper_withdrawals", step, idle_seconds=30.0)
