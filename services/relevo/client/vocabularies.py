"""The code lists, the same at every service."""

from relevo.contracts.vocabularies.published import ListSummary, PublishedIndex, PublishedList

from .plan import M_co, Plan, operation
from .requests import Requests


class Vocabularies(Requests[M_co]):
    """Codes with their labels. Lists only grow: a code is never given another meaning."""

    @operation
    def all(self) -> Plan[list[ListSummary]]:
        """Every list with its version and digest: the same digest is the same list."""
        index = yield from self._get(PublishedIndex, "vocabularies")
        return index.vocabularies

    @operation
    def get(self, list_id: str) -> Plan[PublishedList]:
        """Codes in their order; `label` is in the client's `language`, `labels` holds all others.

        Raises:
            NotFoundError: There is no such list.
        """
        return self._get(PublishedList, "vocabularies", list_id)
