"""Domain rules 8 and 12 at a gateway: a *mesa* and a country see figures; nobody is in them."""
# ruff: noqa: F811 - fixtures are used by their names

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select

from relevo.contracts.scopes import Scope
from relevo.gateway.storage.tables import referral_status, watch
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.database import Database
from tests.gateway.conftest import fresh_database, network  # noqa: F401
from tests.gateway.federation import Institution, Network, RunningGateway, a_gateway, claims_of

pytestmark = pytest.mark.asyncio
_ROUTE, _SEALED = "gt-izabal-health", "gt-izabal-violence"
_THERE = {
    name: Institution(f"gt.{name}", mandates=["health_care", "humanitarian_assistance"])
    for name in ("mesa-izabal", "otra", "cruzroja", "hospital")
}
_OFFICE, _FIGURES, _MESA = "gateway.gt.operator", "gateway.gt.figures", "gt.mesa-izabal"


@pytest_asyncio.fixture
async def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 2, 16, 40, tzinfo=UTC))


@pytest_asyncio.fixture
async def izabal(
    tmp_path: Path, fresh_database: Callable[[], Database], network: Network, clock: FixedClock
) -> AsyncIterator[RunningGateway]:
    """Guatemala's gateway with those who refer in Izabal and the secretariat of its *mesa*."""
    gt = a_gateway(tmp_path, fresh_database(), "GT", network, clock)
    gt.join(*_THERE.values())
    verifier: Any = gt.app.state.token_verifier
    verifier.scopes |= {
        _FIGURES: {Scope.STATISTICS_READ},
        _OFFICE: {Scope.POLICIES_ADMIN, Scope.DIRECTORY_READ},
    }
    yield gt
    await gt.aclose()


@pytest.fixture
def month(clock: FixedClock) -> str:
    return f"{clock.now:%Y-%m}"


async def watches(gt: RunningGateway, *pathways: str, by: str = "Ana Xol") -> httpx.Response:
    return await gt.http.put(
        f"{gt.gateway.settings.base_url}/v1/institutions/{_MESA}/watches",
        json={"pathways": pathways, "approved_by": by},
        headers={"authorization": f"Bearer {_OFFICE}"},
    )


async def page(gt: RunningGateway, period: str, pathway: str = _ROUTE, by: str = _MESA) -> Any:
    return await gt.get(f"/v1/coordination/{pathway}", by, period=period)


async def referred(gt: RunningGateway, how_many: int, *, pathway: str, taken: int = 0) -> list[str]:
    """Referrals from the Red Cross to the hospital, of which some were accepted the next day."""
    cross, hospital = _THERE["cruzroja"], _THERE["hospital"]
    made = [cross.envelope(hospital.id, now=gt.clock.now, pathway=pathway) for _ in range(how_many)]
    assert {answer.result for answer in await gt.send(cross, *made)} == {"accepted"}
    gt.clock.advance(timedelta(hours=20))
    steps = [
        hospital.envelope(
            cross.id,
            now=gt.clock.now,
            message_type="referral.state/1",
            pathway=pathway,
            state="accepted",
            event_seq=3,
            sub=claims["sub"],
            reference_code=claims["reference_code"],
        )
        for claims in map(claims_of, made[:taken])
    ]
    if steps:
        assert {answer.result for answer in await gt.send(hospital, *steps)} == {"accepted"}
    return [value for jws in made for value in _telling(claims_of(jws))]


def _telling(claims: dict[str, Any]) -> list[str]:
    return [claims["sub"], claims["jti"], claims["reference_code"], claims["iss"], claims["aud"]]


async def test_who_was_appointed_sees_figures_and_nobody_in_them(
    izabal: RunningGateway, month: str
) -> None:
    gt = izabal
    telling = await referred(gt, 17, pathway=_ROUTE, taken=10)
    assert (await watches(gt, _ROUTE)).json()["watches"] == [_ROUTE]
    early = await page(gt, month)
    assert early.json()["type"].endswith("period_not_published")
    gt.clock.advance(timedelta(days=61))
    found = (await page(gt, month)).json()
    assert (found["count"], found["without_outcome_percent"]) == (17, 100)
    assert found["states"] == [{"code": "in_care", "count": 10}, {"code": "waiting", "count": 7}]
    # The seven were all late. What is so of every one of them is not said.
    assert found["overdue"] == []
    assert found["times"] == [{"state": "accepted", "median": "within_1_day"}]
    assert not any(text in json.dumps(found) for text in telling)
    for by in ("", "pathway", "pathway,state", "pathway,state,clock"):
        table = await gt.get("/v1/statistics", _FIGURES, period=month, by=by)
        assert sum(row["count"] for row in table.json()["rows"]) == 17
        assert all(row["count"] >= 5 for row in table.json()["rows"])
        assert not any(text in table.text for text in telling)
    # What comes later, and asking again, changes nothing.
    await referred(gt, 3, pathway=_ROUTE)
    assert (await page(gt, month)).json() == found


