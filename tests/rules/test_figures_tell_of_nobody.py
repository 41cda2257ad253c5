"""Domain rule 12: no small cells. V04: figures never show who left. V06: no cell of 1."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from relevo.contracts.scopes import Scope
from relevo.node.storage.statistics_tables import counted_coarsely, profile_tally
from tests.rules.test_families_are_whole_or_safely_split import (
    DEYSI,
    KEYLA,
    NIDIA,
    a_split,
    arrived,
)
from tests.support.children import post
from tests.support.institutions import INSTITUTE, SAFE_HOUSE, SHELTER, START
from tests.support.node_requests import COMPLETION, consented, step, submitted
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio
_PERIOD = f"{START.year}-Q{(START.month + 2) // 3}"
_TABLES = ["", "pathway", "outcome", "case_profile", "pathway,outcome", "pathway,case_profile"]


def over(network: Network) -> None:
    """Lets the period end and settle."""
    network.clock.advance(timedelta(days=130))


async def figures(member: Member, by: str = "pathway", **params: str) -> dict[str, Any]:
    async with member.http(scopes=Scope.STATISTICS_READ) as http:
        answer = await http.get("/v1/statistics", params={"period": _PERIOD, "by": by, **params})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def seven(network: Network) -> list[str]:
    """Six referrals that were answered, and one that was not."""
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await consented(shelter)
    made = [await submitted(shelter, consent) for _ in range(7)]
    await network.settle()
    for referral in made[:6]:
        assert (await step(institute, referral, to="accepted")).status_code == 200
        assert (await step(institute, referral, **COMPLETION)).status_code == 200
    await network.settle()
    return made


async def test_no_figure_is_small_and_none_can_be_subtracted(on_each_database: Network) -> None:
    made = await seven(on_each_database)
    over(on_each_database)
    for member in on_each_database.members.values():
        for by in _TABLES:
            table = await figures(member, by)
            text = json.dumps(table)
            assert all(row["count"] >= 5 for row in table["rows"])
            assert sum(row["count"] for row in table["rows"]) == 7
            assert not any(referral in text for referral in made)
    outcomes = await figures(on_each_database.members[SHELTER], "pathway,outcome")
    assert [row["outcome"] for row in outcomes["rows"]] == ["not_shown"]


async def test_figures_stay_as_they_were_published(on_each_database: Network) -> None:
    made = await seven(on_each_database)
    over(on_each_database)
    shelter = on_each_database.members[SHELTER]
    before = await figures(shelter)
    assert (await step(shelter, made[0], to="closed")).status_code == 200
    await submitted(shelter, await consented(shelter, valid_until="2027-01-01T00:00:00Z"))
    assert await figures(shelter) == before


async def test_what_was_published_is_not_divided_anew(network: Network) -> None:
    shelter = network.members[SHELTER]
    await seven(network)
    over(network)
    await figures(shelter)
    shelter.node.settings = shelter.settings.model_copy(update={"statistics_period": "month"})
    async with shelter.http() as http:
        answer = await http.get(
            "/v1/statistics", params={"period": f"{START.year}-{START.month:02}"}
        )
    assert answer.json()["type"].endswith("period_not_published")


async def test_a_period_that_is_not_over_has_no_figures(network: Network) -> None:
    async with network.members[SHELTER].http() as http:
        for period in (_PERIOD, f"{START.year}-{START.month:02}", f"{START.year}"):
            answer = await http.get("/v1/statistics", params={"period": period})
            assert answer.json()["type"].endswith("period_not_published"), period
        assert (await http.get("/v1/statistics", params={"period": "soon"})).status_code == 422


async def test_only_a_client_that_was_given_it_reads_figures(network: Network) -> None:
    async with network.members[SHELTER].http(scopes=Scope.REFERRALS_READ) as http:
        answer = await http.get("/v1/statistics", params={"period": _PERIOD})
    assert answer.status_code == 403


async def test_figures_come_as_lines_of_text_too(network: Network) -> None:
    await seven(network)
    over(network)
    async with network.members[SHELTER].http() as http:
        answer = await http.get(
            "/v1/statistics",
            params={"period": _PERIOD, "by": "pathway"},
            headers={"Accept": "text/csv"},
        )
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[1] == "sent,gt-retorno-al-hogar,,,7,,"


async def test_a_split_is_in_no_route_and_in_no_counter(
    networked_on_each: Callable[..., Network],
) -> None:
    network = networked_on_each(SHELTER, INSTITUTE, SAFE_HOUSE)
    belen = network.members[INSTITUTE]
    stays = await arrived(network)
    body = await a_split(network, [NIDIA, KEYLA, DEYSI], [1, 2, 3])
    made = (await post(belen, f"/v1/referrals/{stays}/split", body)).json()
    coarse, counted = await belen.node.database.read(
        lambda connection: (
            list(connection.scalars(select(counted_coarsely.c.referral_id))),
            connection.execute(
                select(profile_tally.c.role, func.sum(profile_tally.c.count)).group_by(
                    profile_tally.c.role
                )
            ).all(),
        )
    )
    assert coarse == [made["goes"]]
    assert {row[0]: int(row[1]) for row in counted} == {"receiver": 1, "sender": 0}
    over(network)
    assert (await figures(belen))["rows"] == []


async def test_counters_of_profiles_know_no_referral(on_each_database: Network) -> None:
    shelter = on_each_database.members[SHELTER]
    referral = await submitted(shelter, await consented(shelter))
    kept = await shelter.node.database.read(
        lambda connection: [
            dict(row) for row in connection.execute(select(profile_tally)).mappings()
        ]
    )
    assert [row["count"] for row in kept] == [1]
    assert referral not in json.dumps(kept)
    assert set(kept[0]) == {"month", "role", "pathway", "case_profile", "shard", "count"}
