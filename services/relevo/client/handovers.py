"""Somebody was brought: said by a unit that enforces, read by the reception unit that took them in."""

from relevo.contracts.handover import Handover, HandoverReceipt

from .answers import HandoverPage
from .plan import Give, Items, M_co, Plan, listing, operation
from .requests import Input, Requests, new_key


class Handovers(Requests[M_co]):
    """How many were brought, how old, and what they need at once. No names, and nothing is read back."""

    @operation
    def submit(self, handover: Input, *, key: str | None = None) -> Plan[HandoverReceipt]:
        """Says that somebody was brought. The receipt is all that a unit that enforces ever gets.

        Args:
            handover: A `HandoverInput`.
            key: Idempotency key, 1 to 255 printable characters; with one of your own it is kept once
                even if your system fails in between.

        Raises:
            InvalidInputError: Something does not fit the contract, or it is no reception unit of this
                institution.
        """
        return self._post(HandoverReceipt, "handovers", value=handover, key=key or new_key())

    @listing
    def find(self) -> Items[Handover]:
        """Who was brought to one's own unit, newest first; pages are read as they are needed.

        Raises:
            NotAllowedError: To a unit that enforces, whatever it may do otherwise.
        """
        cursor = None
        while True:
            page = yield from self._get(HandoverPage, "handovers", cursor=cursor)
            for handover in page.handovers:
                yield Give(handover)
            cursor = page.next_cursor
            if cursor is None:
                return
