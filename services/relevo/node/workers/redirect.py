"""Goes on with what was redirected, and tells how it goes."""

import time

from relevo.node.operations.context import Node
from relevo.node.operations.directory import Directory
from relevo.node.operations.redirect import redirect_once
from relevo.servicekit.worker import Worker

_SECONDS_BETWEEN = 1.0


def redirect_worker(node: Node, directory: Directory) -> Worker:
    """A worker that looks once a second, however often the others are woken."""
    looked_at = -_SECONDS_BETWEEN

    async def step() -> bool:
        nonlocal looked_at
        if time.monotonic() - looked_at < _SECONDS_BETWEEN:
            return False
        looked_at = time.monotonic()
        return await redirect_once(node, directory)

    return Worker("redirect", step, idle_seconds=_SECONDS_BETWEEN)
