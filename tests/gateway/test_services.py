"""The service directory: who can take somebody now, why the others cannot, and what it never says."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from relevo.contracts.service import LOCATION_TAXONOMY, attribute, term
from relevo.gateway.operations.membership import change_state
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.service_examples import SERVICE, SERVICE_ID
from tests.gateway.federation import Institution, RunningGateway

pytestmark = pytest.mark.asyncio

NEED = "psychological_first_aid"
MONDAY_MORNING = datetime(2026, 3, 2, 15, tzinfo=UTC)  # 09:00 in Guatemala
STREET = "7a avenida 12-34"


def a_service(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(SERVICE), **changes}


async def ask(
    gateway: RunningGateway, method: str, path: str, client: str, body: Any = None, **params: Any
) -> httpx.Response:
    return await gateway.http.request(
        method,
        gateway.gateway.settings.base_url + path,
        json=body,
        params=params,
        headers={"authorization": f"Bearer {client}"},
    )


async def put(
    gateway: RunningGateway, institution: str, client: str | None = None, **changes: Any
) -> httpx.Response:
    service = a_service(**changes)
    path = f"/v1/services/{institution}/{service['id']}"
    return await ask(gateway, "PUT", path, client or institution, {"service": service})


async def say(gateway: RunningGateway, institution: str, capacity: str, **ahead: float) -> None:
    until = (gateway.clock.now + timedelta(**(ahead or {"days": 1}))).isoformat()
    path = f"/v1/services/{institution}/{SERVICE_ID}/capacity"
    said = await ask(gateway, "PUT", path, institution, {"capacity": capacity, "until": until})
    assert said.status_code == 200, said.text


async def find(gateway: RunningGateway, client: str, **question: Any) -> dict[str, Any]:
    found = await ask(gateway, "GET", "/v1/services", client, **{"need": NEED, **question})
    assert found.status_code == 200, found.text
    page: dict[str, Any] = found.json()
    return page


async def only(gateway: RunningGateway, client: str, **question: Any) -> dict[str, Any]:
    [offer] = (await find(gateway, client, **question))["services"]
    return dict(offer)


def problem(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


@pytest_asyncio.fixture
async def open_now(gt: RunningGateway, igm: Institution, clock: FixedClock) -> RunningGateway:
    """Guatemala's institute has one service, open now, with places."""
    clock.now = MONDAY_MORNING
    put_there = await put(gt, igm.id)
    assert put_there.status_code == 201, put_there.text
    await say(gt, igm.id, "has")
    return gt


async def test_a_service_takes_somebody_now(open_now: RunningGateway, igm: Institution) -> None:
    offer = await only(open_now, igm.id, age=30, language="kek", place="GT-0101")
    assert (offer["takes"], offer["why_not"], offer["why_ask"]) == ("now", [], [])
    assert offer["capacity"] == "has"


async def test_a_document_comes_back_without_loss(
    open_now: RunningGateway, igm: Institution
) -> None:
    told = a_service(wait_time="", x_extra={"any": [1, 2.5, None, "á"]}, minimum_age=12.0)
    answer = await put(open_now, igm.id, **told)
    assert answer.status_code == 200, answer.text
    read = await ask(open_now, "GET", f"/v1/services/{igm.id}/{SERVICE_ID}", igm.id)
    assert read.json()["service"] == told


@pytest.mark.parametrize(
    ("capacity", "takes", "reason"),
    [
        ("none", "no", "no_capacity"),
        ("waiting_list", "no", "waiting_list"),
        ("assess_first", "ask", "assess_first"),
        ("unknown", "ask", "capacity_unknown"),
    ],
)
async def test_capacity_says_why(
    open_now: RunningGateway, igm: Institution, capacity: str, takes: str, reason: str
) -> None:
    await say(open_now, igm.id, capacity)
    offer = await only(open_now, igm.id, age=30)
    assert (offer["takes"], offer["why_not"] + offer["why_ask"]) == (takes, [reason])


async def test_capacity_that_no_longer_holds_is_unknown(
    open_now: RunningGateway, igm: Institution, clock: FixedClock
) -> None:
    await say(open_now, igm.id, "has", hours=1)
    clock.advance(timedelta(hours=1))
    offer = await only(open_now, igm.id, age=30)
    assert offer["capacity"] == "unknown"
    assert offer["takes"] == "ask"


async def test_what_speaks_against_it_is_named(open_now: RunningGateway, igm: Institution) -> None:
    offer = await only(
        open_now, igm.id, age=9, language="mam", place="HN-0801", mandate="gbv_services"
    )
    assert offer["takes"] == "no"
    assert offer["why_not"] == ["no_mandate", "not_eligible:age", "language", "outside_territory"]


