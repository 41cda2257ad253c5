"""Returnee records at a node: entered, read, and taken from step to step, by those whose they are."""

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relevo.contracts.lifecycles.returnee import STATES, State, steps_from
from tests.support.institutions import RECEPTION, SHELTER
from tests.support.node_requests import a_key
from tests.support.nodes import Member

pytestmark = pytest.mark.asyncio


def an_input(**changes: Any) -> dict[str, Any]:
    given_input: dict[str, Any] = {
        "identity": {
            "given_names": "Franklin",
            "family_names": ["Marín"],
            "birth_date": {"value": "1990", "precision": "year"},
            "sex": "male",
            "nationalities": ["GT"],
        },
        "walk_on": True,
    }
    return given_input | changes


async def post(
    member: Member, body: dict[str, Any], *, unit: str | None = RECEPTION, **headers: str
) -> httpx.Response:
    claims = {} if unit is None else {"unit": unit}
    async with member.http(**claims) as http:
        return await http.post("/v1/returnees", json=body, headers=headers or a_key())


async def entered(member: Member, **changes: Any) -> dict[str, Any]:
    answer = await post(member, an_input(**changes))
    assert answer.status_code == 201, answer.text
    record: dict[str, Any] = answer.json()
    return record


async def step(
    member: Member, returnee_id: str, *, unit: str = RECEPTION, **body: Any
) -> httpx.Response:
    async with member.http(unit=unit) as http:
        return await http.post(f"/v1/returnees/{returnee_id}/transitions", json=body)


async def read(member: Member, returnee_id: str, **claims: Any) -> httpx.Response:
    async with member.http(**claims) as http:
        return await http.get(f"/v1/returnees/{returnee_id}")


async def test_a_walk_on_is_entered_where_she_is(reception: Member) -> None:
    record = await entered(reception, local_reference="CRR-77")
    assert (record["state"], record["owner"], record["manifest_id"]) == ("arrived", RECEPTION, None)
    again = (await read(reception, record["id"], unit=RECEPTION)).json()
    assert again == record
    assert again["details"]["walk_on"]
    assert again["local_reference"] == "CRR-77"
    assert again["possible_next"] == list(steps_from("arrived"))


async def test_a_lost_answer_is_no_second_record(reception: Member) -> None:
    key = a_key()
    first, second = [await post(reception, an_input(), **key) for _ in range(2)]
    assert first.json() == second.json()
    other = await post(reception, an_input(walk_on=False), **key)
    assert other.json()["type"].endswith("/idempotency_key_reused")
    async with reception.http() as http:
        assert len((await http.get("/v1/returnees")).json()["returnees"]) == 1


async def test_the_steps_of_a_record_are_its_history(reception: Member) -> None:
    record = await entered(reception, state="announced")
    for to in ("arrived", "received", "closed"):
        answer = await step(reception, record["id"], to=to, note="turno A")
        assert answer.status_code == 200, answer.text
    last = answer.json()
    assert [s["state"] for s in last["history"]] == ["announced", "arrived", "received", "closed"]
    assert last["possible_next"] == []
    async with reception.http() as http:
        events = (await http.get("/v1/events")).json()["events"]
    assert [event["type"].rpartition(".returnee.")[2] for event in events] == [
        "announced",
        "state_changed",
        "state_changed",
        "state_changed",
    ]
    assert [event["data"]["event_seq"] for event in events] == [0, 1, 2, 3]
    assert set().union(*(event["data"] for event in events)) == {"id", "event_seq"}


async def test_a_step_that_is_not_possible_names_both_states(reception: Member) -> None:
    record = await entered(reception, state="announced")
    problem = (await step(reception, record["id"], to="received")).json()
    assert problem["type"].endswith("/illegal_transition")
    assert (problem["from_state"], problem["to_state"]) == ("announced", "received")


async def test_repeating_the_last_step_changes_nothing(reception: Member) -> None:
    record = await entered(reception)
    first = await step(reception, record["id"], to="received")
    assert (await step(reception, record["id"], to="received")).json() == first.json()


async def test_void_needs_a_reason(reception: Member) -> None:
    record = await entered(reception)
    answer = await step(reception, record["id"], to="void")
    assert answer.json()["type"].endswith("/reason_required")
    answer = await step(reception, record["id"], to="void", reason="identity_mismatch")
    assert answer.json()["history"][-1]["reason"] == "identity_mismatch"


