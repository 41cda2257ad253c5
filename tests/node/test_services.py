"""A node relays its own institution's services, and a unit's client changes the unit's alone."""

import json
from typing import Any

import pytest
from typing_extensions import override

from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.service import RevalidationList, ServiceView
from relevo.servicekit import service_examples as shown
from relevo.servicekit.http_client import RefusedError, RetryableError
from tests.support.institutions import INSTITUTE, RECEPTION
from tests.support.nodes import GatewayOfTest, Member, Network

pytestmark = pytest.mark.asyncio

PATH = f"/v1/services/gt.igm/{shown.SERVICE_ID}"
OTHER_UNIT = "gt.igm.car"


class Gateway(GatewayOfTest):
    """Holds one entry of the reception, and refuses what it is told to."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.sent: list[tuple[str, str, Any]] = []
        self.failure: Exception | None = None

    @override
    async def service(self, institution: str, service_id: str) -> ServiceView:
        view = {**shown.VIEW, "party": RECEPTION}
        return ServiceView.model_validate_json(json.dumps(view))

    @override
    async def change_service(self, method: str, path: str, body: Any) -> ServiceView:
        if self.failure is not None:
            raise self.failure
        self.sent.append((method, path, body))
        return await self.service("gt.igm", shown.SERVICE_ID)

    @override
    async def services_to_confirm(self) -> RevalidationList:
        [item] = shown.REVALIDATION["services"]
        return RevalidationList.model_validate_json(
            json.dumps({"services": [{**item, "party": RECEPTION}, {**item, "party": OTHER_UNIT}]})
        )


@pytest.fixture
def institute(alone: Network) -> Member:
    return alone.members[INSTITUTE]


@pytest.fixture
def gateway(institute: Member, alone: Network) -> Gateway:
    found = Gateway(alone)
    institute.node.gateway = found
    return found


async def test_a_document_reaches_the_gateway_whole(institute: Member, gateway: Gateway) -> None:
    document = {**shown.SERVICE, "x_more": [1, {"a": None}]}
    async with institute.http() as http:
        put = await http.put(PATH, json={"service": document})
    assert put.status_code == 200, put.text
    [(_, path, body)] = gateway.sent
    assert path == PATH.removeprefix("/v1/services/")
    assert body == {"service": document, "party": "gt.igm"}


async def test_a_unit_changes_its_own_entries_alone(institute: Member, gateway: Gateway) -> None:
    async with institute.http(unit=OTHER_UNIT) as http:
        for answer in (
            await http.put(PATH, json=shown.ENTRY),
            await http.put(f"{PATH}/capacity", json=shown.CAPACITY),
            await http.post(f"{PATH}/confirm", json=shown.CONFIRMATION),
            await http.delete(PATH),
            await http.put("/v1/services/gt.pgn/x", json={"service": {**shown.SERVICE, "id": "x"}}),
        ):
            assert answer.status_code == 404
        listed = (await http.get("/v1/services/revalidation")).json()["services"]
    assert gateway.sent == []
    assert [item["party"] for item in listed] == [OTHER_UNIT]
    async with institute.http(unit=RECEPTION) as http:
        assert (await http.put(PATH, json=shown.ENTRY)).status_code == 200
    assert gateway.sent[0][2]["party"] == RECEPTION


async def test_an_address_does_not_even_leave_the_node(institute: Member, gateway: Gateway) -> None:
    mark = {"id": "t", "name": "c", "description": "c", "code": "confidential",
            "taxonomy": "https://relevo.example/taxonomies/location"}  # fmt: skip
    marks = [{"id": "a", "taxonomy_term": mark}]
    place = {"id": "l", "location_type": "physical", "latitude": 14.6, "attributes": marks}
    hidden = {**shown.SERVICE, "service_at_locations": [{"id": "x", "location": place}]}
    async with institute.http() as http:
        refused = await http.put(PATH, json={"service": hidden})
    assert refused.json()["type"].endswith("/address_never_leaves")
    assert gateway.sent == []


async def test_what_the_gateway_refuses_is_handed_on(institute: Member, gateway: Gateway) -> None:
    fault = FieldError(pointer="/until", detail="Too late.")
    told = ProblemError("invalid_input", errors=[fault]).problem()
    async with institute.http() as http:
        for failure, name in (
            (RefusedError(told, 422), "invalid_input"),
            (RefusedError(None, 403), "gateway_unreachable"),
            (RetryableError("connect"), "gateway_unreachable"),
        ):
            gateway.failure = failure
            answer = await http.put(f"{PATH}/capacity", json=shown.CAPACITY)
            assert answer.json()["type"].endswith(f"/{name}")
            assert bool(answer.json().get("errors")) == (name == "invalid_input")
