"""What gateways keep of domain rules 7, 9, 11 and 12, whatever a node lets through."""
# ruff: noqa: F811 - fixtures are used by their names

from datetime import timedelta
from typing import Any

import pytest

from relevo.gateway.storage import deliveries
from tests.gateway.conftest import (  # noqa: F401
    albergue,
    casa,
    clock,
    fresh_database,
    gt,
    igm,
    mx,
    network,
    nodes,
)
from tests.gateway.federation import FakeNode, Institution, RunningGateway, claims_of

pytestmark = pytest.mark.asyncio


async def test_red_never_waits_for_machinery(
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    igm: Institution,
    nodes: dict[str, FakeNode],
) -> None:
    """Consent status unknown for fifteen minutes: red goes on the last known status, flagged."""
    nodes[igm.id].up = False
    red = albergue.envelope(igm.id, now=mx.clock.now, triage="red")
    yellow = albergue.envelope(igm.id, now=mx.clock.now)
    await mx.send(albergue, red, yellow)
    await mx.work()
    await gt.work()
    mx.clock.advance(timedelta(seconds=301))
    nodes[igm.id].up = True
    mx.network.down.add("gateway.mx.test")
    await gt.work()
    mx.clock.advance(timedelta(minutes=14))
    await gt.work()
    assert nodes[igm.id].envelopes == []
    mx.clock.advance(timedelta(minutes=2))
    await gt.work()
    assert nodes[igm.id].envelopes == [red]
    ids = [claims_of(jws)["jti"] for jws in (red, yellow)]
    rows = gt.gateway.database.read_now(deliveries.get_many, ids)
    assert {row.triage: row.unconfirmed for row in rows} == {"red": True, "yellow": False}


@pytest.mark.parametrize("category", ["genetic_forensic", "criminal_record"])
async def test_genetic_data_and_criminal_records_never_pass(
    mx: RunningGateway, albergue: Institution, casa: Institution, category: str
) -> None:
    grant = albergue.grant(casa.id, now=mx.clock.now, categories=[category])
    envelope = albergue.envelope(casa.id, now=mx.clock.now, categories=[category], grants=[grant])
    [answer] = await mx.send(albergue, envelope)
    assert answer.problem is not None
    assert answer.problem.type.endswith("/policy_denied")


async def test_a_complaint_reaches_units_for_victims_alone(
    mx: RunningGateway, albergue: Institution
) -> None:
    prosecutor = Institution(
        "mx.fgr",
        mandates=["legal_aid"],
        units=[
            {"id": "mx.fgr.migrantes", "name": "V", "mandates": ["criminal_justice_for_victims"]}
        ],
    )
    mx.join(prosecutor)

    def complaint(to: str, **changes: Any) -> str:
        grant = albergue.grant(to, now=mx.clock.now, purposes=["victim_justice"])
        wanted = {"purpose": "victim_justice", "grants": [grant]}
        return albergue.envelope(to, now=mx.clock.now, **(wanted | changes))

    basis = {"basis": "vital_interest", "law": "Ley 1", "authority": "FGR"}
    answers = await mx.send(
        albergue,
        complaint("mx.fgr.migrantes"),
        complaint("mx.fgr"),
        complaint("mx.fgr.migrantes", grants=[], basis=basis),
    )
    assert [answer.result for answer in answers] == ["accepted", "refused", "refused"]
    assert all(a.problem is not None and "policy_denied" in a.problem.type for a in answers[1:])


async def test_no_list_names_a_safe_house_and_who_knows_it_still_reaches_it(
    mx: RunningGateway, albergue: Institution
) -> None:
    house = Institution("mx.refugio-ceiba", mandates=["gbv_services"], type="shelter")
    mx.join(house)
    for query in ("", "?mandate=gbv_services"):
        page = (await mx.get(f"/v1/directory{query}", albergue.id)).json()
        assert house.id not in [listed["institution"] for listed in page["institutions"]]
    assert (await mx.get(f"/v1/directory/{house.id}/entry", albergue.id)).status_code == 200
    [taken] = await mx.send(albergue, albergue.envelope(house.id, now=mx.clock.now))
    assert taken.result == "accepted"