async def test_a_closed_service_says_when_it_opens(
    open_now: RunningGateway, igm: Institution, clock: FixedClock
) -> None:
    clock.now = datetime(2026, 3, 7, 3, tzinfo=UTC)  # Friday night
    offer = await only(open_now, igm.id, age=30)
    assert "closed_now" in offer["why_not"]
    assert offer["opens_at"] == "2026-03-09T14:00:00Z"


async def test_a_suspended_institution_takes_nobody(
    open_now: RunningGateway, igm: Institution
) -> None:
    here = open_now.gateway
    here.database.write_now(change_state, here, igm.id, "suspended")
    offer = await only(open_now, igm.id, age=30)
    assert offer["why_not"] == ["suspended"]


async def test_what_nobody_confirmed_for_a_year_is_stale(
    open_now: RunningGateway, igm: Institution, clock: FixedClock
) -> None:
    listed = await ask(open_now, "GET", "/v1/services/revalidation", igm.id)
    assert listed.json() == {"services": []}
    clock.advance(timedelta(days=364))  # a Monday again
    await say(open_now, igm.id, "has")
    assert (await only(open_now, igm.id, age=30))["why_ask"] == ["stale"]
    [item] = (await ask(open_now, "GET", "/v1/services/revalidation", igm.id)).json()["services"]
    assert (item["service"], item["stale"]) == (SERVICE_ID, True)
    path = f"/v1/services/{igm.id}/{SERVICE_ID}/confirm"
    done = await ask(open_now, "POST", path, igm.id, {"confirmed_by": "Dirección"})
    assert (done.status_code, done.json()["confirmed_by"]) == (200, "Dirección")
    assert (await only(open_now, igm.id, age=30))["takes"] == "now"


async def test_an_old_file_does_not_become_fresh(
    open_now: RunningGateway, igm: Institution
) -> None:
    put_there = await put(open_now, igm.id, assured_date="2024-01-01")
    assert put_there.json()["stale"] is True


async def test_another_country_answers_for_itself(
    open_now: RunningGateway, mx: RunningGateway, albergue: Institution
) -> None:
    assert open_now.name == "gateway.gt"
    assert (await find(mx, albergue.id))["services"] == []
    offer = await only(mx, albergue.id, country="GT", age=30)
    assert (offer["takes"], offer["gateway"]) == ("now", "gateway.gt")
    asked = len(mx.network.asked)
    await only(mx, albergue.id, country="GT", age=30)
    assert len(mx.network.asked) == asked + 1  # ours alone; the peer was not asked again
    read = await ask(mx, "GET", f"/v1/services/gt.igm/{SERVICE_ID}", albergue.id)
    assert read.json()["service"] == SERVICE
    gone = await ask(mx, "GET", "/v1/services/gt.igm/none", albergue.id)
    assert problem(gone) == "not_found"
    mx.network.down.add("gateway.gt.test")
    lost = await ask(mx, "GET", "/v1/services", albergue.id, need=NEED, country="GT")
    assert problem(lost) == "gateway_unreachable"


async def test_pages_are_whole(mx: RunningGateway, albergue: Institution) -> None:
    names = [f"s{number}" for number in range(5)]
    for name in names:
        assert (await put(mx, albergue.id, id=name)).status_code == 201
    found, cursor = [], None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = await find(mx, albergue.id, limit=2, **more)
        found += [offer["service"] for offer in page["services"]]
        cursor = page.get("next_cursor")
        if cursor is None:
            break
    assert found == names
    wrong = await ask(mx, "GET", "/v1/services", albergue.id, need=NEED, cursor="x")
    assert problem(wrong) == "invalid_input"


async def test_anybody_elses_entry_is_as_absent_as_none(
    open_now: RunningGateway, igm: Institution
) -> None:
    other = Institution("gt.otra")
    open_now.join(other)
    here = f"/v1/services/{igm.id}/{SERVICE_ID}"
    until = (open_now.clock.now + timedelta(days=1)).isoformat()
    bodies = {
        ("PUT", here): {"service": SERVICE},
        ("PUT", f"{here}/capacity"): {"capacity": "none", "until": until},
        ("POST", f"{here}/confirm"): {"confirmed_by": "Otra"},
        ("DELETE", here): None,
    }
    for (method, path), body in bodies.items():
        theirs = await ask(open_now, method, path, other.id, body)
        absent = path.replace(igm.id, "gt.nadie")
        nobodys = await ask(open_now, method, absent, other.id, body)
        assert theirs.status_code == 404
        assert theirs.json() == nobodys.json()
    assert (await only(open_now, igm.id, age=30))["takes"] == "now"
    assert (await ask(open_now, "DELETE", here, igm.id)).status_code == 204
    assert (await find(open_now, igm.id))["services"] == []


