"""Figures of a route that the institution watches, asked of its gateway for its own systems."""

from typing import Final

from relevo.contracts.country_tables import Coordination
from relevo.servicekit.access_token import Caller

from .asked import asked
from .context import Node
from .visibility import party_of

_PASSED_ON: Final = frozenset({"not_found", "invalid_input", "period_not_published"})


async def read(node: Node, caller: Caller, pathway: str, period: str) -> Coordination:
    """What the coordination table of a route sees.

    Raises:
        ProblemError: What the gateway refused, or `gateway_unreachable`.
    """
    party_of(node, caller)
    return await asked(node.gateway.coordination(pathway, period), passed_on=_PASSED_ON)
