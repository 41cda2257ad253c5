"""Domain rule 19. `NN` stands for unidentified remains alone; 1 January is flagged, 01.01.1900 refused."""

from typing import Any

import httpx
import pytest

from tests.support.institutions import INSTITUTE, RECEPTION, SHELTER
from tests.support.node_requests import a_key, a_person, a_submission, consented, look
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio


async def refer(member: Member, person: dict[str, Any]) -> httpx.Response:
    body = a_submission(await consented(member), persons=[person], share=["identity"])
    async with member.http() as http:
        return await http.post("/v1/referrals", json=body, headers=a_key())


async def enter(member: Member, identity: dict[str, Any]) -> httpx.Response:
    async with member.http(unit=RECEPTION) as http:
        return await http.post("/v1/returnees", json={"identity": identity}, headers=a_key())


def identity(**changes: Any) -> dict[str, Any]:
    return {"given_names": "Santos", "nationalities": ["GT"], **changes}


@pytest.mark.parametrize("name", ["NN", "N/N", "XX", "x.x.x", "Desconocido", "S/N", "LNU", "-"])
async def test_nothing_stands_for_a_living_persons_name(network: Network, name: str) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    for given in (identity(given_names=name), identity(family_names=[name])):
        answers = (await refer(shelter, a_person(identity=given)), await enter(institute, given))
        for answer in answers:
            assert answer.status_code == 422
            assert answer.json()["type"].endswith("/invalid_input")


async def test_one_name_is_enough_whichever_it_is(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    for given in (identity(), identity(given_names="Ixmatá"), identity(given_names="Catarina")):
        assert (await refer(shelter, a_person(identity=given))).status_code == 201
        assert (await enter(institute, given)).status_code == 201


async def test_unidentified_is_for_remains_alone(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    nobody_knows = identity(given_names="NN", unidentified=True)
    living = await refer(shelter, a_person(identity=nobody_knows))
    assert living.json()["type"].endswith("/unidentified_is_for_remains")
    assert (await enter(institute, nobody_knows)).status_code == 422
    remains = a_person(identity=nobody_knows, case_profile="deceased_migrant")
    sent = await refer(shelter, remains)
    assert sent.status_code == 201, sent.text
    await network.settle()
    there = await look(institute, sent.json()["id"])
    assert there["persons"][0]["identity"]["unidentified"] is True


async def test_the_first_of_january_is_kept_and_flagged(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    doubtful = identity(birth_date={"value": "1990-01-01", "precision": "day"})
    sent = await refer(shelter, a_person(identity=doubtful))
    await network.settle()
    flag = {"pointer": "/persons/0/identity/birth_date", "code": "birth_date_looks_unknown"}
    for member in (shelter, institute):
        seen = await look(member, sent.json()["id"])
        assert seen["notes"] == [flag]
        assert seen["persons"][0]["identity"]["birth_date"]["value"] == "1990-01-01"
    entered = (await enter(institute, doubtful)).json()
    assert [note["pointer"] for note in entered["notes"]] == ["/details/identity/birth_date"]
    certain = identity(birth_date={"value": "1990-01-02", "precision": "day"})
    assert (await enter(institute, certain)).json()["notes"] == []


@pytest.mark.parametrize("value", ["1900-01-01", "1900", "1904-12-31"])
async def test_1900_is_refused(network: Network, value: str) -> None:
    precision = "day" if "-" in value else "year"
    invented = identity(birth_date={"value": value, "precision": precision})
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    for answer in (
        await refer(shelter, a_person(identity=invented)),
        await enter(institute, invented),
    ):
        assert answer.status_code == 422
        assert value not in answer.text
