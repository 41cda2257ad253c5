"""Referrals: submit, read, and answer."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from relevo.contracts.cancellation import CancelRequest
from relevo.contracts.lifecycles.referral import State
from relevo.contracts.referral import (
    Appointment,
    HistoryEntry,
    Referral,
    Transition,
)
from relevo.contracts.review import Review, ReviewInput, Reviews
from relevo.contracts.withdrawal import HolderAnswer, WithdrawalAnswer

from .answers import Outcome, ReferralPage, SubmittedReferral
from .bulk import submit_in_batches
from .plan import Give, Items, M_co, Plan, listing, operation
from .requests import Input, Requests, new_key


class Referrals(Requests[M_co]):
    """What the institution sends and receives."""

    @operation
    def submit(self, referral: Input, *, key: str | None = None) -> Plan[SubmittedReferral]:
        """Refers somebody: checked against her consent at once, stored, and sent when the link allows.

        Args:
            referral: A `ReferralSubmission`.
            key: Idempotency key, 1 to 255 printable characters. Give your own, such as the record's
                number, and the same referral is stored once even if your system fails in between.

        Raises:
            RefusedByConsentError: The person did not allow this.
            InvalidInputError: A field is wrong, or one that the pathway needs is missing.
            KeyNotConfirmedError: The receiver's fingerprint was never compared.
        """
        return self._post(SubmittedReferral, "referrals", value=referral, key=key or new_key())

    @listing
    def submit_many(
        self, referrals: Iterable[Input], *, key: Callable[[Any], str] | None = None
    ) -> Items[Outcome]:
        """Refers many, in batches; gives what became of each, in their order.

        Each is answered on its own, and the good ones are kept whatever the others are.

        Args:
            referrals: `ReferralSubmission`s; read as they are needed.
            key: Idempotency key of one of them. With keys of your own you can send all of them again
                after a failure, and none is stored twice.
        """
        return submit_in_batches(self._session, referrals, key)

    @operation
    def get(self, referral_id: str) -> Plan[Referral]:
        """A referral, with what this side holds of its persons.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        return self._get(Referral, "referrals", referral_id)

    @operation
    def history(self, referral_id: str) -> Plan[list[HistoryEntry]]:
        """Every event of a referral, in order.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        return self._get(list[HistoryEntry], "referrals", referral_id, "history")

    @listing
    def find(
        self,
        *,
        role: Literal["sender", "receiver"] | None = None,
        state: State | None = None,
        overdue: bool | None = None,
    ) -> Items[Referral]:
        """Referrals, newest first, without their persons; pages are read as they are needed.

        Args:
            role: Which side this institution is; both otherwise.
            state: Only those in this state.
            overdue: Only those past a deadline, the longest overdue first; or only those that are not.
        """
        late = None if overdue is None else str(overdue).lower()
        cursor = None
        while True:
            page = yield from self._get(
                ReferralPage, "referrals", role=role, state=state, overdue=late, cursor=cursor
            )
            for referral in page.referrals:
                yield Give(referral)
            cursor = page.next_cursor
            if cursor is None:
                return

    @operation
    def take_step(self, referral_id: str, step: Input) -> Plan[Referral]:
        """Any step of `possible_next`; the other side is told without asking.

        Args:
            referral_id: Of a referral that this institution received.
            step: A `Transition`.

        Raises:
            IllegalTransitionError: Not possible from here, or the other side's to take.
            InvalidInputError: The step needs a reason, an appointment or a counter-referral.
            NotFoundError: Absent, or not yours.
        """
        return self._step(referral_id, step)

    @operation
    def acknowledge(self, referral_id: str, *, seen_by: str | None = None) -> Plan[Referral]:
        """A person saw it. Raises as `take_step` does.

        Args:
            referral_id: Of a referral that this institution received.
            seen_by: Desk or shift, never a person's name; the sender reads it.
        """
        return self._step(referral_id, Transition(to="acknowledged", seen_by=seen_by))

    @operation
    def accept(self, referral_id: str, *, note: str | None = None) -> Plan[Referral]:
        """This institution takes it on. Raises as `take_step` does.

        Args:
            referral_id: Of a referral that this institution received.
            note: For one's own history. Never travels.
        """
        return self._step(referral_id, Transition(to="accepted", note=note))

    @operation
    def reject(self, referral_id: str, reason: str, *, note: str | None = None) -> Plan[Referral]:
        """This institution cannot take it on. Raises as `take_step` does.

        Args:
            referral_id: Of a referral that this institution received.
            reason: A code of the list `reason`, such as `no_capacity`.
            note: For one's own history. Never travels.
        """
        return self._step(referral_id, Transition(to="rejected", reason=reason, note=note))

    @operation
    def waitlist(self, referral_id: str, *, reason: str | None = None) -> Plan[Referral]:
        """There is no place yet. Raises as `take_step` does."""
        return self._step(referral_id, Transition(to="waitlisted", reason=reason))

    @operation
    def ask(self, referral_id: str, questions: Iterable[Input]) -> Plan[Referral]:
        """What is missing before one can decide. Raises as `take_step` does.

        Args:
            referral_id: Of a referral that this institution received.
            questions: `Question`s: a data category, and what is asked in words that say nothing of her.
        """
        step = {"to": "info_requested", "questions": [_plain(one) for one in questions]}
        return self._step(referral_id, step)

    @operation
    def redirect(
        self, referral_id: str, reason: str, *, redirect_to: str | None = None
    ) -> Plan[Referral]:
        """Somebody else should be asked. Nothing is sent there from here. Raises as `take_step` does.

        Args:
            referral_id: Of a referral that this institution received.
            reason: A code of the list `reason`, such as `outside_territory`.
            redirect_to: Whom the sender should ask instead, such as `gt.renap`.
        """
        return self._step(
            referral_id, Transition(to="redirected", reason=reason, redirect_to=redirect_to)
        )

    @operation
    def schedule(
        self, referral_id: str, at: datetime, *, place: str | None = None
    ) -> Plan[Referral]:
        """She is expected. Raises as `take_step` does.

        Args:
            referral_id: Of a referral that this institution accepted.
            at: With a time zone.
            place: In one's own words. Sealed on the way.
        """
        return self._step(
            referral_id, Transition(to="scheduled", appointment=Appointment(at=at, place=place))
        )

    @operation
    def begin(self, referral_id: str) -> Plan[Referral]:
        """She is here, and the service begins. Raises as `take_step` does."""
        return self._step(referral_id, Transition(to="in_progress"))

    @operation
    def hold(self, referral_id: str, reason: str) -> Plan[Referral]:
        """The service rests, for a reason of the list `reason`. Raises as `take_step` does."""
        return self._step(referral_id, Transition(to="on_hold", reason=reason))

    @operation
    def complete(
        self, referral_id: str, counter_referral: Input, *, attachments: Iterable[Input] = ()
    ) -> Plan[Referral]:
        """What was needed was done. Raises as `take_step` does.

        Args:
            referral_id: Of a referral that this institution accepted.
            counter_referral: A `CounterReferral`: what was done, when, and what is still needed.
            attachments: `AttachmentInput`s: files that go back with it where consent lets them; the
                answer's `withheld` says which stayed. `person_id` is her place in the referral: "1".
        """
        return self._step(referral_id, _with_outcome("completed", counter_referral, attachments))

    @operation
    def fail(
        self,
        referral_id: str,
        reason: str,
        *,
        counter_referral: Input | None = None,
        attachments: Iterable[Input] = (),
    ) -> Plan[Referral]:
        """It could not be done, for a reason of the list `reason`. Raises as `take_step` does.

        `counter_referral` and `attachments` as for `complete`.
        """
        outcome = _with_outcome("failed", counter_referral, attachments, reason=reason)
        return self._step(referral_id, outcome)

    @operation
    def supply(
        self, referral_id: str, information: Input, *, key: str | None = None
    ) -> Plan[Referral]:
        """Answers the receiver's questions, checked and cut like a submission.

        Args:
            referral_id: Of a referral that this institution sent.
            information: An `InformationSupply`.
            key: Idempotency key, 1 to 255 printable characters; new unless given.

        Raises:
            IllegalTransitionError: Nobody asked.
            RefusedByConsentError: The person did not allow this.
            InvalidInputError: A field is wrong, or the pathway does not share it.
            NotFoundError: Absent, or not yours.
        """
        return self._post(
            Referral,
            "referrals",
            referral_id,
            "information",
            value=information,
            key=key or new_key(),
        )

    @operation
    def cancel(self, referral_id: str, reason: str) -> Plan[Referral]:
        """Asks the receiver to stop. Asking again changes nothing.

        Args:
            referral_id: Of a referral that this institution sent.
            reason: A code of the list `reason`; `entered_in_error` when it never should have been.

        Raises:
            IllegalTransitionError: It is too late for that.
            NotFoundError: Absent, or not yours.
        """
        wish = CancelRequest(reason=reason)
        return self._post(Referral, "referrals", referral_id, "cancel", value=wish)

    @operation
    def close(self, referral_id: str) -> Plan[Referral]:
        """The sender has read the outcome.

        Raises:
            IllegalTransitionError: There is no outcome yet, or this institution did not send it.
            NotFoundError: Absent, or not yours.
        """
        return self._post(Referral, "referrals", referral_id, "close")

    @operation
    def review(
        self, referral_id: str, done: str, *, at: datetime | None = None, key: str | None = None
    ) -> Plan[Review]:
        """Says that somebody looked at a referral that runs for years. The sender is told when.

        Args:
            referral_id: Of a referral that this institution received, on a pathway with reviews.
            done: What was done since, in one sentence. It stays here.
            at: When it was reviewed, with a time zone; now unless given.
            key: Idempotency key, 1 to 255 printable characters; new unless given.

        Raises:
            RelevoProblemError: `not_reviewed`: it has ended, or its pathway asks for no reviews.
            NotFoundError: Absent, or not yours.
        """
        given = ReviewInput(done=done, at=at)
        return self._post(
            Review, "referrals", referral_id, "reviews", value=given, key=key or new_key()
        )

    @operation
    def reviews(self, referral_id: str) -> Plan[list[Review]]:
        """Its reviews, the newest first. The sender sees when they were, and not what was done.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        found = yield from self._get(Reviews, "referrals", referral_id, "reviews")
        return found.reviews

    @operation
    def answer_withdrawal(
        self,
        referral_id: str,
        answer: Literal["stopped", "erased", "kept"],
        *,
        law: str | None = None,
    ) -> Plan[HolderAnswer]:
        """What this institution did with what it got of somebody who withdrew. The service may go on.

        Args:
            referral_id: Of a referral that this institution received and whose consent was withdrawn.
            answer: `stopped`, `erased` once the service has ended, or `kept` under a law.
            law: The law under which it is kept; for `kept` alone.

        Raises:
            IllegalTransitionError: Nobody withdrew, or the service that needs the data has not ended.
            NotFoundError: Absent, or not yours.
            ValueError: Kept without a law, or a law for something else. Nothing was sent.
        """
        value = WithdrawalAnswer(answer=answer, law=law)
        return self._post(HolderAnswer, "referrals", referral_id, "withdrawal-answer", value=value)

    def _step(self, referral_id: str, step: Input) -> Plan[Referral]:
        return self._post(Referral, "referrals", referral_id, "transitions", value=step)


def _with_outcome(
    to: State,
    outcome: Input | None,
    attachments: Iterable[Input],
    *,
    reason: str | None = None,
) -> dict[str, object]:
    counter_referral = None if outcome is None else _plain(outcome)
    files = [_plain(one) for one in attachments] or None
    step = {
        "to": to,
        "reason": reason,
        "counter_referral": counter_referral,
        "attachments": files,
    }
    return {name: value for name, value in step.items() if value is not None}


def _plain(value: Input) -> Mapping[str, Any]:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return value
