"""What a pathway file says of senders, receivers and outcomes is kept by the sender's node and the receiver's."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from relevo.contracts.pathways import loader
from tests.support.institutions import CONSULATE, INSTITUTE, RECEPTION, SHELTER
from tests.support.node_requests import (
    COMPLETION,
    a_key,
    a_submission,
    consented,
    look,
    step,
    submitted,
)
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio
Networked = Callable[..., Network]

CONSULAR_ONLY = """\
id = "xx-consular"
version = "1"
title_en = "Started by consulates alone"
title_es = "Solo la inician los consulados"
sources = ["a test"]
countries = ["GT"]
services = ["safe_transport_accompanied", "national_id"]
receiver_mandates = ["returnee_reception"]
purposes = ["service_delivery"]
lawful_bases = ["consent"]
outcomes = ["service_delivered"]
[starts]
mandates = ["consular_protection"]
types = ["foreign_ministry"]
[[asks]]
category = "identity"
why = "To know who comes"
[[asks]]
category = "contact"
why = "To agree when"
"""
SEALED = CONSULAR_ONLY.replace("xx-consular", "xx-sealed").replace(
    'version = "1"', 'version = "1"\nsensitivity = "sealed"\nrouting_class = "sealed-protection"'
)


@pytest.fixture(autouse=True)
def _routes() -> Iterator[None]:
    loader.add({"xx-consular.toml": CONSULAR_ONLY, "xx-sealed.toml": SEALED})
    yield
    loader.forget_added()


async def sent(member: Member, **changes: Any) -> httpx.Response:
    consent = await consented(member)
    async with member.http() as http:
        return await http.post(
            "/v1/referrals", json=a_submission(consent, **changes), headers=a_key()
        )


def problem(answer: httpx.Response) -> dict[str, Any]:
    said: dict[str, Any] = answer.json()
    return said | {"name": said["type"].rpartition("/")[2]}


async def test_whoever_may_not_start_it_is_refused_and_told_the_rule(network: Network) -> None:
    answer = await sent(network.members[SHELTER], pathway="xx-consular")
    said = problem(answer)
    assert (answer.status_code, said["name"]) == (403, "sender_may_not_start")
    assert (said["mandates"], said["types"]) == (["consular_protection"], ["foreign_ministry"])
    assert (said["sender"], said["pathway"]) == (SHELTER, "xx-consular")


async def test_whoever_holds_the_mandate_starts_it(network: Network) -> None:
    answer = await sent(network.members[CONSULATE], pathway="xx-consular")
    assert answer.status_code == 201, answer.text
    await network.settle()
    assert (await look(network.members[INSTITUTE], answer.json()["id"]))["state"] == "received"


@pytest.mark.parametrize(
    ("route", "shown", "mandates"),
    [
        ("xx-consular", "xx-consular", ["consular_protection"]),
        ("xx-sealed", "sealed-protection", []),
    ],
)
async def test_the_receivers_node_checks_again_and_names_no_sealed_route(
    network: Network,
    route: str,
    shown: str,
    mandates: list[str],
) -> None:
    consulate = network.members[CONSULATE]
    answer = await sent(consulate, pathway=route)
    assert answer.status_code == 201, answer.text
    # Meanwhile it has lost the mandate that lets it start this.
    profile = consulate.registration.profile.model_copy(update={"mandates": [], "type": "other"})
    consulate.registration = consulate.registration.model_copy(update={"profile": profile})
    [refused] = [one.problem for one in await network.settle() if one.result == "refused"]
    assert refused is not None
    said = refused.model_dump()
    assert said["type"].endswith("/sender_may_not_start")
    assert (said["pathway"], said["mandates"]) == (shown, mandates)
    async with network.members[INSTITUTE].http() as http:
        assert (await http.get(f"/v1/referrals/{answer.json()['id']}")).status_code == 404


async def test_a_receiver_without_the_mandate_is_refused_and_those_who_have_it_are_offered(
    network: Network,
) -> None:
    shelter = network.members[SHELTER]
    consent = await consented(shelter, recipients=[{"party": INSTITUTE}, {"party": RECEPTION}])
    wrong = a_submission(consent, receiver="gt.igm.control")
    async with shelter.http() as http:
        alone = await http.post("/v1/referrals", json=wrong, headers=a_key())
        many = await http.post(
            "/v1/referrals/bulk", json={"items": [{"key": "a", "referral": wrong}]}
        )
    said = problem(alone)
    assert said["name"] == "receiver_lacks_mandate"
    assert said["offered"] == [INSTITUTE, RECEPTION, "gt.igm.car"]
    assert many.json()["answers"][0]["problem"]["offered"] == said["offered"]


async def test_nobody_of_a_country_that_must_not_learn_of_it_is_offered(network: Network) -> None:
    shelter = network.members[SHELTER]
    consent = await consented(shelter)
    person = a_submission(consent)["persons"][0] | {"specific_needs": ["threatened_at_origin"]}
    async with shelter.http() as http:
        answer = await http.post(
            "/v1/referrals",
            json=a_submission(consent, receiver="gt.igm.control", persons=[person]),
            headers=a_key(),
        )
    assert problem(answer)["offered"] == []


async def test_with_the_link_down_nobody_is_offered_and_the_reason_stands(network: Network) -> None:
    shelter = network.members[SHELTER]
    await sent(shelter)  # the institute is known by now
    network.down = True
    said = problem(await sent(shelter, receiver="gt.igm.control"))
    assert (said["name"], said["offered"]) == ("receiver_lacks_mandate", [])


async def test_an_outcome_outside_the_pathway_is_refused_with_those_inside(
    network: Network,
) -> None:
    referral = await submitted(network.members[SHELTER], await consented(network.members[SHELTER]))
    await network.settle()
    institute = network.members[INSTITUTE]
    for state in ("acknowledged", "accepted", "in_progress"):
        assert (await step(institute, referral, to=state)).status_code == 200
    report = COMPLETION["counter_referral"] | {"outcome": "recognised_refugee"}
    answer = await step(institute, referral, **COMPLETION | {"counter_referral": report})
    said = problem(answer)
    assert (answer.status_code, said["name"]) == (422, "invalid_input")
    assert said["errors"][0]["pointer"] == "/counter_referral/outcome"
    assert "service_delivered, partially_delivered" in said["errors"][0]["detail"]
    assert (await step(institute, referral, **COMPLETION)).status_code == 200
