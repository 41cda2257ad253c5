"""Domain rule 16: notices on paper keep a grace of 30 days when a new version appears, unless recalled."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.children import post
from tests.support.institutions import SHELTER, START
from tests.support.node_requests import a_consent
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio

FIRST = START - timedelta(days=90)
DIGESTS = {"3": "3" * 64, "4": "4" * 64}


async def published(member: Member, version: str, at: datetime, language: str = "es") -> Any:
    notice = {
        "id": "general",
        "version": version,
        "language": language,
        "sha256": DIGESTS[version],
        "published_at": at.isoformat(),
    }
    return await post(member, "/v1/notices", notice)


async def recorded(member: Member, now: datetime = START, **changes: Any) -> Any:
    notice = a_consent(now)["notice"] | {"sha256": DIGESTS["3"]} | changes
    return await post(member, "/v1/consents", a_consent(now, notice=notice))


@pytest.mark.parametrize(
    ("days", "standing"),
    [(0, "in_grace"), (29, "in_grace"), (30, None)],
)
async def test_the_version_before_counts_for_thirty_days_and_is_marked(
    on_each_database: Network, days: int, standing: str | None
) -> None:
    shelter = on_each_database.members[SHELTER]
    await published(shelter, "3", FIRST)
    assert (await recorded(shelter)).json()["notice_standing"] == "current"
    await published(shelter, "4", START)
    on_each_database.clock.advance(timedelta(days=days))
    answer = await recorded(shelter, on_each_database.clock.now)
    if standing is None:
        assert answer.json()["type"].endswith("/notice_outdated")
        assert answer.json()["current"] == "4"
        assert "Read it to her and ask again" in answer.json()["detail"]
    else:
        assert answer.json()["notice_standing"] == standing


async def test_paper_that_was_signed_before_the_new_version_came_late_and_counts(
    network: Network,
) -> None:
    shelter = network.members[SHELTER]
    await published(shelter, "3", FIRST)
    await published(shelter, "4", START)
    network.clock.advance(timedelta(days=60))
    answer = await recorded(shelter, START - timedelta(days=1))
    assert answer.json()["notice_standing"] == "current"


async def test_a_recalled_notice_counts_no_longer_without_any_grace(network: Network) -> None:
    shelter = network.members[SHELTER]
    await published(shelter, "3", FIRST)
    await published(shelter, "4", START)
    recall = {"id": "general", "version": "3", "recalled_at": START.isoformat()}
    assert (await post(shelter, "/v1/notices/recall", recall)).status_code == 200
    refused = await recorded(shelter)
    assert refused.json()["type"].endswith("/notice_recalled")
    assert refused.json()["current"] == "4"
    unknown = await post(shelter, "/v1/notices/recall", recall | {"version": "9"})
    assert unknown.status_code == 404


async def test_a_version_that_nobody_published_is_refused(network: Network) -> None:
    shelter = network.members[SHELTER]
    # Whoever keeps no register is not asked for one.
    assert (await recorded(shelter)).json()["notice_standing"] == "unregistered"
    await published(shelter, "3", FIRST)
    for other in ({"version": "9"}, {"sha256": "0" * 64}, {"language": "fr"}):
        assert (await recorded(shelter, **other)).json()["type"].endswith("/notice_unknown")
    assert (await published(shelter, "3", FIRST)).status_code == 200
