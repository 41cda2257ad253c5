"""Police bring somebody: they say so, and read nothing back."""

from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, select

from relevo.node.storage.tables import handover
from tests.support.institutions import INSTITUTE, RECEPTION
from tests.support.node_requests import a_key
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio

BROUGHT: dict[str, Any] = {
    "received_by": RECEPTION,
    "brought_at": "2026-03-02T08:40:00Z",
    "place": {"country": "GT", "code": "GT-1204"},
    "persons": 3,
    "age_bands": [{"band": "0-4", "persons": 1}, {"band": "18-59", "persons": 2}],
    "urgent_needs": ["primary_health"],
    "vulnerable": ["pregnant_or_lactating"],
}


def the_police(institute: Member, **claims: Any) -> httpx.AsyncClient:
    """Another institution, registered at this node's issuer for handing over alone."""
    named = {"institution": "gt.pnc", "unit": "gt.pnc.fronteras", "mandates": ["enforcement"]}
    return institute.http(scopes="handovers:submit", **(named | claims))


async def test_who_was_brought_is_read_by_the_reception_unit_alone(network: Network) -> None:
    institute = network.members[INSTITUTE]
    async with the_police(institute) as http:
        answer = await http.post("/v1/handovers", json=BROUGHT, headers=a_key())
    assert answer.status_code == 202, answer.text
    assert set(answer.json()) == {"receipt"}
    async with institute.http(unit=RECEPTION) as http:
        listed = (await http.get("/v1/handovers")).json()["handovers"]
        told = (await http.get("/v1/events")).json()["events"]
    assert [(one["persons"], one["brought_by"]) for one in listed] == [(3, "gt.pnc.fronteras")]
    assert listed[0]["brought_at"] == BROUGHT["brought_at"]
    assert listed[0]["stored_at"] != BROUGHT["brought_at"]
    assert [event["type"] for event in told] == ["org.relevo.handover.received"]
    assert set(told[0]["data"]) <= {"id", "event_seq"}
    async with institute.http(unit="gt.igm.car") as http:
        assert (await http.get("/v1/handovers")).json()["handovers"] == []
        assert (await http.get("/v1/events")).json()["events"] == []


async def test_a_unit_that_enforces_reads_nothing_back(network: Network) -> None:
    institute = network.members[INSTITUTE]
    async with the_police(institute) as http:
        await http.post("/v1/handovers", json=BROUGHT, headers=a_key())
        for path in ("/v1/handovers", "/v1/referrals", "/v1/events"):
            assert (await http.get(path)).status_code == 403
    # Not even with a scope that it never gets: a second lock on the door.
    async with institute.http(unit="gt.igm.control", mandates=["enforcement"]) as http:
        assert (await http.get("/v1/handovers")).status_code == 403


async def test_a_unit_of_the_institution_itself_hands_over_too(network: Network) -> None:
    institute = network.members[INSTITUTE]
    control = {"institution": INSTITUTE, "unit": "gt.igm.control"}
    async with the_police(institute, **control) as http:
        assert (await http.post("/v1/handovers", json=BROUGHT, headers=a_key())).status_code == 202
        to_itself = await http.post(
            "/v1/handovers", json=BROUGHT | {"received_by": "gt.igm.control"}, headers=a_key()
        )
    assert to_itself.status_code == 422


async def test_the_same_handover_counts_once(network: Network) -> None:
    institute = network.members[INSTITUTE]
    key = a_key()
    async with the_police(institute) as http:
        first = await http.post("/v1/handovers", json=BROUGHT, headers=key)
        again = await http.post("/v1/handovers", json=BROUGHT, headers=key)
        other = await http.post("/v1/handovers", json=BROUGHT | {"urgent_needs": []}, headers=key)
    assert first.json() == again.json()
    assert other.status_code == 422
    async with institute.http() as http:
        assert len((await http.get("/v1/handovers")).json()["handovers"]) == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"brought_at": "2027-01-01T00:00:00Z"}, "/brought_at"),
        ({"received_by": "mx.albergue-tapachula"}, "/received_by"),
        ({"names": ["Yorgelis"]}, "/names"),
        ({"note": "sin papeles"}, "/note"),
    ],
    ids=str,
)
async def test_what_does_not_belong_in_a_handover_is_refused(
    network: Network, change: dict[str, Any], pointer: str
) -> None:
    async with the_police(network.members[INSTITUTE]) as http:
        answer = await http.post("/v1/handovers", json=BROUGHT | change, headers=a_key())
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_handovers_are_read_in_pages_and_sealed_at_rest(network: Network) -> None:
    institute = network.members[INSTITUTE]
    async with the_police(institute) as http:
        for persons in (1, 2, 3):
            said = BROUGHT | {"persons": persons, "age_bands": []}
            await http.post("/v1/handovers", json=said, headers=a_key())
            network.clock.now = network.clock.now.replace(second=persons)
    seen: list[int] = []
    cursor: dict[str, str] = {}
    async with institute.http() as http:
        while True:
            page = (await http.get("/v1/handovers", params={"limit": 1, **cursor})).json()
            seen += [one["persons"] for one in page["handovers"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
    assert seen == [3, 2, 1]

    def rows(connection: Connection) -> str:
        return repr([tuple(row) for row in connection.execute(select(handover))])

    text = institute.node.database.read_now(rows)
    assert "GT-1204" not in text
    assert "pregnant" not in text
