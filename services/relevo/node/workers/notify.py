"""Tells the institution's own systems what happened."""

from collections.abc import Awaitable, Callable

from relevo.node.clients.webhook_target import WebhookTarget
from relevo.node.operations.context import Node
from relevo.node.operations.webhooks import tell_webhooks
from relevo.servicekit.worker import Worker


def notify_worker(
    node: Node, target: WebhookTarget, is_suspended: Callable[[str], Awaitable[bool]]
) -> Worker:
    """A worker that posts events to webhooks."""

    async def step() -> bool:
        return await tell_webhooks(node, target, is_suspended)

    return Worker("notify", step, idle_seconds=1.0)