async def test_another_unit_finds_nothing_and_the_institution_finds_all(reception: Member) -> None:
    record = await entered(reception)
    absent = await read(reception, "0198c7a5-8e63-7d75-9b3a-c6f7e423dd40", unit=RECEPTION)
    other = await read(reception, record["id"], unit="gt.igm.car")
    assert other.status_code == absent.status_code == 404
    assert other.json() == absent.json()
    assert (
        await step(reception, record["id"], unit="gt.igm.car", to="received")
    ).status_code == 404
    assert (await read(reception, record["id"])).status_code == 200
    async with reception.http(unit="gt.igm.car") as http:
        assert (await http.get("/v1/returnees")).json()["returnees"] == []


async def test_another_institution_is_refused(reception: Member) -> None:
    record = await entered(reception)
    answer = await read(reception, record["id"], institution=SHELTER)
    assert answer.json()["type"].endswith("/not_yours")


async def test_whoever_may_only_write_reads_nobody(reception: Member) -> None:
    record = await entered(reception)
    async with reception.http(unit=RECEPTION, scopes="returnees:write") as http:
        assert (await http.get(f"/v1/returnees/{record['id']}")).status_code == 403
        path = f"/v1/returnees/{record['id']}/transitions"
        moved = (await http.post(path, json={"to": "received"})).json()
    assert (moved["state"], moved["details"], moved["history"]) == ("received", None, [])


async def test_relatives_are_linked_from_both_sides_and_never_across_units(
    reception: Member,
) -> None:
    mother = await entered(reception)
    link = [{"relation": "parent", "returnee_id": mother["id"]}]
    child = await entered(reception, relatives=link)
    seen = (await read(reception, mother["id"], unit=RECEPTION)).json()
    assert seen["relatives"] == [{"relation": "child", "returnee_id": child["id"]}]
    answer = await post(reception, an_input(relatives=link), unit="gt.igm.car")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/relatives/0/returnee_id"


async def test_siblings_find_each_other_by_the_name_of_their_group(reception: Member) -> None:
    group = [{"kind": "sibling_group", "reference": "H1"}]
    one, other = [await entered(reception, groups=group) for _ in range(2)]
    assert other["groups"] == [{"kind": "sibling_group", "returnee_ids": [one["id"]]}]


async def test_a_page_holds_no_persons_and_the_cursor_misses_none(reception: Member) -> None:
    made = {(await entered(reception))["id"] for _ in range(5)}
    found: list[dict[str, Any]] = []
    cursor = ""
    async with reception.http(unit=RECEPTION) as http:
        while True:
            page = (await http.get(f"/v1/returnees?limit=2{cursor}")).json()
            found += page["returnees"]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        none = await http.get("/v1/returnees?state=closed")
        bad = await http.get("/v1/returnees?cursor=abc")
    assert {record["id"] for record in found} == made
    assert len(found) == 5
    assert all(record["details"] is None for record in found)
    assert none.json()["returnees"] == []
    assert bad.status_code == 422


async def test_what_does_not_fit_is_pointed_at_and_not_repeated(reception: Member) -> None:
    changes: dict[str, dict[str, Any]] = {
        "/identity/given_names": {"identity": {"given_names": "A" * 400}},
        "/specific_needs/0": {"specific_needs": ["flying"]},
        "/criminal_record": {"criminal_record": "x"},
        "/state": {"state": "closed"},
    }
    for pointer, change in changes.items():
        answer = await post(reception, an_input(**change))
        assert answer.status_code == 422
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
        assert "AAAA" not in answer.text


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wishes=st.lists(st.sampled_from(STATES), min_size=1, max_size=6))
async def test_whatever_is_asked_for_the_record_stands_where_its_table_lets_it(
    reception: Member, wishes: list[State]
) -> None:
    record = await entered(reception, state="announced")
    state: State = "announced"
    for to in wishes:
        answer = await step(reception, record["id"], to=to, reason="other")
        if to == "merged":
            assert answer.status_code == 422
        elif to == state or to in steps_from(state):
            assert answer.status_code == 200, answer.text
            state = to
        else:
            assert answer.status_code == 409
    found = (await read(reception, record["id"], unit=RECEPTION)).json()
    assert found["state"] == state
    assert found["history"][-1]["state"] == state