async def test_the_address_of_a_confidential_place_is_never_stored(
    open_now: RunningGateway, igm: Institution
) -> None:
    mark = {"id": "a", "taxonomy_term": {
        "id": "t", "name": "c", "description": "c", "code": "confidential", "taxonomy": LOCATION_TAXONOMY,
    }}  # fmt: skip
    address = {
        "id": "d", "address_1": STREET, "city": "Guatemala", "state_province": "Guatemala",
        "postal_code": "01001", "country": "GT", "address_type": "physical",
    }  # fmt: skip
    place = {"id": "l", "location_type": "physical", "attributes": [mark]}
    for hidden in (
        {"service_at_locations": [{"id": "x", "location": {**place, "addresses": [address]}}]},
        {"service_at_locations": [{"id": "x", "location": {**place, "latitude": 14.6}}]},
        {"service_at_locations": [{"id": "x", "location": place}], "x_more": {"city": STREET}},
        {
            "attributes": [
                attribute(SERVICE_ID, "service_type", "safe_house").model_dump(exclude_unset=True)
            ],
            "organization": {
                "id": "o", "name": "o", "description": "o",
                "locations": [{"id": "l", "location_type": "physical", "addresses": [address]}],
            },
        },
    ):  # fmt: skip
        refused = await put(open_now, igm.id, **hidden)
        assert problem(refused) == "address_never_leaves", refused.text
        assert refused.json()["errors"]
        assert STREET not in refused.text
    kept = await put(open_now, igm.id, service_at_locations=[{"id": "x", "location": place}])
    assert kept.status_code == 200
    read = await ask(open_now, "GET", f"/v1/services/{igm.id}/{SERVICE_ID}", igm.id)
    assert STREET not in read.text


async def test_no_answer_depends_on_an_unlisted_house(
    mx: RunningGateway, casa: Institution
) -> None:
    listed = Institution("mx.ong", mandates=["gbv_services"])
    mx.join(listed)
    before = await find(mx, casa.id, need="safe_house")
    assert before == {"services": [], "ask": ["mx.ong"], "next_cursor": None}
    house = Institution("mx.refugio", mandates=["gbv_services"], type="shelter")
    mx.join(house)
    refused = await put(mx, house.id)
    assert problem(refused) == "service_unlisted"
    unlisted = term("service_type", "safe_house").model_dump(exclude_unset=True)
    unlisted |= {"code": "unlisted", "taxonomy": LOCATION_TAXONOMY}
    place = {
        "id": "l",
        "location_type": "physical",
        "attributes": [{"id": "a", "taxonomy_term": unlisted}],
    }
    named = await put(mx, listed.id, service_at_locations=[{"id": "x", "location": place}])
    assert problem(named) == "service_unlisted"
    assert await find(mx, casa.id, need="safe_house") == before
    assert (await find(mx, casa.id, need="primary_health"))["ask"] == []


async def test_names_of_persons_are_refused(mx: RunningGateway, albergue: Institution) -> None:
    refused = await put(mx, albergue.id, contacts=[{"id": "c", "name": "Ana Pérez"}])
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/service/contacts/0/name"]
    assert "Ana" not in refused.text


async def test_faults_are_pointed_at(mx: RunningGateway, albergue: Institution) -> None:
    wrong = attribute(SERVICE_ID, "service_type", NEED).model_dump(exclude_unset=True)
    wrong["taxonomy_term"] = {**wrong["taxonomy_term"], "code": "no_such"}
    for changes, pointer in (
        ({"attributes": [wrong]}, "/service/attributes/0/taxonomy_term/code"),
        ({"status": "perhaps"}, "/service/status"),
        ({"languages": [{"name": "español"}]}, "/service/languages/0/id"),
    ):
        refused = await put(mx, albergue.id, **changes)
        assert pointer in [error["pointer"] for error in refused.json()["errors"]]
    other = await ask(
        mx, "PUT", f"/v1/services/{albergue.id}/else", albergue.id, {"service": SERVICE}
    )
    assert other.json()["errors"][0]["pointer"] == "/service/id"


async def test_a_path_leads_nowhere_else(mx: RunningGateway, albergue: Institution) -> None:
    for path in ("..%2f..%2finstitutions", "%2e%2e", "a%00b", "a%2Fb", "-a", "a" * 101):
        answer = await ask(mx, "GET", f"/v1/services/{albergue.id}/{path}", albergue.id)
        assert answer.status_code in (400, 404, 422), path
