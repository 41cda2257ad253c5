"""Consents: what a person allowed, recorded where she was asked."""

from datetime import UTC, datetime
from typing import Literal

from relevo.contracts.consent import Consent, Withdrawal
from relevo.contracts.withdrawal import KeeperAnswer, WithdrawalProgress

from .plan import M_co, Plan, operation
from .requests import Input, Requests, new_key


class Consents(Requests[M_co]):
    """The institution's own consent records. They never leave its node."""

    @operation
    def record(self, consent: Input, *, key: str | None = None) -> Plan[Consent]:
        """Records what a person allowed, to whom and until when.

        Args:
            consent: A `ConsentInput`.
            key: Idempotency key, 1 to 255 printable characters; with one of your own the consent is
                recorded once even if your system fails in between.

        Raises:
            InvalidInputError: Something does not fit the contract.
        """
        return self._post(Consent, "consents", value=consent, key=key or new_key())

    @operation
    def get(self, consent_id: str) -> Plan[Consent]:
        """A consent and where it stands.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        return self._get(Consent, "consents", consent_id)

    @operation
    def withdraw(
        self,
        consent_id: str,
        *,
        said_at: datetime | None = None,
        recorded_by: str | None = None,
    ) -> Plan[Consent]:
        """Ends sharing: nothing more leaves, and everyone who received something is told.

        Asking again changes nothing.

        Args:
            consent_id: Of a consent that this institution recorded.
            said_at: When the person said so, with a time zone; now unless given.
            recorded_by: Desk or shift, never a person's name.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        said = Withdrawal(said_at=said_at or datetime.now(UTC), recorded_by=recorded_by)
        return self._post(Consent, "consents", consent_id, "withdraw", value=said)

    @operation
    def withdrawal(self, consent_id: str) -> Plan[WithdrawalProgress]:
        """What became of a withdrawal: every holder of what left, with its answer.

        One without an answer was not reached yet, or has not decided.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        return self._get(WithdrawalProgress, "consents", consent_id, "withdrawal")

    @operation
    def answer_withdrawal(
        self, consent_id: str, answer: Literal["stopped", "kept"], *, law: str | None = None
    ) -> Plan[WithdrawalProgress]:
        """What this institution did with what it knows of her itself. Sharing has stopped already.

        Args:
            consent_id: Of a consent that was withdrawn here.
            answer: `stopped`, or `kept` under a law.
            law: The law under which it is kept; for `kept` alone.

        Raises:
            IllegalTransitionError: It is not withdrawn.
            NotFoundError: Absent, or not yours.
            ValueError: Kept without a law, or a law for something else. Nothing was sent.
        """
        value = KeeperAnswer(answer=answer, law=law)
        return self._post(
            WithdrawalProgress, "consents", consent_id, "withdrawal-answer", value=value
        )
