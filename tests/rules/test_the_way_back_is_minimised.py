"""Domain rule 13. What goes back is an outcome code and services, unless she allowed more."""

import json

import pytest

from relevo.servicekit import jose
from tests.support.institutions import INSTITUTE, SHELTER
from tests.support.node_requests import (
    COMPLETION,
    a_key,
    a_submission,
    consented,
    look,
    step,
    submitted,
)
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


async def test_codes_and_dates_go_back_and_nothing_that_was_learned(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    said = "Dijo en mam que el tío golpea a la niña."
    assert (await step(institute, referral, to="accepted", note=said)).status_code == 200
    assert (await step(institute, referral, **COMPLETION, note=said)).status_code == 200
    await network.settle()
    back = await look(shelter, referral)
    assert set(back["counter_referral"]) <= {
        "outcome", "services", "remaining_needs", "ended_at", "attachments",
    }  # fmt: skip
    assert "tío" not in json.dumps(back, ensure_ascii=False)
    # The need that stands is told as a service, and that it was referred, not to whom or why.
    assert back["counter_referral"]["remaining_needs"] == [
        {"service": "child_protection", "already_referred": True}
    ]


async def test_words_have_no_place_in_it(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    await step(institute, referral, to="accepted")
    outcome = {**COMPLETION["counter_referral"], "summary": "El tío golpea a la niña."}
    refused = await step(institute, referral, to="completed", counter_referral=outcome)
    assert refused.status_code == 422
    assert "tío" not in refused.text


async def test_the_grant_for_the_way_back_covers_service_history_alone(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    for to in ({"to": "accepted"}, COMPLETION):
        await step(institute, referral, **to)
    await network.settle()
    back = [
        claims
        for claims in (jose.peek(jws)[1] for jws in network.carried)
        if claims["message_type"].startswith("counter_referral") or claims["iss"].startswith("gt.")
        if claims.get("grants")
    ]
    assert back
    for claims in back:
        assert claims["categories"] == ["service_history"]
        for grant in claims["grants"]:
            assert jose.peek(grant)[1]["categories"] == ["service_history"]


async def test_who_withdrew_is_told_about_no_more(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await consented(shelter)
    referral = await submitted(shelter, consent)
    await network.settle()
    await step(institute, referral, to="accepted")
    await network.settle()
    async with shelter.http() as http:
        withdrawal = {"said_at": network.clock.now.isoformat()}
        await http.post(f"/v1/consents/{consent}/withdraw", json=withdrawal)
    await network.settle()
    assert (await step(institute, referral, **COMPLETION)).status_code == 200
    await network.settle()
    assert (await look(shelter, referral))["counter_referral"] is None


async def test_what_a_law_sent_comes_back_as_an_outcome_code_alone(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    law = {"basis": "vital_interest", "law": "Constitución, artículo 3", "authority": SHELTER}
    async with shelter.http() as http:
        under_law = a_submission(None, basis=law, share=["identity"])
        sent = await http.post("/v1/referrals", json=under_law, headers=a_key())
    assert sent.status_code == 201, sent.text
    referral = sent.json()["id"]
    await network.settle()
    assert (await step(institute, referral, to="accepted")).status_code == 200
    assert (await step(institute, referral, **COMPLETION)).status_code == 200
    await network.settle()
    back = (await look(shelter, referral))["counter_referral"]
    assert back["outcome"] == COMPLETION["counter_referral"]["outcome"]
    assert not back.get("services")
    assert not back.get("remaining_needs")
