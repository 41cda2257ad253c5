"""Withdrawals by whoever holds the paper: taken at any desk, decided where the consent is."""

from datetime import UTC, datetime

from pydantic import TypeAdapter

from relevo.contracts.identifiers import normal_reference_code
from relevo.contracts.withdrawal import (
    PendingRequest,
    PendingRequests,
    PersonSaid,
    WithdrawalTaken,
)

from .call import Call, body, path
from .plan import M_co, Plan, operation
from .requests import Requests


class WithdrawalRequests(Requests[M_co]):
    """Requests made with the paper: here by whoever stands at the desk, or on which she is asked."""

    @operation
    def ask(self, reference_code: str, pass_phrase: str) -> Plan[WithdrawalTaken]:
        """Passes on that somebody with the paper wants to withdraw. The answer is always the same.

        It is not sent again by itself when it may have arrived: a wrong phrase counts each time, and
        after three nobody is listened to for a day.

        Args:
            reference_code: As it stands on the paper. Lower case, spaces, O for 0 and I for 1 do no harm.
            pass_phrase: As she said it. Only a slow digest of it leaves the node.

        Raises:
            ValueError: A symbol was miscopied: the check symbol does not fit. Nothing was asked.
        """
        said = {"reference_code": normal_reference_code(reference_code), "pass_phrase": pass_phrase}
        call = Call(
            "POST",
            path("withdrawal-requests"),
            TypeAdapter(WithdrawalTaken),
            body(said),
            repeatable=False,
        )
        return self._session.perform(call)

    @operation
    def waiting(self) -> Plan[list[PendingRequest]]:
        """Requests on which the person must be asked herself, the oldest first, at most 200."""
        found = yield from self._get(PendingRequests, "withdrawal-requests")
        return found.requests

    @operation
    def answer(
        self, request_id: str, *, withdraws: bool, asked_at: datetime | None = None
    ) -> Plan[PendingRequest]:
        """What she said when she was asked, in person or by her own number. Again changes nothing.

        Args:
            request_id: Of a request that waits.
            withdraws: Her yes withdraws; her no leaves everything as it is.
            asked_at: When she was asked, with a time zone; now unless given.

        Raises:
            IllegalTransitionError: She said the contrary before.
            NotFoundError: Absent, or not yours.
        """
        said = PersonSaid(withdraws=withdraws, asked_at=asked_at or datetime.now(UTC))
        return self._post(PendingRequest, "withdrawal-requests", request_id, "answer", value=said)
