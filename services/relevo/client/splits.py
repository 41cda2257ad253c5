"""Families that go on in two parts, for somebody's safety."""

from typing import Literal

from relevo.contracts.families import Split, SplitConfirmation

from .answers import SplitPage
from .plan import M_co, Plan, operation
from .requests import Input, Requests, new_key


class Splits(Requests[M_co]):
    """Splits that this institution decided. No referral tells of them."""

    @operation
    def make(self, referral_id: str, split: Input, *, key: str | None = None) -> Plan[Split]:
        """Lets one part of a family go on apart; the other adult is neither asked nor told.

        Args:
            referral_id: The family's referral.
            split: A `SplitRequest`: who goes, why, and their own new referral with their own consents.
            key: Idempotency key, 1 to 255 printable characters; with one of your own they are split
                once even if your system fails in between.

        Raises:
            RelevoProblemError: `second_person_needed` or `split_needs_best_interests`.
            RefusedByConsentError: One of those who go did not allow this.
            InvalidInputError: A field is wrong, or somebody else stands in the new referral.
            NotFoundError: Absent, or not yours.
        """
        return self._post(
            Split, "referrals", referral_id, "split", value=split, key=key or new_key()
        )

    @operation
    def get(self, split_id: str) -> Plan[Split]:
        """Why, by whom, until when a second person confirms, and what a sheet may say.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        return self._get(Split, "splits", split_id)

    @operation
    def newest(
        self, *, state: Literal["waiting", "confirmed", "unconfirmed"] | None = None
    ) -> Plan[list[Split]]:
        """At most 100, the newest first; `waiting` and `unconfirmed` still need a second person."""
        page = yield from self._get(SplitPage, "splits", state=state)
        return page.splits

    @operation
    def confirm(self, split_id: str, confirmed_by: str) -> Plan[Split]:
        """A second person stands behind it.

        Args:
            split_id: Of a split that waits, or that nobody confirmed within the hour.
            confirmed_by: Another desk, shift or role than who decided; never a person's name.

        Raises:
            RelevoProblemError: `second_person_needed`: it is who decided.
            NotFoundError: Absent, or not yours.
        """
        value = SplitConfirmation(confirmed_by=confirmed_by)
        return self._post(Split, "splits", split_id, "confirm", value=value)
