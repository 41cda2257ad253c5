"""Follow-up after return: ask how somebody is, and carry that out within her own rules."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from relevo.contracts.channels import Channel
from relevo.contracts.follow_up import (
    Attempt,
    AttemptEnding,
    AttemptOpening,
    FollowUp,
    FollowUpAsk,
    FollowUpKind,
    FollowUpStep,
    Question,
)
from relevo.contracts.follow_up_calendar import FollowUpCalendar
from relevo.contracts.identifiers import normal_reference_code
from relevo.contracts.lifecycles.follow_up import State

from .answers import FollowUpPage
from .plan import Give, Items, M_co, Plan, listing, operation
from .requests import Input, Requests, new_key


class FollowUps(Requests[M_co]):
    """Those that this institution asked for, and those that it carries out."""

    @operation
    def request(
        self,
        reference_code: str,
        window_from: datetime,
        window_until: datetime,
        *,
        kind: FollowUpKind = "light_contact",
        questions: Iterable[Question] = (),
        key: str | None = None,
    ) -> Plan[FollowUp]:
        """Asks the institution that received the referral how she is.

        Args:
            reference_code: As she carries it. Lower case, spaces, O for 0 and I for 1 do no harm.
            window_from: When an attempt may begin. With a time zone.
            window_until: When the last one may; a year later at most. With a time zone.
            kind: A light contact, or a survey of how reintegration goes.
            questions: What is asked beside how she is.
            key: Idempotency key, 1 to 255 printable characters; with one of your own it is asked once
                even if your system fails in between.

        Raises:
            NotFoundError: There is no such code, or she did not agree to be followed up by this
                institution: the answer is the same.
            KeyNotConfirmedError: The holder's fingerprint was never compared.
            ValueError: A symbol was miscopied: the check symbol does not fit. Nothing was asked.
        """
        ask = FollowUpAsk(
            reference_code=normal_reference_code(reference_code),
            window_from=window_from,
            window_until=window_until,
            kind=kind,
            questions=list(questions),
        )
        return self._post(FollowUp, "follow-ups", value=ask, key=key or new_key())

    @operation
    def get(self, follow_up_id: str) -> Plan[FollowUp]:
        """A follow-up with its attempts and what this side may know of its end; never with a number.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        return self._get(FollowUp, "follow-ups", follow_up_id)

    @listing
    def find(
        self, *, role: Literal["asker", "holder"] | None = None, state: State | None = None
    ) -> Items[FollowUp]:
        """Follow-ups, newest first, without attempts; pages are read as they are needed.

        Args:
            role: Which side this institution is; both otherwise.
            state: Only those in this state.
        """
        cursor = None
        while True:
            page = yield from self._get(
                FollowUpPage, "follow-ups", role=role, state=state, cursor=cursor
            )
            for follow_up in page.follow_ups:
                yield Give(follow_up)
            cursor = page.next_cursor
            if cursor is None:
                return

    @operation
    def calendar(self, referral_id: str) -> Plan[FollowUpCalendar]:
        """When the pathway of a referral proposes to ask how she is. Nothing happens by itself.

        `none_because` says why nothing is proposed.

        Args:
            referral_id: Of a referral that this institution received.

        Raises:
            NotFoundError: Absent, or not yours; also to the sender, who follows nobody up.
        """
        return self._get(FollowUpCalendar, "referrals", referral_id, "follow-up-calendar")

    @operation
    def cancel(self, follow_up_id: str) -> Plan[FollowUp]:
        """It is no longer wished; the holder's node answers. Asking again changes nothing.

        Raises:
            IllegalTransitionError: It has ended, or this institution did not ask for it.
            NotFoundError: Absent, or not yours.
        """
        return self._post(FollowUp, "follow-ups", follow_up_id, "cancel")

    @operation
    def take_step(self, follow_up_id: str, step: Input) -> Plan[FollowUp]:
        """Any step of `possible_next`; the asker is told without asking.

        Args:
            follow_up_id: Of a follow-up that this institution carries out.
            step: A `FollowUpStep`.

        Raises:
            IllegalTransitionError: Not possible from here, or the other side's to take.
            InvalidInputError: The step needs a reason, a time or a unit.
            RelevoProblemError: `too_few_attempts` to give her up.
            NotFoundError: Absent, or not yours.
        """
        return self._step(follow_up_id, step)

    @operation
    def accept(self, follow_up_id: str) -> Plan[FollowUp]:
        """This institution will try to reach her. Raises as `take_step` does."""
        return self._step(follow_up_id, FollowUpStep(to="accepted"))

    @operation
    def decline(self, follow_up_id: str, reason: str) -> Plan[FollowUp]:
        """It cannot, for a reason of the list `reason`. Raises as `take_step` does."""
        return self._step(follow_up_id, FollowUpStep(to="declined", reason=reason))

    @operation
    def schedule(self, follow_up_id: str, at: datetime) -> Plan[FollowUp]:
        """When she will be tried, with a time zone. Raises as `take_step` does."""
        return self._step(follow_up_id, FollowUpStep(to="scheduled", scheduled_at=at))

    @operation
    def redirect(self, follow_up_id: str, unit: str) -> Plan[FollowUp]:
        """Another unit of this institution goes on with it. Raises as `take_step` does."""
        return self._step(follow_up_id, FollowUpStep(to="redirected", redirect_to=unit))

    @operation
    def attempt(
        self,
        follow_up_id: str,
        modality: Channel,
        *,
        person: int | None = None,
        number: str | None = None,
        desk: str | None = None,
        key: str | None = None,
    ) -> Plan[Attempt]:
        """Opens an attempt. The number and what to say are shown if her contact rules allow it now.

        If a rule forbids it, the attempt is recorded as `not_attempted_rule`: `forbidden_by` says which
        rule, and `next_at` when her hours allow it again.

        Args:
            follow_up_id: Of a follow-up that this institution carries out.
            modality: How she is tried, such as `call`.
            person: Which person of the referral, from 1, when there are several.
            number: Which number is meant, when several may be called.
            desk: Desk or shift, never a person's name.
            key: Idempotency key; with one of your own the same attempt is opened once.

        Raises:
            IllegalTransitionError: Not accepted yet, or ended.
            RelevoProblemError: `outside_window`.
            RefusedByConsentError: She withdrew.
            NotFoundError: Absent, or not yours.
        """
        opening = AttemptOpening(modality=modality, person=person, number=number, desk=desk)
        return self._post(
            Attempt, "follow-ups", follow_up_id, "attempts", value=opening, key=key or new_key()
        )

    @operation
    def outcome(
        self,
        follow_up_id: str,
        seq: int,
        outcome: str,
        *,
        pass_phrase: str | None = None,
        note: str | None = None,
    ) -> Plan[Attempt]:
        """What came of an attempt. Repeating it changes nothing.

        Args:
            follow_up_id: Of a follow-up that this institution carries out.
            seq: The attempt's number.
            outcome: A code of the list `attempt_outcome`, such as `no_answer`.
            pass_phrase: As she said it; needed for `answered` where she agreed on one.
            note: For one's own record. Never travels.

        Raises:
            InvalidInputError: The pass phrase is not hers.
            IllegalTransitionError: It has an outcome already.
            NotFoundError: Absent, or not yours.
        """
        ending = AttemptEnding(outcome=outcome, pass_phrase=pass_phrase, note=note)
        return self._post(
            Attempt, "follow-ups", follow_up_id, "attempts", str(seq), "outcome", value=ending
        )

    @operation
    def report(self, follow_up_id: str, report: Input) -> Plan[FollowUp]:
        """Ends it with what was learned; the asker gets what she consented to and no more.

        Args:
            follow_up_id: Of a follow-up that this institution carries out.
            report: A `FollowUpReport`.

        Raises:
            IllegalTransitionError: Nobody began it, or it has ended.
            RelevoProblemError: `answered_needed`: she was not reached.
            NotFoundError: Absent, or not yours.
        """
        return self._post(FollowUp, "follow-ups", follow_up_id, "report", value=report)

    @operation
    def alert(self, follow_up_id: str, alert: Input, *, key: str | None = None) -> Plan[FollowUp]:
        """She is not safe: ends it as `unsafe` and refers her anew, both or neither.

        Args:
            follow_up_id: Of a follow-up that this institution carries out.
            alert: A `SafetyAlert`: to whom, and on which basis.
            key: Idempotency key; new unless given.

        Raises:
            RefusedByConsentError: No consent and no basis allows the new referral.
            InvalidInputError: A field is wrong, or one that the pathway needs is missing.
            IllegalTransitionError: It has ended, or she was referred already.
            NotFoundError: Absent, or not yours.
        """
        return self._post(
            FollowUp, "follow-ups", follow_up_id, "safety-alert", value=alert, key=key or new_key()
        )

    def _step(self, follow_up_id: str, step: Input) -> Plan[FollowUp]:
        return self._post(FollowUp, "follow-ups", follow_up_id, "transitions", value=step)
