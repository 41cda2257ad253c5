"""The event feed: what happened, in order. Whoever stores the last position misses nothing."""

import math
from typing import Final

from .answers import CloudEvent, EventPage
from .plan import Give, Items, M_co, Pause, Plan, listing
from .requests import Requests

PAGE: Final = 100


class Events(Requests[M_co]):
    """What happened to the referrals and consents that this client may see."""

    @listing
    def read(self, after: int = 0) -> Items[CloudEvent]:
        """Events past a position, up to the end of the feed.

        Args:
            after: `position` of the last event that was dealt with; 0 from the beginning.
        """
        while True:
            page = yield from self._page(after)
            for event in page.events:
                yield Give(event)
            if page.next_after <= after:
                return
            after = page.next_after

    @listing
    def follow(self, after: int = 0, *, every_seconds: float = 2.0) -> Items[CloudEvent]:
        """Events past a position, and then each new one, for ever.

        Waits as long as the node cannot be reached. Store `position` together with what you did
        about the event, and begin there again: an event may come twice that way, never not at all.

        Args:
            after: `position` of the last event that was dealt with; 0 from the beginning.
            every_seconds: How often to ask at the end of the feed.

        Raises:
            NotAllowedError: The client lacks the scope events:read.
        """
        while True:
            page = yield from self._page(after, math.inf)
            for event in page.events:
                yield Give(event)
            if page.next_after <= after:
                yield Pause(every_seconds)
            after = max(after, page.next_after)

    def _page(self, after: int, patience_seconds: float | None = None) -> Plan[EventPage]:
        return self._get(
            EventPage, "events", after=after, limit=PAGE, patience_seconds=patience_seconds
        )
