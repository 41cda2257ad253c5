"""Another unit's referral, opened because somebody is in danger now, and the look at that afterwards."""

from relevo.contracts.break_glass import BreakGlassPage, BreakGlassUse

from .plan import Give, Items, M_co, Plan, listing, operation
from .requests import Input, Requests, new_key


class BreakGlass(Requests[M_co]):
    """Openings in an emergency. Whoever holds the referral is told at once, and every read is noted."""

    @operation
    def open(
        self, referral_id: str, opening: Input, *, key: str | None = None
    ) -> Plan[BreakGlassUse]:
        """Opens another unit's referral to one's own, for some hours: `referrals.get` then reads it.

        Args:
            referral_id: Of a referral that another unit of this institution holds.
            opening: A `BreakGlassOpening`: why, by whom, and who reviews it within 72 hours.
            key: Idempotency key, 1 to 255 printable characters; with one of your own it is opened once
                even if your system fails in between.

        Raises:
            InvalidInputError: Something does not fit the contract, or somebody who was alone names no
                reviewer of another institution.
            NotFoundError: There is no such referral here.
            RelevoProblemError: `break_glass_not_needed`: it is open to this unit already;
                `review_overdue`: first the last use is reviewed, unless a life is at risk.
        """
        return self._post(
            BreakGlassUse,
            "referrals",
            referral_id,
            "break-glass",
            value=opening,
            key=key or new_key(),
        )

    @listing
    def find(self) -> Items[BreakGlassUse]:
        """Every use that one may look at, newest first; pages are read as they are needed.

        Those of one's own unit, or those that one's institution was named to review.
        """
        cursor = None
        while True:
            page = yield from self._get(BreakGlassPage, "break-glass", cursor=cursor)
            for use in page.uses:
                yield Give(use)
            cursor = page.next_cursor
            if cursor is None:
                return

    @operation
    def review(self, use_id: str, review: Input) -> Plan[BreakGlassUse]:
        """What a second person found. Repeating it changes nothing.

        Args:
            use_id: Of a use that was not reviewed yet.
            review: A `BreakGlassReview`.

        Raises:
            IllegalTransitionError: It was reviewed otherwise.
            NotFoundError: Absent, or not yours.
            RelevoProblemError: `reviewer_not_independent`: it is whoever opened it, or somebody who was
                alone is reviewed by her own institution.
        """
        return self._post(BreakGlassUse, "break-glass", use_id, "review", value=review)
