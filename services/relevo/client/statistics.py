"""Figures of periods that are over."""

from relevo.contracts.country_tables import Coordination, CountryTable
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

    @operation
    def coordination(self, pathway: str, period: str) -> Plan[Coordination]:
        """Figures of a route that the institution watches for its coordination table.

        Args:
            pathway: The route's id.
            period: `2025`, `2025-Q4` or `2025-12`.

        Raises:
            RelevoProblemError: `not_found`: nobody appointed it to; `period_not_published`.
        """
        return self._get(Coordination, "coordination", pathway, period=period)

    @operation
    def of_country(self, period: str, *, by: str = "") -> Plan[CountryTable]:
        """A country's table, asked of a gateway: the client's `node` is then the gateway's URL.

        Args:
            period: `2025`, `2025-Q4` or `2025-12`.
            by: `pathway`, `state`, `clock`, with commas; `clock` with `state` alone.

        Raises:
            RelevoProblemError: `period_not_published`: it is not over and settled.
        """
        return self._get(CountryTable, "statistics", period=period, by=by)
