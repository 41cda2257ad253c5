"""Watches the deadlines of referrals, on the business clock."""

from relevo.node.operations.break_glass import escalate_unreviewed
from relevo.node.operations.carry_out_follow_up import end_overdue_follow_ups
from relevo.node.operations.context import Node
from relevo.node.operations.ring import ring_once
from relevo.servicekit.worker import Worker


def seconds_between_looks(node: Node) -> float:
    """Deadlines are minutes away or more; the clock of a sandbox jumps."""
    return 5.0 if node.settings.sandbox_clock_file is None else 1.0


def clock_worker(node: Node) -> Worker:
    """A worker that tells what is overdue, climbs the ladder, and ends what has expired."""

    async def step() -> bool:
        more = [
            await ring_once(node),
            await end_overdue_follow_ups(node),
            await escalate_unreviewed(node),
        ]
        return any(more)

    return Worker("clocks", step, idle_seconds=seconds_between_looks(node))
