"""People who return: their records, from the list that announces them to the day they are received."""

from datetime import datetime

from relevo.contracts.candidates import Candidates
from relevo.contracts.lifecycles.returnee import State
from relevo.contracts.returnee import (
    Merge,
    MergeGround,
    ReturneeRecord,
    ReturneeTransition,
    Unmerge,
)

from .answers import ReturneePage
from .plan import Give, Items, M_co, Plan, listing, operation
from .requests import Input, Requests, new_key


class Returnees(Requests[M_co]):
    """The institution's own records. Entering one sends nothing anywhere."""

    @operation
    def enter(self, returnee: Input, *, key: str | None = None) -> Plan[ReturneeRecord]:
        """Enters somebody who stands on no list.

        Args:
            returnee: A `ReturneeInput`.
            key: Idempotency key, 1 to 255 printable characters; with one of your own she is entered
                once even if your system fails in between.

        Raises:
            InvalidInputError: Something does not fit the contract.
        """
        return self._post(ReturneeRecord, "returnees", value=returnee, key=key or new_key())

    @operation
    def get(self, returnee_id: str) -> Plan[ReturneeRecord]:
        """A record with what is known of her, and who belongs to her.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        return self._get(ReturneeRecord, "returnees", returnee_id)

    @listing
    def find(
        self, *, state: State | None = None, manifest_id: str | None = None
    ) -> Items[ReturneeRecord]:
        """Records, newest first, without persons; pages are read as they are needed.

        Args:
            state: Only those in this state.
            manifest_id: Only those of this list.
        """
        cursor = None
        while True:
            page = yield from self._get(
                ReturneePage, "returnees", state=state, manifest_id=manifest_id, cursor=cursor
            )
            for returnee in page.returnees:
                yield Give(returnee)
            cursor = page.next_cursor
            if cursor is None:
                return

    @operation
    def candidates(self, returnee_id: str, *, limit: int = 10) -> Plan[Candidates]:
        """Other records of the unit that may be hers, the likeliest first. Nothing is merged.

        Args:
            returnee_id: Of a record of this institution.
            limit: How many at most, up to 50.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        return self._get(Candidates, "returnees", returnee_id, "candidates", limit=str(limit))

    @operation
    def merge(
        self,
        returnee_id: str,
        into: str,
        *,
        ground: MergeGround,
        confirmed_by: str,
        note: str | None = None,
    ) -> Plan[ReturneeRecord]:
        """Says that two records are of one person. Both are kept; repeating it changes nothing.

        Args:
            returnee_id: The record that will point to the other.
            into: The record that goes on.
            ground: How it is known: `asked`, `same_paper`, `listed_twice` or `recognised`.
            confirmed_by: Desk or shift, or the role of whoever found it.
            note: For the node's own history. Never travels.

        Raises:
            IllegalTransitionError: One of them no longer goes on.
            NotFoundError: Absent, or not yours.
            RelevoProblemError: `two_people`, or `siblings_not_ruled_out`: ask her first.
        """
        said = Merge(into=into, ground=ground, confirmed_by=confirmed_by, note=note)
        return self._post(ReturneeRecord, "returnees", returnee_id, "merge", value=said)

    @operation
    def unmerge(
        self, returnee_id: str, *, confirmed_by: str, note: str | None = None
    ) -> Plan[ReturneeRecord]:
        """Says that two people were taken for one: the record stands again where it stood.

        Args:
            returnee_id: Of a merged record.
            confirmed_by: Desk or shift, or the role of whoever found it.
            note: For the node's own history. Never travels.

        Raises:
            IllegalTransitionError: It is not merged.
            NotFoundError: Absent, or not yours.
        """
        said = Unmerge(confirmed_by=confirmed_by, note=note)
        return self._post(ReturneeRecord, "returnees", returnee_id, "unmerge", value=said)

    @operation
    def take_step(self, returnee_id: str, step: Input) -> Plan[ReturneeRecord]:
        """Any step of `possible_next`; repeating the last one changes nothing.

        Args:
            returnee_id: Of a record of this institution.
            step: A `ReturneeTransition`.

        Raises:
            IllegalTransitionError: Not possible from here.
            InvalidInputError: The step needs a reason.
            NotFoundError: Absent, or not yours.
        """
        return self._step(returnee_id, step)

    @operation
    def arrive(self, returnee_id: str, *, at: datetime | None = None) -> Plan[ReturneeRecord]:
        """She is here. `at` has a time zone; now unless given. Raises as `take_step` does."""
        return self._step(returnee_id, ReturneeTransition(to="arrived", at=at))

    @operation
    def receive(self, returnee_id: str, *, at: datetime | None = None) -> Plan[ReturneeRecord]:
        """The institute has received her. `at` has a time zone; now unless given.

        From then on no list changes her record. Raises as `take_step` does.
        """
        return self._step(returnee_id, ReturneeTransition(to="received", at=at))

    def _step(self, returnee_id: str, step: Input) -> Plan[ReturneeRecord]:
        return self._post(ReturneeRecord, "returnees", returnee_id, "transitions", value=step)
