"""What became of a referral of somebody else's, by the code that its person carries."""

from relevo.contracts.identifiers import normal_reference_code
from relevo.contracts.status import Status

from .plan import M_co, Plan, operation
from .requests import Requests


class StatusQuestions(Requests[M_co]):
    """For whom the person named: a consulate, a lawyer."""

    @operation
    def ask(self, reference_code: str) -> Plan[Status]:
        """The referral's state.

        Args:
            reference_code: As the person carries it. Lower case, spaces, O for 0 and I for 1 do no harm.

        Raises:
            NotFoundError: There is no such code, or the person did not name this institution.
            ValueError: A symbol was miscopied: the check symbol does not fit. Nothing was asked.
        """
        code = normal_reference_code(reference_code)
        return self._post(Status, "status-queries", value={"reference_code": code})
