"""Domain rule 15. A record is opened because somebody is in danger, ends by itself, and is reviewed elsewhere."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from relevo.node.operations.break_glass import escalate_unreviewed
from tests.support.institutions import INSTITUTE, RECEPTION, SHELTER
from tests.support.node_requests import a_key, consented
from tests.support.node_requests import submitted as submit
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio

NIGHT_SHIFT = "gt.igm.car"
OPENING: dict[str, Any] = {
    "risk": "life",
    "reason": "Convulsiona en la puerta; hay que saber qué toma.",
    "opened_by": "Turno de noche, 0417",
    "alone_on_shift": True,
    "reviewer": "gt.pdh",
    "hours": 4,
}
REVIEW = {
    "finding": "justified",
    "words": "La ambulancia llegó a tiempo.",
    "reviewed_by": "Auxiliatura",
}


async def of_another_unit(network: Network) -> str:
    """A referral that the reception unit holds."""
    shelter = network.members[SHELTER]
    referral = await submit(shelter, await consented(shelter))
    await network.settle()
    return referral


async def read(member: Member, referral: str, unit: str = NIGHT_SHIFT) -> httpx.Response:
    async with member.http(unit=unit) as http:
        return await http.get(f"/v1/referrals/{referral}")


async def opened(member: Member, referral: str, **changes: Any) -> httpx.Response:
    async with member.http(unit=NIGHT_SHIFT) as http:
        return await http.post(
            f"/v1/referrals/{referral}/break-glass", json=OPENING | changes, headers=a_key()
        )


async def review(member: Member, use: str, *, institution: str, **body: Any) -> httpx.Response:
    async with member.http(scopes="break_glass:review", institution=institution) as http:
        return await http.post(f"/v1/break-glass/{use}/review", json=REVIEW | body)


async def events_of(member: Member, unit: str) -> list[str]:
    async with member.http(unit=unit) as http:
        page = (await http.get("/v1/events?limit=500")).json()
    return [e["type"] for e in page["events"] if "break_glass" in e["type"]]


def problem(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


async def test_it_opens_for_reading_alone_and_ends_by_itself(network: Network) -> None:
    institute = network.members[INSTITUTE]
    referral = await of_another_unit(network)
    assert (await read(institute, referral)).status_code == 404
    use = await opened(institute, referral)
    assert use.status_code == 201, use.text
    assert (await read(institute, referral)).json()["persons"][0]["identity"]
    async with institute.http(unit=NIGHT_SHIFT) as http:
        path = f"/v1/referrals/{referral}"
        assert (await http.get(f"{path}/history")).status_code == 200
        step = await http.post(f"{path}/transitions", json={"to": "accepted"})
        assert step.status_code == 404
    network.clock.now += timedelta(hours=4)
    assert (await read(institute, referral)).status_code == 404
    # Whoever holds the record was told at once.
    assert await events_of(institute, RECEPTION) == ["org.relevo.break_glass.opened"]


async def test_a_reason_and_a_reviewer_of_another_institution_are_needed(network: Network) -> None:
    institute = network.members[INSTITUTE]
    referral = await of_another_unit(network)
    for changes in ({"reason": ""}, {"reviewer": None}, {"reviewer": "gt.igm.crr"}, {"hours": 25}):
        assert (await opened(institute, referral, **changes)).status_code == 422
    async with institute.http(unit=RECEPTION) as http:
        own = await http.post(
            f"/v1/referrals/{referral}/break-glass", json=OPENING, headers=a_key()
        )
    assert problem(own) == "break_glass_not_needed"
    assert (await opened(institute, "0198c7b2-3d4e-7f5a-9b6c-7d8e9f0a1b2c")).status_code == 404


async def test_for_a_night_shift_of_one_the_review_comes_from_outside(
    on_each_database: Network,
) -> None:
    network = on_each_database
    institute = network.members[INSTITUTE]
    use = (await opened(institute, await of_another_unit(network))).json()
    assert problem(await review(institute, use["id"], institution=INSTITUTE)) == (
        "reviewer_not_independent"
    )
    assert (await review(institute, use["id"], institution="gt.pnc")).status_code == 404
    done = await review(institute, use["id"], institution="gt.pdh")
    assert done.json()["state"] == "reviewed", done.text
    assert done.json()["reviewed_by_party"] == "gt.pdh"
    again = await review(institute, use["id"], institution="gt.pdh")
    assert again.status_code == 200
    other = await review(institute, use["id"], institution="gt.pdh", finding="not_justified")
    assert problem(other) == "illegal_transition"


async def test_otherwise_a_second_person_of_the_house_reviews(network: Network) -> None:
    institute = network.members[INSTITUTE]
    referral = await of_another_unit(network)
    alone = {"alone_on_shift": False, "reviewer": None}
    use = (await opened(institute, referral, **alone)).json()
    herself = await review(
        institute, use["id"], institution=INSTITUTE, reviewed_by=OPENING["opened_by"]
    )
    assert problem(herself) == "reviewer_not_independent"
    assert (await review(institute, use["id"], institution=INSTITUTE)).status_code == 200


async def test_what_nobody_reviewed_is_escalated_and_a_life_still_opens_the_record(
    on_each_database: Network,
) -> None:
    network = on_each_database
    institute = network.members[INSTITUTE]
    referral = await of_another_unit(network)
    await opened(institute, referral)
    network.clock.now += timedelta(hours=71)
    assert not await escalate_unreviewed(institute.node)
    assert "org.relevo.break_glass.unreviewed" not in await events_of(institute, RECEPTION)
    network.clock.now += timedelta(hours=2)
    await escalate_unreviewed(institute.node)
    await escalate_unreviewed(institute.node)
    for unit in (RECEPTION, NIGHT_SHIFT):
        told = await events_of(institute, unit)
        assert told.count("org.relevo.break_glass.unreviewed") == 1
    assert problem(await opened(institute, referral, risk="serious_harm")) == "review_overdue"
    assert (await opened(institute, referral)).status_code == 201


async def test_every_use_is_listed_and_none_can_be_deleted(on_each_database: Network) -> None:
    network = on_each_database
    institute = network.members[INSTITUTE]
    referral = await of_another_unit(network)
    use = (await opened(institute, referral)).json()["id"]
    await read(institute, referral)
    await read(institute, referral)
    async with institute.http() as http:
        for path in ("/v1/break-glass", f"/v1/break-glass/{use}", f"/v1/access-log/{use}"):
            assert (await http.delete(path)).status_code in {404, 405}
        listed = (await http.get("/v1/break-glass")).json()["uses"]
    assert [(one["id"], one["reads"], one["reason"]) for one in listed] == [
        (use, 2, OPENING["reason"])
    ]
    async with institute.http(scopes="break_glass:review", institution="gt.pdh") as http:
        assert len((await http.get("/v1/break-glass")).json()["uses"]) == 1
    async with institute.http(scopes="break_glass:review", institution="gt.pnc") as http:
        assert (await http.get("/v1/break-glass")).json()["uses"] == []


async def test_the_access_log_shows_every_read(on_each_database: Network) -> None:
    network = on_each_database
    institute = network.members[INSTITUTE]
    referral = await of_another_unit(network)
    use = (await opened(institute, referral)).json()["id"]
    await read(institute, referral)
    await read(institute, referral, unit=RECEPTION)
    async with institute.http() as http:
        page = (await http.get(f"/v1/access-log?subject={referral}&limit=1")).json()
        rest = (
            await http.get(f"/v1/access-log?subject={referral}&cursor={page['next_cursor']}")
        ).json()
    seen = [(e["party"], e["what"], e["break_glass"]) for e in page["entries"] + rest["entries"]]
    assert seen == [(RECEPTION, "referral", None), (NIGHT_SHIFT, "referral", use)]
    async with institute.http(scopes="referrals:read") as http:
        assert (await http.get("/v1/access-log")).status_code == 403


async def test_opening_twice_with_one_key_opens_once(network: Network) -> None:
    institute = network.members[INSTITUTE]
    path = f"/v1/referrals/{await of_another_unit(network)}/break-glass"
    key = a_key()
    async with institute.http(unit=NIGHT_SHIFT) as http:
        first = await http.post(path, json=OPENING, headers=key)
        again = await http.post(path, json=OPENING, headers=key)
    assert first.json() == again.json()
