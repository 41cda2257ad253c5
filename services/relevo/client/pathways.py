"""The routes that the node knows, sealed ones too."""

from relevo.contracts.pathways.published import PathwayEntry, PathwayIndex, PublishedPathway

from .plan import M_co, Plan, operation
from .requests import Requests


class Pathways(Requests[M_co]):
    """What forms are built on, and what a submission is held to."""

    @operation
    def all(self) -> Plan[list[PathwayEntry]]:
        """Every route by its id, with its titles and countries."""
        index = yield from self._get(PathwayIndex, "pathways")
        return index.pathways

    @operation
    def get(self, pathway_id: str) -> Plan[PublishedPathway]:
        """What a route's file says, and the labels of its codes in English and Spanish.

        Raises:
            NotFoundError: The node knows none of that id.
        """
        return self._get(PublishedPathway, "pathways", pathway_id)
