"""Domain rule 12, no small cells: not even for who asks often, over periods that lie in one another."""

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import pytest
from sqlalchemy import delete

from relevo.contracts.scopes import Scope
from relevo.contracts.statistics_periods import parse_period
from relevo.node.storage.statistics_tables import statistics_publication
from tests.contracts.test_figures_attacked import MINIMUM, Attacker
from tests.support.institutions import INSTITUTE, RECEPTION, SHELTER
from tests.support.node_requests import consented, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio

ROUTE: Final = "gt-retorno-al-hogar"
BEGUN: Final = {"2027-01": 2, "2027-02": 4, "2027-03": 6, "2027-04": 1, "2027-05": 5}
"""How many referrals of one route began in each month."""
ASKED: Final = ["2027", "2027-Q1", "2027-Q2", *BEGUN]


async def begun(network: Network) -> None:
    shelter = network.members[SHELTER]
    for month, count in BEGUN.items():
        network.clock.now = parse_period(month).start.replace(day=9)
        consent = await consented(
            shelter,
            recipients=[{"party": RECEPTION}],
            given_at=network.clock.now.isoformat(),
            valid_from=network.clock.now.isoformat(),
            valid_until="2027-12-31T00:00:00Z",
        )
        for _ in range(count):
            await submitted(shelter, consent)
    network.clock.now = datetime(2028, 9, 1, tzinfo=UTC)


async def test_no_order_of_questions_and_no_change_of_the_setting_gives_a_small_number_away(
    networked: Callable[..., Network],
) -> None:
    network = networked(SHELTER, INSTITUTE)
    await begun(network)
    shelter = network.members[SHELTER]
    random = Random(12)  # noqa: S311 - the same questions each time
    answered = 0
    async with shelter.http(scopes=Scope.STATISTICS_READ) as http:
        for _ in range(15):
            shelter.node.database.write_now(lambda c: c.execute(delete(statistics_publication)))
            attacker = Attacker()
            attacker.learns(BEGUN, 0, 1000)
            for _ in range(8):
                kind = random.choice(["month", "quarter", "year"])
                shelter.node.settings = shelter.settings.model_copy(
                    update={"statistics_period": kind}
                )
                asked = random.choice(ASKED)
                answer = await http.get("/v1/statistics", params={"period": asked, "by": "pathway"})
                if answer.status_code == 200:
                    answered += 1
                    reads(attacker, asked, kind, answer.json())
            attacker.works_out()
            for month, count in BEGUN.items():
                least, most = attacker.known[month]
                assert least <= count <= most
                assert count >= MINIMUM or (least == 0 and most >= MINIMUM - 1), month
    assert answered > 30


def reads(attacker: Attacker, asked: str, kind: Any, table: dict[str, Any]) -> None:
    """What one answer says, to somebody who knows by which periods it was counted."""
    said = sum(row["count"] for row in table["rows"] if row["pathway"] == ROUTE)
    parts = parse_period(asked).parts(kind)
    within = [month.name for part in parts for month in part.parts("month")]
    # Each part that was too small is missing from the sum.
    attacker.learns(
        [month for month in BEGUN if month in within], said, said + (MINIMUM - 1) * len(parts)
    )
    if len(parts) == 1 and not said:
        attacker.learns([month for month in BEGUN if month in within], 0, MINIMUM - 1)