async def test_everybody_else_finds_nothing_whether_there_is_such_a_route_or_not(
    izabal: RunningGateway, month: str
) -> None:
    gt = izabal
    await watches(gt, _ROUTE)
    answers = [
        await page(gt, month, by="gt.otra"),
        await page(gt, month, pathway=_SEALED),
        await page(gt, month, pathway="no-such-route"),
        await page(gt, "not-one", by="gt.otra"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    # The institution cannot say it of itself, and one that is suspended reads nothing.
    own = await gt.http.put(
        f"{gt.gateway.settings.base_url}/v1/institutions/{_MESA}/watches",
        json={"pathways": [_SEALED], "approved_by": "nosotros"},
        headers={"authorization": f"Bearer {_MESA}"},
    )
    assert own.status_code == 403
    assert (await gt.get("/v1/statistics", _MESA, period=month)).status_code == 403
    await gt.post(f"/v1/institutions/{_MESA}/suspend", _OFFICE)
    assert (await page(gt, month)).status_code == 404


async def test_who_decided_is_kept_also_when_it_ends(izabal: RunningGateway, month: str) -> None:
    gt = izabal
    unknown = await watches(gt, _ROUTE, "no-such-route")
    assert unknown.json()["errors"][0]["pointer"] == "/pathways/1"
    await watches(gt, _ROUTE)
    listed = (await gt.get("/v1/directory", _OFFICE)).json()["institutions"]
    assert {one["institution"] for one in listed if one["watches"] == [_ROUTE]} == {_MESA}
    assert (await watches(gt, by="Berta Coc")).json()["watches"] == []
    assert (await page(gt, month)).status_code == 404
    assert (await watches(gt, _ROUTE)).json()["watches"] == [_ROUTE]
    kept = gt.gateway.database.read_now(
        lambda connection: connection.execute(
            select(watch.c.appointed_by, watch.c.ended_by).order_by(watch.c.ended_by)
        ).all()
    )
    first = (f"Ana Xol ({_OFFICE})", f"Berta Coc ({_OFFICE})")
    assert sorted(map(tuple, kept), key=str) == sorted([first, (first[0], None)], key=str)


async def test_of_a_sealed_route_its_class_is_counted_by_quarter_from_ten_on(
    izabal: RunningGateway, month: str
) -> None:
    gt = izabal
    quarter = f"{gt.clock.now.year}-Q{(gt.clock.now.month + 2) // 3}"
    await watches(gt, _SEALED, "gt-child-protection-referral")
    await referred(gt, 10, pathway="sealed-health", taken=5)
    await referred(gt, 9, pathway="sealed-protection")
    gt.clock.advance(timedelta(days=130))
    assert (await page(gt, month, _SEALED)).json()["shortest"] == "quarter"
    sizes = [
        (await page(gt, quarter, pathway)).json()
        for pathway in (_SEALED, "gt-child-protection-referral")
    ]
    by_class = {one["pathway"]: one.get("count") for one in sizes}
    assert by_class == {"sealed-health": 10, "sealed-protection": None}
    assert all(not one["states"] and not one["times"] for one in sizes)
    table = (await gt.get("/v1/statistics", _FIGURES, period=quarter, by="pathway")).json()
    assert [(row["pathway"], row["count"]) for row in table["rows"]] == [("sealed-health", 10)]


async def test_a_country_reads_its_figures_as_lines_of_text_too(
    izabal: RunningGateway, month: str
) -> None:
    gt = izabal
    await referred(gt, 6, pathway=_ROUTE)
    gt.clock.advance(timedelta(days=61))
    answer = await gt.http.get(
        f"{gt.gateway.settings.base_url}/v1/statistics",
        params={"period": month, "by": "pathway"},
        headers={"authorization": f"Bearer {_FIGURES}", "accept": "text/csv"},
    )
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[1] == f"GT,{_ROUTE},,,6,,,,,,"


async def test_a_gateway_keeps_of_a_referral_when_it_began_and_how_far_it_came(
    izabal: RunningGateway,
) -> None:
    await referred(izabal, 1, pathway="sealed-health", taken=1)
    [kept] = izabal.gateway.database.read_now(
        lambda connection: [
            dict(row) for row in connection.execute(select(referral_status)).mappings()
        ]
    )
    assert (kept["pathway"], kept["steps"]) == ("sealed-health", "accepted:1200 ")
    assert set(kept) == {
        "reference_code", "referral_id", "sender", "receiver", "state", "triage", "event_seq",
        "since", "pathway", "begun_at", "steps",
    }  # fmt: skip
