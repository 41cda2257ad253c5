"""Figures of periods that are over."""

from relevo.contracts.statistics_table import StatisticsTable

from .plan import M_co, Plan, operation
from .requests import Requests


class Statistics(Requests[M_co]):
    """They name nobody, and stay as they are."""

    @operation
    def read(self, period: str, *, by: str = "") -> Plan[StatisticsTable]:
        """A table of the referrals that began in a period.

        Args:
            period: `2025`, `2025-Q4` or `2025-12`.
            by: `pathway`, `outcome`, `case_profile`, with commas; the last two never together.

        Raises:
            RelevoProblemError: `period_not_published`: it is not over and settled.
        """
        return self._get(StatisticsTable, "statistics", period=period, by=by)
