"""Watches, on the business clock, what the rules about children and families leave to time."""

from relevo.node.operations.child_alternate import tell_alternates_once
from relevo.node.operations.come_of_age import come_of_age_once
from relevo.node.operations.context import Node
from relevo.node.operations.directory import Directory
from relevo.node.operations.split import escalate_splits_once
from relevo.servicekit.worker import Worker

from .clocks import seconds_between_looks


def protection_worker(node: Node, directory: Directory) -> Worker:
    """A worker that tells alternates, asks who came of age, and escalates what nobody confirmed."""

    async def step() -> bool:
        told = await tell_alternates_once(node, directory)
        asked = await come_of_age_once(node)
        return await escalate_splits_once(node) or told or asked

    return Worker("protection", step, idle_seconds=seconds_between_looks(node))
